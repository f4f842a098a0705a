"""Office hours: open at an instant, when next, when it closes. Never reads a clock.

What counts is what the wall clock of the office shows: it is open while the reading lies in one of
the day's intervals. Where the clock is set back, a reading comes twice and both times count; where
it is set forward, readings that never come never count. Hours are taken to be valid: `timetable.py`
judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from comity.v1 import authorities_pb2 as pb

DAYS_AHEAD = 366  # an office that opens once a year is found; none that never opens is waited for
_DAY_MINUTES = 24 * 60
_SECOND = timedelta(seconds=1)
_NEVER_HOLDS = timedelta(hours=1)  # what does not change for a year is not reckoned at every look

# Minutes of the day, from the first on and before the second.
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class OpenState:
    """Whether an office is open from one instant on, and until when; None for a year and more."""

    is_open: bool
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Hours:
    """Office hours made ready: the intervals of each weekday (0 is Monday) and of special days."""

    zone: ZoneInfo
    week: Mapping[int, Sequence[Interval]]
    yearly_holidays: frozenset[tuple[int, int]]
    holidays: frozenset[date]
    special_days: Mapping[date, Sequence[Interval]]
    # What was reckoned last: it holds until the office opens or closes, and reckoning is dear.
    _known: list[OpenState] = field(default_factory=list, compare=False, repr=False)

    def intervals_on(self, day: date) -> Sequence[Interval]:
        """What the wall clock shows: special days go before holidays, holidays before the week."""
        if day in self.special_days:
            return self.special_days[day]
        if day in self.holidays or (day.month, day.day) in self.yearly_holidays:
            return ()
        return self.week.get(day.weekday(), ())

    def is_open(self, instant: datetime) -> bool:
        """Whether the office is open at an aware instant."""
        known = self._known_at(instant)
        if known is not None:
            return known.is_open
        day, minute = _reading(self.zone, instant)
        return any(opens <= minute < closes for opens, closes in self.intervals_on(day))

    def open_until(self, instant: datetime) -> tuple[bool, datetime]:
        """Whether the office is open, and an instant (UTC) until when that holds at least.

        That is the next edge of the day's hours or its end, which costs little to say.
        """
        instant = instant.astimezone(UTC)
        day, minute = _reading(self.zone, instant)
        if clock_changes(self.zone, day):
            state = self.state_at(instant)
            return state.is_open, state.until or instant + timedelta(days=1)
        intervals = self.intervals_on(day)
        is_open = any(opens <= minute < closes for opens, closes in intervals)
        edges = [edge for interval in intervals for edge in interval if edge > minute]
        into_minute = timedelta(seconds=instant.second, microseconds=instant.microsecond)
        until = timedelta(minutes=min(edges, default=_DAY_MINUTES) - minute) - into_minute
        return is_open, instant + until

    def state_at(self, instant: datetime) -> OpenState:
        """Whether the office is open at an aware instant, and until when (UTC)."""
        known = self._known_at(instant)
        if known is None:
            is_open = self.is_open(instant)
            until = self._first_change(instant, to_open=not is_open)
            known = OpenState(is_open, instant.astimezone(UTC), until)
            self._known[:] = [known]
        return known

    def _known_at(self, instant: datetime) -> OpenState | None:
        for known in self._known:
            until = known.until or known.since + _NEVER_HOLDS
            if known.since <= instant < until:
                return known
        return None

    def opens_at(self, instant: datetime) -> datetime | None:
        """The first instant (UTC) from this one on at which the office is open, within a year."""
        state = self.state_at(instant)
        return instant.astimezone(UTC) if state.is_open else state.until

    def closes_at(self, instant: datetime) -> datetime | None:
        """The first instant (UTC) after this one at which the office is closed, within a year."""
        state = self.state_at(instant)
        return state.until if state.is_open else instant.astimezone(UTC)

    def _first_change(self, instant: datetime, *, to_open: bool) -> datetime | None:
        """The state changes where an interval begins or ends, or where the clock is set."""
        if self._never_changes():
            return None
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

    def _never_changes(self) -> bool:
        """Whether every day is the same, and all of it open or none."""
        days = {tuple(self.week.get(day, ())) for day in range(7)}
        is_alike = days <= {()} or days <= {((0, _DAY_MINUTES),)}
        return is_alike and not (self.special_days or self.holidays or self.yearly_holidays)

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


@lru_cache(maxsize=1024)
def _reading(zone: ZoneInfo, instant: datetime) -> tuple[date, int]:
    """The day and its minute that a zone's clock shows: one search asks this of many offices."""
    local = instant.astimezone(zone)
    return local.date(), local.hour * 60 + local.minute


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
