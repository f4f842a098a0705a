"""A card reads in all languages: no coded field in another, times by both clocks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from directory.cards import Reader, record_card, resolution_card
from directory.catalogue import names
from directory.known import known_from
from directory.languages import SHOWN_LANGUAGES
from directory.resolving import Facts, resolve
from directory.search.finding import Finder
from tests.unit.authorities import AUTHORITY_ID, sample_authority

CLOSED = datetime(2026, 11, 24, 22, tzinfo=UTC)
REQUEST = directory_pb2.ResolveAuthorityRequest(
    country="GB", competence=pb.COMPETENCE_EXTRADITION, instrument="UNTOC", article="16"
)


def finder() -> Finder:
    """A stale entry that nobody can be reached of, and another that has a duty line."""
    stale, other = sample_authority(), sample_authority()
    stale.contacts[1].use = pb.CONTACT_USE_OFFICE
    other.authority_id = AUTHORITY_ID[:-1] + "b"
    del other.names[1:]
    other.names[0].text = "Other Sample Authority"
    other.competences[0].competence = pb.COMPETENCE_FIREARMS
    other.competences.add(competence=pb.COMPETENCE_EXTRADITION)
    keeper = pb.Keeper(kind=pb.KEEPER_KIND_HUB, note_verbale="Specimen 1")
    return Finder(
        known_from(each, version=1, keeper=keeper, verified_at=None) for each in (stale, other)
    )


def card(reader: Reader) -> dict[str, directory_pb2.RenderedField]:
    found, answer = finder(), directory_pb2.ResolveAuthorityResponse()
    competent = found.competent_in("GB", pb.COMPETENCE_EXTRADITION)
    resolve(competent, found.standings, Facts(REQUEST, "FR", None, CLOSED), answer)
    return {each.name: each for each in resolution_card(answer.resolutions[0], reader)}


@pytest.mark.parametrize("language", SHOWN_LANGUAGES)
def test_a_card_is_in_the_language_that_was_asked_for(language: str) -> None:
    fields = card(Reader(language))

    assert names.country_name("GB", language) in fields["country"].lines
    topic = names.name_of("topic", "extradition", language)
    assert topic in fields["basis"].lines[0]
    assert names.name_of_value("resolution_reason", 1, language) == fields["reasons"].lines[0]
    assert names.name_of("document", "ARREST_WARRANT", language) in fields["documents"].lines[0]
    assert names.name_of_value("channel", pb.CHANNEL_DIRECT, language) in fields["send_by"].lines[0]
    assert names.language_name("fr", language) in fields["accepted_languages"].lines[0]
    assert all(field.label for name, field in fields.items() if name != "title")
    assert fields["fallback"].lines[0].startswith("Other Sample Authority")
    assert names.label("fallback_since", language) in fields["fallback"].label
    for reason in (
        directory_pb2.RESOLUTION_REASON_STALE,
        directory_pb2.RESOLUTION_REASON_UNREACHABLE,
    ):
        said = names.name_of_value("resolution_reason", reason, language)
        assert said in fields["fallback"].label
    assert list(fields["note_verbale"].lines) == ["Specimen 1"]


def test_a_closed_office_can_be_written_to() -> None:
    fields = card(Reader("en"))

    assert "reach_now" not in fields
    authority = finder().find_entry(AUTHORITY_ID)
    assert authority is not None
    assert len(fields["contacts"].lines) == len(authority.authority.contacts)
    assert fields["postal_address"].lines[-1] == "United Kingdom"


def test_times_are_by_the_office_clock_and_by_the_readers() -> None:
    there, here = card(Reader("fr", "Asia/Tokyo"))["opens_at"].lines
    _, universal = card(Reader("fr"))["opens_at"].lines

    assert "09:00 (sur place)" in there
    assert "18:00 (ici)" in here
    assert "09:00 (UTC)" in universal


@pytest.mark.parametrize("language", SHOWN_LANGUAGES)
def test_an_entry_is_put_into_words_as_it_is_shown(language: str) -> None:
    known = finder().find_entry(AUTHORITY_ID)
    assert known is not None
    record = known.record(CLOSED)
    record.authority.ClearField("persons")
    fields = {each.name: list(each.lines) for each in record_card(record, Reader(language))}

    assert "persons" not in fields
    assert names.name_of_value("competence", 2, language) in fields["competences"]
    assert len(fields) == len(set(fields))
