"""Where in a zone each field stands: the five layouts of ICAO Doc 9303, parts 4 to 7. Data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Layout(StrEnum):
    """What a zone is printed on."""

    TD1 = "TD1"  # a card: 3 lines of 30
    TD2 = "TD2"  # 2 lines of 36
    TD3 = "TD3"  # a passport: 2 lines of 44
    MRV_A = "MRV-A"  # a visa of the size of a passport's page: 2 lines of 44
    MRV_B = "MRV-B"  # a visa: 2 lines of 36


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of one line, from `start` up to but without `end`; both count from 0."""

    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the fields of one layout stand. A check digit stands right after what it proves."""

    lines: int
    width: int
    first_letters: str
    name: Span
    state: Span
    number: Span
    nationality: Span
    birth: Span
    sex: Span
    expiry: Span
    optional: tuple[Span, ...]
    # The composite check digit and the spans that it proves; () where the layout has none.
    composite: Span | None = None
    composed_of: tuple[Span, ...] = ()
    # The optional data have a check digit of their own.
    has_optional_digit: bool = False
    # A number of more than nine characters goes on in the optional data.
    has_long_number: bool = False


_STATE = Span(0, 2, 5)


def _two_lines(width: int, first_letters: str, optional: Span) -> dict[str, object]:
    return {
        "lines": 2,
        "width": width,
        "first_letters": first_letters,
        "name": Span(0, 5, width),
        "state": _STATE,
        "number": Span(1, 0, 9),
        "nationality": Span(1, 10, 13),
        "birth": Span(1, 13, 19),
        "sex": Span(1, 20, 21),
        "expiry": Span(1, 21, 27),
        "optional": (optional,),
    }


PLANS: dict[Layout, Plan] = {
    Layout.TD1: Plan(
        lines=3,
        width=30,
        first_letters="ACI",
        name=Span(2, 0, 30),
        state=_STATE,
        number=Span(0, 5, 14),
        nationality=Span(1, 15, 18),
        birth=Span(1, 0, 6),
        sex=Span(1, 7, 8),
        expiry=Span(1, 8, 14),
        optional=(Span(0, 15, 30), Span(1, 18, 29)),
        composite=Span(1, 29, 30),
        composed_of=(Span(0, 5, 30), Span(1, 0, 7), Span(1, 8, 15), Span(1, 18, 29)),
        has_long_number=True,
    ),
    Layout.TD2: Plan(
        **_two_lines(36, "ACI", Span(1, 28, 35)),  # type: ignore[arg-type]
        composite=Span(1, 35, 36),
        composed_of=(Span(1, 0, 10), Span(1, 13, 20), Span(1, 21, 35)),
        has_long_number=True,
    ),
    Layout.TD3: Plan(
        **_two_lines(44, "P", Span(1, 28, 42)),  # type: ignore[arg-type]
        composite=Span(1, 43, 44),
        composed_of=(Span(1, 0, 10), Span(1, 13, 20), Span(1, 21, 43)),
        has_optional_digit=True,
    ),
    Layout.MRV_A: Plan(**_two_lines(44, "V", Span(1, 28, 44))),  # type: ignore[arg-type]
    Layout.MRV_B: Plan(**_two_lines(36, "V", Span(1, 28, 36))),  # type: ignore[arg-type]
}
