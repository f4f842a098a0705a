"""Texts as the search compares them: words in small Latin letters, and what words sound like.

Scripts become Latin by anyascii. Scripts that leave vowels out, and spellings that differ from
country to country, are met by the consonants of a word. Never guesses a language.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

MAX_QUERY_WORDS = 12  # of the longest names; what comes after them tells nothing more apart
MIN_CONSONANTS = 3  # with fewer, half of all words sound alike

_WORD = re.compile(r"[a-z0-9]+")
_SEPARATOR = re.compile(r"[\W_]+")
# Spellings of one sound, in the order in which they are replaced.
_SOUNDS = (
    ("sch", "s"),
    ("kh", "h"),
    ("sh", "s"),
    ("ch", "s"),
    ("ph", "f"),
    ("th", "t"),
    ("ck", "k"),
    ("qu", "k"),
    ("q", "k"),
    ("c", "k"),
    ("x", "ks"),
    ("w", "v"),
    ("z", "s"),
    ("j", "i"),
)
_VOWELS = str.maketrans("", "", "aeiouy")
_REPEATED = re.compile(r"(.)\1+")
# Written together with its word in Arabic; in Latin letters apart, or not at all.
_ARABIC_ARTICLE = "\u0627\u0644"
_ARTICLE_IN_LATIN = "al"


@lru_cache(maxsize=8192)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in small Latin letters and digits, in their order."""
    parts = _SEPARATOR.split(unicodedata.normalize("NFKC", text))
    return tuple(word for part in parts if (word := _latin(part)))


def sound_of(word: str) -> str:
    """What a word in small Latin letters sounds like, by its consonants; empty where too few."""
    bare = word.removeprefix(_ARTICLE_IN_LATIN) if len(word) > MIN_CONSONANTS + 1 else word
    for spelling, sound in _SOUNDS:
        bare = bare.replace(spelling, sound)
    consonants = _REPEATED.sub(r"\1", bare.translate(_VOWELS))
    # A final h is how Arabic ends feminine words; nobody hears it.
    consonants = consonants[:1] + consonants[1:].removesuffix("h")
    return consonants if len(consonants) >= MIN_CONSONANTS else ""


def trigrams_of(word: str) -> frozenset[str]:
    """The runs of three letters of a word, its edges marked."""
    marked = f" {word} "
    return frozenset(marked[at : at + 3] for at in range(len(marked) - 2))


def _latin(part: str) -> str:
    bare = part.removeprefix(_ARABIC_ARTICLE) if len(part) > MIN_CONSONANTS + 1 else part
    return "".join(_WORD.findall(anyascii(bare).lower()))
