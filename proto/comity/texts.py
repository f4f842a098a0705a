"""What holds for every text and code of a signed body, whichever message it stands in.

One walk over the fields that are set: codes that this version knows, lengths, characters.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from comity.errors import Violation
from comity.v1.notices_pb2 import LocalizedText

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
    violations: list[Violation] = []
    _walk(message, f"{field}." if field else "", violations)
    return violations


@dataclass(frozen=True, slots=True)
class _Check:
    """What to look at in one field: texts by their limit, codes by their numbers, or messages."""

    name: str
    is_repeated: bool
    is_message: bool
    is_language: bool
    limit: int
    codes: Container[int] | None


def _walk(message: Message, prefix: str, violations: list[Violation]) -> None:
    for descriptor, value in message.ListFields():
        check = _check_for(descriptor)
        if check is None:
            continue
        name = prefix + check.name
        if not check.is_repeated:
            _look_at(check, value, name, violations)
        elif len(value) > MAX_ITEMS:
            violations.append(Violation(name, f"has more than {MAX_ITEMS:,} items"))
        else:
            for number, item in enumerate(value):
                _look_at(check, item, f"{name}[{number}]", violations)


def _look_at(check: _Check, value: Any, name: str, violations: list[Violation]) -> None:
    if check.is_message:
        if isinstance(value, LocalizedText):
            violations.extend(_gaps(value, name))
        _walk(value, f"{name}.", violations)
    elif check.codes is not None:
        if value not in check.codes:
            violations.append(Violation(name, f"code {value} is not known"))
    else:
        violations.extend(_text_violations(check, value, name))


def _gaps(text: LocalizedText, name: str) -> Iterator[Violation]:
    if not text.language:
        yield Violation(f"{name}.language", "is missing: the language of the text")
    if not text.text.strip():
        yield Violation(f"{name}.text", "is missing")


def _text_violations(check: _Check, value: str, name: str) -> Iterator[Violation]:
    if len(value) > check.limit:
        yield Violation(name, f"is longer than {check.limit:,} characters")
    if _FORBIDDEN.search(value):
        yield Violation(name, "holds control characters or writing-direction overrides")
    if check.is_language and not _LANGUAGE.fullmatch(value):
        yield Violation(name, "is not a language code such as 'en', 'ar' or 'sr-Latn'")


@cache
def _check_for(descriptor: FieldDescriptor) -> _Check | None:
    """What to look at in a field; None for numbers, which have their own rules."""
    is_message = descriptor.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE
    is_code = descriptor.cpp_type == FieldDescriptor.CPPTYPE_ENUM
    if not (is_message or is_code or descriptor.type == FieldDescriptor.TYPE_STRING):
        return None
    return _Check(
        name=descriptor.name,
        is_repeated=descriptor.is_repeated,
        is_message=is_message,
        is_language=descriptor.full_name == _LANGUAGE_FIELD,
        limit=_LIMITS.get(descriptor.full_name, MAX_FIELD_CHARS),
        codes=_numbers(descriptor) if is_code else None,
    )


def _numbers(descriptor: FieldDescriptor) -> frozenset[int]:
    kind = descriptor.enum_type
    return frozenset() if kind is None else frozenset(kind.values_by_number)
