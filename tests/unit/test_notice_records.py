"""Notices as they stand: honest records of every state, and every way of lying about one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from agency_client.records import VerifiedNotice, leaves_shown, verify_record
from agency_client.trust import Trust
from comity.commitment import findings_commitment
from comity.errors import ComityError, ProofInvalid
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.times import timestamp_from
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2
from tests.unit.small_ledger import DOMAIN, NOW, SmallLedger

FRANCE, GERMANY = (generate_private_key(ED25519) for _ in range(2))
SALT = bytes(range(32))


class Standing:
    """A notice of France, what was done about it, and records of it."""

    def __init__(self) -> None:
        self.ledger = SmallLedger()
        self.ledger.add_roster("FR-NCB", added=[FRANCE])
        self.ledger.add_roster("DE-BKA", added=[GERMANY])
        self.version = self.publish()
        self.own = self.ledger.reference(self.version)

    def publish(self, **what: object) -> int:
        notice = notices_pb2.Notice(
            notice_id=self.ledger.new_id(), version=1, expires_at=timestamp_from(NOW)
        )
        notice.MergeFrom(notices_pb2.Notice(**what))  # type: ignore[arg-type]
        return self.ledger.publish("FR-NCB", FRANCE, notice=notice)

    def act(self, **body: object) -> events_pb2.ActRecord:
        return self.shown(self.ledger.act("FR-NCB", FRANCE, **body))

    def shown(self, entry: int) -> events_pb2.ActRecord:
        return events_pb2.ActRecord(
            envelope=self.ledger.acts[entry][0],
            leaf=self.ledger.leaf(entry),
            content_salt=self.ledger.salts[entry][0],
            addressing_salt=self.ledger.salts[entry][1],
        )

    def record(self, state: str, **parts: object) -> events_pb2.NoticeRecord:
        return events_pb2.NoticeRecord(
            state=events_pb2.NoticeState.Value(f"NOTICE_STATE_{state}"),
            originator="FR-NCB",
            notice_id=self.own["notice_id"],
            **parts,  # type: ignore[arg-type]
        )

    def decision(self, change: str, **how: object) -> ledger_pb2.LedgerLeaf:
        value = ledger_pb2.NoticeChange.Value(f"NOTICE_CHANGE_{change}")
        return self.ledger.leaf(self.ledger.decide(value, self.version, **how))

    def verify(self, record: events_pb2.NoticeRecord, *, reader: str = "DE-BKA") -> VerifiedNotice:
        """The record as its reader verifies it."""
        leaves = [self.ledger.leaf(index) for index in self.ledger.roster]
        keys = [self.ledger.ledger_key]
        trust = Trust(DOMAIN, ledger_keys=keys, roster_leaves=leaves, reader=AgencyId(reader))
        verified = verify_record(record, trust)
        assert verified.notice_id == self.own["notice_id"]
        return verified

    def in_state(self, state: str) -> events_pb2.NoticeRecord:
        """An honest record of a state, as an addressee is shown it."""
        suspension = acts_pb2.SuspensionAct(**self.own)
        withdrawal = acts_pb2.WithdrawalAct(**self.own)
        parts: dict[str, Callable[[], dict[str, object]]] = {
            "PUBLISHED": lambda: {"version": self.shown(self.version)},
            "SUSPENDED": lambda: {"suspension": self.act(suspension=suspension)},
            "WITHDRAWN": lambda: {"withdrawal": self.act(withdrawal=withdrawal)},
            "CANCELLED": lambda: {"decision": self.decision("CANCELLED")},
            "EXPIRED": lambda: {"decision": self.decision("EXPIRED")},
            "IN_REVIEW": dict,
            "INCOMPLETE": lambda: {"decision": self.decision("RETURNED")},
            "REFUSED": lambda: {"decision": self.decision("REFUSED")},
        }
        return self.record(state, **parts[state]())


STATES = [name.removeprefix("NOTICE_STATE_") for name in events_pb2.NoticeState.keys()[1:]]
# Where the state rests on nothing that is shown, an addressee could not tell it from a lie.
_TOLD_APART = [state for state in STATES if state != "IN_REVIEW"]


@pytest.fixture
def standing() -> Standing:
    return Standing()


@pytest.mark.parametrize("state", STATES)
def test_a_notice_verifies_in_every_state(standing: Standing, state: str) -> None:
    record = standing.in_state(state)

    assert standing.verify(record).originator == "FR-NCB"


@pytest.mark.parametrize("state", _TOLD_APART)
@pytest.mark.parametrize("said", _TOLD_APART)
@pytest.mark.threat("T30")
@pytest.mark.threat("T150")
def test_a_state_that_nothing_bears_out_is_refused(
    standing: Standing, state: str, said: str
) -> None:
    record = standing.in_state(state)
    record.state = events_pb2.NoticeState.Value(f"NOTICE_STATE_{said}")
    if said == state:
        standing.verify(record)
        return
    with pytest.raises(ProofInvalid):
        standing.verify(record)


def test_a_state_of_a_later_version_is_refused(standing: Standing) -> None:
    record = standing.in_state("PUBLISHED")
    record.state = 77  # type: ignore[assignment]

    with pytest.raises(ProofInvalid):
        standing.verify(record)


@pytest.mark.parametrize("state", ["PUBLISHED", "IN_REVIEW", "INCOMPLETE"])
def test_an_originator_is_shown_its_own_content(standing: Standing, state: str) -> None:
    record = standing.in_state(state)
    record.ClearField("version")

    with pytest.raises(ProofInvalid, match="without what it says"):
        standing.verify(record, reader="FR-NCB")


def test_what_was_refused_may_be_erased(standing: Standing) -> None:
    record = standing.in_state("REFUSED")
    record.ClearField("version")

    standing.verify(record, reader="FR-NCB")

    assert not record.HasField("version")


def _extension(standing: Standing, **how: object) -> events_pb2.ActRecord:
    until = timestamp_from(NOW + timedelta(days=9))
    return standing.act(extension=acts_pb2.ExtensionAct(**(standing.own | how), expires_at=until))


def test_acts_over_the_version_verify(standing: Standing) -> None:
    record = standing.in_state("PUBLISHED")
    record.extension.CopyFrom(_extension(standing))
    record.addenda.append(standing.act(addendum=acts_pb2.AddendumAct(**standing.own)))
    record.expires_at.CopyFrom(timestamp_from(NOW + timedelta(days=9)))

    standing.verify(record)
    assert len(leaves_shown(record)) == 3


@pytest.mark.parametrize("how", [{"version_digest": bytes(32)}, {"notice_id": "other"}])
@pytest.mark.parametrize("name", ["extension", "addendum", "withdrawal"])
def test_acts_over_something_else_are_refused(
    standing: Standing, name: str, how: dict[str, object]
) -> None:
    if "notice_id" in how:
        how = {"notice_id": standing.ledger.new_id()}
    makers = {
        "extension": acts_pb2.ExtensionAct,
        "addendum": acts_pb2.AddendumAct,
        "withdrawal": acts_pb2.WithdrawalAct,
    }
    shown = standing.act(**{name: makers[name](**(standing.own | how))})
    state = "WITHDRAWN" if name == "withdrawal" else "PUBLISHED"
    record = standing.record(state, version=standing.shown(standing.version))
    if name == "addendum":
        record.addenda.append(shown)
    else:
        getattr(record, name).CopyFrom(shown)

    with pytest.raises(ProofInvalid):
        standing.verify(record, reader="FR-NCB")


def test_an_act_by_another_agency_is_refused(standing: Standing) -> None:
    addendum = acts_pb2.AddendumAct(**standing.own)
    record = standing.in_state("PUBLISHED")
    entry = standing.ledger.act("DE-BKA", GERMANY, addendum=addendum)
    record.addenda.append(standing.shown(entry))

    with pytest.raises(ComityError):
        standing.verify(record)


def test_a_notice_that_stands_until_another_time_is_refused(standing: Standing) -> None:
    record = standing.in_state("PUBLISHED")
    record.expires_at.CopyFrom(timestamp_from(NOW + timedelta(days=1)))

    with pytest.raises(ProofInvalid, match="another time"):
        standing.verify(record)


def test_an_ending_of_another_notice_is_refused(standing: Standing) -> None:
    record = standing.record(
        "CANCELLED", decision=standing.decision("CANCELLED", notice_id=standing.ledger.new_id())
    )

    with pytest.raises(ProofInvalid, match="another notice"):
        standing.verify(record)


@pytest.mark.threat("T150")
def test_a_version_that_was_sent_back_is_not_in_force(standing: Standing) -> None:
    record = standing.in_state("PUBLISHED")
    record.decision.CopyFrom(standing.decision("RETURNED"))

    with pytest.raises(ProofInvalid, match="sent back"):
        standing.verify(record)


def test_another_name_than_the_acts_have_is_refused(standing: Standing) -> None:
    record = standing.in_state("PUBLISHED")
    record.originator = "DE-BKA"

    with pytest.raises(ProofInvalid):
        standing.verify(record)


def test_a_notice_that_nothing_names_is_refused(standing: Standing) -> None:
    record = standing.in_state("IN_REVIEW")
    record.notice_id = ""

    with pytest.raises(ProofInvalid):
        standing.verify(record)


def test_a_version_that_waits_comes_after_the_one_in_force(standing: Standing) -> None:
    second = standing.publish(notice_id=standing.own["notice_id"], version=2)
    honest = standing.record(
        "PUBLISHED", version=standing.shown(standing.version), submitted=standing.shown(second)
    )
    lie = standing.record(
        "PUBLISHED", version=standing.shown(second), submitted=standing.shown(standing.version)
    )

    standing.verify(honest, reader="FR-NCB")
    with pytest.raises(ProofInvalid, match="earlier"):
        standing.verify(lie, reader="FR-NCB")


def found(standing: Standing, **how: object) -> events_pb2.NoticeRecord:
    findings = events_pb2.ReviewFindings(
        outcome=events_pb2.REVIEW_OUTCOME_REFUSE,
        ground=ledger_pb2.REFUSAL_GROUND_DUPLICATE,
        comment="seen before",
    )
    digest = hashlib.sha256(findings.SerializeToString(deterministic=True)).digest()
    terms = {"ground": findings.ground, "findings_commitment": findings_commitment(digest, SALT)}
    decision = standing.decision("REFUSED", **(terms | how))
    record = standing.record("REFUSED", version=standing.shown(standing.version), decision=decision)
    record.review.findings.CopyFrom(findings)
    record.review.findings_salt = SALT
    return record


def test_what_reviewers_found_is_what_the_entry_commits_to(standing: Standing) -> None:
    record = found(standing)

    assert standing.verify(record, reader="FR-NCB").originator == "FR-NCB"
    assert record.review.HasField("findings")


@pytest.mark.parametrize(
    "lie",
    [
        lambda r: setattr(r.review.findings, "comment", "nothing"),
        lambda r: setattr(r.review.findings, "outcome", events_pb2.REVIEW_OUTCOME_RETURN),
        lambda r: setattr(r.review, "findings_salt", bytes(32)),
        lambda r: setattr(r.review.findings, "ground", ledger_pb2.REFUSAL_GROUND_DISPROPORTIONATE),
        lambda r: r.ClearField("decision"),
    ],
    ids=["comment", "outcome", "salt", "ground", "entry"],
)
@pytest.mark.threat("T150")
def test_findings_that_nobody_committed_to_are_refused(
    standing: Standing, lie: Callable[[events_pb2.NoticeRecord], None]
) -> None:
    record = found(standing)
    lie(record)

    with pytest.raises(ProofInvalid):
        standing.verify(record, reader="FR-NCB")


def test_a_suspension_stays_when_its_version_is_corrected(standing: Standing) -> None:
    second = standing.publish(notice_id=standing.own["notice_id"], version=2)
    record = standing.in_state("SUSPENDED")
    record.version.CopyFrom(standing.shown(second))

    verified = standing.verify(record, reader="FR-NCB")

    assert verified.version is not None
    assert verified.version.act.version.notice.version == 2


def test_findings_of_a_notice_that_has_expired_since_are_not_shown(standing: Standing) -> None:
    record = found(standing)
    record.state = events_pb2.NOTICE_STATE_EXPIRED
    record.decision.CopyFrom(standing.decision("EXPIRED"))

    standing.verify(record, reader="FR-NCB")

    assert not record.review.HasField("findings")


def test_what_reviewers_comment_on_after_publication_stays_in_force(standing: Standing) -> None:
    record = standing.in_state("PUBLISHED")
    record.decision.CopyFrom(standing.decision("RETURNED"))
    record.review.is_after_publication = True

    assert standing.verify(record, reader="FR-NCB").version is not None
