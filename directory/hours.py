"""Office hours: open at an instant, when next, when it closes. Never reads a clock.

What counts is what the wall clock of the office shows: it is open while the reading lies in one of
the day's intervals. Where the clock is set back, a reading comes twice and both times count; where
it is set forward, readings that never come never count. Hours are taken to be valid: `timetable.py`
judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from comity.v1 import authorities_pb2 as pb

DAYS_AHEAD = 366  # an office that opens once a year is found; none that never opens is waited for
_DAY_MINUTES = 24 * 60
_SECOND = timedelta(seconds=1)

# Minutes of the day, from the first on and before the second.
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Hours:
    """Office hours made ready: the intervals of each weekday (0 is Monday) and of special days."""

    zone: ZoneInfo
    week: Mapping[int, Sequence[Interval]]
    yearly_holidays: frozenset[tuple[int, int]]
    holidays: frozenset[date]
    special_days: Mapping[date, Sequence[Interval]]

    def intervals_on(self, day: date) -> Sequence[Interval]:
        """What the wall clock shows: special days go before holidays, holidays before the week."""
        if day in self.special_days:
            return self.special_days[day]
        if day in self.holidays or (day.month, day.day) in self.yearly_holidays:
            return ()
        return self.week.get(day.weekday(), ())

    def is_open(self, instant: datetime) -> bool:
        """Whether the office is open at an aware instant."""
        local = instant.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return any(opens <= minute < closes for opens, closes in self.intervals_on(local.date()))

    def opens_at(self, instant: datetime) -> datetime | None:
        """The first instant (UTC) from this one on at which the office is open, within a year."""
        if self.is_open(instant):
            return instant.astimezone(UTC)
        return self._first_change(instant, to_open=True)

    def closes_at(self, instant: datetime) -> datetime | None:
        """The first instant (UTC) after this one at which the office is closed, within a year."""
        if not self.is_open(instant):
            return instant.astimezone(UTC)
        return self._first_change(instant, to_open=False)

    def _first_change(self, instant: datetime, *, to_open: bool) -> datetime | None:
        """The state changes where an interval begins or ends, or where the clock is set."""
        moment = instant.astimezone(UTC)
        # A day earlier: where the date line was crossed, a local day comes twice.
        first_day = instant.astimezone(self.zone).date() - timedelta(days=1)
        for number in range(DAYS_AHEAD + 2):
            day = first_day + timedelta(days=number)
            later = (each for each in self._changes_on(day) if each > moment)
            found = [each for each in later if self.is_open(each) is to_open]
            if found:
                return min(found)
        return None

    def _changes_on(self, day: date) -> Iterator[datetime]:
        midnight = datetime.combine(day, time(), self.zone)
        minutes = {edge for interval in self.intervals_on(day) for edge in interval}
        for minute in minutes | {0}:
            wall = midnight + timedelta(minutes=minute)
            yield wall.replace(fold=0).astimezone(UTC)
            yield wall.replace(fold=1).astimezone(UTC)
        for change in clock_changes(self.zone, day):
            if change.astimezone(self.zone).date() == day:  # those of other days come with them
                yield change


@lru_cache(maxsize=4096)
def clock_changes(zone: ZoneInfo, day: date) -> tuple[datetime, ...]:
    """The instants (UTC) around a day at which the clock of a zone is set, to the second."""
    start = datetime.combine(day, time(), UTC) - timedelta(hours=26)
    end = start + timedelta(hours=76)
    found = []
    # A zone never changes twice within six hours.
    while start < end:
        later = start + timedelta(hours=6)
        if _offset(zone, start) != _offset(zone, later):
            found.append(_change_between(zone, start, later))
        start = later
    return tuple(found)


def hours_from(message: pb.OfficeHours) -> Hours:
    """Valid office hours made ready for reckoning."""
    days = [date(h.year, h.month, h.day) for h in message.holidays if h.year]
    special = {
        date(d.date.year, d.date.month, d.date.day): _intervals(d.intervals)
        for d in message.special_days
    }
    return Hours(
        zone=ZoneInfo(message.time_zone),
        week={day.day - 1: _intervals(day.intervals) for day in message.week},
        yearly_holidays=frozenset((h.month, h.day) for h in message.holidays if not h.year),
        holidays=frozenset(days),
        special_days=special,
    )


def minute_of_day(text: str) -> int | None:
    """The minute of the day of "HH:MM", up to 24:00; None where the text is no such time."""
    hour, colon, minute = text.partition(":")
    if colon and len(hour) == len(minute) == 2 and (hour + minute).isascii():
        if not (hour + minute).isdecimal() or int(minute) > 59:
            return None
        total = int(hour) * 60 + int(minute)
        return total if total <= _DAY_MINUTES else None
    return None


def _intervals(messages: Sequence[pb.OpenInterval]) -> tuple[Interval, ...]:
    pairs = [(minute_of_day(each.opens), minute_of_day(each.closes)) for each in messages]
    return tuple((a, b) for a, b in pairs if a is not None and b is not None)


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta | None:
    return instant.astimezone(zone).utcoffset()


def _change_between(zone: ZoneInfo, start: datetime, end: datetime) -> datetime:
    before = _offset(zone, start)
    while end - start > _SECOND:
        middle = start + timedelta(seconds=(end - start) // _SECOND // 2)
        if _offset(zone, middle) == before:
            start = middle
        else:
            end = middle
    return end
