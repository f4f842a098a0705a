"""What `comity run` and `comity notice watch` say when a member is suspended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agency_client.agency import Agency
from agency_client.alerts import alert_line, alerts_of
from agency_client.cli.output import safe
from agency_client.cli.running import Log
from agency_client.events import ROSTER_CHANGED, VerifiedEvent, verify_event
from comity.v1 import agencies_pb2, ledger_pb2
from tests.unit.members import Member

IN, OUT = agencies_pb2.AGENCY_STATUS_ACTIVE, agencies_pb2.AGENCY_STATUS_SUSPENDED
SUSPENDED = ledger_pb2.ROSTER_CHANGE_SUSPENDED
REINSTATED = ledger_pb2.ROSTER_CHANGE_REINSTATED
DESCRIBED = ledger_pb2.ROSTER_CHANGE_DESCRIBED
KEYS_ENDED = ledger_pb2.ROSTER_CHANGE_KEYS_ENDED
ENROLLED_AGAIN = ledger_pb2.ROSTER_CHANGE_ENROLLED_AGAIN


@pytest.mark.parametrize(
    ("change", "is_alert"),
    [
        (ledger_pb2.ROSTER_CHANGE_SUSPENDED, True),
        (ledger_pb2.ROSTER_CHANGE_REVOKED, True),
        (ledger_pb2.ROSTER_CHANGE_REINSTATED, True),
        (ledger_pb2.ROSTER_CHANGE_LEFT, True),
        (ledger_pb2.ROSTER_CHANGE_KEYS_ENDED, True),
        (ledger_pb2.ROSTER_CHANGE_ENROLLED_AGAIN, True),
        (ledger_pb2.ROSTER_CHANGE_DESCRIBED, False),
        (ledger_pb2.ROSTER_CHANGE_KEYS_ROTATED, False),
    ],
)
async def test_members_are_alerted_to_who_comes_and_goes(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: ledger_pb2.RosterChange.ValueType,
    is_alert: bool,
) -> None:
    member = Member(tmp_path)
    index = enter(member, change, reason="Sample\x1b[2J reason")
    agency = member.opened()
    await agency.client.refresh_roster()
    member.hub.answers.clear()  # nothing is asked of the hub for an alert

    alerts = alerts_of(agency, [event_of(agency, member, index)])
    for alert in alerts:
        Log(agency).alert(alert)

    said = capsys.readouterr().err
    assert [is_alert, is_alert] == [bool(alerts), said.count("alert agency=BR-NCB") == 1]
    for alert in alerts:
        line = alert_line(alert, safe)
        assert alert.change_words in line
        assert "comity notice list --held-by BR-NCB" in line.replace("\u2068", "").replace(
            "\u2069", ""
        )
        assert f"change={alert.change_words.replace(' ', '-')}" in said
        assert "\x1b" not in line + said


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([(SUSPENDED, OUT), (REINSTATED, IN)], [REINSTATED]),
        ([(SUSPENDED, OUT), (REINSTATED, IN), (SUSPENDED, OUT)], [SUSPENDED]),
        ([(SUSPENDED, OUT), (DESCRIBED, OUT)], [SUSPENDED]),
        ([(SUSPENDED, OUT), (KEYS_ENDED, OUT), (ENROLLED_AGAIN, IN)], [ENROLLED_AGAIN]),
        ([(KEYS_ENDED, IN), (KEYS_ENDED, IN)], [KEYS_ENDED, KEYS_ENDED]),
        ([(SUSPENDED, OUT), (KEYS_ENDED, OUT)], [SUSPENDED, KEYS_ENDED]),
    ],
)
async def test_who_reads_from_the_first_entry_is_alerted_to_what_stands_now(
    tmp_path: Path, changes: list[tuple[Any, Any]], expected: list[Any]
) -> None:
    member = Member(tmp_path)
    indices = [enter(member, change, status=status) for change, status in changes]
    agency = member.opened()
    await agency.client.refresh_roster()

    alerts = [
        alert
        for index in indices  # each in a window of its own
        for alert in alerts_of(agency, [event_of(agency, member, index)])
    ]

    assert expected == [alert.change for alert in alerts]
    assert all(alert.entry_index in indices for alert in alerts)


def enter(member: Member, change: Any, *, status: Any = IN, reason: str = "Sample") -> int:
    entry = ledger_pb2.RosterEntry(
        predecessor=member.ledger.roster[-1],
        agency=agencies_pb2.Agency(agency_id="BR-NCB", status=status),
        change=change,
        reason=reason,
    )
    member.ledger.roster.append(member.ledger.append(roster=entry))
    return member.ledger.roster[-1]


def event_of(agency: Agency, member: Member, index: int) -> VerifiedEvent:
    return verify_event(member.ledger.event(ROSTER_CHANGED, index), agency.trust)
