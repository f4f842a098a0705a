"""The Security Council's Consolidated List: the XML file becomes an edition of listed subjects.

Called by the import. All or nothing: every row at fault is named at once, and nothing half-read
comes out. Never touches the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from agency_client.un_list.dates import parse_date, parse_year
from agency_client.un_list.source import (
    MAX_LIST_BYTES,
    Element,
    parse_document,
    refuse_document,
)
from comity.errors import ListInvalid, MalformedInput, Violation

MAX_SUBJECTS = 10_000  # nine times the list of 2018, which has 1,093


class SubjectKind(Enum):
    """What the list tells apart: its sections hold persons or organisations."""

    PERSON = "INDIVIDUAL"
    ORGANISATION = "ENTITY"


_SECTIONS = {"INDIVIDUALS": SubjectKind.PERSON, "ENTITIES": SubjectKind.ORGANISATION}
_REQUIRED = ("DATAID", "REFERENCE_NUMBER", "FIRST_NAME")

# The dates that the list's schema types as dates. Those of documents and of aliases are free
# text there and stay so.
_DATES = ("LISTED_ON", "SUBMITTED_ON")
_YEARS = ("YEAR", "FROM_YEAR", "TO_YEAR")


@dataclass(frozen=True, slots=True)
class ListedSubject:
    """A person or organisation as the list has it; `source` holds every element below it."""

    kind: SubjectKind
    data_id: str
    reference_number: str
    list_type: str
    source: Element

    @property
    def key(self) -> tuple[str, str]:
        """What stays the same from edition to edition."""
        return (self.list_type, self.data_id)


@dataclass(frozen=True, slots=True)
class ListEdition:
    """The list as it was generated at one moment (aware UTC)."""

    generated_at: datetime
    subjects: tuple[ListedSubject, ...]


def load_list(path: Path) -> ListEdition:
    """The edition in a file.

    Raises: MalformedInput where it cannot be read; ListInvalid as `parse_list`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}.") from error
    return parse_list(data)


def parse_list(data: bytes) -> ListEdition:
    """The edition in the bytes of a file.

    Raises: ListInvalid where it is no such list, or with a violation for every row at fault.
    """
    root = parse_document(data)
    if root.tag != "CONSOLIDATED_LIST":
        refuse_document(f"is no Consolidated List: its root is {root.tag[:80]}")
    rows = list(_rows(root))
    if len(rows) > MAX_SUBJECTS:
        refuse_document(f"lists more than {MAX_SUBJECTS:,} subjects")
    generated_at = _moment(root.find_attribute("dateGenerated"))
    violations = [*_list_violations(root, rows), *_duplicates(rows)]
    for where, row in rows:
        violations.extend(_row_violations(where, row))
    if violations or generated_at is None:
        raise ListInvalid(violations=violations)
    return ListEdition(generated_at, tuple(_listed_subject(row) for _, row in rows))


def _rows(root: Element) -> Iterator[tuple[str, Element]]:
    """Each listed subject, with the name under which a violation refers to it."""
    for section in root.children:
        kind = _SECTIONS.get(section.tag)
        if kind is None:
            continue
        for number, row in enumerate(section.every(kind.value), start=1):
            yield f"{section.tag}/{row.tag}[{number}]", row


def _listed_subject(row: Element) -> ListedSubject:
    list_type = next(row.every("LIST_TYPE"), Element("LIST_TYPE"))
    return ListedSubject(
        kind=SubjectKind(row.tag),
        data_id=row.find_text("DATAID"),
        reference_number=row.find_text("REFERENCE_NUMBER"),
        list_type=list_type.find_text("VALUE"),
        source=row,
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Editions are only compared with each other, so that a missing offset may stand for UTC.
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _list_violations(root: Element, rows: list[tuple[str, Element]]) -> Iterator[Violation]:
    """What is wrong outside the rows: a section that is not read would be silently dropped."""
    if _moment(root.find_attribute("dateGenerated")) is None:
        yield Violation("dateGenerated", "is missing or no date and time")
    if not rows:
        yield Violation("document", "lists nobody")
    if root.text:
        yield Violation("document", "has text outside its sections")
    for section in root.children:
        kind = _SECTIONS.get(section.tag)
        if kind is None:
            yield Violation(section.tag[:80], f"line {section.line}: is no section that is known")
            continue
        if section.text:
            yield Violation(section.tag, "has text outside its rows")
        for row in section.children:
            if row.tag != kind.value:
                yield Violation(section.tag, f"line {row.line}: {row.tag[:80]} is not known here")


def _duplicates(rows: list[tuple[str, Element]]) -> Iterator[Violation]:
    first_places: dict[tuple[str, str], str] = {}
    for where, row in rows:
        subject = _listed_subject(row)
        if subject.data_id and subject.key in first_places:
            said = f"{subject.data_id} is also that of {first_places[subject.key]}"
            yield _violation(where, row, "DATAID", said)
        first_places.setdefault(subject.key, where)


def _row_violations(where: str, row: Element) -> Iterator[Violation]:
    for tag in _REQUIRED:
        if not row.find_text(tag):
            yield _violation(where, row, tag, "is missing")
    for path, text in _dates(row):
        if parse_date(text) is None:
            yield _violation(where, row, path, f"{text[:40]!r} is no date")
    for birth in row.every("INDIVIDUAL_DATE_OF_BIRTH"):
        for tag in _YEARS:
            for year in birth.every(tag):
                if year.text and parse_year(year.text) is None:
                    path = f"{birth.tag}/{tag}"
                    yield _violation(where, row, path, f"{year.text[:40]!r} is no year")


def _dates(row: Element) -> Iterator[tuple[str, str]]:
    found = [(tag, child) for tag in _DATES for child in row.every(tag)]
    for tag, inner in (("LAST_DAY_UPDATED", "VALUE"), ("INDIVIDUAL_DATE_OF_BIRTH", "DATE")):
        for holder in row.every(tag):
            found.extend((f"{tag}/{inner}", child) for child in holder.every(inner))
    return ((path, child.text) for path, child in found if child.text)


def _violation(where: str, row: Element, path: str, said: str) -> Violation:
    reference = row.find_text("REFERENCE_NUMBER")[:40] or "no reference number"
    return Violation(f"{where}/{path}", f"line {row.line}, {reference}: {said}")
