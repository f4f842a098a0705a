"""What an agency is told about entries of the directory: to be confirmed, tested, reported.

The hub says so in its ledger, and only there. Never touches the network, and never follows what an
entry says: it names the command that an officer types next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agency_client.events import DIRECTORY_CHANGED, VerifiedEvent
from agency_client.field_text import Safe, code_words
from agency_client.trust import parse_entry
from comity.times import datetime_from_timestamp
from comity.v1 import ledger_pb2

_WHAT = {
    ledger_pb2.DIRECTORY_CHANGE_REMINDED: "due",
    ledger_pb2.DIRECTORY_CHANGE_ESCALATED: "escalated",
    ledger_pb2.DIRECTORY_CHANGE_CONTACT_TEST_ASKED: "contact-test",
    ledger_pb2.DIRECTORY_CHANGE_CONTACT_TEST_ANSWERED: "contact-test-answered",
    ledger_pb2.DIRECTORY_CHANGE_CONTACT_CALLED: "called",
    ledger_pb2.DIRECTORY_CHANGE_REPORTED: "reported",
}


@dataclass(frozen=True, slots=True)
class AuthorityAlert:
    """What the reader is told about an entry. `due_at` and `days_left` are None but for reminders,
    ids empty but where they belong."""

    authority_id: str
    version: int
    what: str
    next_command: str
    entry_index: int
    due_at: datetime | None = None
    days_left: int | None = None
    contact_test_id: str = ""
    report_id: str = ""


def authority_alerts_of(events: Sequence[VerifiedEvent]) -> list[AuthorityAlert]:
    """What the directory's events among some tell the reader."""
    return [authority_alert_from(each) for each in events if each.kind == DIRECTORY_CHANGED]


def authority_alert_from(event: VerifiedEvent) -> AuthorityAlert:
    """What an event of the directory tells the reader."""
    entry = parse_entry(event.message.leaf.entry).directory
    is_due = entry.HasField("confirmation_due_at")
    return AuthorityAlert(
        authority_id=entry.authority_id,
        version=entry.version,
        what=_what(entry.change),
        next_command=_next_command(entry),
        entry_index=event.entry_index,
        due_at=datetime_from_timestamp(entry.confirmation_due_at) if is_due else None,
        days_left=entry.days_left if is_due else None,
        contact_test_id=entry.contact_test_id,
        report_id=entry.report_id,
    )


def authority_alert_line(alert: AuthorityAlert, safe: Safe) -> str:
    """An alert on one line, with what to type next."""
    past = "" if alert.days_left is None or alert.days_left > 0 else ", not confirmed in time"
    days = "" if alert.days_left is None else f" (days left: {alert.days_left}{past})"
    return (
        f"ALERT  authority {safe(alert.authority_id)} {safe(alert.what)}{days}; "
        f"next: {safe(alert.next_command)}"
    )


def _what(change: ledger_pb2.DirectoryChange.ValueType) -> str:
    words = code_words(ledger_pb2.DirectoryChange.DESCRIPTOR, change)
    return _WHAT.get(change, words.replace(" ", "-"))


def _next_command(entry: ledger_pb2.DirectoryEntry) -> str:
    commands = {
        ledger_pb2.DIRECTORY_CHANGE_ESCALATED: "due",
        ledger_pb2.DIRECTORY_CHANGE_CONTACT_TEST_ASKED: f"answer-test {entry.contact_test_id}",
        ledger_pb2.DIRECTORY_CHANGE_CONTACT_TEST_ANSWERED: "tests",
        ledger_pb2.DIRECTORY_CHANGE_CONTACT_CALLED: "tests",
        ledger_pb2.DIRECTORY_CHANGE_REPORTED: "reports",
    }
    confirm = f"confirm {entry.authority_id} --version {entry.version}"
    if entry.change == ledger_pb2.DIRECTORY_CHANGE_REMINDED:
        return f"comity directory {confirm}"
    return f"comity directory {commands.get(entry.change, f'show {entry.authority_id}')}"
