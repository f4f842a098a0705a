"""Whether a verified submission fits the state of the ledger, decided under the writer's lock.

Pure: takes the state as it was read after the lock, gives what is to be written. Items of one
batch are judged in order, each seeing what those before it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from comity import acts
from comity.acts import ActKind, ParsedAct
from comity.errors import (
    AddressingInvalid,
    AgencyNotActive,
    IdReused,
    IssuedInFuture,
    IssuedTooLongAgo,
    NoticeExpired,
    ScopeExceeded,
    Violation,
)
from comity.times import datetime_from_timestamp
from hub.services import addressee_judgement, life_judgement, release_judgement
from hub.services.addressing_judgement import judge_addressing
from hub.services.ledger_state import Accepted, LedgerState, Repeated, Terms
from hub.services.submissions import Submission
from hub.services.version_judgement import judge_version

MAX_AHEAD = timedelta(minutes=10)  # clocks of members differ; more is an error or a trick
MAX_AGE = timedelta(days=30)  # an outbox may have waited that long for a line

_Judge = Callable[[ParsedAct, LedgerState, int], Accepted]

_JUDGES: Mapping[ActKind.ValueType, _Judge] = {
    acts.WITHDRAWAL: life_judgement.judge_withdrawal,
    acts.SUSPENSION: life_judgement.judge_suspension,
    acts.RESUMPTION: life_judgement.judge_resumption,
    acts.ADDENDUM: life_judgement.judge_addendum,
    acts.EXTENSION: life_judgement.judge_extension,
    acts.ACKNOWLEDGEMENT: addressee_judgement.judge_acknowledgement,
    acts.FLAG: addressee_judgement.judge_flag,
    acts.CUSTODY: addressee_judgement.judge_custody,
    acts.RECALL_ANSWER: addressee_judgement.judge_recall_answer,
    acts.RELEASE_REQUEST: release_judgement.judge_release_request,
    acts.RELEASE_DECISION: release_judgement.judge_release_decision,
}
# Of what membership grants: what was published may always be ended, and others' notices answered.
_WITHIN_TERMS = frozenset({acts.VERSION, acts.ADDRESSING, acts.ADDENDUM, acts.EXTENSION})


def judge(submission: Submission, state: LedgerState, *, entry_index: int) -> Accepted | Repeated:
    """Decides over a submission that would become the entry of the given index.

    1. The signer is a member at this moment, whatever it was when it sent this.
    2. The same acts again give the same entry, before any question of time.
    3. Issue times lie within what the hub takes, and the notice has not expired.
    4. The acts fit where the notice stands.
    5. Membership lets the originator publish that kind, and whom it has to address is addressed.

    Raises: AgencyNotActive, IdReused, IssuedInFuture, IssuedTooLongAgo, NoticeExpired, NotFound,
    NotLatestVersion, NoticeWithdrawn, NoticeNotInForce, NoticeInvalid, AddressingInvalid,
    AddressingNarrowed, ReleaseRequired, RecallAnswered, ScopeExceeded.
    """
    if submission.originator not in state.members:  # 1
        raise AgencyNotActive()
    repeated = _find_repeated(submission, state)  # 2
    if repeated is not None:
        return repeated
    for act in submission.acts:  # 3
        _require_timely(act, now=state.now)
    state.roles = submission.roles
    accepted = _judge_acts(submission, state, entry_index)  # 4
    if accepted.act_kind in _WITHIN_TERMS:  # 5
        _require_terms(accepted, state.terms[submission.originator])
    return accepted


def _judge_acts(submission: Submission, state: LedgerState, entry_index: int) -> Accepted:
    content = submission.content
    if content is None:
        return judge_addressing(submission.acts[0], state, entry_index)
    if content.kind == acts.VERSION:
        return judge_version(submission, content, state, entry_index)
    return _JUDGES[content.kind](content, state, entry_index)


def _require_terms(accepted: Accepted, terms: Terms) -> None:
    if accepted.standing.kind not in terms.kinds:
        raise ScopeExceeded("The agency's membership does not let it publish this kind of notice.")
    lead = terms.copied_to
    if lead is not None and lead not in accepted.addressees.members:
        said = f"has to include {lead}, which leads the originator's country; widen it first"
        raise AddressingInvalid(violations=[Violation("addressing.rule", said)])


def _find_repeated(submission: Submission, state: LedgerState) -> Repeated | None:
    stored = [state.acts.get((act.originator, act.act_id)) for act in submission.acts]
    if not any(stored):
        return None
    entries = set()
    for act, known in zip(submission.acts, stored, strict=True):
        if known is None or known.digest != act.digest:
            raise IdReused()
        entries.add(known.entry_index)
    if len(entries) != 1:
        raise IdReused()
    return Repeated(entries.pop())


def _require_timely(act: ParsedAct, *, now: datetime) -> None:
    issued_at = datetime_from_timestamp(act.act.header.issued_at)
    if issued_at is None or issued_at > now + MAX_AHEAD:
        raise IssuedInFuture()
    if issued_at < now - MAX_AGE:
        raise IssuedTooLongAgo()
    if act.kind == acts.VERSION:
        expires_at = datetime_from_timestamp(act.act.version.notice.expires_at)
        if expires_at is None or expires_at <= now:
            raise NoticeExpired()
