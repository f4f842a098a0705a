"""What no noun has words for: a message field by field, under the names of its fields.

Every module of this package ends with it, so that nothing of a notice can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from agency_client.field_text import Safe, code_words
from agency_client.notice_text import values
from comity.v1 import notices_pb2 as pb

_LABELS = {
    "names": "name",
    "dates_of_birth": "born",
    "places_of_birth": "born in",
    "nationalities": "nationality",
    "documents": "document",
    "addresses": "address",
    "titles": "title",
    "occupations": "occupation",
    "identifiers": "identifier",
    "places": "place",
    "holders": "holder or owner",
    "accomplices": "accomplice",
    "registration_numbers": "registered as",
    "other_elements": "as listed",
    "external_references": "reference",
}
_ONE_LINE: dict[str, Callable[[Any, Safe], str]] = {
    "PartialDate": values.date_text,
    "CalendarDate": lambda value, _: values.calendar_text(value),
    "Timestamp": lambda value, _: values.time_text(value),
    "Place": values.place_text,
    "Name": values.name_text,
    "Nationality": values.nationality_text,
    "LocalizedText": values.localized_text,
    "ObjectIdentifier": values.identifier_text,
    "ContactIdentifier": values.contact_text,
    "RegistrationNumber": values.registration_text,
    "Amount": values.amount_text,
    "LawReference": values.law_text,
    "Penalty": lambda value, _: values.penalty_text(value),
    "SourceElement": values.element_text,
}


def field_lines(message: Message, safe: Safe, *, without: Collection[str] = ()) -> Iterator[str]:
    """Every field that is set, one line each, nested messages indented below their name."""
    for descriptor, value in message.ListFields():
        if descriptor.name in without:
            continue
        label = _LABELS.get(descriptor.name, descriptor.name.replace("_", " "))
        for item in value if descriptor.is_repeated else [value]:
            yield from _value_lines(descriptor, item, label, safe)


def _value_lines(descriptor: FieldDescriptor, value: Any, label: str, safe: Safe) -> Iterator[str]:
    if descriptor.message_type is None:
        yield f"{label}: {_scalar_text(descriptor, value, safe)}"
        return
    one_line = _ONE_LINE.get(descriptor.message_type.name)
    if one_line is not None:
        yield f"{label}: {one_line(value, safe)}"
        return
    yield f"{label}:"
    yield from indented(field_lines(value, safe))


def _scalar_text(descriptor: FieldDescriptor, value: Any, safe: Safe) -> str:
    if descriptor.enum_type is not None:
        return code_words(descriptor.enum_type, value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return safe(str(value))


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Lines set in below the one before them."""
    return (f"  {line}" for line in lines)


def section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines below their heading; nothing where there are none."""
    below = list(indented(lines))
    if below:
        yield from ("", title, *below)


def text_lines(label: str, texts: Sequence[pb.LocalizedText], safe: Safe) -> Iterator[str]:
    """A text in its languages, the original first; each paragraph on a line of its own."""
    for text in sorted(texts, key=lambda one: not one.original):
        first, *rest = [part for part in text.text.split("\n") if part.strip()] or [""]
        beginning = pb.LocalizedText(language=text.language, original=text.original, text=first)
        yield f"{label}: {values.localized_text(beginning, safe)}"
        yield from (f"  | {safe(paragraph)}" for paragraph in rest)


def codes_text(descriptor: EnumDescriptor, numbers: Iterable[int]) -> str:
    """Codes in words, with commas."""
    return ", ".join(code_words(descriptor, number) for number in numbers)
