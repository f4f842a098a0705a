"""Entries as JSON text: a file with a list named "authorities", in the protobuf JSON mapping.

What the shipped sample is written in. Judges the notation alone; `entry` judges what it says.
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from comity.errors import AuthorityInvalid, MalformedInput, Violation
from comity.v1 import authorities_pb2 as pb

MAX_FILE_BYTES = 64 * 1024 * 1024  # some 10,000 entries


def parse_authorities(content: bytes) -> list[pb.Authority]:
    """The entries of a file, in its order.

    Raises: MalformedInput where it is no such file; AuthorityInvalid naming every entry that holds
    a field or a code that this version does not know.
    """
    if len(content) > MAX_FILE_BYTES:
        raise MalformedInput(f"The file is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB.")
    try:
        plain = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise MalformedInput("The file is no JSON in UTF-8.") from error
    rows = plain.get("authorities") if isinstance(plain, dict) else None
    if not isinstance(rows, list) or not rows:
        raise MalformedInput('The file holds no list named "authorities", or an empty one.')
    entries: list[pb.Authority] = []
    violations: list[Violation] = []
    for number, row in enumerate(rows):
        _parse(row, f"authorities[{number}]", entries, violations)
    if violations:
        raise AuthorityInvalid(violations=violations)
    return entries


def _parse(row: Any, field: str, entries: list[pb.Authority], violations: list[Violation]) -> None:
    if not isinstance(row, dict):
        violations.append(Violation(field, "is no JSON object"))
        return
    try:
        entries.append(ParseDict(row, pb.Authority()))
    except (ParseError, ValueError, TypeError) as error:
        # The parser names the field; its text is of the file that whoever loads it has at hand.
        violations.append(Violation(field, str(error)[:200]))
