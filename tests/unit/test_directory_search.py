"""The search: what folds alike, who is ranked, and why it matched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.v1 import authorities_pb2
from comity.v1 import directory_pb2 as pb
from directory.search.folding import sound_of, words_of
from directory.search.index import MAX_RANKED, SearchIndex
from tests.quality.directory import load_queries, measure
from tests.unit.authorities import AUTHORITY_ID, sample_authority


def index_of(name: str = "Sample Central Authority") -> SearchIndex:
    authority = sample_authority()
    authority.names[0].text = name
    return SearchIndex([authority])


def test_the_search_finds_what_is_meant() -> None:
    figures = measure()

    assert figures["directory_top1"] >= 0.9
    assert figures["directory_top3"] >= 0.98


def test_half_of_the_queries_is_set_aside_and_there_are_enough() -> None:
    halves = load_queries()

    assert sum(map(len, halves.values())) >= 150
    assert len(halves["set_aside"]) >= len(halves["open"])
    assert not {text for text, _ in halves["open"]} & {text for text, _ in halves["set_aside"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Autorité d'Été", ("autorite", "d", "ete")),
        ("ŁÓDŹ", ("lodz",)),
        ("Λιμενικό", ("limeniko",)),
        ("Прокуратура", ("prokuratura",)),
        ("\uff33\uff23\uff21 24/7", ("sca", "24", "7")),
        ("—", ()),
    ],
)
def test_accents_case_and_script_fold_away(text: str, words: tuple[str, ...]) -> None:
    assert words == words_of(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Хорнеро", "hornero"), ("Эдельвейс", "edelweiss"), ("النخلة", "nakhla"), ("Кёльн", "koeln")],
)
def test_words_of_two_scripts_sound_alike(one: str, other: str) -> None:
    [folded] = words_of(one)

    assert sound_of(folded) == sound_of(other) != ""


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("authority sample", pb.MATCH_REASON_NAME),
        ("sca", pb.MATCH_REASON_ABBREVIATION),
        ("samp", pb.MATCH_REASON_PARTIAL_NAME),
        ("smaple", pb.MATCH_REASON_SPELLING),
        ("Royaume-Uni", pb.MATCH_REASON_COUNTRY),
        ("Великобритания", pb.MATCH_REASON_COUNTRY),
        ("引渡", pb.MATCH_REASON_COMPETENCE),
        ("london", pb.MATCH_REASON_PLACE),
        ("untoc", pb.MATCH_REASON_INSTRUMENT),
    ],
)
def test_a_match_says_why(query: str, reason: int) -> None:
    [match] = index_of().rank(query).matches

    assert match.authority_id == AUTHORITY_ID
    assert reason in match.reasons


def test_a_match_by_sound_says_so() -> None:
    [match] = index_of("Edelweiss").rank("Эдельвейс").matches

    assert match.reasons & {pb.MATCH_REASON_SCRIPT, pb.MATCH_REASON_SPELLING}


def test_a_newer_version_takes_the_place_of_the_older() -> None:
    index = index_of("Marwick")
    newer = sample_authority()
    newer.names[0].text = "Larkspur"

    index.put(newer)

    assert index.rank("marwick").matches == []
    assert [match.authority_id for match in index.rank("larkspur").matches] == [AUTHORITY_ID]


def test_only_those_among_whom_is_sought_are_ranked() -> None:
    assert index_of().rank("sample", among=set()).matches == []
    assert len(index_of().rank("sample", among={AUTHORITY_ID}).matches) == 1


def many(count: int, name: str) -> Iterator[authorities_pb2.Authority]:
    for number in range(count):
        authority = sample_authority()
        authority.authority_id = AUTHORITY_ID[:-4] + f"{number:04x}"
        authority.names[0].text = name
        yield authority


def test_who_fits_is_found_behind_many_who_do_not() -> None:
    index = SearchIndex(many(MAX_RANKED * 3, "Sample Authority"))
    last = {each.authority_id for each in many(MAX_RANKED * 3, "")} - {
        each.authority_id for each in many(MAX_RANKED * 2 + 1, "")
    }

    for found in (
        index.rank("authority", fits=last.__contains__),
        index.rank("authority", among=last),
    ):
        assert {match.authority_id for match in found.matches} == last
        assert not found.is_cut


def test_a_ranking_says_that_it_is_cut_where_more_have_all_words() -> None:
    count = MAX_RANKED + 1

    found = SearchIndex(many(count, "Sample Authority")).rank("sample authority")

    assert found.is_cut
    assert len(found.matches) == MAX_RANKED
    assert not SearchIndex(many(count - 1, "Sample Authority")).rank("authority").is_cut


def test_a_rare_word_that_begins_alike_does_not_hide_a_common_one() -> None:
    common = list(many(MAX_RANKED + 1, "Sample Bureau"))
    common[-1].names[0].text = "Sample Bureaucracy"
    found = SearchIndex(common).rank("bureau", fits=lambda each: each > common[-9].authority_id)

    assert len(found.matches) == 8


@given(st.text(max_size=100))
def test_any_text_may_be_sought(text: str) -> None:
    for match in index_of().rank(text).matches:
        assert 0 < match.score <= 1.3
