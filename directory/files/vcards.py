"""Entries as contacts for address books: vCard 4.0 (RFC 6350), one card an entry, in UTF-8.

Numbers and addresses of persons stand in a group with the person's name. Nothing of it is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from comity.times import datetime_from_timestamp
from comity.v1 import authorities_pb2 as pb
from directory.catalogue.names import catalogue
from directory.contacts import formatted_number
from directory.files.watermark import Watermark
from directory.rendering import localized, title_of

MAX_LINE_BYTES = 75  # RFC 6350 section 3.2, without the line break
_TYPES = {pb.CONTACT_MEANS_TELEPHONE: "voice", pb.CONTACT_MEANS_FAX: "fax"}


def write_vcards(
    records: Iterable[pb.AuthorityRecord], watermark: Watermark, language: str
) -> bytes:
    """All cards, one after the other."""
    lines = (line for record in records for line in _card(record, watermark, language))
    return "".join(map(folded, lines)).encode()


def folded(line: str) -> str:
    """A line with its breaks: no part of more than 75 bytes, no character cut."""
    parts, current, size = [], "", 0
    for each in line:
        width = len(each.encode())
        if size + width > MAX_LINE_BYTES:
            parts.append(current)
            current, size = " ", 1
        current, size = current + each, size + width
    return "\r\n".join([*parts, current]) + "\r\n"


def escaped(text: str) -> str:
    """A text as a value, or as a component of one (RFC 6350 section 3.4)."""
    for each in ("\\", ",", ";"):
        text = text.replace(each, f"\\{each}")
    return text.replace("\n", "\\n")


def _card(record: pb.AuthorityRecord, watermark: Watermark, language: str) -> Iterator[str]:
    authority = record.authority
    yield from ("BEGIN:VCARD", "VERSION:4.0", "KIND:org")
    yield f"UID:urn:uuid:{authority.authority_id}"
    yield f"REV:{_changed_at(record, watermark):%Y%m%dT%H%M%SZ}"
    yield f"FN;PREF=1:{escaped(title_of(authority, language))}"
    for name in authority.names:
        yield f"FN;LANGUAGE={name.language}:{escaped(name.text)}"
    unit = localized(authority.units, language)
    yield f"ORG:{escaped(title_of(authority, language))}" + (f";{escaped(unit)}" if unit else "")
    if authority.abbreviations:
        yield f"NICKNAME:{','.join(map(escaped, authority.abbreviations))}"
    for contact in authority.contacts:
        yield _contact(contact)
    yield from _persons(authority, language)
    yield _address(authority.postal_address)
    yield f"TZ:{authority.office_hours.time_zone}"
    for rank, code in enumerate(authority.spoken_languages, 1):
        yield f"LANG;PREF={min(rank, 100)}:{code}"
    for link in authority.links:
        yield f"URL:{link.url}"
    for note in _notes(record, watermark, language):
        yield f"NOTE:{escaped(note)}"
    yield "END:VCARD"


def _changed_at(record: pb.AuthorityRecord, watermark: Watermark) -> datetime:
    """When the entry was last known to be right; where it never was, when it was exported."""
    verified = datetime_from_timestamp(record.last_verified.verified_at)
    is_verified = record.HasField("last_verified") and verified is not None
    return (verified if is_verified and verified else watermark.at).astimezone(UTC)


def _contact(contact: pb.ContactPoint, group: str = "") -> str:
    prefix = f"{group}." if group else ""
    rank = 1 if contact.use == pb.CONTACT_USE_DUTY else 2
    if contact.means == pb.CONTACT_MEANS_EMAIL:
        return f"{prefix}EMAIL;TYPE=work;PREF={rank}:{escaped(contact.value)}"
    kind = f'TYPE="work,{_TYPES.get(contact.means, "voice")}"'
    return f"{prefix}TEL;VALUE=uri;{kind};PREF={rank}:tel:{contact.value}"


def _persons(authority: pb.Authority, language: str) -> Iterator[str]:
    for number, person in enumerate(authority.persons, 1):
        function = localized(person.functions, language)
        name = " ".join(part for part in (person.title, person.name) if part)
        text = f"{name}, {function}" if function else name
        yield f"p{number}.RELATED;TYPE=contact;VALUE=text:{escaped(text)}"
        yield from (_contact(each, f"p{number}") for each in person.contacts)


def _address(address: pb.PostalAddress) -> str:
    street = ",".join(escaped(line) for line in address.lines)
    rest = (address.city, address.region, address.postal_code, address.country)
    return f"ADR;TYPE=work:;;{street};{';'.join(map(escaped, rest))}"


def _notes(record: pb.AuthorityRecord, watermark: Watermark, language: str) -> Iterator[str]:
    yield watermark.text(language)
    if record.contacts_withheld:
        yield catalogue(language)["export"]["withheld"]
    for contact in record.authority.contacts:
        if contact.use == pb.CONTACT_USE_DUTY and contact.means == pb.CONTACT_MEANS_TELEPHONE:
            yield f"24/7: {formatted_number(contact.value)}"
    urgent = localized(record.authority.urgent_procedure, language)
    if urgent:
        yield urgent
