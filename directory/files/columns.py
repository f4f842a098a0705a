"""The columns of a table of entries: one row an entry, every field in a cell that a clerk can edit.

A column says how its cell is written, how it is read, and what would be right, by an example.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from comity.v1 import authorities_pb2 as pb
from directory.files import parts as notation
from directory.files.cells import (
    lines_of,
    parts_of,
    write_line,
)
from directory.files.column_kinds import (
    Column,
    answer_column,
    codes_column,
    each_column,
    items_column,
    lines_column,
    localized_column,
    read_on_line,
    text_column,
    whole_number,
)
from directory.files.parts import NotationFault

_OF_A_PERSON = re.compile(r"persons\[\d+\]\.contacts\b")
VERSION, WITHHELD = "version", "withheld"
WITHHELD_PERSONS = "persons"


def column_of(path: str) -> str:
    """The column in which a field of an entry stands, and the line of its cell where it has one."""
    if _OF_A_PERSON.match(path):
        return "person_contacts"
    for prefix, name in _PLACES.items():
        if path == prefix or path.startswith((f"{prefix}.", f"{prefix}[")):
            number = re.match(r"\[(\d+)\]", path[len(prefix) :])
            has_line = number is not None and name not in _WITHOUT_LINES
            return f"{name}, line {int(number[1]) + 1}" if has_line and number else name
    return path.partition(".")[0].partition("[")[0]


def form_of(field: str) -> str:
    """What would be right in a column, or in a field of an entry."""
    known = _BY_NAME.get(column_of(field).partition(",")[0]) or _BY_NAME.get(field)
    return "" if known is None else known.form


def _write_person_contacts(authority: pb.Authority) -> str:
    return "\n".join(
        write_line([str(number), *notation.write_contact(contact)])
        for number, person in enumerate(authority.persons, 1)
        for contact in person.contacts
    )


def _read_person_contacts(authority: pb.Authority, cell: str) -> None:
    for line_number, line in enumerate(lines_of(cell), 1):
        number, *parts = parts_of(line)
        if not number.isdecimal() or not 0 < int(number) <= len(authority.persons):
            raise NotationFault(f"line {line_number}: begins with no number of a person")
        contact = read_on_line(line_number, notation.read_contact, parts)
        authority.persons[int(number) - 1].contacts.append(contact)


def _write_competences(authority: pb.Authority) -> str:
    lines = []
    for basis in authority.competences:
        if not basis.instruments:
            lines.append(notation.write_code(pb.Competence, basis.competence))
        lines += [notation.write_basis(basis.competence, each) for each in basis.instruments]
    return "\n".join(lines)


def _read_competences(authority: pb.Authority, cell: str) -> None:
    """Lines of one competence are one, wherever they stand."""
    by_code: dict[int, pb.CompetenceBasis] = {}
    for number, line in enumerate(lines_of(cell), 1):
        parts = parts_of(line)
        code = read_on_line(number, lambda p: notation.read_code(pb.Competence, p[0]), parts)
        if code not in by_code:
            by_code[code] = authority.competences.add(competence=code)
        if len(parts) > 1:
            basis = read_on_line(number, notation.read_basis, parts)
            by_code[code].instruments.append(basis)


def _write_week(day: pb.WeeklyHours) -> str:
    name = notation.write_code(pb.Weekday, day.day)
    return write_line([name, notation.write_intervals(day.intervals)])


def _read_week(parts: Sequence[str]) -> pb.WeeklyHours:
    day, intervals = notation.padded(parts, 2)
    return pb.WeeklyHours(
        day=notation.read_code(pb.Weekday, day),
        intervals=notation.read_intervals(intervals),
    )


def _write_holiday(holiday: pb.Holiday) -> str:
    day = notation.write_day(holiday.year, holiday.month, holiday.day)
    return write_line([day, *notation.write_localized(holiday.names)])


def _read_holiday(parts: Sequence[str]) -> pb.Holiday:
    year, month, day = notation.read_day(parts[0])
    names = notation.read_localized(parts[1:])
    return pb.Holiday(year=year, month=month, day=day, names=names)


def _write_special_day(special: pb.SpecialDay) -> str:
    day = notation.write_day(special.date.year, special.date.month, special.date.day)
    return write_line([day, notation.write_intervals(special.intervals)])


def _read_special_day(parts: Sequence[str]) -> pb.SpecialDay:
    text, intervals = notation.padded(parts, 2)
    year, month, day = notation.read_day(text)
    special = pb.SpecialDay(intervals=notation.read_intervals(intervals))
    special.date.year, special.date.month, special.date.day = year, month, day
    return special


def _write_days(authority: pb.Authority) -> str:
    return str(authority.confirm_every_days or "")


def _read_days(authority: pb.Authority, cell: str) -> None:
    if cell.strip():
        authority.confirm_every_days = whole_number(cell)


_CONTACT_FORM = "telephone | duty | +442079460001 | functional | en, fr"

COLUMNS: tuple[Column, ...] = (
    text_column("authority_id", "the id as it was exported; empty for a new entry"),
    text_column("country", "BR: ISO 3166-1 alpha-2, XK, or ZZ for an international body"),
    localized_column("names"),
    localized_column("units"),
    lines_column("abbreviations", "SCA, one a line"),
    each_column(
        "contacts",
        _CONTACT_FORM,
        lambda each: write_line(notation.write_contact(each)),
        notation.read_contact,
    ),
    each_column(
        "persons",
        "Ada Specimen | Ms | alternate | en* | Head of section",
        notation.write_person,
        notation.read_person,
    ),
    Column(
        "person_contacts",
        f"1 | {_CONTACT_FORM.replace('functional', 'personal')}, with the number of the person",
        _write_person_contacts,
        _read_person_contacts,
    ),
    lines_column("address_lines", "1 Example Street, one a line", "postal_address.lines"),
    text_column("postal_code", "XX1 1XX", "postal_address.postal_code"),
    text_column("city", "London", "postal_address.city"),
    text_column("region", "England", "postal_address.region"),
    text_column("address_country", "GB: ISO 3166-1 alpha-2, or XK", "postal_address.country"),
    text_column("time_zone", "Africa/Nairobi", "office_hours.time_zone"),
    each_column(
        "week",
        "monday | 09:00-12:30, 13:30-17:00",
        _write_week,
        _read_week,
        "office_hours.week",
    ),
    each_column(
        "holidays",
        "12-25 | en* | Christmas Day; or 2026-04-03 for one year",
        _write_holiday,
        _read_holiday,
        "office_hours.holidays",
    ),
    each_column(
        "special_days",
        "2026-12-24 | 09:00-12:00; without times closed",
        _write_special_day,
        _read_special_day,
        "office_hours.special_days",
    ),
    items_column("accepted_languages", "en, fr"),
    items_column("spoken_languages", "en, fr"),
    Column(
        "competences",
        "extradition | UNTOC | 16, 18 | yes; for a treaty | BR | en* | its title",
        _write_competences,
        _read_competences,
    ),
    codes_column("channels", pb.Channel, "direct, diplomatic"),
    answer_column("accepts_interpol"),
    codes_column("means", pb.RequestMeans, "comity, post"),
    items_column("formats", "pdf, docx"),
    answer_column("encryption_required"),
    answer_column("signature_required"),
    each_column(
        "documents",
        "ARREST_WARRANT | extradition",
        notation.write_document,
        notation.read_document,
    ),
    answer_column("double_criminality"),
    localized_column("double_criminality_details"),
    localized_column("legal_requirements"),
    localized_column("evidence_limits"),
    localized_column("urgent_procedure"),
    each_column(
        "links",
        "law | https://authority.example/law | en* | Extradition Act",
        notation.write_link,
        notation.read_link,
    ),
    lines_column("regions", "BR-SP, one a line", "territory.regions"),
    localized_column("territory_details", "territory.details"),
    lines_column("asset_recovery_networks", "CARIN, one a line"),
    localized_column("remarks"),
    Column("confirm_every_days", "90, or empty for 180", _write_days, _read_days),
)
_BY_NAME: Mapping[str, Column] = {column.name: column for column in COLUMNS}

# Fields of an entry that stand in columns of other names, the longest first.
_PLACES = {
    "postal_address.lines": "address_lines",
    "postal_address.postal_code": "postal_code",
    "postal_address.city": "city",
    "postal_address.region": "region",
    "postal_address.country": "address_country",
    "postal_address": "address_lines",
    "office_hours.time_zone": "time_zone",
    "office_hours.week": "week",
    "office_hours.holidays": "holidays",
    "office_hours.special_days": "special_days",
    "office_hours": "week",
    "territory.regions": "regions",
    "territory.details": "territory_details",
    **{column.name: column.name for column in COLUMNS},
}
# Where an item's place in its list is no line of the cell.
_WITHOUT_LINES = frozenset(
    {"competences", "accepted_languages", "spoken_languages", "channels", "means", "formats"}
)
