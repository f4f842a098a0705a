"""The kinds of columns: how the fields of an entry are written into cells and read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from comity.v1 import authorities_pb2 as pb
from directory.files import parts as notation
from directory.files.cells import (
    items_of,
    lines_of,
    parts_of,
    read_text,
    write_item,
    write_items,
    write_line,
    write_text,
)
from directory.files.parts import NotationFault

_LOCALIZED = "en* | Sample text, one language a line; * marks the original"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how a cell is written from an entry, and read into one; an example of it."""

    name: str
    form: str
    write: Callable[[pb.Authority], str]
    read: Callable[[pb.Authority, str], None]


def text_column(name: str, form: str, path: str = "") -> Column:
    """A field that is one text."""

    def write(authority: pb.Authority) -> str:
        holder, field = _holder(authority, path or name)
        return write_text(getattr(holder, field))

    def read(authority: pb.Authority, cell: str) -> None:
        holder, field = _holder(authority, path or name)
        if text := read_text(cell.strip(" \t")):
            setattr(holder, field, text)

    return Column(name, form, write, read)


def lines_column(name: str, form: str, path: str = "") -> Column:
    """A list of texts, one a line."""

    def write(authority: pb.Authority) -> str:
        holder, field = _holder(authority, path or name)
        return "\n".join(write_item(each) for each in getattr(holder, field))

    def read(authority: pb.Authority, cell: str) -> None:
        holder, field = _holder(authority, path or name)
        for line in lines_of(cell):  # one by one: nothing added leaves the holder unset
            getattr(holder, field).append(read_text(line))

    return Column(name, form, write, read)


def items_column(name: str, form: str) -> Column:
    """A short list in one line."""

    def write(authority: pb.Authority) -> str:
        return write_items(getattr(authority, name))

    def read(authority: pb.Authority, cell: str) -> None:
        getattr(authority, name).extend(items_of(cell))

    return Column(name, form, write, read)


def codes_column(name: str, kind: Any, form: str) -> Column:
    """A short list of codes in one line."""

    def write(authority: pb.Authority) -> str:
        return ", ".join(notation.write_code(kind, each) for each in getattr(authority, name))

    def read(authority: pb.Authority, cell: str) -> None:
        getattr(authority, name).extend(notation.read_code(kind, each) for each in items_of(cell))

    return Column(name, form, write, read)


def answer_column(name: str) -> Column:
    """An answer to a question of law."""

    def write(authority: pb.Authority) -> str:
        return notation.write_code(pb.LegalAnswer, getattr(authority, name))

    def read(authority: pb.Authority, cell: str) -> None:
        setattr(authority, name, notation.read_code(pb.LegalAnswer, cell.strip(" \t")))

    return Column(name, "yes, no or conditional; empty where it is open", write, read)


def each_column(
    name: str,
    form: str,
    write_one: Callable[[Any], str],
    read_one: Callable[[Sequence[str]], Any],
    path: str = "",
) -> Column:
    """A list of which every item is a line."""

    def write(authority: pb.Authority) -> str:
        holder, field = _holder(authority, path or name)
        return "\n".join(write_one(each) for each in getattr(holder, field))

    def read(authority: pb.Authority, cell: str) -> None:
        holder, field = _holder(authority, path or name)
        for number, line in enumerate(lines_of(cell), 1):
            getattr(holder, field).append(read_on_line(number, read_one, parts_of(line)))

    return Column(name, form, write, read)


def localized_column(name: str, path: str = "") -> Column:
    """A text in several languages, one a line."""

    def write_one(text: Any) -> str:
        return write_line(notation.write_localized([text]))

    def read_one(parts: Sequence[str]) -> Any:
        if len(parts) != 2:
            raise NotationFault("has to be a language, a bar and a text")
        return notation.read_localized(parts)[0]

    return each_column(name, _LOCALIZED, write_one, read_one, path)


def read_on_line(
    number: int, read_one: Callable[[Sequence[str]], Any], parts: Sequence[str]
) -> Any:
    """What a line says; a fault names the line.

    Raises: NotationFault.
    """
    try:
        return read_one(parts)
    except NotationFault as fault:
        raise NotationFault(f"line {number}: {fault}") from fault


def _holder(authority: pb.Authority, path: str) -> tuple[Any, str]:
    """The message that holds a field, and the field's name in it."""
    holder: Any = authority
    *outer, field = path.split(".")
    for name in outer:
        holder = getattr(holder, name)
    return holder, field


def whole_number(cell: str) -> int:
    """A number of a cell; a spreadsheet may have put a decimal point to it.

    Raises: NotationFault.
    """
    text = cell.strip().removesuffix(".0")
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise NotationFault("is no whole number")
    return int(text)
