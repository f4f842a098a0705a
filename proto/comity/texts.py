"""What holds for every text and code of a signed body, whichever message it stands in.

One walk over the fields that are set: codes that this version knows, lengths, characters; and on
its way whatever the caller wants to have said of each message that it meets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from comity.code_lists import is_language, is_script
from comity.errors import Violation
from comity.identity import is_territory_code
from comity.limits import (
    COMPARED_EXACTLY,
    ITEM_LIMITS,
    MAX_CONTENT_ITEMS,
    MAX_FIELD_CHARS,
    MAX_ITEMS,
    MAX_NAME_CHARS,
    MAX_REFERENCE_CHARS,
    MAX_TEXT_CHARS,
    TEXT_LIMITS,
)
from comity.v1.notices_pb2 import DESCRIPTOR as CONTENT
from comity.v1.notices_pb2 import LocalizedText

__all__ = [
    "MAX_FIELD_CHARS",
    "MAX_ITEMS",
    "MAX_NAME_CHARS",
    "MAX_REFERENCE_CHARS",
    "MAX_TEXT_CHARS",
    "Forms",
    "code_and_text_violations",
]

# What else is wrong with a message, by its full name; the text is the path of the message.
Form = Callable[[Any, str], Iterator[Violation]]
Forms = Mapping[str, Form]
_NO_FORMS: Forms = MappingProxyType({})

_LANGUAGE_FIELD = "comity.v1.LocalizedText.language"
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:-([A-Z][a-z]{3}))?(?:-([A-Z]{2}))?")

# Control characters other than tab and line feed, line and paragraph separators, and whatever
# overrides, embeds or isolates a writing direction: its only use in a name is to make it read as
# another.
_FORBIDDEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]"
)
# Characters that nobody sees and no script needs. Not among them: what joins and divides letters
# (U+200C, U+200D) and what marks a direction (U+200E, U+200F, U+061C), which Persian, the scripts
# of India, Arabic and Hebrew do need; variation selectors.
_INVISIBLE = re.compile(
    "[\\u00ad\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b\\u2060-\\u2065\\u206a-\\u206f"
    "\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\U0001d173-\\U0001d17a\\U000e0000-\\U000e00ff]"
)
_SUSPECT = re.compile(f"{_FORBIDDEN.pattern}|{_INVISIBLE.pattern}")
# A line break is no such thing: the list of the United Nations has numbers over two lines.
_JOINERS_AND_MARKS = re.compile("[\\t\\u061c\\u200c-\\u200f]")


def code_and_text_violations(
    message: Message, field: str = "", *, forms: Forms = _NO_FORMS
) -> list[Violation]:
    """What is wrong with the codes and texts of a message, nested messages included.

    `forms` say what else is to be looked at in the nested messages, not in the outermost.
    """
    violations: list[Violation] = []
    _walk(message, f"{field}." if field else "", violations, forms)
    return violations


@dataclass(frozen=True, slots=True)
class _Check:
    """What to look at in one field: texts by their limit, codes by their numbers, or messages."""

    name: str
    is_repeated: bool
    message: str  # its full name; empty where the field is none
    is_language: bool
    is_compared: bool
    is_text: bool
    is_content: bool
    limit: int
    items: int
    codes: Container[int] | None


def _walk(message: Message, prefix: str, violations: list[Violation], forms: Forms) -> None:
    for descriptor, value in message.ListFields():
        check = _check_for(descriptor)
        if check is None:
            continue
        name = prefix + check.name
        if not check.is_repeated:
            _look_at(check, value, name, violations, forms)
        elif len(value) > check.items:
            violations.append(Violation(name, f"has more than {check.items:,} items"))
        else:
            for number, item in enumerate(value):
                _look_at(check, item, f"{name}[{number}]", violations, forms)
            if check.codes is not None and check.is_content:
                violations.extend(_code_list_violations(value, name))


def _look_at(
    check: _Check, value: Any, name: str, violations: list[Violation], forms: Forms
) -> None:
    if check.message:
        if check.is_text:
            violations.extend(_gaps(value, name))
        elif form := forms.get(check.message):
            violations.extend(form(value, name))
        _walk(value, f"{name}.", violations, forms)
    elif check.codes is not None:
        if value not in check.codes:
            violations.append(Violation(name, f"code {value} is not known"))
    elif not _is_right(check, value):
        violations.extend(_text_violations(check, value, name))


def _code_list_violations(codes: Any, name: str) -> Iterator[Violation]:
    for number, code in enumerate(codes):
        if not code:
            yield Violation(f"{name}[{number}]", "is missing")
        elif code in codes[:number]:
            yield Violation(f"{name}[{number}]", "stands twice")


def _gaps(text: LocalizedText, name: str) -> Iterator[Violation]:
    if not text.language:
        yield Violation(f"{name}.language", "is missing: the language of the text")
    if not text.text.strip():
        yield Violation(f"{name}.text", "is missing")


def _is_right(check: _Check, value: str) -> bool:
    """Whether a text needs no closer look: most are short, printable and ASCII."""
    if len(value) > check.limit or (check.is_language and not _is_language_tag(value)):
        return False
    if value.isascii() and value.isprintable():
        return True
    return not (_SUSPECT.search(value) or (check.is_compared and _JOINERS_AND_MARKS.search(value)))


def _text_violations(check: _Check, value: str, name: str) -> Iterator[Violation]:
    if len(value) > check.limit:
        yield Violation(name, f"is longer than {check.limit:,} characters")
    if _FORBIDDEN.search(value):
        said = "holds control characters or writing-direction overrides"
        yield Violation(name, f"{said}: {_code_points(_FORBIDDEN, value)}")
    if _INVISIBLE.search(value):
        yield Violation(name, f"holds what nobody can see: {_code_points(_INVISIBLE, value)}")
    if check.is_compared and _JOINERS_AND_MARKS.search(value):
        found = _code_points(_JOINERS_AND_MARKS, value)
        yield Violation(name, f"is compared letter by letter and may not hold {found}")
    if check.is_language and not _is_language_tag(value):
        yield Violation(name, "is not a language code such as 'en', 'ar' or 'sr-Latn'")


@lru_cache(maxsize=256)
def _is_language_tag(value: str) -> bool:
    """Whether this is an ISO 639 code, with an ISO 15924 script and a country where it matters."""
    found = _LANGUAGE.fullmatch(value)
    if found is None or not is_language(found[1]):
        return False
    return (not found[2] or is_script(found[2])) and (not found[3] or is_territory_code(found[3]))


def _code_points(pattern: re.Pattern[str], value: str) -> str:
    found = sorted(set(pattern.findall(value)))
    return ", ".join(f"U+{ord(each):04X}" for each in found[:8])


@cache
def _check_for(descriptor: FieldDescriptor) -> _Check | None:
    """What to look at in a field; None for numbers, which have their own rules."""
    is_code = descriptor.cpp_type == FieldDescriptor.CPPTYPE_ENUM
    message = descriptor.message_type
    if not (message or is_code or descriptor.type == FieldDescriptor.TYPE_STRING):
        return None
    holder = descriptor.containing_type
    is_content = holder is not None and holder.file.name == CONTENT.name
    return _Check(
        name=descriptor.name,
        is_repeated=descriptor.is_repeated,
        message=message.full_name if message else "",
        is_text=message is not None and message.full_name == LocalizedText.DESCRIPTOR.full_name,
        is_language=descriptor.full_name == _LANGUAGE_FIELD,
        is_compared=descriptor.full_name in COMPARED_EXACTLY,
        is_content=is_content,
        limit=TEXT_LIMITS.get(descriptor.full_name, MAX_FIELD_CHARS),
        items=ITEM_LIMITS.get(descriptor.full_name, MAX_CONTENT_ITEMS if is_content else MAX_ITEMS),
        codes=_numbers(descriptor) if is_code else None,
    )


def _numbers(descriptor: FieldDescriptor) -> frozenset[int]:
    kind = descriptor.enum_type
    return frozenset() if kind is None else frozenset(kind.values_by_number)
