"""Days as well as they are known: the earliest and the latest that a date of a notice can mean.

Called by the conditions and by `comity.protection`. Says only what is certain: what may be either
way is no contradiction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from comity.times import datetime_from_timestamp
from comity.v1 import notices_pb2 as pb

Day = tuple[int, int, int]
Span = tuple[Day, Day]

APPROXIMATE_YEARS = 1  # an approximate date is taken to be off by at most this, either way
# A moment falls on different days around the world; a warrant bears the day of its own place.
_EARLIEST_ZONE, _LATEST_ZONE = timedelta(hours=-12), timedelta(hours=14)


def span_from(value: Any) -> Span | None:
    """The earliest and the latest day of a date or a time; None where it says no day."""
    if isinstance(value, pb.CalendarDate):
        return _calendar_span(value)
    if isinstance(value, pb.PartialDate):
        return _partial_span(value)
    moment = datetime_from_timestamp(value) if isinstance(value, Timestamp) else None
    return None if moment is None else _moment_span(moment)


def _calendar_span(date: pb.CalendarDate) -> Span | None:
    if not date.year:
        return None
    month, day = date.month, date.day
    return (date.year, month or 1, day or 1), (date.year, month or 12, day or 31)


def _partial_span(date: pb.PartialDate) -> Span | None:
    span = _calendar_span(date.date)
    if span is None:
        return None
    earliest, latest = span
    if date.qualifier == pb.DATE_QUALIFIER_BETWEEN:
        until = _calendar_span(date.until)
        latest = latest if until is None else until[1]
    elif date.qualifier == pb.DATE_QUALIFIER_APPROXIMATE:
        earliest = years_later(earliest, -APPROXIMATE_YEARS)
        latest = years_later(latest, APPROXIMATE_YEARS)
    return earliest, latest


def _moment_span(moment: datetime) -> Span | None:
    try:
        first, last = moment + _EARLIEST_ZONE, moment + _LATEST_ZONE
    except OverflowError:
        return None
    return (first.year, first.month, first.day), (last.year, last.month, last.day)


def years_later(day: Day, years: int) -> Day:
    """The same day so many years later, or before; not every one is in the calendar."""
    return day[0] + years, day[1], day[2]


def is_certainly_below(birth: Span, *, years: int, on: Span) -> bool:
    """Whether somebody is younger than so many years on a day, whichever the dates mean."""
    return years_later(birth[0], years) > on[1]


def may_be_below(birth: Span, *, years: int, on: Span) -> bool:
    """Whether somebody can be younger than so many years on a day."""
    return years_later(birth[1], years) > on[0]


def is_longer_after(value: Timestamp, start: Timestamp, *, years: int) -> bool:
    """Whether a time lies more than so many years after another."""
    moment, first = datetime_from_timestamp(value), datetime_from_timestamp(start)
    if moment is None or first is None:
        return False
    day = years_later((first.year, first.month, first.day), years)
    return (*_day_of(moment), moment.time()) > (*day, first.time())


def _day_of(moment: datetime) -> Day:
    return moment.year, moment.month, moment.day
