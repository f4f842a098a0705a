"""Whether a notice as a hub shows it stands as its acts and the hub's entries say. No I/O."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from agency_client.act_proof import require_decision_of, verified_act, verified_decision
from agency_client.trust import Trust
from comity import acts
from comity.acts import ParsedAct
from comity.commitment import verify_findings_commitment
from comity.errors import ProofInvalid
from comity.times import datetime_from_timestamp
from comity.v1 import events_pb2 as pb
from comity.v1 import ledger_pb2

_CHANGES_BY_OUTCOME = {
    pb.REVIEW_OUTCOME_PUBLISH: {
        ledger_pb2.NOTICE_CHANGE_PUBLISHED,
        ledger_pb2.NOTICE_CHANGE_UPHELD,
    },
    pb.REVIEW_OUTCOME_RETURN: {ledger_pb2.NOTICE_CHANGE_RETURNED},
    pb.REVIEW_OUTCOME_REFUSE: {
        ledger_pb2.NOTICE_CHANGE_REFUSED,
        ledger_pb2.NOTICE_CHANGE_CANCELLED,
    },
}
# What the hub's entry has to say of a notice in these states, and may not of one in any other.
_CHANGES_BY_STATE = {
    pb.NOTICE_STATE_INCOMPLETE: ledger_pb2.NOTICE_CHANGE_RETURNED,
    pb.NOTICE_STATE_REFUSED: ledger_pb2.NOTICE_CHANGE_REFUSED,
    pb.NOTICE_STATE_CANCELLED: ledger_pb2.NOTICE_CHANGE_CANCELLED,
    pb.NOTICE_STATE_EXPIRED: ledger_pb2.NOTICE_CHANGE_EXPIRED,
}
_ENDINGS = frozenset({ledger_pb2.NOTICE_CHANGE_CANCELLED, ledger_pb2.NOTICE_CHANGE_EXPIRED})
_UNPUBLISHED = frozenset(
    {pb.NOTICE_STATE_IN_REVIEW, pb.NOTICE_STATE_INCOMPLETE, pb.NOTICE_STATE_REFUSED}
)
_WAITING = _UNPUBLISHED - {pb.NOTICE_STATE_REFUSED}  # what is refused is erased soon
_STATES = frozenset(pb.NoticeState.values()) - {pb.NOTICE_STATE_UNSPECIFIED}


@dataclass(frozen=True, slots=True)
class VerifiedNotice:
    """What a record shows once it has verified: the notice's ids, its version where it is shown,
    and what the hub did about it."""

    originator: str
    notice_id: str
    version: ParsedAct | None
    decision: ledger_pb2.NoticeEntry | None


def acts_shown(record: pb.NoticeRecord) -> list[pb.ActRecord]:
    """Every act of a record."""
    names = ("version", "withdrawal", "addressing", "suspension", "extension", "submitted")
    return [getattr(record, n) for n in names if record.HasField(n)] + list(record.addenda)  # type: ignore[arg-type]


def leaves_shown(record: pb.NoticeRecord) -> list[ledger_pb2.LedgerLeaf]:
    """Every entry of a record."""
    decision = [record.decision] if record.HasField("decision") else []
    return [shown.leaf for shown in acts_shown(record)] + decision


def verify_record(record: pb.NoticeRecord, trust: Trust) -> VerifiedNotice:
    """Verifies a notice whose entries lie in a verified tree.

    1. Every act is recorded at its entry, signed by its originator, and of this notice.
    2. What withdraws, extends or adds is over the version shown. A suspension stays when its
       version is corrected.
    3. The hub's entry is about this notice.
    4. The state is what acts and entry say, and a version is missing only where it has to be.
    5. What reviewers found is what the hub's entry commits to.
    6. It stands until when its version or its extension says.

    Raises: ComityError; then nothing of the notice may be acted on.
    """
    version = None
    if record.HasField("version"):  # 1
        version = verified_act(record.version, acts.VERSION, trust=trust)
    originator, notice_id = _ids_of(record, version, trust)
    _verify_acts(record, version, originator, notice_id, trust)  # 1, 2
    decision = None
    if record.HasField("decision"):  # 3
        decision = verified_decision(record.decision, trust)
        require_decision_of(decision, originator, notice_id)
    _require_state(record, decision, is_own=trust.reader == originator)  # 4
    if decision is not None and record.state == pb.NOTICE_STATE_PUBLISHED:
        _require_let_out(record, decision)
    if record.review.HasField("findings"):  # 5
        _verify_findings(record.review, decision)
    if version is not None and record.state not in _UNPUBLISHED:  # 6
        _require_expiry(record, version)
    return VerifiedNotice(originator, notice_id, version, decision)


def _ids_of(record: pb.NoticeRecord, version: ParsedAct | None, trust: Trust) -> tuple[str, str]:
    named = (record.originator, record.notice_id)
    if version is None:
        if not all(named):
            raise ProofInvalid("The hub shows a notice that nothing names.")
        return named
    shown = (str(version.originator), version.notice_id)
    if any(named) and named != shown:
        raise ProofInvalid("The hub shows another notice than it names.")
    return shown


def _verify_acts(
    record: pb.NoticeRecord,
    version: ParsedAct | None,
    originator: str,
    notice_id: str,
    trust: Trust,
) -> None:
    submitted = None
    if record.HasField("submitted"):
        submitted = verified_act(record.submitted, acts.VERSION, trust=trust)
        _require_of(submitted, originator, notice_id)
        if version is not None and _number(submitted) <= _number(version):
            raise ProofInvalid("The hub shows an earlier version as the one that waits.")
    over = {v.digest for v in (version,) if v is not None}
    for shown, kind in _acts_over_a_version(record):
        parsed = verified_act(shown, kind, trust=trust)
        _require_of(parsed, originator, notice_id)
        may_be_over = over
        if kind == acts.WITHDRAWAL and submitted is not None:  # of the latest, not of the one shown
            may_be_over = {*over, submitted.digest}
        if (
            kind != acts.SUSPENSION
            and version is not None
            and parsed.body.version_digest not in may_be_over
        ):
            raise ProofInvalid("The hub shows an act over another version of the notice.")
    if record.HasField("addressing"):
        addressing = verified_act(record.addressing, acts.ADDRESSING, trust=trust)
        _require_of(addressing, originator, notice_id)


def _acts_over_a_version(
    record: pb.NoticeRecord,
) -> list[tuple[pb.ActRecord, acts.ActKind.ValueType]]:
    found: list[tuple[pb.ActRecord, acts.ActKind.ValueType]] = []
    if record.HasField("withdrawal"):
        found.append((record.withdrawal, acts.WITHDRAWAL))
    if record.HasField("suspension"):
        found.append((record.suspension, acts.SUSPENSION))
    if record.HasField("extension"):
        found.append((record.extension, acts.EXTENSION))
    return found + [(addendum, acts.ADDENDUM) for addendum in record.addenda]


def _number(version: ParsedAct) -> int:
    number: int = version.act.version.notice.version
    return number


def _require_of(parsed: ParsedAct, originator: str, notice_id: str) -> None:
    if (parsed.originator, parsed.notice_id) != (originator, notice_id):
        raise ProofInvalid("The hub shows an act of another notice.")


def _require_state(
    record: pb.NoticeRecord, decision: ledger_pb2.NoticeEntry | None, *, is_own: bool
) -> None:
    state = record.state
    change = None if decision is None else decision.change
    said = ProofInvalid("The state of the notice is not what its acts say.")
    if state not in _STATES:
        raise ProofInvalid("The notice is in a state that this version does not know.")
    if record.HasField("withdrawal") != (state == pb.NOTICE_STATE_WITHDRAWN):
        raise said
    if record.HasField("suspension") and state == pb.NOTICE_STATE_PUBLISHED:
        raise said
    if state == pb.NOTICE_STATE_SUSPENDED and not record.HasField("suspension"):
        raise said
    if state in _CHANGES_BY_STATE and change != _CHANGES_BY_STATE[state]:
        raise said
    if change in _ENDINGS and change != _CHANGES_BY_STATE.get(state):
        raise said
    needs_version = state == pb.NOTICE_STATE_PUBLISHED or (is_own and state in _WAITING)
    if needs_version and not record.HasField("version"):
        raise ProofInvalid("The hub shows a notice without what it says.")


def _require_let_out(record: pb.NoticeRecord, decision: ledger_pb2.NoticeEntry) -> None:
    """Requires that the version in force is not one that reviewers have sent back."""
    is_about_it = decision.acts_entry == record.version.leaf.entry_index
    was_out = record.review.is_after_publication  # Then it is commented on, and stays.
    is_sent_back = decision.change == ledger_pb2.NOTICE_CHANGE_REFUSED or (
        decision.change == ledger_pb2.NOTICE_CHANGE_RETURNED and not was_out
    )
    if is_about_it and is_sent_back:
        raise ProofInvalid("The hub shows as in force what its reviewers have sent back.")
    # It may have let an earlier one out: later ones need not be reviewed.
    is_later = decision.acts_entry > record.version.leaf.entry_index
    if is_later and decision.change == ledger_pb2.NOTICE_CHANGE_PUBLISHED:
        raise ProofInvalid("The hub shows an earlier version than its reviewers let out.")


def _verify_findings(standing: pb.ReviewStanding, decision: ledger_pb2.NoticeEntry | None) -> None:
    findings = standing.findings
    if findings == pb.ReviewFindings(outcome=pb.REVIEW_OUTCOME_WITHDRAWN):
        return  # Nobody has decided anything.
    if decision is not None and decision.change == ledger_pb2.NOTICE_CHANGE_EXPIRED:
        standing.ClearField("findings")  # Another entry committed to them: nothing shown does.
        return
    if decision is None:
        raise ProofInvalid("The hub shows what reviewers found and no entry of it.")
    if (
        decision.change not in _CHANGES_BY_OUTCOME.get(findings.outcome, set())
        or decision.ground != findings.ground
    ):
        raise ProofInvalid("The reviewers' findings say something else than the hub's entry.")
    verify_findings_commitment(
        decision.findings_commitment,
        findings_digest=hashlib.sha256(findings.SerializeToString(deterministic=True)).digest(),
        salt=standing.findings_salt,
    )


def _require_expiry(record: pb.NoticeRecord, version: ParsedAct) -> None:
    if not record.HasField("expires_at"):
        return
    expected = version.act.version.notice.expires_at
    if record.HasField("extension"):
        act = acts.parse_act(record.extension.envelope)
        expected = act.body.expires_at
    # To the microsecond: so the hub keeps it.
    if datetime_from_timestamp(record.expires_at) != datetime_from_timestamp(expected):
        raise ProofInvalid("The notice stands until another time than its acts say.")
