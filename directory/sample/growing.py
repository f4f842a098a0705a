"""The sample directory grown to any size, for measuring: equal seeds, equal entries.

A grown entry is one of the sample under another name, in its country and with its competences, so
that a large directory is spread as the sample is. What names share (office, central, the city)
stays; the word that tells an authority apart is made of the halves of two that are in the sample.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.v1 import authorities_pb2 as pb

_MADE_AT = datetime(2026, 11, 25, tzinfo=UTC)  # a day after the sample's, so that no id is shared
_MIN_ALIKE = 8  # with fewer, names would come again and again
_MIN_CHARS = 4  # shorter words are articles and prepositions


def grown(sample: Sequence[pb.Authority], count: int, *, seed: int = 1) -> list[pb.Authority]:
    """So many entries, the sample's among them; a grown one's id says nothing of its pattern."""
    chance = random.Random(seed)  # noqa: S311 - reproducible on purpose, nothing is secret
    telling = _telling_words(sample)
    entries = list(sample[:count])
    for number in range(len(entries), count):
        entries.append(_renamed(sample[number % len(sample)], telling, chance, number=number))
    return entries


def _renamed(
    pattern: pb.Authority, telling: Sequence[str], chance: random.Random, *, number: int
) -> pb.Authority:
    entry = pb.Authority()
    entry.CopyFrom(pattern)
    digest = hashlib.sha256(f"grown authority {number}".encode()).digest()
    moment = _MADE_AT + timedelta(seconds=number)
    entry.authority_id = uuid7_from(moment, digest[:UUID7_RANDOM_BYTES])
    for name in entry.names:
        words = name.text.split()
        name.text = " ".join(_other(w, telling, chance) if w in telling else w for w in words)
    entry.abbreviations[0] = f"{pattern.abbreviations[0]}{number}"
    for basis in entry.competences:
        _change_partners(basis, entry.country, chance)
    return entry


def _other(word: str, telling: Sequence[str], chance: random.Random) -> str:
    """A word that begins as one of the same script does, and ends as another; where the sample has
    few of a script, the same letters in another order."""
    alike = [each for each in telling if _script(each) == _script(word)]
    if len(alike) < _MIN_ALIKE:
        return "".join(chance.sample(word, len(word)))
    first, second = chance.sample(alike, 2)
    return first[: (len(first) + 1) // 2] + second[len(second) // 2 :]


def _script(word: str) -> int:
    return ord(word[-1].lower()) >> 8  # a page of Unicode; scripts do not share one


def _telling_words(sample: Sequence[pb.Authority]) -> list[str]:
    """The words that stand in the names of one entry only."""
    counted = Counter(word for entry in sample for word in set(_words(entry)))
    return sorted(word for word, count in counted.items() if count == 1)


def _words(entry: pb.Authority) -> Iterator[str]:
    for name in entry.names:
        yield from (word for word in name.text.split() if len(word) >= _MIN_CHARS)


def _change_partners(competence: pb.CompetenceBasis, country: str, chance: random.Random) -> None:
    for basis in competence.instruments:
        if basis.partner_country:
            basis.partner_country = chance.choice(
                sorted({"AR", "BR", "FR", "JP", "KE"} - {country})
            )
            basis.titles[0].text = f"Specimen Treaty with {basis.partner_country}"
