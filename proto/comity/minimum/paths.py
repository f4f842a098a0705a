"""Paths of a notice as rules write them: `subjects[].person.names[]`, checked against the contract.

A path begins at the item that a rule looks at, and with a slash at the notice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

Values = Callable[[Any, Any], Sequence[Any]]

_STEP = re.compile(r"([a-z][a-z0-9_]*)(\[\])?")


@dataclass(frozen=True, slots=True)
class Step:
    """One field on the way."""

    name: str
    is_repeated: bool
    is_message: bool


@dataclass(frozen=True, slots=True)
class Path:
    """A path whose fields exist."""

    steps: tuple[Step, ...]
    is_from_notice: bool
    field: FieldDescriptor  # the last one

    def items(self, message: Message) -> Iterator[tuple[str, Any]]:
        """What stands there, each under its path with its number in lists."""
        yield from _walk(message, self.steps, "")


def parse_path(text: str, root: Descriptor, item: Descriptor) -> Path:
    """The path of a text, from an item of a kind of message.

    Raises: ValueError that names what is not there.
    """
    is_from_notice = text.startswith("/")
    found: Descriptor | None = root if is_from_notice else item
    steps, field = [], None
    for part in text.removeprefix("/").split("."):
        match = _STEP.fullmatch(part)
        field = found.fields_by_name.get(match[1]) if match and found is not None else None
        if match is None or field is None:
            raise ValueError(f"{text!r}: {part!r} is no field there")
        if match[2] and not field.is_repeated:
            raise ValueError(f"{text!r}: {match[1]} is no list")
        is_message = field.message_type is not None
        steps.append(Step(match[1], field.is_repeated, is_message))
        found = field.message_type
    assert field is not None
    return Path(tuple(steps), is_from_notice, field)


def values_of(path: Path) -> Values:
    """What gives every value of a path that is set, from a notice and an item of it."""
    first, *others = path.steps
    start = _start(first)
    for step in others:
        start = _onward(start, step)
    if path.is_from_notice:
        return lambda notice, _item: start(notice)
    return lambda _notice, item: start(item)


def _start(step: Step) -> Callable[[Any], Sequence[Any]]:
    name = step.name
    if step.is_repeated:
        return lambda message: getattr(message, name)
    if step.is_message:
        return lambda message: (getattr(message, name),) if message.HasField(name) else ()
    return lambda message: (getattr(message, name),)


def _onward(before: Callable[[Any], Sequence[Any]], step: Step) -> Callable[[Any], Sequence[Any]]:
    here = _start(step)
    return lambda message: [value for one in before(message) for value in here(one)]


def _walk(message: Any, steps: Sequence[Step], prefix: str) -> Iterator[tuple[str, Any]]:
    if not steps:
        yield prefix, message
        return
    step, *others = steps
    where = f"{prefix}.{step.name}" if prefix else step.name
    if step.is_repeated:
        for number, value in enumerate(getattr(message, step.name)):
            yield from _walk(value, others, f"{where}[{number}]")
    elif not step.is_message or message.HasField(step.name):
        yield from _walk(getattr(message, step.name), others, where)
