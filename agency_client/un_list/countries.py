"""Country codes for the names of States and territories that the list uses.

Called by the mapping. Never guesses: a text is looked up whole, and one that says more than a
country's name, or names a State that is no more, has no code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources


def country_code(text: str) -> str:
    """The ISO 3166-1 alpha-2 code of the country that a text names, or XK, else an empty text."""
    return _codes().get(_normalised(text), "")


@cache
def _codes() -> Mapping[str, str]:
    table = resources.files(__package__).joinpath("countries.toml").read_text(encoding="utf-8")
    return {
        _normalised(name): code for code, names in tomllib.loads(table).items() for name in names
    }


def _normalised(text: str) -> str:
    """Case, white space, the form of an apostrophe and a leading article tell nothing apart."""
    return " ".join(text.replace("’", "'").casefold().split()).removeprefix("the ")
