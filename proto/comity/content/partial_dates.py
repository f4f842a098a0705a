"""Dates as well as they are known: the form of calendar dates, whole or in part, and of ranges.

Knows no clock: whether a date fits its case is the legal minimum's to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from comity.errors import Violation
from comity.v1 import notices_pb2 as pb

MIN_YEAR, MAX_YEAR = 1000, 9999  # four figures, as they are written


def calendar_day(value: pb.CalendarDate) -> date | None:
    """The day of a complete calendar date, or None where it is incomplete or does not exist."""
    try:
        return date(value.year, value.month, value.day)
    except ValueError:
        return None


def calendar_date_violations(value: pb.CalendarDate, field: str) -> Iterator[Violation]:
    """What is wrong with a calendar date, which may lack its day, or day and month."""
    if not MIN_YEAR <= value.year <= MAX_YEAR:
        yield Violation(f"{field}.year", "is not a year of four figures")
    if not 0 <= value.month <= 12:
        yield Violation(f"{field}.month", "is no month: 1 to 12, or 0 where it is not known")
    elif not 0 <= value.day <= 31:
        yield Violation(f"{field}.day", "is no day: 1 to 31, or 0 where it is not known")
    elif value.day and not value.month:
        yield Violation(f"{field}.month", "is missing beside a day")
    elif MIN_YEAR <= value.year <= MAX_YEAR and not _exists(value):
        yield Violation(field, "is no day of the calendar")


def whole_day_violations(value: pb.CalendarDate, field: str) -> Iterator[Violation]:
    """What a calendar date lacks that has to be a whole day. Its form is looked at elsewhere."""
    if not value.month or not value.day:
        yield Violation(field, "is no whole day: year, month and day")


def partial_date_violations(value: pb.PartialDate, field: str) -> Iterator[Violation]:
    """What is wrong with a partial date beside its calendar dates."""
    has_date = value.HasField("date")
    if not has_date and not (value.text.strip() or value.note.strip()):
        yield Violation(field, "has neither a date nor a text")
    if value.HasField("until") != (value.qualifier == pb.DATE_QUALIFIER_BETWEEN):
        yield Violation(f"{field}.until", "goes with the qualifier BETWEEN and with no other")
    elif value.HasField("until"):
        if not has_date:
            yield Violation(f"{field}.date", "is missing: where the range begins")
        if _ordinal(value.until, missing=99) < _ordinal(value.date, missing=0):
            yield Violation(f"{field}.until", "lies before the date that the range begins with")


def _exists(value: pb.CalendarDate) -> bool:
    try:
        date(value.year, value.month or 1, value.day or 1)
    except ValueError:
        return False
    return True


def _ordinal(value: pb.CalendarDate, *, missing: int) -> tuple[int, int, int]:
    return (value.year, value.month or missing, value.day or missing)


FORMS = {
    "comity.v1.CalendarDate": calendar_date_violations,
    "comity.v1.PartialDate": partial_date_violations,
}
