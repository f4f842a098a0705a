"""The words of all entries, and which of them a word of a query may stand for.

Grows with the number of different words, not of entries.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest

from rapidfuzz.distance import DamerauLevenshtein

from comity.v1 import directory_pb2 as pb
from directory.search.folding import sound_of, trigrams_of

# How much a word that is not the very word is worth; tuned on the open half of the query list.
PREFIX_WORTH = 0.8
WITHIN_WORTH = 0.6
SPELLING_WORTH = 0.75
SOUND_WORTH = 0.55

MIN_PREFIX_CHARS = 3
MIN_WITHIN_CHARS = 4
MIN_SPELLING_CHARS = 4
MIN_LIKENESS = 0.7  # two errors in seven letters
TRIGRAMS_COUNTED = 5  # the rarest: common ones cost most and tell least
MAX_COMPARED = 64  # of the words that share most with a query's word
MAX_MEANT = 24  # a word that may stand for more says nothing


@dataclass(frozen=True, slots=True)
class Meaning:
    """A word that a query's word may stand for: how well, and why."""

    word: str
    worth: float
    reason: pb.MatchReason.ValueType | None


class Vocabulary:
    """All words, looked up by their beginning, their parts and their sound."""

    def __init__(self) -> None:
        self._sorted: list[str] = []
        self._known: set[str] = set()
        self._by_trigram: dict[str, set[str]] = defaultdict(set)
        self._by_sound: dict[str, set[str]] = defaultdict(set)

    def add(self, word: str) -> None:
        """Takes a word in."""
        if word in self._known:
            return
        self._known.add(word)
        insort(self._sorted, word)
        for trigram in trigrams_of(word):
            self._by_trigram[trigram].add(word)
        if sound := sound_of(word):
            self._by_sound[sound].add(word)

    def meanings_of(self, word: str) -> list[Meaning]:
        """What a query's word may stand for, best first; each word once."""
        best: dict[str, Meaning] = {}
        for meaning in self._meanings(word):
            known = best.get(meaning.word)
            if known is None or meaning.worth > known.worth:
                best[meaning.word] = meaning
        return sorted(best.values(), key=lambda each: (-each.worth, each.word))[:MAX_MEANT]

    def _meanings(self, word: str) -> Iterator[Meaning]:
        if word in self._known:
            yield Meaning(word, 1.0, None)
        yield from self._beginnings(word)
        if word in self._known:
            return  # whoever wrote a word that there is has not misspelt another
        yield from self._alike(word)
        for other in self._by_sound.get(sound_of(word), ()):
            yield Meaning(other, SOUND_WORTH, pb.MATCH_REASON_SCRIPT)

    def _beginnings(self, word: str) -> Iterator[Meaning]:
        if len(word) < MIN_PREFIX_CHARS:
            return
        start = bisect_left(self._sorted, word)
        for other in self._sorted[start : start + MAX_COMPARED]:
            if not other.startswith(word):
                break
            # A beginning says the more the more of the word it is.
            worth = PREFIX_WORTH * (0.7 + 0.3 * len(word) / len(other))
            yield Meaning(other, worth, pb.MATCH_REASON_PARTIAL_NAME)

    def _alike(self, word: str) -> Iterator[Meaning]:
        if len(word) < MIN_SPELLING_CHARS:
            return
        shared: Counter[str] = Counter()
        # In an order that does not depend on the process: several serve pages of one query.
        lists = (self._by_trigram.get(trigram, set()) for trigram in sorted(trigrams_of(word)))
        for sharing in sorted(filter(None, lists), key=len)[:TRIGRAMS_COUNTED]:
            shared.update(sharing)
        most = nsmallest(MAX_COMPARED, shared.items(), key=lambda each: (-each[1], each[0]))
        for other, _ in most:
            likeness = DamerauLevenshtein.normalized_similarity(word, other)
            if likeness >= MIN_LIKENESS:
                yield Meaning(other, SPELLING_WORTH * likeness, pb.MATCH_REASON_SPELLING)
            if len(word) >= MIN_WITHIN_CHARS and word in other:
                yield Meaning(other, WITHIN_WORTH, pb.MATCH_REASON_PARTIAL_NAME)
