"""What was read of a file: its rows, and what is wrong with them.

A row is what a reader counts: in a table as a spreadsheet numbers them, in JSON the entry's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from comity.v1 import authorities_pb2 as pb

MAX_ROWS = 1_000  # of one file; each is a proposal that a second officer has to look at
MAX_FILE_BYTES = 16 * 1024 * 1024  # a thousand entries of 16 KiB; most have four


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the column or field, what is wrong, and what would be right."""

    field: str
    wrong: str
    right: str = ""


@dataclass(slots=True)
class Row:
    """One entry of a file. `version` is the one that it was made from, 0 where none is named.

    `authority` is what could be read; it is an entry only where there are no faults.
    """

    number: int
    authority: pb.Authority = field(default_factory=pb.Authority)
    version: int = 0
    is_withheld: bool = False
    lacks_id: bool = False  # the file names none; `authority` may have been given one since
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The rows of a file; where its form is at fault, `faults` says so and there are none."""

    rows: Sequence[Row]
    faults: Sequence[Fault] = ()
    warnings: Sequence[str] = ()
