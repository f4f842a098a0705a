"""Entries as a table: RFC 4180, one row an entry, in columns that `columns` names.

Read as spreadsheets of all countries write it: UTF-8 and UTF-16, Windows-1252 where it is neither,
with commas, semicolons or tabs. What was assumed is said.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from comity.errors import MalformedInput, TooLarge
from comity.v1 import authorities_pb2 as pb
from directory.files.cells import protected, unprotected
from directory.files.column_kinds import whole_number
from directory.files.columns import (
    COLUMNS,
    VERSION,
    WITHHELD,
    WITHHELD_PERSONS,
    form_of,
)
from directory.files.parts import NotationFault
from directory.files.rows import MAX_ROWS, Fault, ParsedFile, Row

HEADING = (VERSION, WITHHELD, *(column.name for column in COLUMNS))
MAX_COLUMNS = 2 * len(HEADING)  # spreadsheets write some empty ones; more is another table
_COLUMNS = f"the columns {', '.join(HEADING)}"
COMMENT = "#"  # a row that begins so says something of the file
_DELIMITERS = ",;\t"
# Of Excel's own, before the heading, and never a row of it: the heading says the same.
_SEPARATOR_LINE = re.compile(r'\A"?sep=[,;\t]"?[,;\t]*\r?\n', re.IGNORECASE)
_FALLBACK = "windows-1252"  # of which Latin-1 is a part


def write_csv(records: Iterable[pb.AuthorityRecord], remark: str) -> bytes:
    """A table with a remark as its last row. In UTF-8 with the mark that spreadsheets ask for."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(HEADING)
    for record in records:
        withheld = WITHHELD_PERSONS if record.contacts_withheld else ""
        cells = [protected(column.write(record.authority)) for column in COLUMNS]
        writer.writerow([str(record.version), withheld, *cells])
    writer.writerow([f"{COMMENT} {remark}"])
    return codecs.BOM_UTF8 + table.getvalue().encode()


def parse_csv(content: bytes) -> ParsedFile:
    """The rows of a table, each with what is wrong with it.

    Raises: MalformedInput where it is no table; TooLarge.
    """
    text, warnings = _decoded(content)
    text = _SEPARATOR_LINE.sub("", text, count=1)
    delimiter = _delimiter_of(text)
    if delimiter != ",":
        warnings.append(f"Cells are separated by {_NAMES[delimiter]}.")
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        heading = [cell.strip().lower() for cell in next(table, [])]
        faults = list(_heading_faults(heading))
        rows = [] if faults else list(_rows(table, heading))
    except csv.Error as error:
        raise MalformedInput(f"Line {table.line_num} is no row of a table: {error}.") from error
    return ParsedFile(rows, faults, warnings)


_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs"}


def _decoded(content: bytes) -> tuple[str, list[str]]:
    warnings: list[str] = []
    encoding = "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
        warnings.append("The file is in UTF-16.")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = _decoded_otherwise(content)
        warnings.append("The file is not UTF-8: read as Windows-1252 (Latin-1). Check the accents.")
    if "\0" in text:
        raise MalformedInput("The file holds NUL characters. Save it as CSV in UTF-8.")
    return text, warnings


def _decoded_otherwise(content: bytes) -> str:
    try:
        return content.decode(_FALLBACK)
    except UnicodeDecodeError as error:
        said = "The file is neither UTF-8 nor UTF-16 nor Windows-1252. Save it as CSV in UTF-8."
        raise MalformedInput(said) from error


def _delimiter_of(text: str) -> str:
    """The one that makes the most names of columns of the first line."""
    first = text.partition("\n")[0]

    def known(delimiter: str) -> int:
        cells = {cell.strip(' \t\r"').lower() for cell in first.split(delimiter)}
        return len(cells & set(HEADING))

    return max(_DELIMITERS, key=known)


def _heading_faults(heading: Sequence[str]) -> Iterator[Fault]:
    if not any(heading):
        yield Fault("heading", "is missing: the first row is empty", _COLUMNS)
        return
    if len(heading) > MAX_COLUMNS:
        yield Fault("heading", f"has {len(heading):,} columns", _COLUMNS)
        return
    for name in HEADING:
        if name not in heading:
            right = "add it; its cells stay empty where nothing is to be said"
            yield Fault(name, "the column is missing", right)
    for number, name in enumerate(heading, 1):
        if name not in HEADING:
            # Spreadsheets write empty columns after the last.
            shown = name or f"column {number}"
            yield Fault(shown[:80], "is no column of this table", _COLUMNS)
        elif heading.index(name) != number - 1:
            yield Fault(name, "the column stands twice", "once")


def _rows(table: Iterator[list[str]], heading: Sequence[str]) -> Iterator[Row]:
    """Raises: TooLarge, with how many there are."""
    count = 0
    for number, cells in enumerate(table, 2):
        if _says_nothing(cells):
            continue
        count += 1
        if count <= MAX_ROWS:
            yield _row(number, cells, heading)
    if count > MAX_ROWS:
        raise TooLarge(f"The file has {count:,} rows; an import takes {MAX_ROWS:,}. Split it.")


def _says_nothing(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return not filled or (len(filled) == 1 and cells[0].startswith(COMMENT))


def _row(number: int, cells: Sequence[str], heading: Sequence[str]) -> Row:
    row = Row(number)
    if len(cells) != len(heading):
        wrong = f"has {len(cells)} cells where the heading has {len(heading)}"
        row.faults.append(Fault("row", wrong, "a cell for every column; quote what holds commas"))
        return row
    by_name = dict(zip(heading, cells, strict=True))
    row.is_withheld = bool(by_name[WITHHELD].strip())
    try:
        row.version = whole_number(by_name[VERSION]) if by_name[VERSION].strip() else 0
    except NotationFault as fault:
        row.faults.append(Fault(VERSION, str(fault), "as it was exported; empty for a new entry"))
    for column in COLUMNS:
        try:
            column.read(row.authority, unprotected(by_name[column.name]))
        except (NotationFault, ValueError) as fault:
            row.faults.append(Fault(column.name, str(fault)[:300], form_of(column.name)))
    return row
