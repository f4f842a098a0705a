"""The index of all entries in memory, and the ranking of what a text may mean.

Built from the store when a process starts and kept up by every change. A text's rarest words choose
whom to rank, so that what a query costs hardly grows with the directory.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import islice
from typing import TypeAlias

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

    def rank(self, text: str, *, among: Collection[str] | None = None) -> list[Match]:
        """The entries that a text may mean, best first; among some only, where they are named."""
        meanings = [self._meanings(word) for word in words_of(text)[:MAX_QUERY_WORDS]]
        chosen = self._chosen(meanings, among)
        ideal = sum(self._ideal(each) for each in meanings) or 1.0
        matches = (self._match(each, meanings, ideal) for each in chosen)
        return sorted(
            (match for match in matches if match.score > 0),
            key=lambda match: (-match.score, match.authority_id),
        )

    def _meanings(self, word: str) -> list[Meaning]:
        return [each for each in self._vocabulary.meanings_of(word) if self._postings[each.word]]

    def _chosen(
        self, meanings: Sequence[Sequence[Meaning]], among: Collection[str] | None
    ) -> set[str]:
        """Whom to rank: who has the rarest words, until there are enough.

        A common word adds nobody to those whom a rare one has chosen.
        """
        chosen: set[str] = set()
        words = {meaning.word for each in meanings for meaning in each}
        for word in sorted(words, key=lambda each: (len(self._postings[each]), each)):
            found = self._postings[word]
            if len(found) > MAX_RANKED or len(chosen) >= MAX_RANKED:
                break
            chosen.update(found if among is None else [each for each in found if each in among])
        return chosen or self._in_common(meanings, among)

    def _in_common(
        self, meanings: Sequence[Sequence[Meaning]], among: Collection[str] | None
    ) -> set[str]:
        """Those who have the likeliest meaning of every word, where all words are common."""
        postings = [self._postings[each[0].word] for each in meanings if each]
        if not postings:
            return set()
        first, *others = sorted(postings, key=len)
        shared = first.intersection(*others) or first
        if among is not None:
            shared = shared.intersection(among)
        return set(self._first(shared))

    def _first(self, ids: set[str]) -> Iterable[str]:
        """The first by their ids: of many they turn up soon, few are compared."""
        if len(ids) ** 2 < MAX_RANKED * len(self._ordered):
            return nsmallest(MAX_RANKED, ids)
        return islice((each for each in self._ordered if each in ids), MAX_RANKED)

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
