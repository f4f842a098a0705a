"""Persons in words: what they are in the case, how they are known, where they may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agency_client.field_text import Safe, code_words
from agency_client.notice_text.fields import field_lines, indented, text_lines
from agency_client.notice_text.looks import biometric_text, description_lines
from agency_client.notice_text.things import document_lines, object_lines, object_title
from agency_client.notice_text.values import (
    contact_text,
    date_text,
    filled,
    name_notes,
    name_text,
    nationality_text,
    place_text,
    with_notes,
)
from comity.v1 import notices_pb2 as pb

_NAME_LABELS = {  # in the order in which they are read
    pb.NAME_TYPE_PRIMARY: "name",
    pb.NAME_TYPE_ORIGINAL_SCRIPT: "name in original script",
    pb.NAME_TYPE_AT_BIRTH: "name at birth",
    pb.NAME_TYPE_FORMER: "former name",
    pb.NAME_TYPE_ALIAS: "also known as",
}
_NAME_ORDER = list(_NAME_LABELS)
_STANDINGS = {
    pb.IDENTITY_STANDING_CONFIRMED: "identity confirmed",
    pb.IDENTITY_STANDING_NOT_CONFIRMED: "identity NOT confirmed",
    pb.IDENTITY_STANDING_UNSPECIFIED: "not said whether the identity is confirmed",
}
_TOLD = (
    *("names", "sex", "sex_text", "dates_of_birth", "places_of_birth", "nationalities"),
    *("documents", "addresses", "titles", "occupations", "remarks", "status"),
    *("identity_standing", "description", "biometrics", "relatives", "languages"),
    *("countries_likely_visited", "vehicles", "identifiers", "died_on"),
)


def person_title(person: pb.Person, safe: Safe) -> str:
    """A person in a few words: name, birth, nationality."""
    title = safe(person.names[0].full) if person.names else "a person whose name is not known"
    known = [date_text(born, safe) for born in person.dates_of_birth[:1]]
    known += [safe(n.country or n.country_text) for n in person.nationalities]
    return f"{title} ({', '.join(known)})" if known else title


def person_lines(person: pb.Person, safe: Safe) -> Iterator[str]:
    """A person in full: standing, identity, documents, looks, where they may be."""
    yield _standing_text(person)
    yield from name_lines(person.names, safe)
    yield from _birth_lines(person, safe)
    yield from _ties_lines(person, safe)
    for document in person.documents:
        yield from document_lines(document, safe)
    yield from description_lines(person.description, safe)
    yield from (biometric_text(one, safe) for one in person.biometrics)
    yield from _whereabouts_lines(person, safe)
    yield from text_lines("remark", person.remarks, safe)
    yield from field_lines(person, safe, without=_TOLD)


def _standing_text(person: pb.Person) -> str:
    status = code_words(pb.PersonStatus.DESCRIPTOR, person.status)
    standing = person.identity_standing
    words = _STANDINGS.get(standing) or f"identity standing: code {standing}"
    return f"status: {status if person.status else 'not stated'}; {words}"


def name_lines(names: Iterable[pb.Name], safe: Safe) -> Iterator[str]:
    """Names, each under what kind of name it is, in the order in which they are read."""
    for name in sorted(names, key=_name_rank):
        label = _NAME_LABELS.get(name.type)
        if label is None:
            yield f"name: {name_text(name, safe)}"
        else:
            yield f"{label}: {with_notes(safe(name.full), name_notes(name, safe))}"


def _name_rank(name: pb.Name) -> int:
    return _NAME_ORDER.index(name.type) if name.type in _NAME_LABELS else len(_NAME_ORDER)


def _birth_lines(person: pb.Person, safe: Safe) -> Iterator[str]:
    if person.sex or person.sex_text:
        sex = [code_words(pb.Sex.DESCRIPTOR, person.sex)] if person.sex else []
        yield f"sex: {with_notes(''.join(sex), filled([person.sex_text], safe))}"
    yield from (f"born: {date_text(born, safe)}" for born in person.dates_of_birth)
    yield from (f"born in: {place_text(place, safe)}" for place in person.places_of_birth)
    if person.HasField("died_on"):
        yield f"died: {date_text(person.died_on, safe)}"
    yield from (f"nationality: {nationality_text(one, safe)}" for one in person.nationalities)


def _ties_lines(person: pb.Person, safe: Safe) -> Iterator[str]:
    for relative in person.relatives:
        kind = code_words(pb.RelativeKind.DESCRIPTOR, relative.kind)
        names = "; ".join(name_text(name, safe) for name in relative.names)
        yield f"{'relative' if kind == 'other' else kind}: {names or 'not named'}"
    yield from (f"title: {safe(title)}" for title in person.titles)
    yield from (f"occupation: {safe(occupation)}" for occupation in person.occupations)
    if person.languages:
        yield f"speaks: {', '.join(filled(person.languages, safe))}"


def _whereabouts_lines(person: pb.Person, safe: Safe) -> Iterator[str]:
    if person.countries_likely_visited:
        yield f"may be in: {', '.join(filled(person.countries_likely_visited, safe))}"
    yield from (f"address: {place_text(place, safe)}" for place in person.addresses)
    yield from (f"reached or known as: {contact_text(one, safe)}" for one in person.identifiers)
    for vehicle in person.vehicles:
        yield f"uses: {object_title(vehicle, safe)}"
        yield from indented(object_lines(vehicle, safe))
