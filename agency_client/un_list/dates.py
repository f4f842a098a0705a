"""Dates as the list writes them, as far as they are known: days, months, years, ranges, words.

Called by the reader (are they dates?) and by the mapping. Never completes what is not known.
Source: XML Schema 1.1 part 2, date and gYear, each with an optional time zone.
"""

from __future__ import annotations

import re
from datetime import date

from agency_client.un_list.reading import Reading
from agency_client.un_list.source import Element
from comity.subjects import MIN_YEAR
from comity.v1 import notices_pb2 as pb

_ZONE = r"(?:Z|[+-]\d\d:\d\d)?"
_DAY = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)(?:T\d\d:\d\d:\d\d(?:\.\d+)?)?{_ZONE}", re.ASCII)
_YEAR = re.compile(rf"(\d{{4}}){_ZONE}", re.ASCII)
_MONTH_AND_YEAR = re.compile(r"([A-Za-z]{3,9})\.? (\d{4})", re.ASCII)
_MONTHS = (
    "january february march april may june july august september october november december"
).split()
_QUALIFIERS = {
    "EXACT": pb.DATE_QUALIFIER_EXACT,
    "APPROXIMATELY": pb.DATE_QUALIFIER_APPROXIMATE,
}


def parse_date(text: str) -> pb.CalendarDate | None:
    """The day that a text names ("1970-01-31", "1970-01-31-05:00"), or None."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(group) for group in match.groups())
    try:
        date(year, month, day)
    except ValueError:
        return None
    return pb.CalendarDate(year=year, month=month, day=day) if year >= MIN_YEAR else None


def parse_year(text: str) -> pb.CalendarDate | None:
    """The year that a text names ("1970"), or None."""
    match = _YEAR.fullmatch(text)
    if match is None or int(match[1]) < MIN_YEAR:
        return None
    return pb.CalendarDate(year=int(match[1]))


def parse_month_and_year(text: str) -> pb.CalendarDate | None:
    """The month that a text names in English ("Dec. 1981", "February 1959"), or None."""
    match = _MONTH_AND_YEAR.fullmatch(text)
    if match is None or int(match[2]) < MIN_YEAR:
        return None
    word = match[1].lower()
    for number, name in enumerate(_MONTHS, start=1):
        if name.startswith(word):
            return pb.CalendarDate(year=int(match[2]), month=number)
    return None


def partial_date(text: str) -> pb.PartialDate:
    """A date that the list gives without a qualifier: a day, a year, or only its words."""
    found = parse_date(text) or parse_year(text)
    if found is None:
        return pb.PartialDate(text=text)
    return pb.PartialDate(qualifier=pb.DATE_QUALIFIER_EXACT, date=found, text=_beyond(text, found))


def date_of_birth(reading: Reading, element: Element) -> pb.PartialDate | None:
    """The date in INDIVIDUAL_DATE_OF_BIRTH, or None where it has none that a notice can hold."""
    if element.find_text("TYPE_OF_DATE").upper() == "BETWEEN":
        found = _range(reading, element)
        if found is not None:
            return found
    known = _day_or_year(reading, element)
    note = reading.take(element, "NOTE")
    if known is None and not note:
        return None
    # A note beside no date is the date: "Dec. 1981", "40-45 years old".
    found = known or pb.PartialDate(text=note, date=parse_month_and_year(note))
    if known is not None:
        found.note = note
    found.qualifier = _qualifier(reading, element)
    return found


def _range(reading: Reading, element: Element) -> pb.PartialDate | None:
    first, last = element.find_text("FROM_YEAR"), element.find_text("TO_YEAR")
    start, end = parse_year(first), parse_year(last)
    if start is None or end is None or start.year > end.year:
        return None
    beyond = [_beyond(first, start), _beyond(last, end)]
    for tag in ("TYPE_OF_DATE", "FROM_YEAR", "TO_YEAR"):
        reading.take(element, tag)
    return pb.PartialDate(
        qualifier=pb.DATE_QUALIFIER_BETWEEN,
        date=start,
        until=end,
        text="; ".join(text for text in beyond if text),
        note=reading.take(element, "NOTE"),
    )


def _day_or_year(reading: Reading, element: Element) -> pb.PartialDate | None:
    # A year beside a day is left to the source elements.
    for tag in ("DATE", "YEAR"):
        if element.find_text(tag):
            return partial_date(reading.take(element, tag))
    return None


def _qualifier(reading: Reading, element: Element) -> pb.DateQualifier.ValueType:
    """The qualifier, where a single date can have it; another is left to the source elements."""
    found = _QUALIFIERS.get(element.find_text("TYPE_OF_DATE").upper())
    if found is None:
        return pb.DATE_QUALIFIER_UNSPECIFIED
    reading.take(element, "TYPE_OF_DATE")
    return found


def _beyond(text: str, found: pb.CalendarDate) -> str:
    """The text, where it says more than the date that was found in it (a time zone)."""
    plain = f"{found.year:04}"
    if found.day:
        plain += f"-{found.month:02}-{found.day:02}"
    return "" if text == plain else text
