"""Codes of States in machine-readable zones. Source: ICAO Doc 9303-3 section 5."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def is_state(code: str) -> bool:
    """Whether a zone may name this as an issuing State, an organisation or a nationality."""
    return code in _countries()


def country_of(code: str) -> str:
    """The ISO 3166-1 alpha-2 code (or XK) of a State; empty for what is no country, or unknown."""
    return _countries().get(code, "")


@cache
def _countries() -> Mapping[str, str]:
    text = files(__package__).joinpath("states.txt").read_text(encoding="ascii")
    pairs = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {code: country.strip("-") for code, country in pairs}
