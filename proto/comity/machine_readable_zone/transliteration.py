"""Names as a machine-readable zone writes them: the letters A to Z and fillers.

Source: ICAO Doc 9303-3 section 6, tables for Latin, Cyrillic and Arabic, in `transliteration.txt`.
Other scripts have no table: their letters are left out, and whoever compares finds nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

FILLER = "<"

_SHADDA = "\u0651"  # doubles the letter before it
_LEFT_OUT = "'\u2019\u02bc`.\u0640"  # an apostrophe is nothing, ICAO Doc 9303-3 section 4.6
_COMMENT = re.compile(r"\s*#.*")

_Letters = Mapping[str, tuple[str, ...]]


def mrz_name(text: str, *, language: str = "") -> str:
    """A name in the letters of a machine-readable zone, its words divided by one filler.

    `language` (ISO 639) chooses the exceptions of Belarusian, Bulgarian, Macedonian, Serbian and
    Ukrainian. Letters of scripts without a table are left out.
    """
    return _written(text, _letters(language), choice=0)


def mrz_names(text: str) -> frozenset[str]:
    """Every way in which States write a name in a machine-readable zone, as far as tables say."""
    languages = ("", "be", "bg", "mk", "sr", "uk")
    return frozenset(
        _written(text, _letters(language), choice=choice)
        for language in languages
        for choice in range(3)
    )


def _written(text: str, letters: _Letters, *, choice: int) -> str:
    written: list[str] = []
    for letter in unicodedata.normalize("NFKC", text).upper():
        if letter == _SHADDA:
            written.append(written[-1] if written else "")
        elif letter not in _LEFT_OUT:
            written.append(_as_written(letter, letters, choice))
    words = "".join(written).split(FILLER)
    return FILLER.join(word for word in words if word)


def _as_written(letter: str, letters: _Letters, choice: int) -> str:
    if "A" <= letter <= "Z":
        return letter
    if letter in letters:
        ways = letters[letter]
        return ways[min(choice, len(ways) - 1)]
    base = unicodedata.normalize("NFD", letter)[0]
    if "A" <= base <= "Z":
        return base
    if base != letter and base in letters:
        return letters[base][0]
    return "" if unicodedata.category(letter)[0] in "LMNC" else FILLER


@cache
def _letters(language: str) -> _Letters:
    """What each letter becomes, in the order in which the tables name the ways."""
    sections = _sections()
    names = ("Latin", "Cyrillic", f"Cyrillic {language}", "Arabic")
    return {letter: ways for name in names for letter, ways in sections.get(name, {}).items()}


@cache
def _sections() -> Mapping[str, _Letters]:
    text = files(__package__).joinpath("transliteration.txt").read_text(encoding="utf-8")
    sections: dict[str, dict[str, tuple[str, ...]]] = {}
    section: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        content = _COMMENT.sub("", line)
        if content.startswith("["):
            section = sections.setdefault(content.strip("[]"), {})
        elif content:
            code, *ways = content.split()
            section[chr(int(code, 16)).upper()] = tuple(way.strip("-") for way in ways)
    return sections
