"""The reader: an edition in full, or every row at fault at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agency_client.un_list import SubjectKind, load_list, parse_list, reader
from comity.errors import ListInvalid, MalformedInput

EXAMPLES = Path(__file__).parents[2] / "docs/examples"

PERSON = (
    "<INDIVIDUAL><DATAID>{0}</DATAID><FIRST_NAME>EXAMPLE</FIRST_NAME>"
    "<REFERENCE_NUMBER>EXi.{0}</REFERENCE_NUMBER>{1}"
    "<LIST_TYPE><VALUE>UN List</VALUE></LIST_TYPE></INDIVIDUAL>"
)


def _document(
    persons: str, organisations: str = "", *, date: str = "2026-01-02T03:04:05Z"
) -> bytes:
    return (
        f'<CONSOLIDATED_LIST dateGenerated="{date}"><INDIVIDUALS>{persons}</INDIVIDUALS>'
        f"<ENTITIES>{organisations}</ENTITIES></CONSOLIDATED_LIST>"
    ).encode()


def _violations(data: bytes) -> list[tuple[str, str]]:
    with pytest.raises(ListInvalid) as caught:
        parse_list(data)
    return [(found.field, found.description) for found in caught.value.violations]


def test_load_list_reads_every_subject_of_the_sample() -> None:
    edition = load_list(EXAMPLES / "un-list-sample.xml")
    assert datetime(2026, 10, 1, 13, 30, 15, 250_000, tzinfo=UTC) == edition.generated_at
    kinds = [subject.kind for subject in edition.subjects]
    assert kinds == [SubjectKind.PERSON] * 25 + [SubjectKind.ORGANISATION] * 14
    assert len({subject.key for subject in edition.subjects}) == 39
    first = edition.subjects[0]
    assert first.key == ("UN List", "9900001")
    assert first.reference_number == "EXi.001"


def test_load_list_says_so_when_the_file_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.xml", tmp_path):
        with pytest.raises(MalformedInput, match="cannot be read"):
            load_list(path)


def test_parse_list_names_every_row_at_fault_at_once() -> None:
    persons = (
        PERSON.format(1, "<LISTED_ON>2026-02-30</LISTED_ON>")
        + "<INDIVIDUAL><FIRST_NAME>SAMPLE</FIRST_NAME></INDIVIDUAL>"
        + PERSON.format(1, "<LAST_DAY_UPDATED><VALUE>yesterday</VALUE></LAST_DAY_UPDATED>")
        + PERSON.format(2, "")
    )
    births = (
        "<INDIVIDUAL_DATE_OF_BIRTH><YEAR>19O1</YEAR><FROM_YEAR>1</FROM_YEAR>"
        "</INDIVIDUAL_DATE_OF_BIRTH><INDIVIDUAL_DATE_OF_BIRTH><DATE>1901-1-1</DATE>"
        "</INDIVIDUAL_DATE_OF_BIRTH>"
    )
    organisation = "<ENTITY><DATAID>9</DATAID><REFERENCE_NUMBER>EXe.9</REFERENCE_NUMBER></ENTITY>"
    found = _violations(_document(persons + PERSON.format(3, births), organisation))
    fields = {field for field, _ in found}
    assert {
        "INDIVIDUALS/INDIVIDUAL[1]/LISTED_ON",
        "INDIVIDUALS/INDIVIDUAL[2]/DATAID",
        "INDIVIDUALS/INDIVIDUAL[2]/REFERENCE_NUMBER",
        "INDIVIDUALS/INDIVIDUAL[3]/DATAID",
        "INDIVIDUALS/INDIVIDUAL[3]/LAST_DAY_UPDATED/VALUE",
        "INDIVIDUALS/INDIVIDUAL[5]/INDIVIDUAL_DATE_OF_BIRTH/YEAR",
        "INDIVIDUALS/INDIVIDUAL[5]/INDIVIDUAL_DATE_OF_BIRTH/FROM_YEAR",
        "INDIVIDUALS/INDIVIDUAL[5]/INDIVIDUAL_DATE_OF_BIRTH/DATE",
        "ENTITIES/ENTITY[1]/FIRST_NAME",
    } == fields
    assert len(found) == 9


def test_parse_list_says_where_the_other_of_two_equal_data_ids_stands() -> None:
    organisation = PERSON.format(1, "").replace("INDIVIDUAL", "ENTITY")
    [(field, description)] = _violations(_document(PERSON.format(1, ""), organisation))
    assert field == "ENTITIES/ENTITY[1]/DATAID"
    assert description == "line 1, EXi.1: 1 is also that of INDIVIDUALS/INDIVIDUAL[1]"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"<html/>", "document"),
        (_document(""), "document"),
        (_document(PERSON.format(1, ""), date=""), "dateGenerated"),
        (_document(PERSON.format(1, ""), date="last week"), "dateGenerated"),
        (_document(PERSON.format(1, "") + "<VESSEL/>"), "INDIVIDUALS"),
        (_document(PERSON.format(1, "") + "somebody else"), "INDIVIDUALS"),
        (_document(PERSON.format(1, "")).replace(b"ENTITIES", b"VESSELS"), "VESSELS"),
        (_document(PERSON.format(1, "")).replace(b"<ENT", b"and more<ENT"), "document"),
    ],
)
def test_parse_list_refuses_what_it_would_have_to_drop(data: bytes, field: str) -> None:
    [(found, _)] = _violations(data)
    assert field == found


def test_parse_list_refuses_more_subjects_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_SUBJECTS", 1)
    parse_list(_document(PERSON.format(1, "")))
    [(_, description)] = _violations(_document(PERSON.format(1, "") + PERSON.format(2, "")))
    assert description == "lists more than 1 subjects"


def test_parse_list_takes_a_date_of_generation_without_offset_for_utc() -> None:
    edition = parse_list(_document(PERSON.format(1, ""), date="2026-01-02T03:04:05"))
    assert datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) == edition.generated_at
