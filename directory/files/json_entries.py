"""Entries as JSON: what `notation` reads, with a head that says for whom it was exported.

Of the head an import reads versions and what was left out; everything else is for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from comity.errors import MalformedInput, TooLarge
from comity.v1 import authorities_pb2 as pb
from directory.files.columns import form_of
from directory.files.rows import MAX_ROWS, Fault, ParsedFile, Row


def write_json(records: Iterable[pb.AuthorityRecord], head: Mapping[str, str]) -> bytes:
    """A document with a head, what is known of each entry's version, and the entries."""
    shown = list(records)
    entries = [
        {
            "authorityId": each.authority.authority_id,
            "version": each.version,
            "contactsWithheld": each.contacts_withheld,
        }
        for each in shown
    ]
    document = {
        "export": {**head, "entries": entries},
        "authorities": [MessageToDict(each.authority) for each in shown],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def parse_json(content: bytes) -> ParsedFile:
    """The entries of a document, each with what is wrong with it.

    Raises: MalformedInput where it is no such document; TooLarge.
    """
    try:
        document = json.loads(content)
        # Half of a surrogate pair, which an escape may name, is no text.
        json.dumps(document, ensure_ascii=False).encode()
    except (UnicodeError, ValueError, RecursionError) as error:
        raise MalformedInput("The file is no JSON in UTF-8.") from error
    rows = document.get("authorities") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise MalformedInput('The file holds no list named "authorities".')
    if len(rows) > MAX_ROWS:
        raise TooLarge(f"The file has {len(rows):,} entries; an import takes {MAX_ROWS:,}.")
    heads = _heads(document.get("export"))
    return ParsedFile([_row(number, each, heads) for number, each in enumerate(rows, 1)])


def _heads(export: Any) -> dict[str, Mapping[str, Any]]:
    """What the head says of each entry, by its id; a head that is none says nothing."""
    entries = export.get("entries") if isinstance(export, dict) else None
    listed = entries if isinstance(entries, list) else []
    return {
        each["authorityId"]: each
        for each in listed
        if isinstance(each, dict) and isinstance(each.get("authorityId"), str)
    }


def _row(number: int, plain: Any, heads: Mapping[str, Mapping[str, Any]]) -> Row:
    row = Row(number)
    if not isinstance(plain, dict):
        row.faults.append(Fault("entry", "is no JSON object", "an entry as it was exported"))
        return row
    try:
        ParseDict(plain, row.authority)
    except (ParseError, ValueError, TypeError, RecursionError) as error:
        row.faults.append(Fault("entry", str(error)[:300], "an entry as it was exported"))
    head = heads.get(row.authority.authority_id, {})
    version = head.get("version", 0)
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version < 2**31:
        row.faults.append(Fault("version", "is no whole number", form_of("version")))
    else:
        row.version = version
    row.is_withheld = bool(head.get("contactsWithheld", False))
    return row
