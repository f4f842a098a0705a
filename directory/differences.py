"""What two versions of an entry do not share, field by field.

Called for the history, for proposals, and to tell an editor what was changed meanwhile. Items of a
list are compared by their place in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict

from comity.v1 import authorities_pb2 as pb

_ABSENT = object()


def differences(before: pb.Authority, after: pb.Authority) -> list[pb.FieldDifference]:
    """The fields that differ, by their paths, in the order of the JSON form."""
    return list(_compare(_plain(before), _plain(after), ""))


def changed_fields(before: pb.Authority, after: pb.Authority) -> set[str]:
    """The top-level fields that differ."""
    first, second = _plain(before), _plain(after)
    return {name for name in first | second if first.get(name) != second.get(name)}


def _plain(authority: pb.Authority) -> dict[str, Any]:
    return dict(MessageToDict(authority, preserving_proto_field_name=True))


def _compare(before: Any, after: Any, path: str) -> Iterator[pb.FieldDifference]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            inner = f"{path}.{name}" if path else name
            yield from _compare(before.get(name, _ABSENT), after.get(name, _ABSENT), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for number in range(max(len(before), len(after))):
            yield from _compare(_item(before, number), _item(after, number), f"{path}[{number}]")
    else:
        yield pb.FieldDifference(field=path, before=_json(before), after=_json(after))


def _item(items: list[Any], number: int) -> Any:
    return items[number] if number < len(items) else _ABSENT


def _json(value: Any) -> str:
    return "" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
