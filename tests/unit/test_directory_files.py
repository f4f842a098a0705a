"""Tables and JSON of entries: what goes out comes back the same, and faults are named."""

from __future__ import annotations

import csv
import io
import time

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.errors import ComityError, MalformedInput, TooLarge
from comity.texts import code_and_text_violations
from comity.v1 import authorities_pb2 as pb
from comity.v1.notices_pb2 import LocalizedText
from directory.files.cells import (
    items_of,
    parts_of,
    protected,
    read_text,
    unprotected,
    write_item,
    write_items,
    write_line,
    write_text,
)
from directory.files.columns import COLUMNS, column_of, form_of
from directory.files.csv_rows import HEADING, parse_csv, write_csv
from directory.files.json_entries import parse_json, write_json
from directory.files.rows import MAX_ROWS, Row
from directory.plain_text import plain_text_violations
from directory.sample.file import load_sample
from directory.services.row_judgement import MAX_ROW_FAULTS, add_form_faults
from tests.unit.authorities import sample_authority

REMARK = "Official use only. Sample remark"
NASTY = [
    "'=1",
    "'s-Hertogenbosch",
    "01234",
    "1E5",
    "12-25",
    " edge ",
    "a | b",
    "a, b",
    "\\",
    "\\n",
    'say "so"',
    "two\nlines",
    "a\ttab",
    "#",
    "*",
    "en*",
    "''",
    "\\e",
    "ends \\",
    "٣",
]
SPECIAL = {*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"}


def is_plain(text: str) -> bool:
    probe = LocalizedText(language="en", text=text)
    return not code_and_text_violations(probe) and not [*plain_text_violations(probe)]


LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp"))
texts = (
    (
        st.sampled_from(NASTY)
        | st.text(LETTERS, min_size=1, max_size=20)
        | st.text(st.sampled_from("|,\\ \n\t'\"ab;#*-"), min_size=1, max_size=8)
    )
    .map(lambda text: text if is_plain(text) else f"x{text}")
    .filter(is_plain)
)


@st.composite
def localized(draw: st.DrawFn) -> list[LocalizedText]:
    languages = draw(st.lists(st.sampled_from(["en", "fr", "ar", "zh"]), min_size=1, unique=True))
    return [
        LocalizedText(language=code, text=draw(texts), original=not number)
        for number, code in enumerate(languages)
    ]


@st.composite
def entries(draw: st.DrawFn) -> pb.Authority:
    """The sample, with texts of all kinds wherever there can be any, and parts left out."""
    authority = sample_authority()
    for field in ("names", "units", "remarks", "urgent_procedure", "legal_requirements"):
        del getattr(authority, field)[:]
        if field == "names" or draw(st.booleans()):
            getattr(authority, field).extend(draw(localized()))
    authority.postal_address.lines[:] = draw(st.lists(texts, min_size=1, max_size=3))
    for field in ("city", "postal_code", "region"):
        setattr(authority.postal_address, field, draw(texts))
    authority.territory.regions[:] = draw(st.lists(texts, min_size=1, max_size=3))
    authority.asset_recovery_networks[:] = draw(st.lists(texts, max_size=2))
    authority.persons[0].name, authority.persons[0].title = draw(texts), draw(texts)
    authority.persons.add(name=draw(texts), functions=draw(localized()))
    basis = authority.competences[0].instruments[1]
    del basis.titles[:]
    basis.titles.extend(draw(localized()))
    authority.confirm_every_days = draw(st.sampled_from([0, 7, 366]))
    if draw(st.booleans()):
        authority.ClearField("accepts_interpol")
        authority.ClearField("links")
        authority.ClearField("documents")
    return authority


def record(authority: pb.Authority, version: int = 3) -> pb.AuthorityRecord:
    return pb.AuthorityRecord(authority=authority, version=version)


def serialized(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


@given(entries())
@settings(max_examples=60, deadline=None)
def test_an_entry_comes_back_from_a_table_byte_for_byte(authority: pb.Authority) -> None:
    [row] = parse_csv(write_csv([record(authority)], REMARK)).rows

    assert row.faults == []
    assert serialized(authority) == serialized(row.authority)
    assert row.version == 3


@given(entries())
@settings(max_examples=25, deadline=None)
def test_an_entry_comes_back_from_json_byte_for_byte(authority: pb.Authority) -> None:
    [row] = parse_json(write_json([record(authority)], {"handling": REMARK})).rows

    assert (row.faults, row.version) == ([], 3)
    assert serialized(authority) == serialized(row.authority)


def test_the_sample_comes_back_from_both() -> None:
    sample = load_sample()
    records = [record(each) for each in sample]

    assert sample == [row.authority for row in parse_csv(write_csv(records, REMARK)).rows]
    assert sample == [row.authority for row in parse_json(write_json(records, {})).rows]


@pytest.mark.threat("T128")
@given(entries(), st.lists(texts, max_size=2))
@settings(max_examples=40, deadline=None)
def test_no_cell_of_a_table_is_run_by_a_spreadsheet(
    authority: pb.Authority, abbreviations: list[str]
) -> None:
    authority.abbreviations[:] = abbreviations
    table = write_csv([record(authority)], "=cmd|' /C calc'!A0").decode("utf-8-sig")

    cells = [cell for row in csv.reader(io.StringIO(table, newline="")) for cell in row]

    assert [cell for cell in cells if cell[:1] in SPECIAL] == []


@given(st.text(max_size=12))
def test_a_protected_cell_says_what_it_said(cell: str) -> None:
    assert cell == unprotected(protected(cell))
    assert protected(cell)[:1] not in SPECIAL


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r")), max_size=3))
)
def test_parts_and_items_come_back_whatever_is_in_them(lists: list[list[str]]) -> None:
    line = write_line([write_items(items) for items in lists] + ["end"])

    assert [*lists, ["end"]] == [items_of(part) for part in parts_of(line)]
    assert "\n" not in line
    for items in lists:
        for text in items:
            assert text == read_text(write_text(text)) == read_text(write_item(text))


def table_of(*authorities: pb.Authority) -> bytes:
    return write_csv([record(each) for each in authorities], REMARK)


@pytest.mark.parametrize(
    ("encoding", "warning"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "UTF-16"),
        ("latin-1", "Windows-1252"),
        ("windows-1252", "Windows-1252"),
    ],
)
def test_a_table_is_read_in_the_encodings_of_spreadsheets(encoding: str, warning: str) -> None:
    authority = sample_authority()
    text = table_of(authority).decode("utf-8-sig")

    parsed = parse_csv(text.encode(encoding))

    assert [authority] == [row.authority for row in parsed.rows]
    assert bool(warning) == bool(parsed.warnings)
    assert all(warning in each for each in parsed.warnings)


@pytest.mark.parametrize(("delimiter", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_is_read_with_other_delimiters(delimiter: str, name: str) -> None:
    authority = sample_authority()
    rows = csv.reader(io.StringIO(table_of(authority).decode("utf-8-sig"), newline=""))
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter).writerows(
        [*row, *[""] * (len(HEADING) - len(row))] for row in rows
    )

    parsed = parse_csv(written.getvalue().encode())

    assert [authority] == [row.authority for row in parsed.rows]
    assert name in parsed.warnings[0]


@pytest.mark.parametrize("line", ["sep=;\r\n", "SEP=,\n", '"sep=\t"\r\n', "sep=;;;;\r\n"])
def test_the_line_with_which_excel_says_its_separator_is_no_heading(line: str) -> None:
    authority = sample_authority()
    text = table_of(authority).decode("utf-8-sig")

    parsed = parse_csv(f"\ufeff{line}{text}".encode())

    assert [(2, authority)] == [(row.number, row.authority) for row in parsed.rows]


def test_lines_of_a_competence_are_one_wherever_they_stand() -> None:
    lines = ["extradition | UNTOC | 16 | yes", "corruption-proceedings", "extradition | UNCAC | 44"]

    [row] = parse_csv(table_with({"competences": "\n".join(lines)})).rows

    read = [(each.competence, len(each.instruments)) for each in row.authority.competences]
    assert read == [(pb.COMPETENCE_EXTRADITION, 2), (pb.COMPETENCE_CORRUPTION_PROCEEDINGS, 0)]


@pytest.mark.parametrize(
    "content", [b"", b"\x81\x8d", b"a,b\x00c", b'version,"withheld\n', b"\xff\xfea", b"\n\n"]
)
def test_what_is_no_table_is_refused_with_words_of_ours(content: bytes) -> None:
    try:
        parsed = parse_csv(content)
    except MalformedInput as error:
        assert error.message
    else:
        assert parsed.faults
        assert not parsed.rows


@given(st.binary(max_size=300))
def test_nothing_but_our_errors_comes_of_any_bytes(content: bytes) -> None:
    heading = ",".join(HEADING).encode() + b"\r\n"
    for parse in (parse_csv, parse_json):
        for each in (content, heading + content, b'{"authorities":[' + content):
            try:
                parsed = parse(each)
            except ComityError as error:
                assert error.message
                continue
            assert [row.number for row in parsed.rows] == sorted({r.number for r in parsed.rows})


def table_with(cells_of_it: dict[str, str]) -> bytes:
    """A table of the sample's row where some cells are others."""
    read = list(csv.reader(io.StringIO(table_of(sample_authority()).decode("utf-8-sig"))))
    cells = dict(zip(HEADING, read[1], strict=True)) | cells_of_it
    written = io.StringIO(newline="")
    csv.writer(written).writerows([HEADING, [cells[name] for name in HEADING]])
    return written.getvalue().encode()


def faults_of(authority_cell: dict[str, str]) -> dict[str, tuple[str, str]]:
    """What is wrong with the sample's row where some cells are others."""
    [row] = parse_csv(table_with(authority_cell)).rows
    add_form_faults([row], is_table=True)
    assert row.number == 2
    return {fault.field: (fault.wrong, fault.right) for fault in row.faults}


@pytest.mark.parametrize(
    ("column", "cell", "field", "wrong"),
    [
        ("contacts", "telephone | office | 12 | functional", "contacts, line 1", "E.164"),
        ("contacts", "pigeon | office | 12 | functional", "contacts", "'pigeon' is not one of"),
        ("contacts", "telephone | office | +442079460000 | mine", "contacts", "functional or"),
        ("week", "monday | 9-5, nonsense", "week", "'nonsense' has no end"),
        ("week", "monday | 17:00-09:00", "week, line 1", "is not after it opens"),
        ("holidays", "Christmas", "holidays", "is no day such as"),
        ("holidays", "02-30 | en* | Sample", "holidays, line 1", "is no day of the calendar"),
        ("names", "Sample", "names", "a language, a bar and a text"),
        ("names", "en* | <script>x</script>", "names, line 1", "HTML"),
        ("names", "en* | =1+1", "names, line 1", "formula"),
        ("remarks", "en* | -x", "remarks, line 1", "formula"),
        ("country", "QQ", "country", "is no country"),
        ("time_zone", "London", "time_zone", "IANA"),
        ("person_contacts", "9 | email | office | a@b.example", "person_contacts", "number"),
        ("accepted_languages", "en, klingon", "accepted_languages", "is no language"),
        ("competences", "nonsense | UNTOC", "competences", "is not one of"),
        ("competences", "extradition | UNTOC | 999", "competences", "is no article"),
        ("confirm_every_days", "often", "confirm_every_days", "is no whole number"),
        ("version", "1.5", "version", "is no whole number"),
        ("links", "law | http://a.example", "links, line 1", ""),
    ],
)
def test_a_fault_names_column_what_is_wrong_and_what_would_be_right(
    column: str, cell: str, field: str, wrong: str
) -> None:
    faults = faults_of({column: cell})

    assert field in faults
    assert wrong in faults[field][0]
    assert faults[field][1]


def test_what_could_not_be_read_is_not_called_missing_too() -> None:
    assert set(faults_of({"contacts": "nonsense"})) == {"contacts"}


def test_a_row_of_too_few_or_too_many_cells_is_at_fault_by_itself() -> None:
    content = table_of(sample_authority(), sample_authority()).replace(b"\r\n3,,", b"\r\n3,,x,", 1)

    first, second = parse_csv(content).rows

    assert [fault.field for fault in first.faults] == ["row"]
    assert second.faults == []


def test_every_column_is_asked_for_and_no_other_taken() -> None:
    heading = ",".join(["extra", "country", *HEADING[2:]]).encode()

    parsed = parse_csv(heading + b"\r\n")

    assert {"version", "withheld", "extra", "country"} == {each.field for each in parsed.faults}


def test_every_field_of_an_entry_has_a_column_and_every_column_a_form() -> None:
    places = {column_of(field.name).partition(",")[0] for field in pb.Authority.DESCRIPTOR.fields}

    assert places - {column.name for column in COLUMNS} == {"territory"}
    assert all(form_of(column.name) for column in COLUMNS)
    assert form_of("office_hours.week[1].intervals[0].opens") == form_of("week")
    assert column_of("persons[1].contacts[0].value") == "person_contacts"


def test_an_id_that_stands_twice_is_named_with_the_row_it_stands_in() -> None:
    rows = [Row(2, sample_authority()), Row(3, sample_authority())]

    add_form_faults(rows, is_table=True)

    assert rows[0].faults == []
    assert "row 2" in rows[1].faults[0].wrong


@pytest.mark.threat("T134")
@pytest.mark.parametrize("cell", ["x", "country", ""])
def test_a_heading_of_endless_columns_costs_one_fault(cell: str) -> None:
    parsed = parse_csv((",".join(["country", *[cell] * 100_000]) + "\n").encode())

    assert len(parsed.faults) == 1
    assert "100,001 columns" in parsed.faults[0].wrong


def test_a_file_of_nothing_says_so_once() -> None:
    assert [fault.field for fault in parse_csv(b"").faults] == ["heading"]


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(MalformedInput, match="no JSON"):
        parse_json(rb'{"authorities":[{"\ud800":1}]}')


@pytest.mark.threat("T134")
def test_100_000_rows_are_refused_in_bounded_time() -> None:
    row = b",".join([b"x"] * len(HEADING)) + b"\r\n"
    content = ",".join(HEADING).encode() + b"\r\n" + row * 100_000
    started = time.process_time()

    with pytest.raises(TooLarge, match=r"100,000 rows; an import takes 1,000"):
        parse_csv(content)

    assert time.process_time() - started < 60
    assert MAX_ROWS == 1_000


@pytest.mark.threat("T134")
def test_a_row_with_endless_lists_or_faults_costs_little() -> None:
    endless, faulty = sample_authority(), sample_authority()
    endless.accepted_languages.extend(["en"] * 20_000)
    faulty.territory.regions.extend(["<b>x"] * 900)
    rows = [Row(2, endless), Row(3, faulty)]
    rows[1].authority.authority_id = rows[0].authority.authority_id.replace("9a", "9b")

    add_form_faults(rows, is_table=True)

    assert [(fault.field, fault.right) for fault in rows[0].faults] == [
        ("accepted_languages", "at most 1,000")
    ]
    assert len(rows[1].faults) == MAX_ROW_FAULTS


def test_json_that_is_no_list_of_entries_is_refused() -> None:
    for content in (b"", b"[]", b"{}", b'{"authorities": {}}', b"\xff", b"[" * 100_000):
        with pytest.raises(MalformedInput):
            parse_json(content)
    many = b'{"authorities": [' + b",".join([b"{}"] * (MAX_ROWS + 1)) + b"]}"
    with pytest.raises(TooLarge):
        parse_json(many)


def test_an_entry_of_json_is_at_fault_by_itself() -> None:
    content = b'{"export": {"entries": 7}, "authorities": [3, {"unheardOf": 1}, {"country": "BR"}]}'

    rows = parse_json(content).rows

    assert [bool(row.faults) for row in rows] == [True, True, False]
    assert "unheardOf" in rows[1].faults[0].wrong


@pytest.mark.threat("T133")
def test_what_was_left_out_is_said_in_the_file_and_read_again() -> None:
    withheld = record(sample_authority())
    withheld.contacts_withheld = True

    assert [row.is_withheld for row in parse_csv(write_csv([withheld], REMARK)).rows] == [True]
    assert [row.is_withheld for row in parse_json(write_json([withheld], {})).rows] == [True]


def test_no_text_of_the_generator_is_refused_by_the_entry() -> None:
    authority = sample_authority()
    authority.asset_recovery_networks[:] = NASTY

    assert list(plain_text_violations(authority)) == []
