"""Entries of the directory in words, and the card that an officer acts on. Writes nothing.

Times are the office's own, with those of this machine's clock left out: an officer who calls needs
to know what the clock shows there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from google.protobuf.timestamp_pb2 import Timestamp

from agency_client.authority_proof import VouchedFor
from agency_client.field_text import Safe, code_words
from comity.times import datetime_from_timestamp
from comity.v1 import authorities_pb2 as pb
from comity.v1.directory_pb2 import (
    AuthorityMatch,
    MatchReason,
    RenderedField,
    Resolution,
    ResolutionReason,
)
from comity.v1.notices_pb2 import LocalizedText

WIDTH = 13  # of the titles on a card
_MARKS = {
    pb.FRESHNESS_STALE: "STALE: not confirmed in time",
    pb.FRESHNESS_UNVERIFIED: "NEVER VERIFIED",
    pb.FRESHNESS_DUE: "to be confirmed soon",
    pb.FRESHNESS_FRESH: "confirmed",
}

_VOUCHED_FOR = {
    VouchedFor.WHOLE: "has this version, to the letter",
    VouchedFor.WITHOUT_PERSONS: "has this version, to the letter; persons are withheld",
    VouchedFor.NOTHING: "NOT VERIFIED: there is no proof that it has this version",
}


def name_of(authority: pb.Authority) -> str:
    """What an authority is called: in English where it has such a name, else the original."""
    return text_of(authority.names)


def full_name_of(authority: pb.Authority) -> str:
    """The name that binds, and in English where it has such a name."""
    english = name_of(authority)
    original = next((each.text for each in authority.names if each.original), english)
    return original if original == english else f"{original} ({english})"


def text_of(texts: Sequence[LocalizedText], language: str = "en") -> str:
    """A text in a language, else the one that binds; empty where there is none."""
    best = sorted(texts, key=lambda each: (each.language != language, not each.original))
    return best[0].text if best else ""


def match_lines(match: AuthorityMatch, safe: Safe) -> Iterator[str]:
    """An entry that was found: its id and why, then what it is called."""
    record = match.record
    name = match.title or full_name_of(record.authority)
    country = match.country_name or record.authority.country
    why = ", ".join(code_words(MatchReason.DESCRIPTOR, each) for each in match.reasons)
    yield f"{safe(record.authority.authority_id)}  {safe(country)}  ({why}; {_there_now(record)})"
    yield f"  {safe(name)}"


def _there_now(record: pb.AuthorityRecord) -> str:
    if record.reachability.office_open:
        return "open"
    return "closed, somebody on duty" if record.reachability.contacts else "closed"


def rendered_lines(card: Iterable[RenderedField], safe: Safe) -> Iterator[str]:
    """A card as the hub has put it into the officer's language."""
    for field in card:
        for number, line in enumerate(field.lines):
            if not field.label:
                yield safe(line)
                continue
            label = f"{safe(field.label)}: " if number == 0 else "  "
            yield f"  {label}{safe(line)}"


def card_lines(resolution: Resolution, safe: Safe) -> Iterator[str]:
    """All that an officer needs to act: whom, under what, with what, how, and when."""
    authority = resolution.record.authority
    yield from heading_lines(resolution.record, safe)
    yield line("under", basis_text(resolution.basis, safe))
    reasons = [code_words(ResolutionReason.DESCRIPTOR, each) for each in resolution.reasons]
    yield line("because", ", ".join(reasons))
    ways = [code_words(pb.Channel.DESCRIPTOR, resolution.channel)] if resolution.channel else []
    if resolution.means:
        ways.append(f"by {code_words(pb.RequestMeans.DESCRIPTOR, resolution.means)}")
    yield line("send", ", ".join(ways))
    yield line("in", ", ".join(safe(each) for each in resolution.languages))
    yield line("with", ", ".join(document_text(each, safe) for each in resolution.documents))
    yield from reach_lines(resolution.record, safe)
    for contact in authority.contacts:
        if contact not in resolution.record.reachability.contacts:
            yield line("contact", contact_text(contact, safe))
    yield line("address", address_text(authority.postal_address, safe))
    urgent = text_of(authority.urgent_procedure)
    if urgent:
        yield line("if urgent", safe(urgent))
    if resolution.HasField("fallback"):
        yield line("else", _fallback(resolution, safe))
    yield from caveat_lines(resolution.record, safe)


def caveat_lines(record: pb.AuthorityRecord, safe: Safe) -> Iterator[str]:
    """What is not shown of an entry, and what others say of it."""
    if record.contacts_withheld:
        yield line("withheld", "personal contact details, which this role does not need")
    verified = record.last_verified.version
    if verified and verified < record.version:
        since = f"since version {verified} was verified; compare it before you call a new number:"
        yield line("CHANGED", since)
        identity = safe(record.authority.authority_id)
        yield line("", f"comity directory history {identity} --between {verified} {record.version}")
    yield from standing_lines(record, safe)


def standing_lines(record: pb.AuthorityRecord, safe: Safe) -> Iterator[str]:
    """Open reports on an entry and its last contact test."""
    if record.open_reports:
        oldest = datetime_from_timestamp(record.oldest_report_at)
        since = f", the first on {oldest:%Y-%m-%d}" if oldest else ""
        yield line("reported", f"wrong {record.open_reports} times, not dealt with yet{since}")
    if record.HasField("last_contact_test"):
        yield line("tested", contact_test_text(record.last_contact_test, safe))


def contact_test_text(test: pb.ContactTest, safe: Safe) -> str:
    """A contact test on one line."""
    asked = datetime_from_timestamp(test.asked_at)
    answered = datetime_from_timestamp(test.answered_at)
    when = f"{asked:%Y-%m-%d %H:%M} UTC" if asked else "at a time that cannot be shown"
    if test.method == pb.CONTACT_TEST_METHOD_CALL:
        number = f" {safe(test.contact)}" if test.contact else ""
        spoken = f", {safe(test.spoken_to)}" if test.spoken_to else ""
        came = f"answered{spoken}" if test.HasField("answered_at") else "nobody answered"
        note = f" ({safe(test.note)})" if test.note else ""
        return f"{safe(test.agency_id)} called{number} on {when}: {came}{note}"
    about = f" about {safe(test.contact)}" if test.contact else ""
    came = "not answered yet"
    if test.HasField("answered_at") and answered:
        came = f"answered on {answered:%Y-%m-%d %H:%M} UTC"
    return f"{safe(test.agency_id)} asked{about} on {when}: {came}"


def vouched_line(vouched_for: VouchedFor) -> str:
    """How far the ledger vouches for an entry."""
    return line("ledger", _VOUCHED_FOR[vouched_for])


def reach_lines(record: pb.AuthorityRecord, safe: Safe) -> Iterator[str]:
    """Whether somebody can be reached now, how, and else when."""
    reach, zone = record.reachability, record.authority.office_hours.time_zone
    if reach.office_open:
        yield line("now", f"open until {_there(reach.closes_at, zone)}")
    elif reach.HasField("opens_at"):
        yield line("now", f"closed until {_there(reach.opens_at, zone)}")
    else:
        yield line("now", "closed")
    for contact in reach.contacts:
        yield line("reach now", contact_text(contact, safe))


def heading_lines(record: pb.AuthorityRecord, safe: Safe) -> Iterator[str]:
    """Which entry it is, and how far it can be relied on."""
    authority = record.authority
    unit = text_of(authority.units)
    yield f"{safe(full_name_of(authority))}{f', {safe(unit)}' if unit else ''}"
    yield line("country", safe(authority.country))
    yield line("entry", f"{safe(authority.authority_id)}, version {record.version}")
    kept = safe(record.keeper.agency_id)
    yield line("trust", f"{_trust(record)}; kept by {kept}")
    if record.keeper.note_verbale:
        yield line("notified", safe(record.keeper.note_verbale))


def _trust(record: pb.AuthorityRecord) -> str:
    verified = datetime_from_timestamp(record.last_verified.verified_at)
    due = datetime_from_timestamp(record.confirmation_due_at)
    words = [_MARKS.get(record.freshness, "unknown")]
    if record.HasField("confirmation_due_at") and due and record.freshness != pb.FRESHNESS_FRESH:
        words.append(f"due on {due:%Y-%m-%d}")
    if record.HasField("last_verified") and verified:
        words.append(f"last verified on {verified:%Y-%m-%d}")
    return ", ".join(words)


def reference_lines(record: pb.AuthorityRecord, safe: Safe) -> Iterator[str]:
    """What commands about an entry ask for: its id and version, and who keeps it."""
    yield line("entry", f"{safe(record.authority.authority_id)}, version {record.version}")
    yield line("kept by", safe(record.keeper.agency_id))


def verified_lines(record: pb.AuthorityRecord, safe: Safe) -> Iterator[str]:
    """What of an entry must not be taken from the hub's own words: whom to call and to write to."""
    for contact in record.authority.contacts:
        yield line("contact", contact_text(contact, safe))
    for person in record.authority.persons:
        ways = ", ".join(contact_text(each, safe) for each in person.contacts)
        yield line("person", f"{safe(person.name)}: {ways}")


def basis_text(basis: pb.InstrumentBasis, safe: Safe) -> str:
    """An instrument with its articles."""
    if not basis.instrument:
        return "no instrument that the entry names"
    articles = f" article {', '.join(safe(each) for each in basis.articles)}"
    title = text_of(basis.titles)
    partner = f" with {safe(basis.partner_country)}" if basis.partner_country else ""
    return (
        f"{safe(basis.instrument)}{articles if basis.articles else ''}{partner}"
        f"{f': {safe(title)}' if title else ''}"
    )


def document_text(required: pb.RequiredDocument, safe: Safe) -> str:
    """A document that a request has to come with."""
    details = text_of(required.details)
    return safe(details) if details else safe(required.document).replace("_", " ").lower()


def contact_text(contact: pb.ContactPoint, safe: Safe) -> str:
    """A contact with what it is for."""
    means = code_words(pb.ContactMeans.DESCRIPTOR, contact.means)
    use = code_words(pb.ContactUse.DESCRIPTOR, contact.use)
    spoken = f", {', '.join(safe(each) for each in contact.languages)}" if contact.languages else ""
    return f"{means} {safe(contact.value)} ({use}{spoken})"


def address_text(address: pb.PostalAddress, safe: Safe) -> str:
    """A postal address on one line."""
    parts = [*address.lines, address.postal_code, address.city, address.region, address.country]
    return ", ".join(safe(each) for each in parts if each)


def _fallback(resolution: Resolution, safe: Safe) -> str:
    why = [code_words(ResolutionReason.DESCRIPTOR, each) for each in resolution.fallback_reasons]
    authority = resolution.fallback.authority
    contacts = "; ".join(contact_text(c, safe) for c in resolution.fallback.reachability.contacts)
    return (
        f"{safe(name_of(authority))}, since the first is {', '.join(why)}"
        f"{f': {contacts}' if contacts else ''}"
    )


def _there(moment: Timestamp, zone: str) -> str:
    aware = datetime_from_timestamp(moment)
    if aware is None:
        return "a time that cannot be shown"
    try:
        local = aware.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{aware:%Y-%m-%d %H:%M} UTC"
    return f"{local:%a %Y-%m-%d %H:%M} there ({aware:%H:%M} UTC)"


def line(title: str, text: str) -> str:
    """A line of a card."""
    return f"  {title:<{WIDTH}}{text or '-'}"
