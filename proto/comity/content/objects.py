"""Objects in a notice and the numbers that they bear: their form, with check digits.

Sources: ISO 3779 (VIN), IMO resolution A.1117(30) (ship numbers), ITU-R M.585 (MMSI).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from comity.content.names import country_violations
from comity.errors import Violation
from comity.v1 import notices_pb2 as pb

MADE_IN = (1800, 2100)  # years; older firearms are antiques, and no clock is asked here

_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_NOT_IN_A_VIN = {"I": "1", "O": "0", "Q": "0"}  # what is read for it
_PLATE = re.compile(r"[^\s](.{0,18}[^\s])?")
_TAIL = re.compile(r"[A-Z0-9]{1,4}-?[A-Z0-9]{1,6}")


def is_imo_number(text: str) -> bool:
    """Whether this is an IMO ship number: seven digits, the last of them the check digit."""
    if re.fullmatch(r"[0-9]{7}", text) is None:
        return False
    return imo_check_digit(text[:6]) == int(text[6])


def imo_check_digit(six_digits: str) -> int:
    """The last figure of the sum of the first six digits times 7, 6, 5, 4, 3 and 2."""
    return sum(int(digit) * (7 - place) for place, digit in enumerate(six_digits)) % 10


def vin_fault(text: str) -> str:
    """What is wrong with a vehicle identification number; empty where nothing is.

    Its check digit is demanded in North America alone and is not looked at.
    """
    if _VIN.fullmatch(text):
        return ""
    if len(text) != 17:
        return "is no VIN of 17 characters; an older chassis number is a SERIAL_NUMBER"
    wrong = [place for place, letter in enumerate(text) if not _VIN_LETTER.fullmatch(letter)]
    return "; ".join(_vin_letter_fault(text[place], place + 1) for place in wrong)


def _vin_letter_fault(letter: str, place: int) -> str:
    if letter in _NOT_IN_A_VIN:
        return f"character {place} is {letter}, which no VIN has: {_NOT_IN_A_VIN[letter]}?"
    return f"character {place} is neither a capital of A to Z nor a digit"


def _imo_fault(text: str) -> str:
    if re.fullmatch(r"[0-9]{7}", text) is None:
        return "is no IMO number: seven digits alone"
    return "" if is_imo_number(text) else "has a wrong check digit for an IMO number"


def _mmsi_fault(text: str) -> str:
    return "" if re.fullmatch(r"[0-9]{9}", text) else "is no MMSI: nine digits alone"


def _plate_fault(text: str) -> str:
    return "" if _PLATE.fullmatch(text) else "is no number plate: 1 to 20 characters, trimmed"


def _tail_fault(text: str) -> str:
    said = "is no tail number: capitals and digits with at most one hyphen, as in F-ABCD"
    return "" if _TAIL.fullmatch(text) else said


_VIN_LETTER = re.compile("[A-HJ-NPR-Z0-9]")

_FAULTS: dict[int, Callable[[str], str]] = {
    pb.IDENTIFIER_SCHEME_VIN: vin_fault,
    pb.IDENTIFIER_SCHEME_NUMBER_PLATE: _plate_fault,
    pb.IDENTIFIER_SCHEME_IMO: _imo_fault,
    pb.IDENTIFIER_SCHEME_MMSI: _mmsi_fault,
    pb.IDENTIFIER_SCHEME_TAIL_NUMBER: _tail_fault,
}

# Identifiers that only objects of some types bear.
_BEARERS = {
    pb.IDENTIFIER_SCHEME_VIN: frozenset({pb.OBJECT_TYPE_VEHICLE, pb.OBJECT_TYPE_OTHER}),
    pb.IDENTIFIER_SCHEME_IMO: frozenset({pb.OBJECT_TYPE_VESSEL}),
    pb.IDENTIFIER_SCHEME_MMSI: frozenset({pb.OBJECT_TYPE_VESSEL, pb.OBJECT_TYPE_AIRCRAFT}),
    pb.IDENTIFIER_SCHEME_TAIL_NUMBER: frozenset({pb.OBJECT_TYPE_AIRCRAFT}),
}


def _object(thing: pb.Object, field: str) -> Iterator[Violation]:
    if not thing.type:
        yield Violation(f"{field}.type", "is missing")
    if not (thing.identifiers or thing.HasField("document") or thing.description.strip()):
        yield Violation(field, "has neither an identifier nor a description")
    if thing.year and not MADE_IN[0] <= thing.year <= MADE_IN[1]:
        yield Violation(f"{field}.year", f"is not between {MADE_IN[0]} and {MADE_IN[1]}")
    if thing.calibre and thing.type != pb.OBJECT_TYPE_FIREARM:
        yield Violation(f"{field}.calibre", "goes with a firearm only")
    if thing.HasField("document") and thing.type != pb.OBJECT_TYPE_TRAVEL_DOCUMENT:
        yield Violation(f"{field}.document", "goes with a travel document only")
    for number, identifier in enumerate(thing.identifiers):
        bearers = _BEARERS.get(identifier.scheme)
        if bearers is not None and thing.type and thing.type not in bearers:
            where = f"{field}.identifiers[{number}].scheme"
            yield Violation(where, "is of another type of object")


def _identifier(identifier: pb.ObjectIdentifier, field: str) -> Iterator[Violation]:
    if not identifier.scheme:
        yield Violation(f"{field}.scheme", "is missing")
    if not identifier.value.strip():
        yield Violation(f"{field}.value", "is missing")
    elif (find := _FAULTS.get(identifier.scheme)) and (fault := find(identifier.value)):
        yield Violation(f"{field}.value", fault)
    yield from country_violations(identifier.country, f"{field}.country")


FORMS = {"comity.v1.Object": _object, "comity.v1.ObjectIdentifier": _identifier}
