"""Events of the life of a notice: honest ones of every kind, and every way of lying about one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agency_client.event_kinds import ACT_KINDS, CHANGES, NEW_VERSION, PUBLISHED, UNSHOWN_ACTS
from agency_client.events import verify_event
from agency_client.trust import Trust
from agency_client.watching import verify_each
from comity.errors import ComityError, LedgerForked, ProofInvalid
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2
from tests.unit.small_ledger import DOMAIN, SmallLedger

FRANCE, GERMANY = (generate_private_key(ED25519) for _ in range(2))
_K = events_pb2.EventKind


class Told:
    """A notice of France in a ledger, and what followed."""

    def __init__(self) -> None:
        self.ledger = SmallLedger()
        self.ledger.add_roster("FR-NCB", added=[FRANCE])
        self.ledger.add_roster("DE-BKA", added=[GERMANY])
        self.version = self.ledger.publish("FR-NCB", FRANCE)
        self.own = self.ledger.reference(self.version)
        self.other = self.ledger.reference(self.version, by_addressee=True)

    def trust(self, reader: str = "FR-NCB") -> Trust:
        leaves = [self.ledger.leaf(index) for index in self.ledger.roster]
        keys = [self.ledger.ledger_key]
        return Trust(DOMAIN, ledger_keys=keys, roster_leaves=leaves, reader=AgencyId(reader))

    def act_event(self, kind: str) -> tuple[events_pb2.Event, str]:
        """An honest event of a kind that shows an act after the version, and who is told."""
        reason = [notices_pb2.LocalizedText(language="en", text="why")]
        ours, theirs = ("FR-NCB", FRANCE), ("DE-BKA", GERMANY)
        entry = {
            "SUSPENDED": lambda: self.ledger.act(
                *ours, suspension=acts_pb2.SuspensionAct(**self.own, reason=reason)
            ),
            "ADDENDUM": lambda: self.ledger.act(
                *ours, addendum=acts_pb2.AddendumAct(**self.own, texts=reason)
            ),
            "EXTENDED": lambda: self.ledger.act(
                *ours, extension=acts_pb2.ExtensionAct(**self.own, reason=reason)
            ),
            "ACKNOWLEDGED": lambda: self.ledger.act(
                *theirs, acknowledgement=acts_pb2.AcknowledgementAct(**self.other)
            ),
            "FLAGGED": lambda: self.ledger.act(*theirs, flag=acts_pb2.FlagAct(**self.other)),
            "CUSTODY": lambda: self.ledger.act(*theirs, custody=acts_pb2.CustodyAct(**self.other)),
            "RECALL_ANSWERED": lambda: self.ledger.act(
                *theirs,
                recall_answer=acts_pb2.RecallAnswerAct(
                    notice_originator="FR-NCB",
                    notice_id=self.own["notice_id"],
                    outcome=acts_pb2.RECALL_OUTCOME_DELETED,
                ),
            ),
            "RELEASE_REQUESTED": lambda: self.ledger.act(
                *theirs, release_request=acts_pb2.ReleaseRequestAct(**self.other, reason=reason)
            ),
            "RELEASE_DECIDED": lambda: self.ledger.act(
                *ours,
                release_decision=acts_pb2.ReleaseDecisionAct(**self.own, requested_by="DE-BKA"),
            ),
        }[kind]()
        reader = "DE-BKA" if kind in _TO_ADDRESSEES else "FR-NCB"
        return self.ledger.event(_K.Value(f"EVENT_KIND_{kind}"), entry), reader

    def change_event(self, kind: _K.ValueType, **how: object) -> events_pb2.Event:
        entry = self.ledger.decide(CHANGES[kind], self.version, **how)
        return self.ledger.event(kind, entry)


_TO_ADDRESSEES = ("SUSPENDED", "ADDENDUM", "EXTENDED", "RELEASE_DECIDED")
_FROM_ADDRESSEES = (
    *("ACKNOWLEDGED", "FLAGGED", "CUSTODY", "RECALL_ANSWERED", "RELEASE_REQUESTED"),
)
SHOWN = [*_TO_ADDRESSEES, *_FROM_ADDRESSEES]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.mark.parametrize("kind", SHOWN)
def test_an_event_shows_the_act_that_it_names(told: Told, kind: str) -> None:
    event, reader = told.act_event(kind)

    verified = verify_event(event, told.trust(reader))

    assert verified.act is not None
    assert (verified.originator, verified.notice_id) == ("FR-NCB", told.own["notice_id"])


@pytest.mark.parametrize("kind", SHOWN)
def test_an_act_under_the_name_of_another_is_refused(told: Told, kind: str) -> None:
    event, reader = told.act_event(kind)
    for other in set(ACT_KINDS) - {event.kind}:
        lie = events_pb2.Event()
        lie.CopyFrom(event)
        lie.kind = other

        with pytest.raises(ComityError):
            verify_event(lie, told.trust(reader))


@pytest.mark.parametrize("kind", SHOWN)
def test_an_act_that_lies_elsewhere_is_refused(told: Told, kind: str) -> None:
    event, reader = told.act_event(kind)
    event.act.leaf.CopyFrom(event.leaf)

    with pytest.raises(ProofInvalid, match="lies elsewhere"):
        verify_event(event, told.trust(reader))


@pytest.mark.parametrize("kind", [*_FROM_ADDRESSEES, "RELEASE_DECIDED"])
def test_what_is_for_another_agency_is_refused(told: Told, kind: str) -> None:
    event, reader = told.act_event(kind)
    other = "FR-NCB" if reader == "DE-BKA" else "DE-BKA"

    with pytest.raises(ProofInvalid, match="not for it"):
        verify_event(event, told.trust(other))


@pytest.mark.parametrize("kind", CHANGES)
def test_what_the_hub_did_is_shown_by_its_entry(told: Told, kind: _K.ValueType) -> None:
    verified = verify_event(told.change_event(kind), told.trust())

    assert verified.act is None
    assert (verified.originator, verified.notice_id) == ("FR-NCB", told.own["notice_id"])


def _at_the_version(told: Told, event: events_pb2.Event) -> None:
    event.leaf.CopyFrom(told.ledger.leaf(told.version))


def _with_an_act(told: Told, event: events_pb2.Event) -> None:
    event.act.envelope.CopyFrom(told.ledger.acts[told.version][0])


def _of_another_change(told: Told, event: events_pb2.Event) -> None:
    event.kind = _K.Value(
        "EVENT_KIND_CANCELLED"
        if event.kind != events_pb2.EVENT_KIND_CANCELLED
        else "EVENT_KIND_EXPIRED"
    )


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("lie", [_at_the_version, _with_an_act, _of_another_change])
@pytest.mark.threat("T30")
@pytest.mark.threat("T150")
def test_a_lie_about_what_the_hub_did_is_refused(
    told: Told, kind: _K.ValueType, lie: Callable[[Told, events_pb2.Event], None]
) -> None:
    event = told.change_event(kind)
    lie(told, event)

    with pytest.raises(ProofInvalid):
        verify_event(event, told.trust())


@pytest.mark.parametrize(
    "how", [{"notice_id": "x; rm"}, {"originator": "nobody"}, {"acts_entry": 10_000}]
)
def test_an_entry_that_names_nothing_is_refused(told: Told, how: dict[str, object]) -> None:
    event = told.change_event(events_pb2.EVENT_KIND_CANCELLED, **how)

    with pytest.raises(ProofInvalid):
        verify_event(event, told.trust())


def test_an_entry_judged_by_another_roster_is_refused(told: Told) -> None:
    event = told.change_event(events_pb2.EVENT_KIND_EXPIRED, roster_entry=0)

    with pytest.raises(LedgerForked):
        verify_event(event, told.trust())


@pytest.mark.parametrize(
    "kind", [events_pb2.EVENT_KIND_RETURNED, events_pb2.EVENT_KIND_EXPIRY_NEAR]
)
def test_what_the_originator_is_told_is_refused_by_another(told: Told, kind: _K.ValueType) -> None:
    with pytest.raises(ProofInvalid, match="not for it"):
        verify_event(told.change_event(kind), told.trust("DE-BKA"))


def test_acts_that_are_not_shown_lie_at_an_entry_of_their_kind(told: Told) -> None:
    addressing = told.ledger.address("FR-NCB", FRANCE, version_entry=told.version)
    for kind in UNSHOWN_ACTS:
        event = told.ledger.event(kind, told.version)
        wrong = told.ledger.event(kind, told.version)
        wrong.leaf.CopyFrom(told.ledger.leaf(addressing))

        assert verify_event(event, told.trust("DE-BKA")).originator == "FR-NCB"
        with pytest.raises(ProofInvalid):
            verify_event(wrong, told.trust("DE-BKA"))


def reviewed(
    told: Told,
    *,
    number: int = 1,
    change: ledger_pb2.NoticeChange.ValueType = ledger_pb2.NOTICE_CHANGE_PUBLISHED,
    **how: object,
) -> events_pb2.Event:
    notice = notices_pb2.Notice(notice_id=told.ledger.new_id(), version=number)
    version = told.ledger.publish("FR-NCB", FRANCE, notice=notice)
    entry = told.ledger.decide(change, version, **how)
    return told.ledger.event(PUBLISHED, entry, act_entry=version)


def test_a_version_that_reviewers_let_out_verifies(told: Told) -> None:
    second = reviewed(told, number=2)
    later = reviewed(told, number=3)
    later.kind = NEW_VERSION

    verified, quarantined = verify_each([second, later], told.trust("DE-BKA"))

    assert not quarantined
    assert [one.act.body.notice.version for one in verified if one.act is not None] == [2, 3]


@pytest.mark.parametrize(
    "how",
    [
        {"acts_entry": 1},
        {"change": ledger_pb2.NOTICE_CHANGE_RETURNED},
        {"notice_id": "01a20d6d-5a00-7000-8000-000000000001"},
        {"originator": "DE-BKA"},
    ],
)
@pytest.mark.threat("T150")
def test_a_version_that_the_entry_does_not_let_out_is_refused(
    told: Told, how: dict[str, Any]
) -> None:
    with pytest.raises(ProofInvalid):
        verify_event(reviewed(told, **how), told.trust("DE-BKA"))


def test_a_notice_that_stands_again_shows_its_version(told: Told) -> None:
    resumed = told.ledger.act("FR-NCB", FRANCE, resumption=acts_pb2.ResumptionAct(**told.own))
    suspended = told.ledger.act("FR-NCB", FRANCE, suspension=acts_pb2.SuspensionAct(**told.own))
    kind = events_pb2.EVENT_KIND_RESUMED
    event = told.ledger.event(kind, resumed, act_entry=told.version)
    lie = told.ledger.event(kind, suspended, act_entry=told.version)

    assert verify_event(event, told.trust("DE-BKA")).notice_id == told.own["notice_id"]
    with pytest.raises(ProofInvalid):
        verify_event(lie, told.trust("DE-BKA"))


def test_a_notice_does_not_stand_again_by_the_resumption_of_another(told: Told) -> None:
    other = {**told.own, "notice_id": "01a20d6d-5a00-7000-8000-00000000000f"}
    of_another = told.ledger.act("FR-NCB", FRANCE, resumption=acts_pb2.ResumptionAct(**other))
    kind = events_pb2.EVENT_KIND_RESUMED
    event = told.ledger.event(kind, of_another, act_entry=told.version)
    without = told.ledger.event(kind, of_another, act_entry=told.version)
    without.ClearField("resumption")

    for lie in (event, without):
        with pytest.raises(ProofInvalid, match="resumption"):
            verify_event(lie, told.trust("DE-BKA"))
