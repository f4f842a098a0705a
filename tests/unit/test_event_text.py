"""Every event of a notice in plain words; no foreign word does anything to a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.cli.output import safe as isolated
from agency_client.event_kinds import ACT_KINDS, CHANGES, UNSHOWN_ACTS
from agency_client.event_text import event_line
from agency_client.events import VerifiedEvent
from agency_client.held import find_standing
from agency_client.standing_text import review_lines, standing_lines
from comity.acts import parse_act
from comity.times import timestamp_from
from comity.v1 import acts_pb2, events_pb2, ledger_pb2
from comity.v1.events_pb2 import (
    REVIEW_OUTCOME_RETURN,
    ReviewElement,
    ReviewFindings,
    ReviewStanding,
)
from comity.v1.notices_pb2 import WARNING_CODE_ARMED, LocalizedText, Warning
from tests.unit.client_desk import FRANCE, GERMANY, ClientDesk
from tests.unit.small_ledger import NOW

WHY = [LocalizedText(language="en", text="why\x1b[2J")]
_K = events_pb2.EventKind


def safe(text: str) -> str:
    """As it is shown elsewhere than on a terminal."""
    return isolated(text).strip("\u2068\u2069")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClientDesk]:
    made = ClientDesk(tmp_path)
    yield made
    made.inbox.close()


def line(desk: ClientDesk, kind: _K.ValueType, entry: int, *, has_act: bool) -> str:
    message = desk.ledger.event(kind, entry)
    act = parse_act(message.act.envelope) if has_act else None
    return event_line(VerifiedEvent(kind, entry, act, False, message, "FR-NCB", "id"), safe)


ACTS: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "SUSPENDED": (
        lambda own: {"suspension": acts_pb2.SuspensionAct(**own, reason=WHY)},
        "suspended: nobody may act on it for now (why",
    ),
    "ADDENDUM": (
        lambda own: {
            "addendum": acts_pb2.AddendumAct(
                **own, texts=WHY, warnings=[Warning(code=WARNING_CODE_ARMED)]
            )
        },
        "addendum: armed; why",
    ),
    "EXTENDED": (
        lambda own: {
            "extension": acts_pb2.ExtensionAct(**own, expires_at=timestamp_from(NOW), reason=WHY)
        },
        "stands longer, until 2026-11-24 12:00 UTC (why",
    ),
    "RELEASE_DECIDED": (
        lambda own: {
            "release_decision": acts_pb2.ReleaseDecisionAct(**own, granted=True, conditions=WHY)
        },
        "FR-NCB grants the release that was asked for: why",
    ),
}
BY_ADDRESSEES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "ACKNOWLEDGED": (
        lambda other: {"acknowledgement": acts_pb2.AcknowledgementAct(**other, remarks=WHY)},
        "DE-BKA has read it, by an officer: why",
    ),
    "FLAGGED": (
        lambda other: {"flag": acts_pb2.FlagAct(**other, not_executable=True, reason=WHY)},
        "DE-BKA cannot execute it: why",
    ),
    "CUSTODY": (
        lambda other: {
            "custody": acts_pb2.CustodyAct(
                **other, in_custody=True, since=timestamp_from(NOW), reference="7"
            )
        },
        "DE-BKA HOLDS SOMEBODY on it since 2026-11-24 12:00 UTC, their number 7",
    ),
    "RECALL_ANSWERED": (
        lambda other: {
            "recall_answer": acts_pb2.RecallAnswerAct(
                notice_originator="FR-NCB",
                notice_id=other["notice_id"],
                outcome=acts_pb2.RECALL_OUTCOME_RETAINED,
                provision="Act 9",
            )
        },
        "DE-BKA answers the recall: retained (Act 9)",
    ),
    "RELEASE_REQUESTED": (
        lambda other: {
            "release_request": acts_pb2.ReleaseRequestAct(**other, onward_to=["KE"], reason=WHY)
        },
        "DE-BKA asks for a release, for KE: why",
    ),
}


@pytest.mark.parametrize("kind", [*ACTS, *BY_ADDRESSEES])
@pytest.mark.threat("T16")
def test_an_act_is_said_in_plain_words(desk: ClientDesk, kind: str) -> None:
    version = desk.publish()
    is_ours = kind in ACTS
    body, expected = (ACTS if is_ours else BY_ADDRESSEES)[kind]
    reference = desk.ledger.reference(version, by_addressee=not is_ours)
    signer = ("FR-NCB", FRANCE) if is_ours else ("DE-BKA", GERMANY)
    entry = desk.ledger.act(*signer, **body(reference))

    said = line(desk, _K.Value(f"EVENT_KIND_{kind}"), entry, has_act=True)

    assert expected in said
    assert "\x1b" not in said


@pytest.mark.parametrize("kind", [*CHANGES, *UNSHOWN_ACTS])
def test_what_shows_no_act_is_said_in_plain_words(desk: ClientDesk, kind: _K.ValueType) -> None:
    version = desk.publish()
    change = CHANGES.get(kind, ledger_pb2.NOTICE_CHANGE_PROCESSING)
    ground = ledger_pb2.REFUSAL_GROUND_DUPLICATE
    entry = desk.ledger.decide(change, version, ground=ground, expires_at=timestamp_from(NOW))

    said = line(desk, kind, entry, has_act=False)

    assert said.startswith("id ")
    assert len(said.split("FR-NCB  ")[1]) > 10
    assert ("duplicate" in said) == (kind in (_K.EVENT_KIND_REFUSED, _K.EVENT_KIND_CANCELLED))


def test_every_kind_of_event_of_a_notice_has_words() -> None:
    others = {"UNSPECIFIED", "ROSTER_CHANGED", "DIRECTORY_CHANGED"}
    known = {*ACT_KINDS, *CHANGES, *UNSHOWN_ACTS}

    assert {name for name, value in _K.items() if value not in known} == {
        f"EVENT_KIND_{name}" for name in others
    }


def test_a_standing_says_what_was_added(desk: ClientDesk) -> None:
    version = desk.publish()
    for kind, (body, _) in ACTS.items():
        if kind != "RELEASE_DECIDED":
            own = desk.ledger.reference(version)
            desk.by_france(_K.Value(f"EVENT_KIND_{kind}"), **body(own))

    said = list(standing_lines(find_standing(desk.agency, "FR-NCB", desk.notice_id(version)), safe))

    assert said[0].startswith("suspended since 2026-11-24")
    assert any(each.startswith("suspended because: why") for each in said)
    assert any(each.startswith("addendum: ARMED; why") for each in said)
    assert "extended until 2026-11-24 12:00 UTC" in said


def test_what_is_over_another_version_does_not_count(desk: ClientDesk) -> None:
    version = desk.publish()
    own = desk.ledger.reference(version) | {"version_digest": bytes(32)}
    for kind in ("ADDENDUM", "EXTENDED"):
        desk.by_france(_K.Value(f"EVENT_KIND_{kind}"), **ACTS[kind][0](own))

    standing = find_standing(desk.agency, "FR-NCB", desk.notice_id(version))

    assert not standing.addenda
    assert standing.extension is None


def test_a_review_says_what_is_missing() -> None:
    standing = ReviewStanding(reviewers_needed=2, lacks_reviewers=True)
    waits = list(review_lines(standing, safe))
    element = ReviewElement(field="warrants[0]", description="is illegible\x1b")
    standing.findings.CopyFrom(
        ReviewFindings(outcome=REVIEW_OUTCOME_RETURN, elements=[element], comment="Soon.")
    )

    said = list(review_lines(standing, safe))

    assert waits == [
        "review: 0 of 2 decided",
        "review: waits, as too few reviewers may decide over it",
    ]
    assert said[0] == "review: return"
    assert said[1].startswith("  warrants[0]: is illegible")
    assert "\x1b" not in said[1]


def test_an_extension_lets_a_notice_stand(desk: ClientDesk) -> None:
    version = desk.publish(expires_at=timestamp_from(desk.now + timedelta(days=1)))
    until = timestamp_from(desk.now + timedelta(days=9))
    own = desk.ledger.reference(version)
    desk.by_france(
        _K.EVENT_KIND_EXTENDED, extension=acts_pb2.ExtensionAct(**own, expires_at=until, reason=WHY)
    )
    desk.now += timedelta(days=5)
    stands = find_standing(desk.agency, "FR-NCB", desk.notice_id(version)).state
    desk.now += timedelta(days=5)
    ended = find_standing(desk.agency, "FR-NCB", desk.notice_id(version)).state

    assert (stands, ended) == ("in force", "expired")
