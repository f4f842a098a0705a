"""Notices in which every field of the contract is filled, each with a value of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from google.protobuf.message import Message

from comity.v1 import notices_pb2 as pb

SUBJECTS = ("person", "organisation", "object", "asset")
_BORNE = {"year": 2001, "month": 3, "day": 17}  # of dates, so that they exist


def filled_notice(which: str) -> pb.Notice:
    """A notice with every field filled, about a subject of one sort."""
    notice = pb.Notice()
    _fill(notice, which, count(1))
    return notice


def _fill(message: Message, which: str, numbers: Iterator[int]) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof is not None and field.name != which:
            continue
        if field.message_type is None:
            _set(message, field, _value(field, next(numbers)))
        else:
            held = getattr(message, field.name)
            _fill(held.add() if field.is_repeated else held, which, numbers)


def _set(message: Message, field: Any, value: Any) -> None:
    if field.is_repeated:
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)


def _value(field: Any, number: int) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[1 + number % (len(field.enum_type.values) - 1)].number
    if field.type == field.TYPE_STRING:
        return f"text-{number}-end"
    if field.type == field.TYPE_BYTES:
        return number.to_bytes(4, "big") * 8
    if field.type == field.TYPE_BOOL:
        return True
    if field.name in ("seconds", "nanos"):
        return 1_900_000_000 + number * 3600 if field.name == "seconds" else 0
    return _BORNE.get(field.name, 100 + number)


Step = tuple[str, int | None]


def leaves(message: Message, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """The way to every value that is no message."""
    for field, value in message.ListFields():
        for place, item in enumerate(value) if field.is_repeated else [(None, value)]:
            step = (*path, (field.name, place))
            if field.message_type is None:
                yield step
            else:
                yield from leaves(item, step)


def without_leaf(notice: pb.Notice, path: tuple[Step, ...]) -> pb.Notice:
    """The same notice with one value changed: a code for another, anything else cleared."""
    changed = pb.Notice()
    changed.CopyFrom(notice)
    at: Any = changed
    for name, place in path[:-1]:
        at = getattr(at, name) if place is None else getattr(at, name)[place]
    name, place = path[-1]
    field = at.DESCRIPTOR.fields_by_name[name]
    value = getattr(at, name) if place is None else getattr(at, name)[place]
    other = _other(field, value)
    if place is None:
        setattr(at, name, other)
    else:
        getattr(at, name)[place] = other
    return changed


def _other(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        numbers = [one.number for one in field.enum_type.values if one.number != value]
        return numbers[-1]
    return type(value)()


def leaf_value(notice: pb.Notice, path: tuple[Step, ...]) -> Any:
    """The value at the end of a way."""
    at: Any = notice
    for name, place in path:
        at = getattr(at, name) if place is None else getattr(at, name)[place]
    return at
