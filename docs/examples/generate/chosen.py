"""Which message of the story becomes an example, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from comity.v1.notices_pb2 import Notice, NoticeKind
from docs.examples.generate.inside import messages_in


def choose_examples(messages: Iterable[Message]) -> Mapping[str, Message]:
    """The examples by the names of their files, without the suffix.

    Of each message the first that shows the most of its own fields; likewise of each further
    alternative of a message that has alternatives. For each field that none of these shows, the
    first message that does, under the field's name.
    """
    messages = [one for message in messages for one in messages_in(message)]
    chosen = _fullest(messages)
    shown = {field.full_name for one in chosen.values() for field, _ in one.ListFields()}
    for one in messages:
        for field, _ in one.ListFields():
            if field.full_name not in shown:
                shown |= {other.full_name for other, _ in one.ListFields()}
                chosen[f"{one.DESCRIPTOR.name}-{field.name.replace('_', '-')}"] = one
    return chosen


def _fullest(messages: Sequence[Message]) -> dict[str, Message]:
    fullest: dict[tuple[str, str], Message] = {}
    for one in messages:
        key = (one.DESCRIPTOR.name, _alternative(one))
        known = fullest.get(key)
        if known is None or len(one.ListFields()) > len(known.ListFields()):
            fullest[key] = one
    chosen: dict[str, Message] = {}
    for (name, alternative), one in fullest.items():
        chosen[f"{name}-{alternative}" if name in chosen else name] = one
    return chosen


def _alternative(message: Message) -> str:
    """Which of several things a message is: the member of its oneof, the kind of a notice."""
    if isinstance(message, Notice):
        name = NoticeKind.Name(message.kind).removeprefix("NOTICE_KIND_")
    else:
        # A lone optional field is a oneof too, with a name of protoc's own.
        groups = [g.name for g in message.DESCRIPTOR.oneofs if not g.name.startswith("_")]
        name = message.WhichOneof(groups[0]) or "" if groups else ""
    return name.lower().replace("_", "-")


def write_examples(examples: Mapping[str, Message], target: Path) -> None:
    """Writes a file for each, and removes those that are examples no longer."""
    for path in target.glob("*.json"):
        if path.stem not in examples:
            path.unlink()
    for name, message in examples.items():
        text = MessageToJson(message, ensure_ascii=False)
        (target / f"{name}.json").write_text(text + "\n", encoding="utf-8")
