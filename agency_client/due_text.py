"""Entries that have to be confirmed, in words: since when, whom to call, what to type. Writes
nothing."""

from __future__ import annotations

from collections.abc import Iterator

from agency_client.authority_text import contact_text, line, name_of, standing_lines
from agency_client.field_text import Safe
from comity.times import datetime_from_timestamp
from comity.v1 import authorities_pb2 as pb
from comity.v1.directory_pb2 import DueAuthority

_TELEPHONE = pb.CONTACT_MEANS_TELEPHONE


def due_lines(due: DueAuthority, safe: Safe) -> Iterator[str]:
    """An entry that has to be confirmed."""
    record, authority = due.record, due.record.authority
    yield f"{safe(name_of(authority))} ({safe(authority.country)})"
    yield line("entry", f"{safe(authority.authority_id)}, version {record.version}")
    yield line("due", _due(due))
    verified = datetime_from_timestamp(record.last_verified.verified_at)
    by = f"{record.last_verified.agency_id} {record.last_verified.officer_id}".strip()
    is_verified = record.HasField("last_verified") and verified is not None
    yield line("verified", f"{verified:%Y-%m-%d} by {safe(by)}" if is_verified else "never")
    yield line("kept by", safe(record.keeper.agency_id))
    for person in due.alternates:
        numbers = [contact_text(c, safe) for c in person.contacts if c.means == _TELEPHONE]
        ways = numbers or [contact_text(each, safe) for each in person.contacts]
        yield line("call instead", f"{safe(person.name)}: {', '.join(ways) or 'no number'}")
    if not due.alternates:
        numbers = [contact_text(c, safe) for c in authority.contacts if c.means == _TELEPHONE]
        yield line("call", ", ".join(numbers) or "the entry has no number")
    yield from standing_lines(record, safe)
    yield line("next", _next(due, safe))


def _due(due: DueAuthority) -> str:
    moment = datetime_from_timestamp(due.due_at)
    day = f"{moment:%Y-%m-%d}" if moment else "a day that cannot be shown"
    if due.escalated:
        return f"{day}, ESCALATED: {-due.days_left} days past"
    if due.days_left > 0:
        return f"{day}, in {due.days_left} days"
    return f"{day}, STALE: {-due.days_left} days past"


def _next(due: DueAuthority, safe: Safe) -> str:
    authority = safe(due.record.authority.authority_id)
    confirm = f"comity directory confirm {authority} --version {due.record.version}"
    if due.escalated:
        return f"{confirm}; who is not its keeper: comity directory test-contact {authority}"
    return confirm
