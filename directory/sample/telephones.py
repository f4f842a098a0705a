"""Telephone numbers that no one has: the ranges that numbering authorities keep for fiction.

Where a country publishes none, a number of the United Kingdom's range stands in; it is no number of
that country, and plainly none. Sources: NANPA (555-0100 to 555-0199); Ofcom, Telephone numbers for
drama use; ACMA, numbers for use in creative works; ARCEP decision 2018-0881; Bundesnetzagentur,
Rufnummern fuer Medienproduktionen; PTS, telefonnummer for anvandning i bocker och filmer.
"""

from __future__ import annotations

from collections.abc import Mapping

# The fixed beginning of a range, and how many digits follow.
_RANGES: Mapping[str, tuple[str, int]] = {
    "US": ("+120255501", 2),
    "CA": ("+161355501", 2),
    "GB": ("+442079460", 3),
    "AU": ("+61255501", 3),
    "FR": ("+33199001", 3),
    "DE": ("+493023125", 3),
    "SE": ("+4684650041", 1),
}
_STAND_IN = "GB"


def invented_number(country: str, number: int) -> str:
    """An invented E.164 number for an authority of a country; equal for equal arguments."""
    beginning, digits = _RANGES.get(country, _RANGES[_STAND_IN])
    return f"{beginning}{number % 10**digits:0{digits}}"
