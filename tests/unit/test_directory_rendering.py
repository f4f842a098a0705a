"""An entry written in one language reads in all: no code is without a name, no name is English."""

from __future__ import annotations

import re

import pytest

from comity.identity import is_country_code
from comity.v1 import authorities_pb2 as pb
from directory.catalogue.names import (
    catalogue,
    coded_values,
    country_name,
    instant_text,
    language_name,
    time_text,
)
from directory.hours import hours_from
from directory.instruments.tables import (
    articles_for,
    channels,
    competences,
    documents,
    instruments,
    is_article_of,
    topics,
)
from directory.languages import SHOWN_LANGUAGES
from directory.rendering import localized, render_authority, title_of
from tests.unit.authorities import sample_authority

LATIN = re.compile("[A-Za-z]{3,}")
SCRIPTS = {
    "ar": re.compile("[\u0600-\u06ff]"),
    "ru": re.compile("[\u0400-\u04ff]"),
    "zh": re.compile("[\u4e00-\u9fff]"),
}
# Proper names, which stay as they are in any script.
PROPER = {"Comity", "INTERPOL", "UNESCO"}

each_language = pytest.mark.parametrize("language", SHOWN_LANGUAGES)


@each_language
@pytest.mark.parametrize(
    "section",
    [
        "competence",
        "channel",
        "means",
        "answer",
        "contact_means",
        "contact_use",
        "link",
        "freshness",
        "keeper",
        "resolution_reason",
    ],
)
def test_every_value_of_the_contract_is_named(section: str, language: str) -> None:
    assert set(coded_values(section)) == set(catalogue(language)[section])


@each_language
def test_every_code_of_the_tables_is_named(language: str) -> None:
    found = catalogue(language)

    assert set(instruments()) == set(found["instrument"])
    assert set(documents()) == set(found["document"])
    assert topics() == set(found["topic"])


@each_language
def test_every_language_has_the_same_names_and_none_is_empty(language: str) -> None:
    names = {(section, code) for section, table in catalogue(language).items() for code in table}
    english = {(section, code) for section, table in catalogue("en").items() for code in table}

    assert english == names
    assert all(text.strip() for table in catalogue(language).values() for text in table.values())


@pytest.mark.parametrize("language", SCRIPTS)
def test_names_are_in_the_script_of_their_language(language: str) -> None:
    texts = [text for table in catalogue(language).values() for text in table.values()]

    other = [t for t in texts if not SCRIPTS[language].search(t) and t not in PROPER]
    assert other == []
    assert [t for t in texts if set(LATIN.findall(t)) - PROPER] == []


@pytest.mark.parametrize("language", ["fr", "es", "pt"])
def test_names_were_translated(language: str) -> None:
    english = [text for table in catalogue("en").values() for text in table.values()]
    here = [text for table in catalogue(language).values() for text in table.values()]

    same = sum(a == b for a, b in zip(english, here, strict=True))
    assert len(english) * 0.12 > same


@each_language
def test_every_country_and_language_has_a_name(language: str) -> None:
    codes = [a + b for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    countries = [code for code in codes if is_country_code(code)]

    assert [code for code in countries if country_name(code, language) == code] == []
    assert [code for code in SHOWN_LANGUAGES if language_name(code, language) == code] == []


def test_every_competence_and_channel_has_a_source() -> None:
    assert set(pb.Competence.values()) - {0} == set(competences())
    assert set(pb.Channel.values()) - {0} == set(channels())
    assert all(rule.source for rule in competences().values())
    assert all([*channels().values(), *documents().values()])
    assert all(instrument.source for instrument in instruments().values())


def test_every_competence_names_instruments_and_topics_that_exist() -> None:
    for rule in competences().values():
        assert set(rule.specific) <= set(instruments())
        assert rule.topics


@pytest.mark.parametrize(
    ("article", "is_one"),
    [("18", True), ("18(13)", True), ("29", False), ("018", False), ("", False), ("18(", False)],
)
def test_an_article_is_known_with_or_without_its_paragraph(article: str, is_one: bool) -> None:
    assert is_one is is_article_of(instruments()["UNTOC"], article)


def test_the_article_of_a_competence_is_found_where_the_entry_names_none() -> None:
    untoc = instruments()["UNTOC"]

    assert articles_for(pb.COMPETENCE_EXTRADITION, untoc) == ["16"]
    assert articles_for(pb.COMPETENCE_FIREARMS, untoc) == []


@each_language
def test_every_field_of_an_entry_is_shown(language: str) -> None:
    fields = {field.name: field for field in render_authority(sample_authority(), language)}

    labels = set(catalogue(language)["label"])
    shown_inside = {"article", "is_legal_basis", "translation", "closed"}
    elsewhere = {"international_body", "last_verified", "open_now", "opens_at"}
    on_cards = {"basis", "reasons", "send_by", "closes_at", "reach_now", "fallback"}
    on_cards |= {"fallback_since", "note_verbale", "office_clock", "own_clock"}
    assert labels - shown_inside - elsewhere - on_cards == set(fields)


def test_coded_fields_read_in_russian_when_the_entry_was_written_in_english() -> None:
    fields = {field.name: field.lines for field in render_authority(sample_authority(), "ru")}

    assert fields["country"] == ["Великобритания"]
    assert fields["competences"][0] == "Выдача"
    assert "ст. 16 (выдача)" in fields["competences"][1].lower()
    assert "Sample Treaty [английский] (Бразилия)" in fields["competences"][2]
    assert (
        fields["contacts"][1] == "Телефон: +44 20 7946 0001 (дежурство круглосуточно, английский)"
    )
    assert fields["office_hours"][0] == "понедельник: 09:00–12:30, 13:30–17:00"
    assert fields["holidays"] == ["25 декабря: Christmas Day [английский]", *fields["holidays"][1:]]
    assert fields["accepted_languages"] == ["английский, французский"]


def test_a_text_says_when_it_is_a_translation_and_when_it_is_in_another_language() -> None:
    authority = sample_authority()

    assert title_of(authority, "en") == "Sample Central Authority"
    assert title_of(authority, "fr") == (
        "Autorité centrale d'exemple [traduction] (Sample Central Authority)"
    )
    assert title_of(authority, "zh") == "Sample Central Authority [英语]"
    assert localized([], "en") == ""


def test_a_language_without_a_catalogue_is_refused() -> None:
    with pytest.raises(KeyError, match="eo"):
        catalogue("eo")


def test_times_are_shown_by_the_clock_of_the_office() -> None:
    hours = hours_from(sample_authority().office_hours)
    from datetime import UTC, datetime

    assert "13:00" in instant_text(datetime(2026, 7, 1, 12, tzinfo=UTC), hours.zone, "fr")
    assert time_text(24 * 60, "en") == "24:00"
