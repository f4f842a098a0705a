"""The published examples as their tests see them: what is demanded, and what lies there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import generate
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import Parse
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from docs.examples.generate.inside import CONTRACT, messages_in

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
FILES = sorted((EXAMPLES / "messages").glob("*.json"))

M = TypeVar("M", bound=Message)


def _contract_messages() -> Iterator[Descriptor]:
    for name in generate.list_contract_files():
        module = import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
        yield from module.DESCRIPTOR.message_types_by_name.values()


MESSAGES: Mapping[str, Descriptor] = {message.name: message for message in _contract_messages()}


def name_of(path: Path) -> str:
    """The message that a file is an example of: Act-addressing.json is one of Act."""
    return path.stem.partition("-")[0]


def load_file(path: Path) -> Message:
    """The example in a file, read strictly."""
    message = GetMessageClass(MESSAGES[name_of(path)])()
    Parse(path.read_text(encoding="utf-8"), message, ignore_unknown_fields=False)
    return message


def load_example(kind: type[M], alternative: str = "") -> M:
    """The example of a message, or of one of its alternatives."""
    name = f"{kind.DESCRIPTOR.name}-{alternative}" if alternative else kind.DESCRIPTOR.name
    message = load_file(EXAMPLES / "messages" / f"{name}.json")
    assert isinstance(message, kind)
    return message


def all_in_examples(kind: type[M]) -> list[M]:
    """Every message of a kind in any example, also inside serialized bytes."""
    found = [one for path in FILES for one in messages_in(load_file(path))]
    return [one for one in found if isinstance(one, kind)]


def fields_below(message: Descriptor) -> set[str]:
    """The fields of a message and of whatever of the contract it holds, by their full names."""
    found: set[str] = set()
    waiting = [message]
    while waiting:
        for field in waiting.pop().fields:
            inner = _message_of(field)
            if inner is not None and field.full_name not in found:
                waiting.append(inner)
            found.add(field.full_name)
    return found


def shown_fields(message: Message) -> set[str]:
    """The fields that are set in a message, and in the messages of its fields."""
    found: set[str] = set()
    for field, value in message.ListFields():
        found.add(field.full_name)
        if _message_of(field) is not None:
            for one in value if field.is_repeated else [value]:
                found |= shown_fields(one)
    return found


def _message_of(field: FieldDescriptor) -> Descriptor | None:
    """The message of the contract that a field holds."""
    kind = field.message_type
    return kind if kind is not None and kind.file.package == CONTRACT else None
