"""Nothing is dropped: every text of a list stands in its notice, counted independently.

Walks the XML with another parser and the message by its descriptors, on the sample that the
repository ships and on a real edition where one lies beside the repository.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from agency_client.un_list import IssueTerms, first_version, load_list, plan_import
from comity.identity import is_country_code
from comity.notices import verify_notice
from comity.v1 import notices_pb2 as pb

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "docs/examples/un-list-sample.xml"
NEXT = ROOT / "docs/examples/un-list-sample-next.xml"
REAL = ROOT.parent / "shared/data/un-consolidated-2018-10-29.xml"
NOTICE_ID = "01890000-0000-7000-8000-000000000001"
TERMS = IssueTerms.live(datetime(2026, 11, 1, tzinfo=UTC))

needs_real_list = pytest.mark.skipif(
    not REAL.exists(), reason="the real list names real persons and is not in the repository"
)
LISTS = [SAMPLE, NEXT, pytest.param(REAL, marks=needs_real_list)]

# The one element whose text becomes a code and nothing else.
QUALIFIERS = {
    "EXACT": pb.DATE_QUALIFIER_EXACT,
    "APPROXIMATELY": pb.DATE_QUALIFIER_APPROXIMATE,
    "BETWEEN": pb.DATE_QUALIFIER_BETWEEN,
}


def _rows(path: Path) -> list[ElementTree.Element]:
    root = ElementTree.parse(path).getroot()
    return [*root.iter("INDIVIDUAL"), *root.iter("ENTITY")]


def _notices(path: Path) -> list[pb.Notice]:
    subjects = load_list(path).subjects
    return [first_version(subject, notice_id=NOTICE_ID, terms=TERMS) for subject in subjects]


def _source_texts(row: ElementTree.Element) -> Iterator[str]:
    for element in row.iter():
        assert not (element.tail or "").strip()
        if element.tag != "TYPE_OF_DATE" and (element.text or "").strip():
            yield (element.text or "").strip()


def _message_texts(message: Message) -> Iterator[str]:
    """Every text of a message; a date is the text that it would be written as."""
    if isinstance(message, pb.CalendarDate):
        figures = [f"{message.year:04}", f"{message.month:02}", f"{message.day:02}"]
        yield "-".join(figures[: 1 + bool(message.month) + bool(message.day)])
        return
    for descriptor, value in message.ListFields():
        for item in value if descriptor.is_repeated else [value]:
            if descriptor.type == FieldDescriptor.TYPE_MESSAGE:
                yield from _message_texts(item)
            elif descriptor.type == FieldDescriptor.TYPE_STRING:
                yield item


@pytest.mark.parametrize("path", LISTS)
def test_every_text_of_the_list_occurs_in_its_notice_as_often(path: Path) -> None:
    for row, notice in zip(_rows(path), _notices(path), strict=True):
        missing = Counter(_source_texts(row)) - Counter(_message_texts(notice))
        assert not missing, notice.case_reference


@pytest.mark.parametrize("path", LISTS)
def test_every_kind_of_date_of_the_list_occurs_in_its_notice(path: Path) -> None:
    for row, notice in zip(_rows(path), _notices(path), strict=True):
        written = [element.text for element in row.iter("TYPE_OF_DATE") if element.text]
        births = notice.subjects[0].person.dates_of_birth
        assert [QUALIFIERS[text] for text in written] == [birth.qualifier for birth in births]


@pytest.mark.parametrize("path", LISTS)
def test_every_element_of_the_list_has_a_field_of_its_own(path: Path) -> None:
    left = [list(notice.sanctions_listing.other_elements) for notice in _notices(path)]
    assert not any(left)


@pytest.mark.parametrize("path", LISTS)
def test_every_notice_is_one_that_the_hub_takes(path: Path) -> None:
    for notice in _notices(path):
        verify_notice(notice)


def test_the_table_of_countries_holds_only_country_codes() -> None:
    table = ROOT / "agency_client/un_list/countries.toml"
    names = tomllib.loads(table.read_text(encoding="utf-8"))
    assert all(is_country_code(code) for code in names)
    every = [name.casefold() for code in names for name in names[code]]
    assert len(every) == len(set(every))


@needs_real_list
def test_the_sample_has_every_element_that_the_real_list_has() -> None:
    assert _paths(REAL) == _paths(SAMPLE)


def _paths(path: Path) -> set[tuple[str, bool]]:
    """Where in a list which elements stand, filled or empty."""
    found = set()
    pending = [("", ElementTree.parse(path).getroot())]
    while pending:
        above, element = pending.pop()
        here = f"{above}/{element.tag}"
        found.add((here, bool((element.text or "").strip())))
        pending.extend((here, child) for child in element)
    return found


@needs_real_list
def test_the_sample_holds_nothing_of_the_real_list_but_its_vocabulary() -> None:
    telling = {"FIRST_NAME", "SECOND_NAME", "FOURTH_NAME", "ALIAS_NAME", "COMMENTS1", "STREET"}
    telling |= {"NUMBER", "NAME_ORIGINAL_SCRIPT", "DATAID", "REFERENCE_NUMBER", "THIRD_NAME"}

    def texts(path: Path) -> set[str]:
        elements = ElementTree.parse(path).getroot().iter()
        return {(e.text or "").strip() for e in elements if e.tag in telling} - {""}

    assert not (texts(SAMPLE) | texts(NEXT)) & texts(REAL)


@needs_real_list
def test_the_real_list_is_read_and_planned_whole() -> None:
    listed = load_list(REAL).subjects
    plan = plan_import(listed, published=[], terms=TERMS, new_notice_id=lambda: NOTICE_ID)
    assert len(plan.new) == 1093
