"""Zones beside the documents and persons of a notice, and names as a zone writes them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.errors import NoticeInvalid
from comity.machine_readable_zone.agreement import zone_disagreements
from comity.machine_readable_zone.transliteration import mrz_name, mrz_names
from comity.notices import verify_notice
from comity.v1 import notices_pb2 as pb
from tests.unit.full_notice import day, full_red, known, name

ZONE = (
    "P<D<<ERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36D<<7408122F1204159ZE184226B<<<<<10",
)
FIELD = "subjects[0].person.documents[0]"


def document(**fields: object) -> pb.IdentityDocument:
    return pb.IdentityDocument(machine_readable_zone=ZONE, **fields)  # type: ignore[arg-type]


def fields_at_fault(made: pb.IdentityDocument) -> set[str]:
    notice = full_red()
    notice.subjects[0].person.documents[0].CopyFrom(made)
    try:
        verify_notice(notice)
    except NoticeInvalid as error:
        return {fault.field for fault in error.violations}
    return set()


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({}, set()),
        ({"number": "L898902C3", "issuing_country": "DE"}, set()),
        ({"number": "l 898902-c3"}, set()),
        ({"number": "L898902C4"}, {"number"}),
        ({"issuing_country": "FR"}, {"issuing_country"}),
        ({"expires_on": known(2012, 4, 15)}, set()),
        ({"expires_on": known(2012)}, set()),
        ({"expires_on": known(2012, 4, 16)}, {"expires_on"}),
        ({"expires_on": known(2013, 4, 15), "number": "1"}, {"expires_on", "number"}),
    ],
    ids=[str(number) for number in range(9)],
)
def test_a_document_agrees_with_its_zone(fields: dict[str, object], at_fault: set[str]) -> None:
    assert fields_at_fault(document(**fields)) == {f"{FIELD}.{each}" for each in at_fault}


def test_a_fault_of_a_zone_is_named_by_its_line_in_the_notice() -> None:
    made = document()
    made.machine_readable_zone[1] = made.machine_readable_zone[1][:-1] + "9"

    assert fields_at_fault(made) == {f"{FIELD}.machine_readable_zone[1]"}


@pytest.mark.parametrize(
    "full",
    [
        "Anna Maria Eriksson",
        "ERIKSSON Anna",
        "Anna-Maria Eriksson",
        "Анна Ерикссон",
    ],
)
def test_a_name_agrees_whatever_its_order_and_script(full: str) -> None:
    person = pb.Person(names=[name("Somebody Else"), name(full)])

    assert zone_disagreements(person, document()) == []


def test_another_name_birth_and_sex_are_told() -> None:
    person = pb.Person(
        names=[name("Boris Muster")], sex=pb.SEX_MALE, dates_of_birth=[known(1974, 8, 13)]
    )

    said = zone_disagreements(person, document())

    assert said == [
        "the machine-readable zone names ERIKSSON, ANNA MARIA, which is none of the person's names",
        "the machine-readable zone has another date of birth",
        "the machine-readable zone has the sex F",
    ]


def test_what_cannot_be_compared_is_no_disagreement() -> None:
    about = pb.PartialDate(qualifier=pb.DATE_QUALIFIER_APPROXIMATE, date=day(1970))
    person = pb.Person(names=[name("محمد")], sex=pb.SEX_UNKNOWN, dates_of_birth=[about])

    assert zone_disagreements(person, document()) == []
    assert zone_disagreements(person, pb.IdentityDocument(number="1")) == []


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Thérèse Cañon", "THERESE<CANON"),
        ("Jürgen Groß", "JUERGEN<GROSS"),
        ("Nguyễn Thị Ánh", "NGUYEN<THI<ANH"),
        ("Łukasz O’Żółć", "LUKASZ<OZOLC"),
        ("Smith-Jones", "SMITH<JONES"),
        ("Щербаков Юрий", "SHCHERBAKOV<IURII"),
        # Doc 9303-3, the example of its section on Arabic
        ("ابو بكر محمد بن زكريا الرازي", "ABW<BKR<MXHMD<BN<ZKRYA<ALRAZY"),
        ("محمّد", "MXHMMD"),
        ("李明", ""),
    ],
    ids=str,
)
def test_a_name_is_written_as_the_tables_say(text: str, written: str) -> None:
    assert mrz_name(text) == written


def test_a_language_has_its_exceptions() -> None:
    assert mrz_name("Сергій", language="uk") == "SERHII"
    assert mrz_name("Џорџ", language="sr") == "DZORDZ"


def test_other_ways_of_states_are_known() -> None:
    assert {"MUELLER", "MULLER", "MUXXLLER"} <= mrz_names("Müller")


@given(st.text(max_size=40))
def test_whatever_is_written_has_only_the_letters_of_a_zone(text: str) -> None:
    assert re.fullmatch(r"([A-Z]+(<[A-Z]+)*)?", mrz_name(text))
