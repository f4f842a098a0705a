"""Cards: who handles a case, or an entry, in words of one language, in the order of reading.

Times stand by the office's clock and by the reader's. Never decides who may see what: what is to be
withheld has been left out before. Reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from comity.times import datetime_from_timestamp
from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from comity.v1.notices_pb2 import LocalizedText
from directory.catalogue import names
from directory.rendering import (
    address_lines,
    basis_text,
    contact_text,
    document_text,
    localized,
    render_authority,
    title_of,
)

_NO_CLOCK = "UTC"


@dataclass(frozen=True, slots=True)
class Reader:
    """In which language somebody reads, and by which clock."""

    language: str
    time_zone: str = ""

    def label(self, code: str) -> str:
        """What a field is called."""
        return names.label(code, self.language)


def resolution_card(
    resolution: directory_pb2.Resolution, reader: Reader
) -> list[directory_pb2.RenderedField]:
    """All that an officer needs to act."""
    record = resolution.record
    fields = [
        *_heading(record, reader),
        _field("basis", [basis_text(resolution.basis, reader.language)], reader),
        _field("reasons", _named("resolution_reason", resolution.reasons, reader), reader),
        _field("send_by", _ways(resolution, reader), reader),
        _field("accepted_languages", _languages(resolution.languages, reader), reader),
        _field("documents", _documents(resolution.documents, reader), reader),
        *_reach(record, reader),
        _field("contacts", _other_contacts(record, reader), reader),
        _field("postal_address", address_lines(record.authority, reader.language), reader),
        _field("urgent_procedure", _texts(record.authority.urgent_procedure, reader), reader),
        _fallback(resolution, reader),
    ]
    return [field for field in fields if field.lines]


def record_card(record: pb.AuthorityRecord, reader: Reader) -> list[directory_pb2.RenderedField]:
    """An entry as it stands."""
    fields = [
        *_heading(record, reader),
        *_reach(record, reader),
        *(
            directory_pb2.RenderedField(name=each.name, label=each.label, lines=each.lines)
            for each in render_authority(record.authority, reader.language)
            if each.name != "country"
        ),
    ]
    return [field for field in fields if field.lines]


def _heading(record: pb.AuthorityRecord, reader: Reader) -> Iterator[directory_pb2.RenderedField]:
    authority, language = record.authority, reader.language
    yield directory_pb2.RenderedField(name="title", lines=[title_of(authority, language)])
    yield _field("unit", _texts(authority.units, reader), reader)
    yield _field("country", [names.country_name(authority.country, language)], reader)
    trust = _named("freshness", [record.freshness], reader)
    verified = datetime_from_timestamp(record.last_verified.verified_at)
    if record.HasField("last_verified") and verified is not None:
        trust.append(names.day_text(verified.date(), language))
    yield _field("last_verified", [", ".join(trust)], reader)
    note = record.keeper.note_verbale
    yield _field("note_verbale", [note] if note else [], reader)


def _reach(record: pb.AuthorityRecord, reader: Reader) -> Iterator[directory_pb2.RenderedField]:
    reach, zone = record.reachability, record.authority.office_hours.time_zone
    if reach.HasField("closes_at"):
        yield _field("closes_at", _times(reach.closes_at, zone, reader), reader)
    elif reach.HasField("opens_at"):
        yield _field("opens_at", _times(reach.opens_at, zone, reader), reader)
    contacts = [contact_text(each, reader.language) for each in reach.contacts]
    yield _field("reach_now", contacts, reader)


def _other_contacts(record: pb.AuthorityRecord, reader: Reader) -> Iterator[str]:
    """The contacts that are not to be reached now: a letter goes there all the same."""
    for contact in record.authority.contacts:
        if contact not in record.reachability.contacts:
            yield contact_text(contact, reader.language)


def _times(moment: Timestamp, zone: str, reader: Reader) -> list[str]:
    instant = datetime_from_timestamp(moment)
    if instant is None:
        return []
    own = reader.time_zone or _NO_CLOCK
    there = names.instant_text(instant, ZoneInfo(zone), reader.language)
    here = names.instant_text(instant, ZoneInfo(own), reader.language)
    return [
        f"{there} ({reader.label('office_clock')})",
        f"{here} ({reader.label('own_clock') if reader.time_zone else _NO_CLOCK})",
    ]


def _ways(resolution: directory_pb2.Resolution, reader: Reader) -> list[str]:
    ways = [
        names.name_of_value("channel", resolution.channel, reader.language),
        names.name_of_value("means", resolution.means, reader.language),
    ]
    return [", ".join(filter(None, ways))] if any(ways) else []


def _fallback(resolution: directory_pb2.Resolution, reader: Reader) -> directory_pb2.RenderedField:
    """Whom else to ask. The label says why: it is the first that is at fault, not the other."""
    record = resolution.fallback
    lines = [contact_text(each, reader.language) for each in record.reachability.contacts]
    if resolution.HasField("fallback"):
        lines.insert(0, title_of(record.authority, reader.language))
    field = _field("fallback", lines, reader)
    why = ", ".join(_named("resolution_reason", resolution.fallback_reasons, reader))
    field.label = f"{field.label} ({reader.label('fallback_since')}: {why})"
    return field


def _documents(documents: Iterable[pb.RequiredDocument], reader: Reader) -> list[str]:
    return [document_text(each, reader.language) for each in documents]


def _languages(codes: Iterable[str], reader: Reader) -> list[str]:
    spoken = [names.language_name(code, reader.language) for code in codes]
    return [", ".join(spoken)] if spoken else []


def _named(section: str, values: Iterable[int], reader: Reader) -> list[str]:
    return [names.name_of_value(section, value, reader.language) for value in values if value]


def _texts(texts: Sequence[LocalizedText], reader: Reader) -> list[str]:
    text = localized(texts, reader.language)
    return [text] if text else []


def _field(name: str, lines: Iterable[str], reader: Reader) -> directory_pb2.RenderedField:
    label = reader.label(name)
    return directory_pb2.RenderedField(name=name, label=label, lines=filter(None, lines))
