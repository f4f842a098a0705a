"""Finding entries: what has to hold of them, in what order they come, page by page.

Keeps every entry in memory. Never reads a clock, and never decides who may see what.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop
from itertools import islice
from typing import Any

from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from directory.competent import Competent, InstrumentName, instrument_names
from directory.instruments.tables import article_number
from directory.known import KnownAuthority
from directory.search.cursors import cursor_for, offset_from
from directory.search.index import MAX_RANKED, Match, SearchIndex
from directory.standings import Standings

MAX_PAGE = 50  # entries; an officer reads no more, and a scraper shall not have more
DEFAULT_PAGE = 20


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that was found, how well it matches, and why."""

    known: KnownAuthority
    score: float
    reasons: Sequence[directory_pb2.MatchReason.ValueType]


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in their order; the cursor is empty where nothing follows.

    `is_cut`: more match than are ever given; of a filter without a text the last page says it.
    """

    found: Sequence[Found]
    next_cursor: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Under what an entry is found, so that it can be taken out again."""

    authority_id: str
    country: str
    competences: frozenset[int]
    instruments: frozenset[str]
    instrument_names: frozenset[InstrumentName]
    languages: frozenset[str]


class Finder:
    """All entries, by what they are found by."""

    def __init__(self, entries: Iterable[KnownAuthority] = ()) -> None:
        self._entries: dict[str, KnownAuthority] = {}
        self._by_country: dict[str, set[str]] = defaultdict(set)
        self._by_competence: dict[int, set[str]] = defaultdict(set)
        self._by_instrument: dict[str, set[str]] = defaultdict(set)
        self._by_language: dict[str, set[str]] = defaultdict(set)
        self._competent: dict[tuple[str, int], Competent] = defaultdict(Competent)
        self.standings = Standings()
        self._places: dict[str, _Place] = {}
        # How many entries of a country name each instrument.
        self._named: dict[str, Counter[InstrumentName]] = defaultdict(Counter)
        self._index = SearchIndex()
        for entry in entries:
            self.put(entry)

    def put(self, entry: KnownAuthority) -> None:
        """Takes an entry in, or its newer version."""
        place = _place_of(entry)
        authority_id = place.authority_id
        self._take_out(authority_id)
        self._entries[authority_id], self._places[authority_id] = entry, place
        for sets, value in self._sets_of(place):
            sets[value].add(authority_id)
        for competence in place.competences:
            self._competent[place.country, competence].put(entry, competence)
        self._named[place.country].update(place.instrument_names)
        self.standings.put(entry)
        self._index.put(entry.authority)

    def _take_out(self, authority_id: str) -> None:
        place = self._places.pop(authority_id, None)
        if place is None:
            return
        for sets, value in self._sets_of(place):
            sets[value].discard(authority_id)
        known = self._entries.pop(authority_id)
        for competence in place.competences:
            self._competent[place.country, competence].take_out(known, competence)
        self._named[place.country].subtract(place.instrument_names)
        self.standings.take_out(authority_id)

    def _sets_of(self, place: _Place) -> Iterator[tuple[dict[Any, set[str]], object]]:
        yield self._by_country, place.country
        yield from ((self._by_competence, each) for each in place.competences)
        yield from ((self._by_instrument, each) for each in place.instruments)
        yield from ((self._by_language, each) for each in place.languages)

    def find_entry(self, authority_id: str) -> KnownAuthority | None:
        """An entry by its id."""
        return self._entries.get(authority_id)

    def entries_of(self, country: str) -> list[KnownAuthority]:
        """The entries of a country."""
        return [self._entries[each] for each in sorted(self._by_country.get(country, ()))]

    def competent_in(self, country: str, competence: int) -> Competent:
        """The entries of a country that have a competence."""
        return self._competent.get((country, competence), Competent())

    def named_instruments(self, country: str) -> frozenset[InstrumentName] | None:
        """What a country's entries name as instruments; None where there is no entry."""
        if not self._by_country.get(country):
            return None
        return frozenset(name for name, count in self._named[country].items() if count > 0)

    def find(
        self,
        query: directory_pb2.AuthorityFilter,
        *,
        now: datetime,
        limit: int = 0,
        cursor: str = "",
    ) -> Page:
        """A page of what matches, the best first; at most some 200 entries are ever given.

        Raises: CursorInvalid.
        """
        offset = offset_from(cursor, query)
        size = min(limit or DEFAULT_PAGE, MAX_PAGE)
        end = min(offset + size, MAX_RANKED)
        matches, is_cut = self._ranked(query, now)
        # One more than the page has, to know whether another follows.
        ranked = list(islice(matches, end + 1))
        follows, is_last = len(ranked) > end, end == MAX_RANKED
        return Page(
            [self._found(match) for match in ranked[offset:end]],
            cursor_for(query, end) if follows and not is_last else "",
            is_cut=is_cut or (follows and is_last),
        )

    def _ranked(
        self, query: directory_pb2.AuthorityFilter, now: datetime
    ) -> tuple[Iterable[Match], bool]:
        """What matches, and whether a text means more than that."""
        self.standings.advance(now)
        wanted = self._wanted(query)
        if query.text.strip():
            if query.countries:
                wanted.append(_union([self._by_country.get(c, set()) for c in query.countries]))
            return self._index.rank(
                query.text,
                among=_shared(wanted) if wanted else None,
                fits=(lambda each: self._fits(each, query, now)) if _is_narrow(query) else None,
            )
        matches = (
            Match(each, 1.0, {directory_pb2.MATCH_REASON_FILTER})
            for each in self._fitting(wanted, query, now)
        )
        return matches, False

    def _fitting(
        self, wanted: Sequence[set[str]], query: directory_pb2.AuthorityFilter, now: datetime
    ) -> Iterator[str]:
        """Whom a filter lets through: the reliable first, then by country and id.

        Only as many are looked at as are asked for.
        """
        reliable, nobody = self.standings.reliable, set[str]()
        for having, lacking in (([*wanted, reliable], nobody), (wanted, reliable)):
            for each in self._in_order(query.countries or self._by_country, having, lacking):
                if self._fits(each, query, now):
                    yield each

    def _in_order(
        self, countries: Iterable[str], having: Sequence[set[str]], lacking: set[str]
    ) -> Iterator[str]:
        """Who is in all of some sets and not in another, by country and id: country by country, so
        that who has enough has paid for those alone."""
        for country in sorted(set(countries)):
            own = self._by_country.get(country, set())
            ids = list(_shared([own, *having]) - lacking)
            heapify(ids)
            while ids:
                yield heappop(ids)

    def _wanted(self, query: directory_pb2.AuthorityFilter) -> list[set[str]]:
        """Who has each of what is asked for beside the country, as far as sets are kept of it."""
        instruments = [query.instrument] if query.instrument else []
        kept: list[tuple[Mapping[Any, set[str]], Sequence[object]]] = [
            (self._by_competence, query.competences),
            (self._by_instrument, instruments),
            (self._by_language, query.languages),
        ]
        wanted = [_union([sets.get(v, set()) for v in values]) for sets, values in kept if values]
        return [*wanted, self.standings.reachable] if query.reachable_now else wanted

    def _fits(self, authority_id: str, query: directory_pb2.AuthorityFilter, now: datetime) -> bool:
        """What is asked for beside what sets are kept of."""
        entry = self._entries[authority_id]
        return (
            (not query.channels or not entry.channels.isdisjoint(query.channels))
            and (not query.freshness or entry.freshness(now) in query.freshness)
            and _has_instrument(entry.authority, query)
        )

    def _found(self, match: Match) -> Found:
        return Found(self._entries[match.authority_id], match.score, sorted(match.reasons))


def _place_of(entry: KnownAuthority) -> _Place:
    authority = entry.authority
    bases = [basis for each in authority.competences for basis in each.instruments]
    return _Place(
        authority.authority_id,
        authority.country,
        frozenset(each.competence for each in authority.competences),
        frozenset(basis.instrument for basis in bases),
        frozenset(name for basis in bases for name in instrument_names(basis)),
        entry.spoken_languages,
    )


def _shared(sets: Sequence[set[str]]) -> set[str]:
    """What is in all of some sets."""
    first, *others = sorted(sets, key=len)
    return first.intersection(*others)


def _union(sets: Sequence[set[str]]) -> set[str]:
    """What is in any of some sets; of one, that set itself."""
    return sets[0] if len(sets) == 1 else set().union(*sets)


def _is_narrow(query: directory_pb2.AuthorityFilter) -> bool:
    """Whether anything is asked for that no sets are kept of, so that entries have to be asked."""
    narrows_instrument = query.instrument and (query.article or query.competences)
    return bool(query.channels or query.freshness or narrows_instrument)


def _has_instrument(authority: pb.Authority, query: directory_pb2.AuthorityFilter) -> bool:
    if not query.instrument:
        return True
    wanted = article_number(query.article)
    return any(
        basis.instrument == query.instrument
        and (not wanted or not basis.articles or wanted in map(article_number, basis.articles))
        for competence in authority.competences
        if not query.competences or competence.competence in query.competences
        for basis in competence.instruments
    )
