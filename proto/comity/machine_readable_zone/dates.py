"""Dates of a machine-readable zone: six characters, two for the year, fillers for what is unknown.

Source: ICAO Doc 9303-3 section 4.8. The century stands nowhere: a rule and a day of reference
tell it, and both come from the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from comity.machine_readable_zone.check_digits import DIGIT_FOR

UNKNOWN = "<<"
MAX_VALIDITY_YEARS = 50  # no document is valid longer: a later year is one of the century before


@dataclass(frozen=True, slots=True)
class ZoneDate:
    """A date without its century. `year` is None and month and day are 0 where not known."""

    year: int | None
    month: int
    day: int


def birth_year(birth: ZoneDate, *, reference: date) -> int | None:
    """The last year with these two figures in which the birth is not after the reference."""
    if birth.year is None:
        return None
    century = reference.year - reference.year % 100
    this = century + birth.year
    is_past = (this, birth.month, birth.day) <= (reference.year, reference.month, reference.day)
    return this if is_past else this - 100


def expiry_year(expiry: ZoneDate, *, reference: date) -> int | None:
    """The last year with these two figures that is at most 50 years after the reference."""
    if expiry.year is None:
        return None
    latest = reference.year + MAX_VALIDITY_YEARS
    return latest - (latest - expiry.year) % 100


def parse_zone_date(text: str) -> ZoneDate | str:
    """The date in six characters, or what is wrong with them."""
    if any(each.isalpha() for each in text):
        wrong = [each for each in text if each.isalpha()]
        return f"has letters where digits belong: {', '.join(map(_with_proposal, wrong))}"
    year, month, day = text[:2], text[2:4], text[4:]
    if any("<" in part and part != UNKNOWN for part in (year, month, day)):
        return "is half unknown: a part has two digits or two fillers"
    if (month == UNKNOWN and day != UNKNOWN) or (year == UNKNOWN and month != UNKNOWN):
        return "knows a part and not the one before it"
    found = ZoneDate(None if year == UNKNOWN else int(year), _known(month), _known(day))
    return found if _exists(found, month, day) else "is no day of the calendar"


def _known(part: str) -> int:
    return 0 if part == UNKNOWN else int(part)


def _exists(found: ZoneDate, month: str, day: str) -> bool:
    if month == UNKNOWN:
        return True
    # 2000 and 1900 share their figures, and only one has a 29 February: it is let pass.
    try:
        date(2000 + (found.year or 0), found.month, 1 if day == UNKNOWN else found.day)
    except ValueError:
        return False
    return True


def _with_proposal(letter: str) -> str:
    digit = DIGIT_FOR.get(letter)
    return f"{letter} ({digit}?)" if digit else letter
