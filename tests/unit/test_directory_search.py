"""The search: what folds alike, who is ranked, and why it matched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.v1 import directory_pb2 as pb
from directory.search.folding import sound_of, words_of
from directory.search.index import SearchIndex
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
    [match] = index_of().rank(query)

    assert match.authority_id == AUTHORITY_ID
    assert reason in match.reasons


def test_a_match_by_sound_says_so() -> None:
    [match] = index_of("Edelweiss").rank("Эдельвейс")

    assert match.reasons & {pb.MATCH_REASON_SCRIPT, pb.MATCH_REASON_SPELLING}


def test_a_newer_version_takes_the_place_of_the_older() -> None:
    index = index_of("Marwick")
    newer = sample_authority()
    newer.names[0].text = "Larkspur"

    index.put(newer)

    assert index.rank("marwick") == []
    assert [match.authority_id for match in index.rank("larkspur")] == [AUTHORITY_ID]


def test_only_those_among_whom_is_sought_are_ranked() -> None:
    assert index_of().rank("sample", among=set()) == []
    assert len(index_of().rank("sample", among={AUTHORITY_ID})) == 1


@given(st.text(max_size=100))
def test_any_text_may_be_sought(text: str) -> None:
    for match in index_of().rank(text):
        assert 0 < match.score <= 1.3
