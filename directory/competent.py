"""Who in a country has a competence, by the instruments that they name. Kept up with each change.

Holds sets of ids, so that the best of many is found by narrowing them down, and never by looking at
each. Reads no clock, and decides nothing.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from comity.v1 import authorities_pb2 as pb
from directory.instruments.tables import InstrumentKind, article_number, instruments
from directory.known import KnownAuthority

# What makes two entries answers to the same: instrument, partner country, title.
BasisKey: TypeAlias = tuple[str, str, str]

# What entries of two countries are compared by: a code, and a title where the code stands for many.
InstrumentName: TypeAlias = tuple[str, str]


def instrument_names(basis: pb.InstrumentBasis) -> Iterator[InstrumentName]:
    """What an instrument may be named by elsewhere: its code; a regional one, any of its titles."""
    known = instruments().get(basis.instrument)
    if known is None or known.kind is not InstrumentKind.REGIONAL:
        yield basis.instrument, ""
        return
    for title in basis.titles:
        if letters := _letters(title.text):
            yield basis.instrument, letters


@lru_cache(maxsize=8192)
def _letters(text: str) -> str:
    """The letters and digits of a text alone, without case and accents."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))


class Candidate(NamedTuple):
    """An entry under one of its instruments; `position` is that instrument's in the entry."""

    position: int
    known: KnownAuthority
    basis: pb.InstrumentBasis


class Under:
    """The entries that name one instrument."""

    def __init__(self) -> None:
        self.candidates: dict[str, list[Candidate]] = {}
        # By the number of each article that they name, "" for those that name none.
        self._by_article: dict[str | None, set[str]] = defaultdict(set)
        self._names: Counter[InstrumentName] = Counter()

    @property
    def names(self) -> Set[InstrumentName]:
        """What any of them names it by."""
        return self._names.keys()

    @property
    def basis(self) -> pb.InstrumentBasis:
        """The instrument, as any of them names it."""
        return next(iter(self.candidates.values()))[0].basis

    def ids(self, article: str) -> Set[str]:
        """Those that act under an article; an entry that names none means the whole instrument."""
        if not article:
            return self.candidates.keys()
        return self._by_article.get("", set()) | self._by_article.get(
            article_number(article), set()
        )

    def candidate(self, authority_id: str, article: str) -> Candidate:
        """An entry by the first of its instruments of that name that has an article."""
        number = article_number(article)
        return next(
            each
            for each in self.candidates[authority_id]
            if not article or number in _articles(each.basis) or not each.basis.articles
        )

    def put(self, authority_id: str, candidate: Candidate) -> None:
        """Takes an entry in, under one more basis."""
        self.candidates.setdefault(authority_id, []).append(candidate)
        self._names.update(instrument_names(candidate.basis))
        for number in _articles(candidate.basis) or {""}:
            self._by_article[number].add(authority_id)

    def take_out(self, authority_id: str) -> None:
        """Forgets an entry."""
        for candidate in self.candidates.pop(authority_id, ()):
            self._names -= Counter(instrument_names(candidate.basis))
        for ids in self._by_article.values():
            ids.discard(authority_id)


@dataclass(slots=True)
class Competent:
    """The entries of one country that have one competence."""

    entries: dict[str, KnownAuthority] = field(default_factory=dict)
    _under: dict[BasisKey, Under] = field(default_factory=dict)
    _by_region: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _accepting: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def under(self) -> Mapping[BasisKey, Under]:
        """By instrument; those that name none are together."""
        return self._under

    def of_region(self, region: str) -> set[str]:
        """Those that name a region; "" for those that name none."""
        return self._by_region.get(region, set())

    def accepting(self, languages: Any) -> set[str]:
        """Those that accept any of some languages."""
        return set().union(*(self._accepting.get(each, set()) for each in languages))

    def put(self, known: KnownAuthority, competence: int) -> None:
        """Takes an entry in that was not there, or was taken out."""
        authority_id = known.authority.authority_id
        self.entries[authority_id] = known
        for sets, value in self._sets_of(known):
            sets[value].add(authority_id)
        for candidate in _candidates(known, competence):
            self._under.setdefault(_key(candidate.basis), Under()).put(authority_id, candidate)

    def take_out(self, known: KnownAuthority, competence: int) -> None:
        """Forgets an entry."""
        authority_id = known.authority.authority_id
        del self.entries[authority_id]
        for sets, value in self._sets_of(known):
            sets[value].discard(authority_id)
        for key in {_key(candidate.basis) for candidate in _candidates(known, competence)}:
            self._under[key].take_out(authority_id)
            if not self._under[key].candidates:
                del self._under[key]

    def _sets_of(self, known: KnownAuthority) -> Iterator[tuple[dict[str, set[str]], str]]:
        yield from ((self._by_region, each) for each in known.regions or {""})
        yield from ((self._accepting, each) for each in known.accepted_languages)


def _candidates(known: KnownAuthority, competence: int) -> Iterator[Candidate]:
    position = 0
    for each in known.authority.competences:
        if each.competence == competence:
            for basis in each.instruments or [pb.InstrumentBasis()]:
                yield Candidate(position, known, basis)
                position += 1


def _articles(basis: pb.InstrumentBasis) -> set[str | None]:
    return {article_number(each) for each in basis.articles}


def _key(basis: pb.InstrumentBasis) -> BasisKey:
    return (
        basis.instrument,
        basis.partner_country,
        basis.titles[0].text if basis.titles else "",
    )
