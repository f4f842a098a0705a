"""Nothing of a notice is left out where it is shown: every field is in its words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from agency_client.cli.output import safe
from agency_client.notice_text import notice_lines
from comity.v1 import notices_pb2 as pb
from tests.filled_notices import SUBJECTS, filled_notice, leaf_value, leaves, without_leaf


def text_of(notice: pb.Notice) -> str:
    lines = notice_lines(
        notice,
        originator="FR-NCB",
        state="in force",
        is_suspended=False,
        has_unknown_fields=False,
        safe=safe,
    )
    return "\n".join(lines)


@pytest.mark.parametrize("which", SUBJECTS)
def test_every_text_and_digest_of_a_full_notice_is_shown(which: str) -> None:
    notice = filled_notice(which)
    text = text_of(notice)

    values = [leaf_value(notice, path) for path in leaves(notice)]
    texts = [value for value in values if isinstance(value, str)]
    digests = [value.hex() for value in values if isinstance(value, bytes)]
    assert len(texts) > 100
    missing = [value for value in [*texts, *digests] if value not in text]
    assert not missing


@pytest.mark.parametrize("which", SUBJECTS)
def test_every_value_of_a_full_notice_changes_what_is_shown(which: str) -> None:
    notice = filled_notice(which)
    text = text_of(notice)

    unseen = [path for path in leaves(notice) if text_of(without_leaf(notice, path)) == text]
    assert not unseen


def test_full_notices_fill_every_field_of_the_contract() -> None:
    filled = {
        (message, name) for which in SUBJECTS for message, name in _filled(filled_notice(which))
    }
    wanted = {(m.full_name, field.name) for m in _messages() for field in m.fields}

    assert {("google.protobuf.Timestamp", "nanos")} == wanted - filled


def _filled(message: Message) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        yield message.DESCRIPTOR.full_name, field.name
        if field.message_type is not None:
            for item in value if field.is_repeated else [value]:
                yield from _filled(item)


def _messages() -> Iterator[Descriptor]:
    seen: set[str] = set()
    waiting = [pb.Notice.DESCRIPTOR]
    while waiting:
        message = waiting.pop()
        if message.full_name not in seen:
            seen.add(message.full_name)
            yield message
            waiting += [f.message_type for f in message.fields if f.message_type is not None]
