"""Whether office hours can be: known zone, no contradiction, no time that never comes.

A day of every week may hold times that a change of the clock leaves out or repeats; what that means
is settled in `hours.py`. On a special day such a time is a mistake, and its author can say which is
meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from comity.errors import Violation
from comity.subjects import calendar_day
from comity.v1 import authorities_pb2 as pb
from directory.hours import minute_of_day

MAX_INTERVALS = 6  # two where there is a lunch break; every look goes through them
MAX_DAYS_APART = 400  # a year of special days, or of holidays
_DAYS = frozenset(range(1, 8))
_LEAP_YEAR = 2024  # knows every day that some year has


@cache
def known_zones() -> frozenset[str]:
    """Every IANA zone that offices can be in; not the ones that only stand for an offset."""
    return frozenset(
        zone
        for zone in available_timezones()
        if zone in {"UTC"} or ("/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix")))
    )


def office_hours_violations(hours: pb.OfficeHours, field: str) -> Iterator[Violation]:
    """What is wrong with office hours, everything at once."""
    if hours.time_zone not in known_zones():
        yield Violation(
            f"{field}.time_zone",
            "is no IANA time zone such as Africa/Nairobi, in exactly this form",
        )
    for name in ("holidays", "special_days"):
        if len(getattr(hours, name)) > MAX_DAYS_APART:
            yield Violation(f"{field}.{name}", f"are more than {MAX_DAYS_APART}")
            return
    yield from _week_violations(hours, field)
    yield from _holiday_violations(hours, field)
    yield from _special_day_violations(hours, field)


def wall_time_fault(zone: ZoneInfo, day: date, minute: int) -> str | None:
    """Why a reading of the wall clock on a day is none or two; None where it is one."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return None
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        return f"does not come on {day}: the clock is set forward over it in {zone.key}"
    return f"comes twice on {day}: the clock is set back over it in {zone.key}"


def _week_violations(hours: pb.OfficeHours, field: str) -> Iterator[Violation]:
    if not hours.week:
        yield Violation(f"{field}.week", "is missing: at least one day on which the office is open")
    seen: set[int] = set()
    for number, day in enumerate(hours.week):
        path = f"{field}.week[{number}]"
        if day.day not in _DAYS:
            yield Violation(f"{path}.day", "is missing")
        elif day.day in seen:
            yield Violation(f"{path}.day", "stands twice; put all its intervals into one")
        seen.add(day.day)
        if not day.intervals:
            yield Violation(f"{path}.intervals", "is missing: leave closed days out")
        yield from _interval_violations(day.intervals, f"{path}.intervals")


def _interval_violations(intervals: Sequence[pb.OpenInterval], field: str) -> Iterator[Violation]:
    if len(intervals) > MAX_INTERVALS:
        yield Violation(field, f"are more than {MAX_INTERVALS} on a day")
        return
    previous = 0
    for number, interval in enumerate(intervals):
        path = f"{field}[{number}]"
        opens, closes = minute_of_day(interval.opens), minute_of_day(interval.closes)
        for name, minute in (("opens", opens), ("closes", closes)):
            if minute is None:
                yield Violation(f"{path}.{name}", "is no time from 00:00 to 24:00, such as 08:30")
        if opens is None or closes is None:
            continue
        if closes <= opens:
            yield Violation(
                f"{path}.closes",
                "is not after it opens; past midnight it takes two: to 24:00 and from 00:00",
            )
        if number and opens <= previous:
            yield Violation(
                f"{path}.opens",
                "is not after the end of the interval before; where they touch, make them one",
            )
        previous = max(previous, closes)


def _holiday_violations(hours: pb.OfficeHours, field: str) -> Iterator[Violation]:
    seen: set[tuple[int, int, int]] = set()
    for number, holiday in enumerate(hours.holidays):
        path = f"{field}.holidays[{number}]"
        key = (holiday.year, holiday.month, holiday.day)
        if not _is_day(holiday.year or _LEAP_YEAR, holiday.month, holiday.day):
            yield Violation(path, "is no day of the calendar")
        elif key in seen:
            yield Violation(path, "stands twice")
        seen.add(key)


def _special_day_violations(hours: pb.OfficeHours, field: str) -> Iterator[Violation]:
    zone = ZoneInfo(hours.time_zone) if hours.time_zone in known_zones() else None
    seen: set[date] = set()
    for number, special in enumerate(hours.special_days):
        path = f"{field}.special_days[{number}]"
        day = calendar_day(special.date)
        yield from _interval_violations(special.intervals, f"{path}.intervals")
        if day is None:
            yield Violation(f"{path}.date", "is no day of the calendar")
            continue
        if day in seen:
            yield Violation(f"{path}.date", "stands twice")
        seen.add(day)
        if zone is not None:
            yield from _clock_violations(special, zone, day, path=path)


def _clock_violations(
    special: pb.SpecialDay, zone: ZoneInfo, day: date, *, path: str
) -> Iterator[Violation]:
    for number, interval in enumerate(special.intervals):
        for name, text in (("opens", interval.opens), ("closes", interval.closes)):
            minute = minute_of_day(text)
            fault = None if minute is None else wall_time_fault(zone, day, minute)
            if fault is not None:
                yield Violation(f"{path}.intervals[{number}].{name}", fault)


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except (ValueError, OverflowError):
        return False
    return True
