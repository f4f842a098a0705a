"""A machine-readable zone, read and checked field by field. Source: ICAO Doc 9303, parts 3 to 7.

Says everything that is wrong at once, and proposes what may have been misread; never applies it.
Says nothing about whether the document is genuine. Never touches the network or a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from comity.errors import Violation
from comity.machine_readable_zone.check_digits import (
    DIGIT_FOR,
    FILLER,
    LETTER_FOR,
    check_digit,
    misreadings,
)
from comity.machine_readable_zone.dates import ZoneDate, parse_zone_date
from comity.machine_readable_zone.layouts import PLANS, Layout, Plan, Span
from comity.machine_readable_zone.states import is_state

_NOT_IN_A_ZONE = re.compile("[^A-Z0-9<]")
_MAX_LINES, _MAX_CHARS = 5, 100  # past these it is no zone, and nothing is looked at


@dataclass(frozen=True, slots=True)
class Zone:
    """What a zone says. Texts are as printed, without fillers at their ends."""

    layout: Layout
    document_code: str
    state: str
    number: str
    nationality: str
    birth: ZoneDate
    sex: str  # M, F or empty
    expiry: ZoneDate
    optional: str
    family: str  # words divided by single fillers
    given: str
    may_be_truncated: bool  # the name fills its field to the last character


@dataclass(slots=True)
class ZoneReading:
    """A zone, or what is wrong with it by line (`[0]`, from 0), and what was put right silently."""

    zone: Zone | None = None
    faults: list[Violation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_zone(lines: Sequence[str]) -> ZoneReading:
    """Reads a zone from its lines.

    1. Lower case and spaces are put right and noted; anything else stays as it is.
    2. The layout, by the number and the length of the lines.
    3. Characters: A to Z, 0 to 9 and the filler.
    4. Every field by itself, and every check digit.
    """
    reading = ZoneReading()
    if len(lines) > _MAX_LINES or any(len(line) > _MAX_CHARS for line in lines):
        reading.faults.append(Violation("", "is no machine-readable zone: it is too long"))
        return reading
    tidied = _tidied(lines, reading.notes)  # 1
    layout = _layout(tidied, reading.faults)  # 2
    if layout is None:
        return reading
    for number, line in enumerate(tidied):  # 3
        reading.faults.extend(_strange_characters(line, number))
    if not reading.faults:
        _Reader(PLANS[layout], tidied, reading).read(layout)  # 4
    return reading


def _tidied(lines: Sequence[str], notes: list[str]) -> list[str]:
    joined = ["".join(line.split()) for line in lines]
    raised = [line.upper() if line.isascii() else line for line in joined]
    if joined != list(lines):
        notes.append("spaces were left out")
    if raised != joined:
        notes.append("lower case was read as capitals")
    return raised


def _layout(lines: Sequence[str], faults: list[Violation]) -> Layout | None:
    """The layout that the lines have, or seem to be meant to have, with their lengths at fault."""
    longest = max((len(line) for line in lines), default=0)
    is_visa = bool(lines) and lines[0].startswith("V")
    if len(lines) == 3:
        layout = Layout.TD1
    elif len(lines) == 2 and longest > 40:
        layout = Layout.MRV_A if is_visa else Layout.TD3
    elif len(lines) == 2:
        layout = Layout.MRV_B if is_visa else Layout.TD2
    else:
        said = "has neither 3 lines of 30 characters (TD1) nor 2 of 36 (TD2) or 44 (TD3)"
        faults.append(Violation("", said))
        return None
    width = PLANS[layout].width
    for number, line in enumerate(lines):
        if len(line) != width:
            said = f"has {len(line)} characters, where {layout} has {width}"
            faults.append(Violation(f"[{number}]", said))
    return None if faults else layout


def _strange_characters(line: str, number: int) -> Iterator[Violation]:
    for found in _NOT_IN_A_ZONE.finditer(line):
        said = f"character {found.start() + 1} is U+{ord(found[0]):04X}, which no zone has"
        yield Violation(f"[{number}]", said)


class _Reader:
    """Reads the fields of one zone whose lines have the right lengths and characters."""

    def __init__(self, plan: Plan, lines: Sequence[str], reading: ZoneReading) -> None:
        self._plan = plan
        self._lines = lines
        self._reading = reading

    def read(self, layout: Layout) -> None:
        plan = self._plan
        code = self._at(Span(0, 0, 2))
        if code[0] not in plan.first_letters or code[1].isdigit():
            expected = " or ".join(plan.first_letters)
            self._fault(Span(0, 0, 2), f"document code {code} does not begin with {expected}")
        state = self._state(plan.state, "issuing State")
        number, optional = self._number()
        nationality = self._state(plan.nationality, "nationality")
        birth = self._date(plan.birth, "date of birth")
        sex = self._sex()
        expiry = self._date(plan.expiry, "date of expiry")
        self._optional_digit()
        self._composite()
        family, given = self._name()
        if self._reading.faults or birth is None or expiry is None:
            return
        self._reading.zone = Zone(
            layout=layout,
            document_code=code.strip(FILLER),
            state=state,
            number=number,
            nationality=nationality,
            birth=birth,
            sex=sex,
            expiry=expiry,
            optional=optional,
            family=family,
            given=given,
            may_be_truncated=not self._at(plan.name).endswith(FILLER),
        )

    def _at(self, span: Span) -> str:
        return self._lines[span.line][span.start : span.end]

    def _fault(self, span: Span, said: str) -> None:
        self._reading.faults.append(Violation(f"[{span.line}]", said))

    def _state(self, span: Span, what: str) -> str:
        code = self._at(span).rstrip(FILLER)
        if not is_state(code):
            meant = "".join(LETTER_FOR.get(letter, letter) for letter in code)
            proposal = f" ({meant}?)" if meant != code and is_state(meant) else ""
            self._fault(span, f"{what} {code or 'is missing'} is no code of a State{proposal}")
        return code

    def _number(self) -> tuple[str, str]:
        """The number and the optional data, of which a long number takes the beginning."""
        span, plan = self._plan.number, self._plan
        printed, digit = self._at(span), self._digit_after(span)
        optional = "".join(self._at(each) for each in plan.optional)
        if plan.has_long_number and digit == FILLER and not printed.endswith(FILLER):
            rest, _, optional = optional.partition(FILLER)
            if not rest:
                self._fault(span, "document number goes on in the optional data, which are empty")
                return printed, optional
            self._prove(span, printed + rest[:-1], rest[-1], "document number", first=None)
            return printed + rest[:-1], optional.strip(FILLER)
        number = printed.rstrip(FILLER)
        if number:
            self._prove(span, printed, digit, "document number", first=span.start)
        elif digit not in ("0", FILLER):
            self._fault(span, f"check digit {digit} of the document number proves nothing")
        return number, optional.strip(FILLER)

    def _digit_after(self, span: Span) -> str:
        return self._lines[span.line][span.end]

    def _prove(self, span: Span, text: str, digit: str, what: str, *, first: int | None) -> None:
        """Says what is wrong with a check digit. `first`: where the text begins in its line."""
        expected = check_digit(text)
        if digit == expected:
            return
        said = f"check digit {digit} of the {what} is wrong, {expected} would be right"
        if first is not None and (found := misreadings(text, digit)):
            ways = (f"character {first + place + 1} read for {other}" for place, other in found)
            said += f"; misread? {', or '.join(ways)}"
        elif digit in DIGIT_FOR:
            said += f"; misread? {DIGIT_FOR[digit]}"
        self._fault(span, said)

    def _date(self, span: Span, what: str) -> ZoneDate | None:
        text, digit = self._at(span), self._digit_after(span)
        found = parse_zone_date(text)
        if isinstance(found, str):
            self._fault(span, f"{what} {text} {found}")
        is_unknown = not text.strip(FILLER) and digit in ("0", FILLER)
        if not is_unknown:
            self._prove(span, text, digit, what, first=span.start)
        return None if isinstance(found, str) else found

    def _sex(self) -> str:
        letter = self._at(self._plan.sex)
        if letter not in ("M", "F", FILLER):
            self._fault(self._plan.sex, f"sex {letter} is neither M nor F nor a filler")
        return letter.strip(FILLER)

    def _optional_digit(self) -> None:
        if not self._plan.has_optional_digit:
            return
        (span,) = self._plan.optional
        text, digit = self._at(span), self._digit_after(span)
        is_empty = not text.strip(FILLER)
        if not (is_empty and digit in ("0", FILLER)):
            self._prove(span, text, digit, "optional data", first=span.start)

    def _composite(self) -> None:
        if self._plan.composite is not None:
            text = "".join(self._at(span) for span in self._plan.composed_of)
            digit = self._at(self._plan.composite)
            self._prove(self._plan.composite, text, digit, "whole zone", first=None)

    def _name(self) -> tuple[str, str]:
        span = self._plan.name
        text = self._at(span)
        for place, letter in enumerate(text):
            if letter.isdigit():
                meant = f" ({LETTER_FOR[letter]}?)" if letter in LETTER_FOR else ""
                said = f"character {span.start + place + 1} of the name is a digit, {letter}{meant}"
                self._fault(span, said)
        if text.startswith(FILLER):
            self._fault(span, "name is missing, or begins with a filler")
        family, _, given = text.rstrip(FILLER).partition(FILLER * 2)
        if FILLER * 2 in given:
            self._fault(span, "name has two fillers together in more than one place")
        return family, given
