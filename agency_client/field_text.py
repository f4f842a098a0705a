"""What a notice says in words, field by field, as lines of safe text. Writes nothing.

Nothing is left out: what has no words of its own here is shown under its field's name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from comity.v1 import notices_pb2 as pb

Safe = Callable[[str], str]  # makes a foreign text harmless for wherever it is shown

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
    "other_elements": "as listed",
    "narratives": "narrative",
    "external_references": "reference",
}
_WORDS = {  # where the code's own name is not quite what one says
    "PRECAUTION_CODE_DO_NOT_ALERT_SUBJECT": "do not alert the subject",
    "PRECAUTION_CODE_CONTACT_ORIGINATOR_FIRST": "contact the originator first",
    "PRECAUTION_CODE_CONFIRM_IDENTITY_FIRST": "confirm the identity first",
    "ACTION_CODE_INFORM_ORIGINATOR": "inform the originator",
    "ACTION_CODE_SEIZE_OBJECT": "seize the object",
}


def code_words(descriptor: EnumDescriptor, number: int) -> str:
    """A code as words: ACTION_CODE_LOCATE_AND_ARREST, "locate and arrest"."""
    value = descriptor.values_by_number.get(number)
    if value is None:
        return f"code {number}"
    if value.name in _WORDS:
        return _WORDS[value.name]
    prefix = descriptor.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return value.name.removeprefix(prefix).replace("_", " ").lower()


def calendar_text(value: pb.CalendarDate) -> str:
    """A day, month or year of the calendar: 1985-03-04, 1985-03, 1985."""
    parts = [f"{value.year:04}", *(f"{part:02}" for part in (value.month, value.day) if part)]
    return "-".join(parts)


def date_text(value: pb.PartialDate, safe: Safe) -> str:
    """A date as well as it is known."""
    words = calendar_text(value.date) if value.HasField("date") else ""
    if value.qualifier == pb.DATE_QUALIFIER_APPROXIMATE and words:
        words = f"about {words}"
    if value.HasField("until"):
        words = f"between {words} and {calendar_text(value.until)}"
    return _with_notes(words, [safe(text) for text in (value.text, value.note) if text])


def place_text(place: pb.Place, safe: Safe) -> str:
    """A place in one line, from the street to the country."""
    texts = (place.street, place.postal_code, place.city, place.region, place.country_text)
    parts = [safe(text) for text in texts if text]
    words = ", ".join([*parts, safe(place.country)] if place.country else parts)
    return _with_notes(words, [safe(place.note)] if place.note else [])


def name_text(name: pb.Name, safe: Safe) -> str:
    """A name in one line, with what kind of name it is."""
    notes = [code_words(pb.NameType.DESCRIPTOR, name.type)]
    for part in name.parts:
        notes.append(f"{code_words(pb.NamePartType.DESCRIPTOR, part.type)} {safe(part.value)}")
    if name.quality:
        notes.append(f"{code_words(pb.NameQuality.DESCRIPTOR, name.quality)} quality")
    notes += [safe(text) for text in (name.script, name.quality_text, name.note) if text]
    notes += [f"born {date_text(born, safe)}" for born in name.dates_of_birth]
    notes += [f"born in {place_text(place, safe)}" for place in name.places_of_birth]
    return _with_notes(safe(name.full), notes)


def _nationality_text(nationality: pb.Nationality, safe: Safe) -> str:
    words = " ".join(safe(t) for t in (nationality.country, nationality.country_text) if t)
    return _with_notes(words, ["confirmed" if nationality.confirmed else "not confirmed"])


def _localized_text(text: pb.LocalizedText, safe: Safe) -> str:
    kind = "original" if text.original else "translation"
    return f"[{safe(text.language)}, {kind}] {safe(text.text)}"


def _identifier_text(identifier: pb.ObjectIdentifier, safe: Safe) -> str:
    kind = code_words(pb.IdentifierScheme.DESCRIPTOR, identifier.scheme)
    notes = [safe(identifier.country)] if identifier.country else []
    return _with_notes(f"{kind} {safe(identifier.value)}", notes)


def _element_text(element: pb.SourceElement, safe: Safe) -> str:
    return f"{safe(element.path)}: {safe(element.text)}"


def _with_notes(words: str, notes: list[str]) -> str:
    if not notes:
        return words
    return f"{words} ({'; '.join(notes)})" if words else "; ".join(notes)


_ONE_LINE: dict[str, Callable[[Any, Safe], str]] = {
    "PartialDate": date_text,
    "CalendarDate": lambda value, _: calendar_text(value),
    "Place": place_text,
    "Name": name_text,
    "Nationality": _nationality_text,
    "LocalizedText": _localized_text,
    "ObjectIdentifier": _identifier_text,
    "SourceElement": _element_text,
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
    yield from (f"  {line}" for line in field_lines(value, safe))


def _scalar_text(descriptor: FieldDescriptor, value: Any, safe: Safe) -> str:
    if descriptor.enum_type is not None:
        return code_words(descriptor.enum_type, value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return safe(str(value))


def subject_title(subject: pb.Subject, safe: Safe) -> str:
    """Whom or what a notice is about, in a few words."""
    if subject.HasField("object"):
        return _object_title(subject.object, safe)
    if subject.HasField("organisation"):
        return safe(subject.organisation.names[0].full) if subject.organisation.names else "?"
    person = subject.person
    title = safe(person.names[0].full) if person.names else "a person whose name is not known"
    known = [date_text(born, safe) for born in person.dates_of_birth[:1]]
    known += [safe(n.country or n.country_text) for n in person.nationalities]
    return f"{title} ({', '.join(known)})" if known else title


def _object_title(thing: pb.Object, safe: Safe) -> str:
    kind = code_words(pb.ObjectType.DESCRIPTOR, thing.type)
    marks = [safe(identifier.value) for identifier in thing.identifiers]
    return " ".join([kind, *marks]) if marks else f"{kind}: {safe(thing.description)}"
