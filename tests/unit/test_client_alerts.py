"""What `comity run` and `comity notice watch` say when a member is suspended."""

from __future__ import annotations

from pathlib import Path

import pytest

from agency_client.alerts import alert_line, alerts_of
from agency_client.cli.output import safe
from agency_client.cli.running import Log
from agency_client.events import ROSTER_CHANGED, verify_event
from comity.errors import HubUnreachable
from comity.v1 import agencies_pb2, events_pb2, ledger_pb2
from tests.unit.members import Member


@pytest.mark.parametrize(
    ("change", "is_alert"),
    [
        (ledger_pb2.ROSTER_CHANGE_SUSPENDED, True),
        (ledger_pb2.ROSTER_CHANGE_REVOKED, True),
        (ledger_pb2.ROSTER_CHANGE_REINSTATED, True),
        (ledger_pb2.ROSTER_CHANGE_LEFT, True),
        (ledger_pb2.ROSTER_CHANGE_DESCRIBED, False),
        (ledger_pb2.ROSTER_CHANGE_KEYS_ROTATED, False),
    ],
)
@pytest.mark.parametrize("is_away", [False, True], ids=["", "hub away"])
async def test_members_are_alerted_to_who_comes_and_goes(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: ledger_pb2.RosterChange.ValueType,
    is_alert: bool,
    is_away: bool,
) -> None:
    member = Member(tmp_path)
    entry = ledger_pb2.RosterEntry(
        predecessor=member.ledger.roster[-1],
        agency=agencies_pb2.Agency(agency_id="BR-NCB"),
        change=change,
        reason="Sample\x1b[2J reason",
    )
    member.ledger.roster.append(member.ledger.append(roster=entry))
    agency = member.opened()
    await agency.client.refresh_roster()
    page = events_pb2.ListNoticesResponse(proof=member.ledger.proof())
    away = HubUnreachable()
    member.hub.answers["ListNotices"] = lambda _: away if is_away else page
    index = member.ledger.roster[-1]
    event = verify_event(member.ledger.event(ROSTER_CHANGED, index), agency.trust)

    alerts = await alerts_of(agency, [event])
    for alert in alerts:
        Log(agency).alert(alert)

    said = capsys.readouterr().err
    assert [is_alert, is_alert] == [bool(alerts), said.count("alert agency=BR-NCB") == 1]
    for alert in alerts:
        line = alert_line(alert, safe)
        assert alert.change_words in line
        assert f"addressed by {'?' if is_away else 0} of your own" in line
        assert f"addressed={'?' if is_away else 0}" in said
        assert "\x1b" not in line + said
