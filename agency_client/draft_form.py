"""What in a JSON document no message of the contract can hold: names, codes and types.

The parser of protobuf stops at the first such thing; this names them all. What it passes is parsed
by protobuf after it, which has the last word. Called for drafts; never touches a disk.

Source: protobuf's JSON mapping ("ProtoJSON").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from comity.errors import Violation

MAX_CHOICES = 12  # of the names that a code may have: as many as are read at a glance
_EXAMPLE_TIME = "2027-01-31T12:00:00Z"
_NUMBER = "a number"
_WANTED: Mapping[int, tuple[str, Callable[[Any], bool]]] = {
    FieldDescriptor.CPPTYPE_STRING: ("a text", lambda v: isinstance(v, str)),
    FieldDescriptor.CPPTYPE_BOOL: ("true or false", lambda v: isinstance(v, bool)),
    FieldDescriptor.CPPTYPE_INT32: (_NUMBER, lambda v: _is_number(v)),
    FieldDescriptor.CPPTYPE_INT64: (_NUMBER, lambda v: _is_number(v)),
    FieldDescriptor.CPPTYPE_UINT32: (_NUMBER, lambda v: _is_number(v)),
    FieldDescriptor.CPPTYPE_UINT64: (_NUMBER, lambda v: _is_number(v)),
}


def form_violations(document: Mapping[str, Any], descriptor: Descriptor) -> list[Violation]:
    """Everything in a document that the message of a descriptor cannot hold."""
    return list(_of_message(document, descriptor, ""))


def json_path(path: str) -> str:
    """A field's path of the contract by the names that JSON has: handling.legalBasis."""
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), path)


def _of_message(
    document: Mapping[str, Any], descriptor: Descriptor, path: str
) -> Iterator[Violation]:
    fields = {f.json_name: f for f in descriptor.fields} | dict(descriptor.fields_by_name)
    for name, value in document.items():
        place = f"{path}.{name}" if path else name
        field = fields.get(name)
        if field is None:
            yield Violation(place, "is no field that this version knows")
        elif value is not None:  # As if it were left out.
            yield from _of_field(value, field, place)


def _of_field(value: Any, field: FieldDescriptor, place: str) -> Iterator[Violation]:
    if not field.is_repeated:
        yield from _of_value(value, field, place)
    elif not isinstance(value, list):
        yield Violation(place, "is no list")
    else:
        for number, item in enumerate(value):
            yield from _of_value(item, field, f"{place}[{number}]")


def _of_value(value: Any, field: FieldDescriptor, place: str) -> Iterator[Violation]:
    message, enum = field.message_type, field.enum_type
    if message is not None and not message.full_name.startswith("google."):
        if isinstance(value, dict):
            yield from _of_message(value, message, place)
        else:
            yield Violation(place, "is no object with fields of its own")
        return
    if enum is not None:
        if not (_is_number(value) or (isinstance(value, str) and value in enum.values_by_name)):
            yield Violation(place, f"{str(value)[:40]!r} is none of {_choice(enum)}")
        return
    if message is not None:  # Those of protobuf itself that a notice holds are its times.
        if not _is_time(value):
            yield Violation(place, f"is no time such as {_EXAMPLE_TIME}")
        return
    wanted, is_right = _WANTED.get(field.cpp_type, ("", lambda _: True))
    if not is_right(value):
        yield Violation(place, f"is not {wanted}")


def _choice(enum: EnumDescriptor) -> str:
    """The names that a code has, as far as they are read at a glance."""
    names = [value.name for value in enum.values if value.number]
    return ", ".join([*names[:MAX_CHOICES], *(["..."] if len(names) > MAX_CHOICES else [])])


def _is_time(value: Any) -> bool:
    """Whether a value is a time as protobuf reads it."""
    try:
        Timestamp().FromJsonString(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _is_number(value: Any) -> bool:
    """Whether a value is a number, or a text that may be one: protobuf takes both."""
    if isinstance(value, str):
        return value.lstrip("-").isdigit()
    return isinstance(value, int | float) and not isinstance(value, bool)
