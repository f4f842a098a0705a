r"""How lists stand in one cell of a table so that a clerk can edit them and nothing is lost.

One item a line; its parts are separated by " | ", short lists inside a part by ", ". A backslash
stands before a separator that is meant (\|  \,  \\); \n is a line break, \t a tab, \s a space at an
edge, \e nothing. Knows nothing of entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_EDGE = " \t"
_WRITTEN = {"\\": "\\\\", "|": "\\|", ",": "\\,", "\n": "\\n", "\t": "\\t"}
_READ = {"n": "\n", "t": "\t", "s": " ", "e": ""}
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# What a spreadsheet runs (the full-width forms too), or takes for a number or a date and writes
# otherwise than it was: 01234, 12-25, 1E5. An apostrophe before it keeps it as it is.
_NOT_PLAIN = re.compile(r"'*(?:[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]|[0-9][0-9eE.,:/+ -]*\Z)")
_APOSTROPHE = "'"


def protected(cell: str) -> str:
    """A cell that no spreadsheet runs or rewrites."""
    return _APOSTROPHE + cell if _NOT_PLAIN.match(cell) else cell


def unprotected(cell: str) -> str:
    """What a cell says that was protected; any other ('s-Gravenhage) says what stands there."""
    rest = cell.removeprefix(_APOSTROPHE)
    return rest if rest != cell and _NOT_PLAIN.match(rest) else cell


def lines_of(cell: str) -> list[str]:
    """The lines of a cell that say something, without spaces at the edges."""
    return [line for each in _LINE_BREAK.split(cell) if (line := each.strip(_EDGE))]


def parts_of(line: str) -> list[str]:
    """The parts of a line, still written as they stand."""
    return [part.strip(_EDGE) for part in _split(line, "|")]


def items_of(part: str) -> list[str]:
    """The texts of a short list."""
    return [read_text(item.strip(_EDGE)) for item in _split(part, ",") if item.strip(_EDGE)]


def read_text(written: str) -> str:
    """What a part says. A backslash before anything else means that."""
    return re.sub(r"\\(.)", lambda m: _READ.get(m[1], m[1]), written, flags=re.DOTALL)


def write_text(text: str) -> str:
    """A text as a part of a line; one that is nothing is nothing."""
    return _edges(_escape(text, "\\|\n\t"))


def write_item(text: str) -> str:
    """A text as an item of a list: nothing is said too."""
    return _edges(_escape(text, "\\|,\n\t")) or "\\e"


def write_items(texts: Iterable[str]) -> str:
    """A short list as a part of a line."""
    return ", ".join(write_item(text) for text in texts)


def write_line(parts: Sequence[str]) -> str:
    """A line of parts as they are written; those that say nothing at the end are left out."""
    kept = list(parts)
    while kept and not kept[-1]:
        kept.pop()
    return " | ".join(kept)


def _escape(text: str, special: str) -> str:
    return "".join(_WRITTEN[each] if each in special else each for each in text)


def _edges(written: str) -> str:
    if written.startswith(" "):
        written = "\\s" + written[1:]
    return written[:-1] + "\\s" if written.endswith(" ") else written


def _split(text: str, separator: str) -> list[str]:
    """At separators that no backslash stands before."""
    parts, current, is_escaped = [], "", False
    for each in text:
        if each == separator and not is_escaped:
            parts.append(current)
            current = ""
            continue
        current += each
        is_escaped = each == "\\" and not is_escaped
    return [*parts, current]
