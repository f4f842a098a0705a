"""What holds for every text and code of a signed body, whichever message it stands in.

One walk over the fields that are set: codes that this version knows, lengths, characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from comity.errors import Violation

MAX_TEXT_CHARS = 20_000  # a narrative of some ten pages
MAX_FIELD_CHARS = 2_000  # the longest note in the Security Council's list is far below
MAX_NAME_CHARS = 512  # the longest name of an organisation in that list has about 200
MAX_REFERENCE_CHARS = 200  # fits a line of every form that quotes a case number
MAX_ITEMS = 1_000  # of one repeated field; aliases of one subject stay below 100

_LIMITS = {
    "comity.v1.LocalizedText.text": MAX_TEXT_CHARS,
    "comity.v1.LocalizedText.language": 35,  # RFC 5646 section 4.4.1
    "comity.v1.SourceElement.text": MAX_TEXT_CHARS,
    "comity.v1.Name.full": MAX_NAME_CHARS,
    "comity.v1.NamePart.value": MAX_NAME_CHARS,
    "comity.v1.Notice.case_reference": MAX_REFERENCE_CHARS,
    "comity.v1.ExternalReference.value": MAX_REFERENCE_CHARS,
}
_LANGUAGE_FIELD = "comity.v1.LocalizedText.language"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")

# Control characters other than tab and line feed, line and paragraph separators, and the
# overrides of the writing direction, whose only use in a name is to make it read as another.
_FORBIDDEN = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202d\\u202e]")


def code_and_text_violations(message: Message, field: str = "") -> list[Violation]:
    """What is wrong with the codes and texts of a message, nested messages included."""
    return list(_walk(message, f"{field}." if field else ""))


def _walk(message: Message, prefix: str) -> Iterator[Violation]:
    for descriptor, value in message.ListFields():
        name = prefix + descriptor.name
        if not descriptor.is_repeated:
            yield from _value(descriptor, value, name)
            continue
        if len(value) > MAX_ITEMS:
            yield Violation(name, f"has more than {MAX_ITEMS:,} items")
            continue
        for number, item in enumerate(value):
            yield from _value(descriptor, item, f"{name}[{number}]")


def _value(descriptor: FieldDescriptor, value: Any, name: str) -> Iterator[Violation]:
    kind = descriptor.cpp_type
    if kind == FieldDescriptor.CPPTYPE_MESSAGE:
        yield from _walk(value, f"{name}.")
    elif kind == FieldDescriptor.CPPTYPE_STRING and descriptor.type == FieldDescriptor.TYPE_STRING:
        yield from _text(descriptor.full_name, value, name)
    elif kind == FieldDescriptor.CPPTYPE_ENUM and value not in _numbers(descriptor):
        yield Violation(name, f"code {value} is not known")


def _numbers(descriptor: FieldDescriptor) -> Any:
    return descriptor.enum_type.values_by_number  # type: ignore[union-attr]


def _text(full_name: str, value: str, name: str) -> Iterator[Violation]:
    limit = _LIMITS.get(full_name, MAX_FIELD_CHARS)
    if len(value) > limit:
        yield Violation(name, f"is longer than {limit:,} characters")
    if _FORBIDDEN.search(value):
        yield Violation(name, "holds control characters or writing-direction overrides")
    if full_name == _LANGUAGE_FIELD and not _LANGUAGE.fullmatch(value):
        yield Violation(name, "is not a language code such as 'en', 'ar' or 'sr-Latn'")
