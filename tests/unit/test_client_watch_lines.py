"""The lines of `comity notice watch`: an exercise is never mistaken, and no name does anything."""

from __future__ import annotations

import pytest

from agency_client.cli.watches import Line, Shown, _document, _line
from agency_client.events import PUBLISHED, ROSTER_CHANGED, WITHDRAWN, verify_event
from agency_client.notice_text import SUSPENDED_WARNING
from agency_client.trust import Trust
from comity.errors import HubUnreachable
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.v1.agencies_pb2 import AGENCY_STATUS_REVOKED
from tests.unit.small_ledger import DOMAIN, SmallLedger

FRANCE = generate_private_key(ED25519)


def make_ledger() -> tuple[SmallLedger, Trust]:
    ledger = SmallLedger()
    ledger.add_roster("FR-NCB", added=[FRANCE])
    ledger.add_roster("\x1b[2J\u202e")
    leaves = [ledger.leaf(index) for index in ledger.roster]
    return ledger, Trust(DOMAIN, ledger_keys=[ledger.ledger_key], roster_leaves=leaves)


def shown(trust: Trust, *, is_exercise: bool = False) -> Shown:
    return Shown(trust.roster, {}, is_exercise)


@pytest.mark.threat("T18")
def test_every_line_of_an_exercise_says_so() -> None:
    ledger, trust = make_ledger()
    first = ledger.publish("FR-NCB", FRANCE)
    ended = ledger.withdraw("FR-NCB", FRANCE, version_entry=first)
    for kind, index in ((PUBLISHED, first), (WITHDRAWN, ended)):
        event = verify_event(ledger.event(kind, index), trust)

        assert _line(event, shown(trust, is_exercise=True)).startswith("EXERCISE")
        assert "EXERCISE" not in _line(event, shown(trust))
        assert _document(event, shown(trust, is_exercise=True))["isExercise"]


def test_a_trouble_is_said_once_and_so_is_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    line = Line()
    line.opened()
    for _ in range(2):
        for error in (HubUnreachable("Away."), HubUnreachable("Starting.")):
            line.broke(error)
    line.opened()
    line.opened()
    line.broke(HubUnreachable("Away."))

    assert [said.removeprefix("comity: ")[:5] for said in capsys.readouterr().err.splitlines()] == [
        "Away.",
        "Start",
        "conne",
        "Away.",
    ]


@pytest.mark.threat("T16")
def test_a_members_id_can_do_nothing_to_a_terminal() -> None:
    ledger, trust = make_ledger()
    event = verify_event(ledger.event(ROSTER_CHANGED, ledger.roster[-1]), trust)

    line = _line(event, shown(trust))

    assert not {"\x1b", "\u202e"} & set(line)


def test_every_line_of_who_is_suspended_leads_with_the_warning() -> None:
    ledger, trust = make_ledger()
    first = ledger.publish("FR-NCB", FRANCE)
    event = verify_event(ledger.event(PUBLISHED, first), trust)
    before = _line(event, shown(trust))

    trust.roster.agencies[AgencyId("FR-NCB")].status = AGENCY_STATUS_REVOKED

    assert SUSPENDED_WARNING not in before
    assert _line(event, shown(trust, is_exercise=True)).startswith(f"! {SUSPENDED_WARNING}  EXER")
    assert _document(event, shown(trust))["isOriginatorSuspended"]
