"""Finding entries: what has to hold of them, in what order they come, page by page.

Keeps every entry in memory. Never reads a clock, and never decides who may see what.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest

from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from directory.instruments.tables import article_number
from directory.known import KnownAuthority
from directory.search.cursors import cursor_for, offset_from
from directory.search.index import MAX_RANKED, Match, SearchIndex

MAX_PAGE = 50  # entries; an officer reads no more, and a scraper shall not have more
DEFAULT_PAGE = 20
_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that was found, how well it matches, and why."""

    known: KnownAuthority
    score: float
    reasons: Sequence[directory_pb2.MatchReason.ValueType]


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in their order; the cursor is empty where nothing follows."""

    found: Sequence[Found]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Under what an entry is found, so that it can be taken out again."""

    country: str
    competences: frozenset[int]
    instruments: frozenset[str]


class Finder:
    """All entries, by what they are found by."""

    def __init__(self, entries: Iterable[KnownAuthority] = ()) -> None:
        self._entries: dict[str, KnownAuthority] = {}
        self._by_country: dict[str, set[str]] = defaultdict(set)
        self._by_competence: dict[int, set[str]] = defaultdict(set)
        self._places: dict[str, _Place] = {}
        # How many entries of a country name each instrument.
        self._named: dict[str, Counter[str]] = defaultdict(Counter)
        self._index = SearchIndex()
        for entry in entries:
            self.put(entry)

    def put(self, entry: KnownAuthority) -> None:
        """Takes an entry in, or its newer version."""
        authority_id = entry.authority.authority_id
        self._take_out(authority_id)
        self._entries[authority_id] = entry
        place = self._places[authority_id] = _place_of(entry.authority)
        self._by_country[place.country].add(authority_id)
        for competence in place.competences:
            self._by_competence[competence].add(authority_id)
        self._named[place.country].update(place.instruments)
        self._index.put(entry.authority)

    def _take_out(self, authority_id: str) -> None:
        place = self._places.pop(authority_id, None)
        if place is None:
            return
        self._by_country[place.country].discard(authority_id)
        for competence in place.competences:
            self._by_competence[competence].discard(authority_id)
        self._named[place.country].subtract(place.instruments)

    def find_entry(self, authority_id: str) -> KnownAuthority | None:
        """An entry by its id."""
        return self._entries.get(authority_id)

    def entries_of(self, country: str) -> list[KnownAuthority]:
        """The entries of a country."""
        return [self._entries[each] for each in sorted(self._by_country.get(country, ()))]

    def competent_in(self, country: str, competence: int) -> list[KnownAuthority]:
        """The entries of a country that have a competence."""
        found = self._by_country.get(country, _NOBODY) & self._by_competence.get(
            competence, _NOBODY
        )
        return [self._entries[each] for each in found]

    def named_instruments(self, country: str) -> frozenset[str] | None:
        """The instruments that a country's entries name; None where there is no entry."""
        if not self._by_country.get(country):
            return None
        return frozenset(code for code, count in self._named[country].items() if count > 0)

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
        ranked = self._ranked(query, now)
        page = [self._found(match) for match in ranked[offset : offset + size]]
        end = offset + size
        return Page(page, cursor_for(query, end) if end < len(ranked) else "")

    def _ranked(self, query: directory_pb2.AuthorityFilter, now: datetime) -> list[Match]:
        among = self._among(query)
        if query.text.strip():
            matches = self._index.rank(query.text, among=among)
            return [each for each in matches if self._fits(each.authority_id, query, now)]
        everybody = self._entries if among is None else among
        fitting = (each for each in everybody if self._fits(each, query, now))
        return [
            Match(each, 1.0, {directory_pb2.MATCH_REASON_FILTER})
            for each in nsmallest(MAX_RANKED, fitting, key=lambda each: self._order(each, now))
        ]

    def _among(self, query: directory_pb2.AuthorityFilter) -> Collection[str] | None:
        """Who has the country and the competence; None for everybody."""
        sets: list[set[str]] = []
        if query.countries:
            sets.append(set().union(*(self._by_country.get(c, ()) for c in query.countries)))
        if query.competences:
            sets.append(set().union(*(self._by_competence.get(c, ()) for c in query.competences)))
        return set.intersection(*sets) if sets else None

    def _fits(self, authority_id: str, query: directory_pb2.AuthorityFilter, now: datetime) -> bool:
        entry = self._entries[authority_id]
        authority = entry.authority
        return (
            _has_instrument(authority, query)
            and (not query.languages or bool({*query.languages} & {*authority.spoken_languages}))
            and (not query.channels or bool({*query.channels} & {*authority.channels}))
            and (not query.freshness or entry.freshness(now) in query.freshness)
            and (not query.reachable_now or entry.is_reachable(now, urgent=False))
        )

    def _order(self, authority_id: str, now: datetime) -> tuple[bool, str, str]:
        entry = self._entries[authority_id]
        return (not entry.is_reliable(now), entry.authority.country, authority_id)

    def _found(self, match: Match) -> Found:
        return Found(self._entries[match.authority_id], match.score, sorted(match.reasons))


def _place_of(authority: pb.Authority) -> _Place:
    bases = [basis for each in authority.competences for basis in each.instruments]
    return _Place(
        authority.country,
        frozenset(each.competence for each in authority.competences),
        frozenset(basis.instrument for basis in bases),
    )


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
