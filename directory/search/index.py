"""The index of all entries in memory, and the ranking of what a text may mean.

Built from the store when a process starts and kept up by every change. A text's rarest words choose
whom to rank, so that what a query costs hardly grows with the directory.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import islice
from typing import NamedTuple, TypeAlias

from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from directory.search.folding import MAX_QUERY_WORDS, words_of
from directory.search.terms import Term, terms_of
from directory.search.vocabulary import Meaning, Vocabulary

MAX_RANKED = 200  # four pages; no query that says so little is answered better by more
COVERAGE_POWER = 1.5  # an entry that has all words goes before one that has the rarest alone

Reason: TypeAlias = directory_pb2.MatchReason.ValueType


@dataclass(slots=True)
class Match:
    """An entry that a text may mean."""

    authority_id: str
    score: float = 0.0
    reasons: set[Reason] = field(default_factory=set)


class Ranking(NamedTuple):
    """Matches, the best first; `is_cut` where more match than are ever ranked."""

    matches: list[Match]
    is_cut: bool


class _Allowed(NamedTuple):
    """Whom a query allows: who is among some, and of these who fits; None allows everybody."""

    among: AbstractSet[str] | None
    fits: Callable[[str], bool] | None

    def of(self, ids: AbstractSet[str]) -> Iterable[str]:
        """Those of some entries that are allowed."""
        return self.fitting(ids if self.among is None else ids & self.among)

    def fitting(self, ids: Iterable[str]) -> Iterable[str]:
        """Those that fit, in the order that they come in; looked at one by one."""
        return ids if self.fits is None else filter(self.fits, ids)


class SearchIndex:
    """Words to entries."""

    def __init__(self, authorities: Iterable[pb.Authority] = ()) -> None:
        self._vocabulary = Vocabulary()
        self._entries: dict[str, dict[str, Term]] = {}
        self._ordered: list[str] = []
        self._postings: dict[str, set[str]] = defaultdict(set)
        for authority in authorities:
            self.put(authority)

    def put(self, authority: pb.Authority) -> None:
        """Takes an entry in, or its newer version."""
        self.remove(authority.authority_id)
        terms: dict[str, Term] = {}
        for term in terms_of(authority):
            if term.word not in terms or terms[term.word].weight < term.weight:
                terms[term.word] = term
        for word in terms:
            self._vocabulary.add(word)
            self._postings[word].add(authority.authority_id)
        self._entries[authority.authority_id] = terms
        insort(self._ordered, authority.authority_id)

    def remove(self, authority_id: str) -> None:
        """Forgets an entry; its words stay known."""
        if authority_id in self._entries:
            del self._ordered[bisect_left(self._ordered, authority_id)]
        for word in self._entries.pop(authority_id, {}):
            self._postings[word].discard(authority_id)

    def rank(
        self,
        text: str,
        *,
        among: AbstractSet[str] | None = None,
        fits: Callable[[str], bool] | None = None,
    ) -> Ranking:
        """The entries that a text may mean; among some only, and those only that fit, where said.

        Who has all words is there, unless the ranking is cut.
        """
        meanings = [self._meanings(word) for word in words_of(text)[:MAX_QUERY_WORDS]]
        allowed = _Allowed(among, fits)
        chosen = self._rare(meanings, allowed)
        having_all = self._having_all(meanings, allowed, or_any=not chosen)
        ideal = sum(self._ideal(each) for each in meanings) or 1.0
        ranked = sorted(
            (self._match(each, meanings, ideal) for each in chosen.union(having_all)),
            key=lambda match: (-match.score, match.authority_id),
        )
        is_cut = max(len(ranked), len(having_all)) > MAX_RANKED
        return Ranking(ranked[:MAX_RANKED], is_cut)

    def _meanings(self, word: str) -> list[Meaning]:
        return [each for each in self._vocabulary.meanings_of(word) if self._postings[each.word]]

    def _rare(self, meanings: Sequence[Sequence[Meaning]], allowed: _Allowed) -> set[str]:
        """Who has the rarest words, until there are enough.

        A common word adds nobody to those whom a rare one has chosen.
        """
        chosen: set[str] = set()
        words = {meaning.word for each in meanings for meaning in each}
        for word in sorted(words, key=lambda each: (len(self._postings[each]), each)):
            found = self._postings[word]
            if len(found) > MAX_RANKED or len(chosen) >= MAX_RANKED:
                break
            chosen.update(allowed.of(found))
        return chosen

    def _having_all(
        self, meanings: Sequence[Sequence[Meaning]], allowed: _Allowed, *, or_any: bool
    ) -> list[str]:
        """Those who have the likeliest meaning of every word; one more than are ranked where there
        are more. Where nobody does, and so it is wished, those who have the rarest of them."""
        postings = [self._postings[each[0].word] for each in meanings if each]
        if not postings:
            return []
        first, *others = sorted(postings, key=len)
        found = self._first(first.intersection(*others), allowed)
        return found or (self._first(first, allowed) if or_any else [])

    def _first(self, ids: AbstractSet[str], allowed: _Allowed) -> list[str]:
        """The first by their ids: of many they turn up soon, few are compared."""
        count = MAX_RANKED + 1
        if allowed.among is not None:
            ids = ids & allowed.among
        if len(ids) ** 2 < MAX_RANKED * len(self._ordered):
            return nsmallest(count, allowed.fitting(ids))
        in_order = (each for each in self._ordered if each in ids)
        return list(islice(allowed.fitting(in_order), count))

    def _match(
        self, authority_id: str, meanings: Sequence[Sequence[Meaning]], ideal: float
    ) -> Match:
        terms = self._entries[authority_id]
        match = Match(authority_id)
        met = 0
        for alternatives in meanings:
            worth, reason = self._best(alternatives, terms)
            if reason is not None:
                met += 1
                match.score += worth
                match.reasons.add(reason)
        match.score *= (met / len(meanings)) ** COVERAGE_POWER / ideal
        return match

    def _best(
        self, alternatives: Sequence[Meaning], terms: Mapping[str, Term]
    ) -> tuple[float, Reason | None]:
        best, why = 0.0, None
        for meaning in alternatives:
            term = terms.get(meaning.word)
            if term is None:
                continue
            worth = meaning.worth * term.weight * self._rarity(meaning.word)
            if worth > best:
                best, why = worth, meaning.reason or term.reason
        return best, why

    def _ideal(self, alternatives: Sequence[Meaning]) -> float:
        return max((self._rarity(meaning.word) for meaning in alternatives), default=1.0)

    def _rarity(self, word: str) -> float:
        return math.log1p(len(self._entries) / len(self._postings[word]))
