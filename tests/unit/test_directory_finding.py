"""Finding by what has to hold, page by page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from comity.errors import CursorInvalid
from comity.v1 import authorities_pb2 as pb
from comity.v1.directory_pb2 import AuthorityFilter
from directory.known import known_from
from directory.sample.file import load_sample
from directory.search.finding import MAX_PAGE, Finder

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
KEEPER = pb.Keeper(kind=pb.KEEPER_KIND_HUB, note_verbale="Specimen 1/2026")


@pytest.fixture(scope="module")
def finder() -> Finder:
    return Finder(
        known_from(entry, version=1, keeper=KEEPER, verified_at=NOW if number % 2 else None)
        for number, entry in enumerate(load_sample())
    )


def all_found(finder: Finder, query: AuthorityFilter, *, limit: int = 7) -> list[pb.Authority]:
    found, cursor = [], ""
    while True:
        page = finder.find(query, now=NOW, limit=limit, cursor=cursor)
        found += [each.known.authority for each in page.found]
        if not (cursor := page.next_cursor):
            return found


def test_pages_give_every_entry_once(finder: Finder) -> None:
    found = all_found(finder, AuthorityFilter())

    assert len(load_sample()) == len(found) == len({each.authority_id for each in found})


def test_a_page_is_never_larger_than_the_limit(finder: Finder) -> None:
    page = finder.find(AuthorityFilter(), now=NOW, limit=10_000)

    assert len(page.found) == MAX_PAGE
    assert page.next_cursor


@pytest.mark.parametrize("cursor", ["x", "!!!!", "AAAA", "é", "A" * 19])
def test_a_cursor_of_another_query_is_refused(finder: Finder, cursor: str) -> None:
    other = finder.find(AuthorityFilter(), now=NOW).next_cursor

    for wrong in (cursor, other):
        with pytest.raises(CursorInvalid):
            finder.find(AuthorityFilter(countries=["BR"]), now=NOW, cursor=wrong)


def test_what_is_asked_for_holds_of_all_that_is_found(finder: Finder) -> None:
    query = AuthorityFilter(
        competences=[pb.COMPETENCE_EXTRADITION],
        instrument="UNTOC",
        article="16(3)",
        languages=["en", "fr"],
        channels=[pb.CHANNEL_INTERPOL],
        freshness=[pb.FRESHNESS_FRESH],
        reachable_now=True,
    )

    found = all_found(finder, query)

    assert found
    for authority in found:
        known = known_from(authority, version=1, keeper=KEEPER, verified_at=NOW)
        assert pb.COMPETENCE_EXTRADITION in {each.competence for each in authority.competences}
        assert {"en", "fr"} & set(authority.spoken_languages)
        assert pb.CHANNEL_INTERPOL in authority.channels
        assert known.is_reachable(NOW, urgent=False)


@pytest.mark.parametrize(("article", "is_found"), [("16", True), ("18", False)])
def test_an_article_belongs_to_the_competence_that_is_asked_for(
    finder: Finder, article: str, is_found: bool
) -> None:
    query = AuthorityFilter(
        countries=["FR"],
        competences=[pb.COMPETENCE_EXTRADITION],
        instrument="UNTOC",
        article=article,
    )

    assert is_found is bool(all_found(finder, query))


def test_a_text_is_sought_among_those_of_the_filter(finder: Finder) -> None:
    found = all_found(finder, AuthorityFilter(text="baobab", countries=["SN"]))

    assert [each.country for each in found] == ["SN"]


def test_a_newer_version_moves_an_entry(finder: Finder) -> None:
    entry = load_sample()[0]
    own = Finder([known_from(entry, version=1, keeper=KEEPER, verified_at=NOW)])
    entry.country = "UY"

    own.put(known_from(entry, version=2, keeper=KEEPER, verified_at=NOW))

    assert own.entries_of("AR") == []
    assert [each.version for each in own.entries_of("UY")] == [2]
