"""What addressees do about a notice of another agency: read it, flag it, hold somebody, answer.

A notice that is not there and one that is not theirs look the same. Pure, as `judgement`.
"""

from __future__ import annotations

from comity.acts import ParsedAct
from comity.errors import NotFound, NotLatestVersion, RecallAnswered
from comity.v1 import acts_pb2, events_pb2, notices_pb2
from hub.services.ledger_state import (
    STANDING,
    Accepted,
    LedgerState,
    RecallAnswer,
    only,
    require_state,
)
from hub.store.notices import NoticeStanding

# Nothing of these can become another word: no copy is left to say it of.
_FINAL = frozenset({acts_pb2.RECALL_OUTCOME_DELETED, acts_pb2.RECALL_OUTCOME_NEVER_HELD})


def judge_acknowledgement(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """An officer of the addressee has read the version in force.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion.
    """
    standing = require_in_force(act, state)
    return told_to_originator(act, standing, state, events_pb2.EVENT_KIND_ACKNOWLEDGED, entry_index)


def judge_flag(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """The notice is not executable at the addressee, or is again.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion.
    """
    standing = require_in_force(act, state)
    return told_to_originator(act, standing, state, events_pb2.EVENT_KIND_FLAGGED, entry_index)


def judge_custody(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """The addressee holds somebody on the notice; or nobody any longer, whatever became of it.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion.
    """
    is_held = act.body.in_custody
    if is_held:
        standing = require_in_force(act, state)
    else:
        standing = _require_addressed(act, state, was_once=True)
    return told_to_originator(
        act,
        standing,
        state,
        events_pb2.EVENT_KIND_CUSTODY,
        entry_index,
        is_held=is_held,
        urgency=notices_pb2.URGENCY_IMMEDIATE if is_held else None,
    )


def judge_recall_answer(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """What became of the addressee's copies. What is kept under law may be deleted later.

    Raises: NotFound, RecallAnswered.
    """
    body = act.body
    recall = state.recalls.get(body.recall_entry)
    standing = state.notices.get((act.notice_originator, act.notice_id))
    if (
        recall is None
        or standing is None
        or recall.notice_key != standing.key
        or act.originator not in state.audiences[recall.audience].members
    ):
        raise NotFound()
    if recall.answers.get(act.originator) in _FINAL:
        raise RecallAnswered()
    return told_to_originator(
        act,
        standing,
        state,
        events_pb2.EVENT_KIND_RECALL_ANSWERED,
        entry_index,
        answer=RecallAnswer(body.recall_entry, body.outcome),
    )


def require_in_force(act: ParsedAct, state: LedgerState) -> NoticeStanding:
    """The notice, where it is addressed to who acts, stands, and is the version that is meant.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion.
    """
    standing = require_state(_require_addressed(act, state), STANDING)
    if act.body.version_digest != standing.published_digest:
        raise NotLatestVersion(f"The version in force is {standing.published_version}.")
    return standing


def _require_addressed(
    act: ParsedAct, state: LedgerState, *, was_once: bool = False
) -> NoticeStanding:
    """The notice, where it is addressed to who acts; or where that agency holds somebody on it."""
    standing = state.notices.get((act.notice_originator, act.notice_id))
    if standing is None or not standing.is_published or act.originator == standing.originator:
        raise NotFound()
    is_addressed = act.originator in state.audiences[standing.audience].members
    holds = was_once and act.originator in state.held.get(standing.key, frozenset())
    if not is_addressed and not holds:
        raise NotFound()
    return standing


def told_to_originator(
    act: ParsedAct,
    standing: NoticeStanding,
    state: LedgerState,
    event_kind: events_pb2.EventKind.ValueType,
    entry_index: int,
    *,
    is_held: bool | None = None,
    answer: RecallAnswer | None = None,
    urgency: int | None = None,
) -> Accepted:
    """An act of an addressee: the notice stays as it is, and its originator hears of it."""
    return Accepted(
        act_kind=act.kind,
        event_kind=event_kind,
        standing=standing,
        addressees=state.audiences[standing.audience],
        hearers=only(standing.originator),
        act_entry=entry_index,
        is_held=is_held,
        answer=answer,
        event_urgency=urgency,
    )
