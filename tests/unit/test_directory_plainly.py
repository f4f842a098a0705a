"""What the directory finds by its indexes, beside the same found by looking at every entry."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from comity.v1.directory_pb2 import AuthorityFilter, ResolveAuthorityRequest
from directory.instruments.tables import article_number, competences, instruments
from directory.known import KnownAuthority, known_from
from directory.resolving import Facts, resolve
from directory.sample.file import load_sample
from directory.sample.growing import grown
from directory.search.finding import Finder
from directory.search.index import MAX_RANKED
from directory.search.terms import terms_of

START = datetime(2026, 11, 24, 10, tzinfo=UTC)
KEEPER = pb.Keeper(kind=pb.KEEPER_KIND_HUB, note_verbale="Specimen 1/2026")
COUNTRIES = ("AU", "BR", "EG", "FR", "US")
REGIONS = ("", "XX-1", "XX-2")

moments = st.integers(0, 14 * 24 * 4).map(lambda each: START + each * timedelta(minutes=15))
some_competences = st.sampled_from(sorted(competences()))
codes = st.sampled_from(["", "UNTOC", "UNCAC", "UNTOC-TIP", "BILATERAL", "REGIONAL"])
languages = st.lists(st.sampled_from(["en", "fr", "pt", "ar"]), max_size=2, unique=True)


def varied(number: int, authority: pb.Authority, chance: random.Random) -> KnownAuthority:
    """An entry that differs from others of its country in all that decides who comes first."""
    authority.territory.regions[:] = chance.sample(REGIONS[1:], chance.choice([0, 0, 1, 2]))
    authority.accepted_languages[:] = chance.sample(["en", "fr", "pt", "ar"], 2)
    if chance.random() < 0.5:
        authority.contacts[0].use = pb.CONTACT_USE_URGENT
    for basis in authority.competences:
        for instrument in basis.instruments:
            if chance.random() < 0.3:
                del instrument.articles[:]
        if chance.random() < 0.2:
            regional = basis.instruments.add(instrument="REGIONAL")
            for title in chance.sample(["West", "East", "North"], chance.choice([1, 2])):
                regional.titles.add(language="en", text=title)
    verified_at = START - timedelta(days=chance.randint(0, 200)) if number % 7 else None
    return known_from(authority, version=1, keeper=KEEPER, verified_at=verified_at)


@pytest.fixture(scope="module")
def entries() -> list[KnownAuthority]:
    chance = random.Random(7)
    few = [each for each in load_sample() if each.country in COUNTRIES]
    return [varied(number, each, chance) for number, each in enumerate(grown(few, 300))]


@pytest.fixture(scope="module")
def finder(entries: Sequence[KnownAuthority]) -> Finder:
    """Filled in another order, with some entries put twice and in another country first."""
    shuffled = random.Random(8).sample(entries, len(entries))
    made = Finder()
    for known in shuffled[::3]:
        moved = pb.Authority()
        moved.CopyFrom(known.authority)
        moved.country = "UY"
        del moved.competences[1:]
        made.put(known_from(moved, version=1, keeper=KEEPER, verified_at=START))
    for known in shuffled:
        made.put(known)
    return made


def has_instrument(authority: pb.Authority, query: AuthorityFilter) -> bool:
    wanted = article_number(query.article)
    return any(
        basis.instrument == query.instrument
        and (not wanted or not basis.articles or wanted in map(article_number, basis.articles))
        for each in authority.competences
        if not query.competences or each.competence in query.competences
        for basis in each.instruments
    )


def fitting(entries: Sequence[KnownAuthority], query: AuthorityFilter, now: datetime) -> list[str]:
    found = [
        (not each.is_reliable(now), each.authority.country, each.authority.authority_id)
        for each in entries
        for authority in [each.authority]
        if (not query.countries or authority.country in query.countries)
        and (
            not query.competences
            or {each.competence for each in authority.competences} & {*query.competences}
        )
        and (not query.instrument or has_instrument(authority, query))
        and (not query.languages or {*query.languages} & {*authority.spoken_languages})
        and (not query.channels or {*query.channels} & {*authority.channels})
        and (not query.freshness or each.freshness(now) in query.freshness)
        and (not query.reachable_now or each.is_reachable(now, urgent=False))
    ]
    return [authority_id for _, _, authority_id in sorted(found)]


def all_found(finder: Finder, query: AuthorityFilter, now: datetime) -> tuple[list[str], bool]:
    """The ids of all pages, and whether the last says that more match."""
    found, cursor = [], ""
    while True:
        page = finder.find(query, now=now, limit=30, cursor=cursor)
        found += [each.known.authority.authority_id for each in page.found]
        if not (cursor := page.next_cursor):
            return found, page.is_cut


queries = st.builds(
    AuthorityFilter,
    countries=st.lists(st.sampled_from([*COUNTRIES, "UY"]), max_size=2),
    competences=st.lists(some_competences, max_size=2),
    instrument=codes,
    article=st.sampled_from(["", "16", "18(3)"]),
    languages=languages,
    channels=st.lists(st.sampled_from([pb.CHANNEL_DIRECT, pb.CHANNEL_DIPLOMATIC]), max_size=1),
    freshness=st.lists(st.sampled_from([pb.FRESHNESS_STALE, pb.FRESHNESS_DUE]), max_size=2),
    reachable_now=st.booleans(),
).filter(lambda query: bool(query.instrument or not query.article))


@settings(max_examples=60, deadline=None)
@given(query=queries, now=moments)
def test_a_filter_finds_what_looking_at_every_entry_finds(
    entries: Sequence[KnownAuthority], finder: Finder, query: AuthorityFilter, now: datetime
) -> None:
    fit = fitting(entries, query, now)

    assert all_found(finder, query, now) == (fit[:MAX_RANKED], len(fit) > MAX_RANKED)


@pytest.fixture(scope="module")
def words(entries: Sequence[KnownAuthority]) -> Mapping[str, frozenset[str]]:
    """The words of each entry."""
    return {
        each.authority.authority_id: frozenset(term.word for term in terms_of(each.authority))
        for each in entries
    }


@settings(max_examples=100, deadline=None)
@given(
    query=queries,
    text=st.lists(
        # The commonest, common in one country, and one that rarer ones begin with.
        st.sampled_from(["authority", "office", "central", "brasilia", "extradition", "ta", "un"]),
        min_size=1,
        max_size=2,
    ).map(" ".join),
    now=moments,
)
def test_a_text_finds_all_who_fit_and_have_its_words_or_says_that_it_is_cut(
    entries: Sequence[KnownAuthority],
    words: Mapping[str, frozenset[str]],
    finder: Finder,
    query: AuthorityFilter,
    text: str,
    now: datetime,
) -> None:
    fit = fitting(entries, query, now)
    query.text = text
    found, is_cut = all_found(finder, query, now)

    assert {*found} <= {*fit}
    if is_cut:
        assert len(found) == MAX_RANKED < len(fit)
    else:
        assert {each for each in fit if words[each].issuperset(text.split())} <= {*found}


def why(basis: pb.InstrumentBasis, titles: AbstractSet[str], facts: Facts) -> int | None:
    """The place of an instrument in the order: as asked, bilateral, regional, made for it, other,
    none. A regional one goes by all `titles` of entries that give it the same first title."""
    request = facts.request
    if not basis.instrument:
        return None if request.instrument else 5
    kind = instruments()[basis.instrument].kind.value
    if kind == "bilateral" and basis.partner_country != facts.requester_country:
        return None
    if request.instrument:
        numbers = {article_number(each) for each in basis.articles}
        has = not request.article or not numbers or article_number(request.article) in numbers
        return 0 if has and basis.instrument == request.instrument else None
    if kind == "bilateral":
        return 1
    if facts.shared is not None and not facts.shared & {
        (basis.instrument, title) for title in (titles if kind == "regional" else {""})
    }:
        return None
    if kind == "regional":
        return 2
    return 3 if basis.instrument in competences()[request.competence].specific else 4


def strengths(each: KnownAuthority, facts: Facts) -> tuple[bool, bool]:
    return each.is_reliable(facts.now), each.is_reachable(facts.now, urgent=facts.request.urgent)


def worth(each: KnownAuthority, facts: Facts) -> tuple[object, ...]:
    request = facts.request
    return (
        not each.is_reliable(facts.now),
        not each.is_reachable(facts.now, urgent=request.urgent),
        not {*each.authority.accepted_languages} & {*request.languages},
        each.authority.authority_id,
    )


def instrument_of(basis: pb.InstrumentBasis) -> tuple[str, str, str]:
    """What is one instrument: its code, its partner, and what it is called first."""
    title = basis.titles[0].text if basis.titles else ""
    return basis.instrument, basis.partner_country, title


def bases_for(each: KnownAuthority, request: ResolveAuthorityRequest) -> list[pb.InstrumentBasis]:
    return [
        basis
        for competence in each.authority.competences
        if competence.competence == request.competence
        for basis in competence.instruments or [pb.InstrumentBasis()]
    ]


def resolved_plainly(
    entries: Sequence[KnownAuthority], facts: Facts
) -> list[tuple[str, tuple[str, str, str], str]]:
    """Of each answer the entry, its instrument, and the entry to fall back on."""
    request = facts.request
    of_country = [
        each
        for each in entries
        if each.authority.country == request.country
        and request.competence in [basis.competence for basis in each.authority.competences]
    ]
    competent = [
        each
        for each in of_country
        if not request.region
        or not each.authority.territory.regions
        or request.region in each.authority.territory.regions
    ]
    titles = defaultdict[str, set[str]](set)
    for each in of_country:
        for basis in bases_for(each, request):
            titles[instrument_of(basis)[2]].update(title.text.lower() for title in basis.titles)
    ranked = []
    for each in competent:
        of_region = request.region in each.authority.territory.regions
        for basis in bases_for(each, request):
            place = why(basis, titles[instrument_of(basis)[2]], facts)
            if place is not None:
                ranked.append(((place, not of_region, *worth(each, facts)), each, basis))
    best: dict[tuple[str, str, str], tuple[KnownAuthority, pb.InstrumentBasis]] = {}
    for _, each, basis in sorted(ranked, key=lambda found: found[0]):
        best.setdefault(instrument_of(basis), (each, basis))
    answers = []
    for each, basis in best.values():
        own = strengths(each, facts)
        others = sorted(
            (
                other
                for other in competent
                if any(
                    theirs > ours for theirs, ours in zip(strengths(other, facts), own, strict=True)
                )
                and all(
                    theirs >= ours
                    for theirs, ours in zip(strengths(other, facts), own, strict=True)
                )
            ),
            key=lambda other: worth(other, facts),
        )
        spare = others[0].authority.authority_id if others else ""
        authority_id = each.authority.authority_id
        answers.append((authority_id, instrument_of(basis), spare))
    return answers


cases = st.builds(
    Facts,
    st.builds(
        ResolveAuthorityRequest,
        country=st.sampled_from([*COUNTRIES, "UY"]),
        competence=some_competences,
        instrument=codes,
        article=st.sampled_from(["", "16", "18(3)"]),
        region=st.sampled_from(REGIONS),
        urgent=st.booleans(),
        languages=languages,
    ).filter(lambda request: bool(request.instrument or not request.article)),
    st.sampled_from(["AR", "BR", "KE"]),
    st.sampled_from(
        [
            None,
            frozenset({("UNTOC", ""), ("REGIONAL", "west")}),
            frozenset({("UNCAC", ""), ("UNTOC-TIP", "")}),
        ]
    ),
    moments,
)


@settings(max_examples=100, deadline=None)
@given(facts=cases)
def test_who_handles_it_is_who_looking_at_every_entry_finds(
    entries: Sequence[KnownAuthority], finder: Finder, facts: Facts
) -> None:
    request = facts.request
    answer = directory_pb2.ResolveAuthorityResponse()
    competent = finder.competent_in(request.country, request.competence)
    resolve(competent, finder.standings, facts, answer)

    assert resolved_plainly(entries, facts) == [
        (
            each.record.authority.authority_id,
            instrument_of(each.basis),
            each.fallback.authority.authority_id,
        )
        for each in answer.resolutions
    ]


@settings(max_examples=50, deadline=None)
@given(later=st.lists(moments, min_size=2, max_size=6), number=st.integers(0, 299))
def test_hours_that_were_asked_before_say_what_fresh_ones_say(
    entries: Sequence[KnownAuthority], later: list[datetime], number: int
) -> None:
    known = entries[number]
    for now in later:
        fresh = known_from(known.authority, version=1, keeper=KEEPER, verified_at=None)

        assert fresh.record(now).reachability == known.record(now).reachability
