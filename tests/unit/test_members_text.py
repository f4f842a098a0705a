"""A member's history in words: what has changed, and by whom."""

from __future__ import annotations

import pytest

from agency_client.cli.output import safe
from agency_client.members_text import RosterStep, step_line
from comity.v1 import agencies_pb2 as pb
from comity.v1 import ledger_pb2 as ledger

NOBODY = "by nobody: at the hub's machine, without a log-in"
TLS, SIGNING = pb.KEY_PURPOSE_TLS, pb.KEY_PURPOSE_SIGNING


def line_of(entry: ledger.RosterEntry) -> str:
    return step_line(RosterStep(7, None, entry), safe)


@pytest.mark.parametrize(
    ("change", "needs_somebody"),
    [
        (ledger.ROSTER_CHANGE_ADMITTED, True),
        (ledger.ROSTER_CHANGE_INVITED, True),
        (ledger.ROSTER_CHANGE_APPLIED, False),
        (ledger.ROSTER_CHANGE_APPROVED, True),
        (ledger.ROSTER_CHANGE_SUSPENDED, True),
        (ledger.ROSTER_CHANGE_REINSTATED, True),
        (ledger.ROSTER_CHANGE_REVOKED, True),
        (ledger.ROSTER_CHANGE_LEFT, False),
        (ledger.ROSTER_CHANGE_KEYS_ROTATED, False),
        (ledger.ROSTER_CHANGE_KEYS_ENDED, True),
        (ledger.ROSTER_CHANGE_DESCRIBED, True),
        (ledger.ROSTER_CHANGE_REFUSED, True),
    ],
)
def test_a_change_that_nobody_answers_for_says_so(
    change: ledger.RosterChange.ValueType, needs_somebody: bool
) -> None:
    known = line_of(ledger.RosterEntry(change=change, changed_by=["QQ-HUB"]))

    assert needs_somebody == (NOBODY in line_of(ledger.RosterEntry(change=change)))
    assert NOBODY not in known
    assert "QQ-HUB" in known


@pytest.mark.parametrize(
    ("purposes", "expected"),
    [([TLS], "certificate renewed"), ([SIGNING], "keys rotated"), ([SIGNING, TLS], "keys rotated")],
)
def test_a_renewed_certificate_is_told_from_changed_keys(
    purposes: list[pb.KeyPurpose.ValueType], expected: str
) -> None:
    added = [pb.AgencyKey(purpose=purpose) for purpose in purposes]
    entry = ledger.RosterEntry(change=ledger.ROSTER_CHANGE_KEYS_ROTATED, keys_added=added)

    assert f"  {expected}" in line_of(entry)
