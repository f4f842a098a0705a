"""Documents, objects, organisations and assets in words."""

from __future__ import annotations

from collections.abc import Iterator

from agency_client.field_text import Safe, code_words
from agency_client.notice_text.fields import field_lines, indented, text_lines
from agency_client.notice_text.values import (
    amount_text,
    contact_text,
    date_text,
    filled,
    identifier_text,
    name_text,
    place_text,
    registration_text,
    with_notes,
)
from comity.v1 import notices_pb2 as pb

_DOCUMENT_TOLD = (
    *("type", "type_text", "second_type_text", "number", "issuing_country"),
    *("issuing_country_text", "place_of_issue", "issued_on", "expires_on", "note"),
    "machine_readable_zone",
)
_OBJECT_TOLD = (
    *("type", "identifiers", "description", "remarks", "status", "since", "place", "make"),
    *("model", "colour", "year", "calibre", "name", "document"),
)
_ORGANISATION_TOLD = ("names", "addresses", "remarks", "registration_numbers", "identifiers")
_ASSET_TOLD = (
    *("type", "identifiers", "institution", "place", "estimated_value", "holders", "remarks"),
)


def document_lines(document: pb.IdentityDocument, safe: Safe) -> Iterator[str]:
    """An identity or travel document: kind, number, State, dates, machine-readable zone."""
    kind = code_words(pb.DocumentType.DESCRIPTOR, document.type)
    words = f"document: {kind if document.type else 'kind not stated'} {safe(document.number)}"
    country = filled([document.issuing_country, document.issuing_country_text], safe)
    words += f" of {' '.join(country)}" if country else ""
    notes = filled([document.type_text, document.second_type_text], safe)
    if document.HasField("issued_on"):
        notes.append(f"issued {date_text(document.issued_on, safe)}")
    if document.HasField("place_of_issue"):
        notes.append(f"issued in {place_text(document.place_of_issue, safe)}")
    if document.HasField("expires_on"):
        notes.append(f"expires {date_text(document.expires_on, safe)}")
    yield with_notes(words, [*notes, *filled([document.note], safe)])
    yield from (f"  MRZ  {safe(line)}" for line in document.machine_readable_zone)
    yield from indented(field_lines(document, safe, without=_DOCUMENT_TOLD))


def object_title(thing: pb.Object, safe: Safe) -> str:
    """An object in a few words: what it is, and its marks."""
    kind = code_words(pb.ObjectType.DESCRIPTOR, thing.type)
    marks = filled([identifier.value for identifier in thing.identifiers], safe)
    if thing.HasField("document") and not marks:
        marks = filled([thing.document.number], safe)
    return " ".join([kind, *marks]) if marks else f"{kind}: {safe(thing.description)}"


def object_lines(thing: pb.Object, safe: Safe) -> Iterator[str]:
    """An object in full: what has happened to it, its marks, what it looks like."""
    if thing.status or thing.HasField("since") or thing.HasField("place"):
        yield _happened_text(thing, safe)
    yield from (f"marked: {identifier_text(one, safe)}" for one in thing.identifiers)
    built = f"of {thing.year}" if thing.year else ""
    looks = [*filled([thing.colour, thing.make, thing.model], safe), built]
    if any(looks):
        yield f"make: {' '.join(part for part in looks if part)}"
    yield from (f"calibre: {text}" for text in filled([thing.calibre], safe))
    yield from (f"called: {text}" for text in filled([thing.name], safe))
    yield from (f"described as: {text}" for text in filled([thing.description], safe))
    if thing.HasField("document"):
        yield from document_lines(thing.document, safe)
    yield from text_lines("remark", thing.remarks, safe)
    yield from field_lines(thing, safe, without=_OBJECT_TOLD)


def _happened_text(thing: pb.Object, safe: Safe) -> str:
    status = code_words(pb.ObjectStatus.DESCRIPTOR, thing.status)
    words = status if thing.status else "status not stated"
    words += f" since {date_text(thing.since, safe)}" if thing.HasField("since") else ""
    return f"{words}, {place_text(thing.place, safe)}" if thing.HasField("place") else words


def organisation_lines(organisation: pb.Organisation, safe: Safe) -> Iterator[str]:
    """An organisation in full."""
    yield from (f"name: {name_text(name, safe)}" for name in organisation.names)
    for number in organisation.registration_numbers:
        yield f"registered as: {registration_text(number, safe)}"
    yield from (f"address: {place_text(place, safe)}" for place in organisation.addresses)
    for one in organisation.identifiers:
        yield f"reached or known as: {contact_text(one, safe)}"
    yield from text_lines("remark", organisation.remarks, safe)
    yield from field_lines(organisation, safe, without=_ORGANISATION_TOLD)


def asset_title(asset: pb.Asset, safe: Safe) -> str:
    """An asset in a few words: what it is, its number, who has it."""
    kind = code_words(pb.AssetType.DESCRIPTOR, asset.type)
    words = " ".join([kind, *filled(asset.identifiers, safe)])
    return f"{words} at {safe(asset.institution)}" if asset.institution else words


def asset_lines(asset: pb.Asset, safe: Safe) -> Iterator[str]:
    """An asset in full."""
    yield f"asset: {asset_title(asset, safe)}"
    if asset.HasField("place"):
        yield f"where: {place_text(asset.place, safe)}"
    if asset.HasField("estimated_value"):
        yield f"worth about: {amount_text(asset.estimated_value, safe)}"
    yield from (f"held by or for: {name_text(name, safe)}" for name in asset.holders)
    yield from text_lines("remark", asset.remarks, safe)
    yield from field_lines(asset, safe, without=_ASSET_TOLD)
