"""Office hours and holidays as a calendar: iCalendar (RFC 5545), from the day of the export to the
end of the next year.

A week's hours are events that recur, in the office's own time zone. Holidays, special days and days
on which the clock is set are left out of them and stand by themselves, so that a calendar shows
what `hours` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from icalendar import Calendar, Event

from comity.errors import TooLarge
from comity.v1 import authorities_pb2 as pb
from directory.catalogue.names import catalogue
from directory.files.watermark import Watermark
from directory.hours import Hours, clock_changes, hours_from
from directory.rendering import localized, title_of

PRODUCT = "-//Comity//Directory//EN"
MAX_ITEMS = 20_000  # 150 entries of usual hours have some 9,000
_DAY = timedelta(days=1)


def write_calendar(
    records: Iterable[pb.AuthorityRecord], watermark: Watermark, language: str
) -> bytes:
    """One calendar with the hours of all entries.

    Raises: TooLarge where there are more events and exceptions than calendars take.
    """
    calendar = Calendar()
    items = 0
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-caldesc", watermark.text(language))
    last = date(watermark.at.year + 1, 12, 31)
    for record in records:
        for event in _Office(record.authority, watermark, language).events(last):
            items += 1 + _exception_count(event)
            if items > MAX_ITEMS:
                raise TooLarge(f"That is more than {MAX_ITEMS:,} events. Export fewer entries.")
            calendar.add_component(event)
    calendar.add_missing_timezones(first_date=watermark.at.date() - _DAY, last_date=last)
    return bytes(calendar.to_ical())


def _exception_count(event: Event) -> int:
    left_out = event.get("exdate", [])
    return len(left_out) if isinstance(left_out, list) else 1


class _Office:
    """The hours of one entry, from the day of the export on."""

    def __init__(self, authority: pb.Authority, watermark: Watermark, language: str) -> None:
        self._authority = authority
        self._language = language
        self._watermark = watermark
        self._hours: Hours = hours_from(authority.office_hours)
        self._name = title_of(authority, language)
        self._open = catalogue(language)["export"]["open"]

    def events(self, last: date) -> Iterator[Event]:
        """Everything from the day of the export to a day, that included."""
        first = self._watermark.at.astimezone(self._hours.zone).date()
        days = [first + _DAY * n for n in range((last - first).days + 1)]
        apart = [day for day in days if self._stands_apart(day)]
        for weekday in sorted(self._hours.week):
            yield from self._weekly(weekday, days, apart)
        for day in apart:
            yield from self._apart(day)

    def _stands_apart(self, day: date) -> bool:
        """Whether a day is not like others of its weekday."""
        if tuple(self._hours.intervals_on(day)) != tuple(self._hours.week.get(day.weekday(), ())):
            return True
        if not self._hours.intervals_on(day):
            return self._is_holiday(day)
        zone = self._hours.zone
        edges = (day, day + _DAY)
        return any(each.astimezone(zone).date() in edges for each in clock_changes(zone, day))

    def _is_holiday(self, day: date) -> bool:
        return day in self._hours.holidays or (day.month, day.day) in self._hours.yearly_holidays

    def _weekly(self, weekday: int, days: Sequence[date], apart: Sequence[date]) -> Iterator[Event]:
        of_weekday = [day for day in days if day.weekday() == weekday]
        left_out = [day for day in apart if day.weekday() == weekday]
        if len(left_out) == len(of_weekday):
            return
        first = next(day for day in of_weekday if day not in left_out)
        for number, (opens, closes) in enumerate(self._hours.week[weekday]):
            event = self._event(f"week-{weekday}-{number}", self._open)
            event.add("dtstart", self._at(first, opens))
            event.add("dtend", self._at(first, closes))
            until = self._at(of_weekday[-1], opens).astimezone(UTC)
            event.add("rrule", {"freq": "weekly", "until": until})
            for day in left_out:
                if day > first:
                    event.add("exdate", self._at(day, opens))
            yield event

    def _apart(self, day: date) -> Iterator[Event]:
        """A holiday all day; when it is open on a special day, or where the clock is set."""
        if self._is_holiday(day):
            event = self._event(f"holiday-{day:%Y%m%d}", self._holiday_name(day))
            event.add("dtstart", day)
            event.add("dtend", day + _DAY)
            event.add("transp", "TRANSPARENT")
            yield event
        for number, (start, end) in enumerate(self._spans(day)):
            event = self._event(f"day-{day:%Y%m%d}-{number}", self._open)
            event.add("dtstart", start)
            event.add("dtend", end)
            yield event

    def _spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """When it is open on a local day, as instants."""
        start = self._first_instant(day)
        end = self._first_instant(day + _DAY)
        while (opens := self._hours.opens_at(start)) is not None and opens < end:
            closes = min(self._hours.closes_at(opens) or end, end)
            yield opens, closes
            start = closes

    def _first_instant(self, day: date) -> datetime:
        return datetime.combine(day, time(), self._hours.zone).astimezone(UTC)

    def _at(self, day: date, minute: int) -> datetime:
        return datetime.combine(day, time(), self._hours.zone) + timedelta(minutes=minute)

    def _holiday_name(self, day: date) -> str:
        for holiday in self._authority.office_hours.holidays:
            fits = (holiday.month, holiday.day) == (day.month, day.day)
            if fits and holiday.year in (0, day.year):
                return (
                    localized(holiday.names, self._language)
                    or catalogue(self._language)["label"]["closed"]
                )
        return catalogue(self._language)["label"]["closed"]

    def _event(self, part: str, what: str) -> Event:
        event = Event()
        event.add("uid", f"{self._authority.authority_id}-{part}")
        event.add("dtstamp", self._watermark.at.astimezone(UTC))
        event.add("summary", f"{self._name}: {what}")
        return event
