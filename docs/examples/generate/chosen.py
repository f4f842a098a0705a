"""Which message of the story becomes an example, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from comity.v1.notices_pb2 import Notice, NoticeKind
from docs.examples.generate.inside import messages_in


def choose_examples(messages: Iterable[Message]) -> Mapping[str, Message]:
    """The examples by the names of their files, without the suffix.

    Of each message the first that shows the most of its own fields; likewise of each further
    alternative of a message that has alternatives.
    """
    fullest: dict[tuple[str, str], Message] = {}
    for message in messages:
        for one in messages_in(message):
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
