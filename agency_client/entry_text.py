"""An entry of the directory as a whole, in words: every field, from what was verified.

What the hub has put into words is not: whoever confirms an entry, or calls a number of it, reads
this. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agency_client.authority_text import (
    address_text,
    basis_text,
    caveat_lines,
    contact_text,
    document_text,
    heading_lines,
    line,
    reach_lines,
    text_of,
)
from agency_client.field_text import Safe, code_words
from comity.v1 import authorities_pb2 as pb
from comity.v1.notices_pb2 import CalendarDate

_ANSWERS = {
    "accepts_interpol": "by INTERPOL",
    "encryption_required": "encryption",
    "signature_required": "signature",
    "double_criminality": "both crimes",
}
_TEXTS = {
    "double_criminality_details": "both crimes",
    "legal_requirements": "requires",
    "evidence_limits": "evidence",
    "urgent_procedure": "if urgent",
    "remarks": "remarks",
}


def record_lines(record: pb.AuthorityRecord, safe: Safe) -> Iterator[str]:
    """An entry as it stands."""
    yield from heading_lines(record, safe)
    yield from reach_lines(record, safe)
    yield from entry_lines(record.authority, safe)
    yield from caveat_lines(record, safe)


def entry_lines(authority: pb.Authority, safe: Safe) -> Iterator[str]:
    """All that an entry itself says: what an officer puts a name to who approves it."""
    yield from _names(authority, safe)
    for basis in authority.competences:
        under = "; ".join(basis_text(each, safe) for each in basis.instruments)
        words = code_words(pb.Competence.DESCRIPTOR, basis.competence)
        yield line("handles", f"{words}{f' ({under})' if under else ''}")
    yield from _territory(authority, safe)
    yield from _people(authority, safe)
    yield line("address", address_text(authority.postal_address, safe))
    yield from _hours(authority.office_hours, safe)
    yield from _requests(authority, safe)
    for field, title in _TEXTS.items():
        if texts := getattr(authority, field):
            yield line(title, safe(text_of(texts)))
    for link in authority.links:
        kind = code_words(pb.LinkKind.DESCRIPTOR, link.kind)
        titled = f" ({safe(text_of(link.titles))})" if link.titles else ""
        yield line(kind, f"{safe(link.url)}{titled}")
    yield line("confirmed", f"every {authority.confirm_every_days or 180} days")


def _names(authority: pb.Authority, safe: Safe) -> Iterator[str]:
    for name in authority.names:
        original = ", the original" if name.original else ""
        yield line("name", f"{safe(name.text)} ({safe(name.language)}{original})")
    yield from _joined("short", authority.abbreviations, safe)


def _territory(authority: pb.Authority, safe: Safe) -> Iterator[str]:
    yield from _joined("only for", authority.territory.regions, safe)
    if authority.territory.details:
        yield line("territory", safe(text_of(authority.territory.details)))
    yield from _joined("networks", authority.asset_recovery_networks, safe)


def _people(authority: pb.Authority, safe: Safe) -> Iterator[str]:
    for contact in authority.contacts:
        yield line("contact", contact_text(contact, safe))
    for person in authority.persons:
        who = " ".join(safe(each) for each in (person.title, person.name) if each)
        function = f", {safe(text_of(person.functions))}" if person.functions else ""
        alternate = " (alternate)" if person.alternate else ""
        ways = ", ".join(contact_text(each, safe) for each in person.contacts)
        yield line("person", f"{who}{function}{alternate}: {ways}")


def _hours(hours: pb.OfficeHours, safe: Safe) -> Iterator[str]:
    yield line("hours", f"by the clock of {safe(hours.time_zone)}")
    for day in hours.week:
        name = code_words(pb.Weekday.DESCRIPTOR, day.day)
        yield line(name, _intervals(day.intervals, safe))
    for holiday in hours.holidays:
        year = f"{holiday.year}-" if holiday.year else ""
        titled = f" ({safe(text_of(holiday.names))})" if holiday.names else ""
        when = f"{year}{holiday.month:02}-{holiday.day:02}"
        yield line("closed on", f"{when}{titled}{'' if year else ', every year'}")
    for special in hours.special_days:
        yield line("special day", f"{_day(special.date)}: {_intervals(special.intervals, safe)}")


def _intervals(intervals: Iterable[pb.OpenInterval], safe: Safe) -> str:
    spans = [f"{safe(each.opens)}-{safe(each.closes)}" for each in intervals]
    return ", ".join(spans) or "closed"


def _day(day: CalendarDate) -> str:
    return f"{day.year}-{day.month:02}-{day.day:02}"


def _requests(authority: pb.Authority, safe: Safe) -> Iterator[str]:
    yield line("channels", _codes(pb.Channel.DESCRIPTOR, authority.channels))
    yield line("by", _codes(pb.RequestMeans.DESCRIPTOR, authority.means))
    yield from _joined("formats", authority.formats, safe)
    yield from _joined("accepts", authority.accepted_languages, safe)
    yield from _joined("speaks", authority.spoken_languages, safe)
    for required in authority.documents:
        only = _codes(pb.Competence.DESCRIPTOR, required.competences)
        yield line("document", f"{document_text(required, safe)}{f' (for {only})' if only else ''}")
    for field, title in _ANSWERS.items():
        if answer := getattr(authority, field):
            yield line(title, code_words(pb.LegalAnswer.DESCRIPTOR, answer))


def _codes(descriptor: Any, values: Sequence[int]) -> str:
    return ", ".join(code_words(descriptor, each) for each in values)


def _joined(title: str, texts: Sequence[str], safe: Safe) -> Iterator[str]:
    if texts:
        yield line(title, ", ".join(safe(each) for each in texts))
