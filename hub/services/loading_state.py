"""Reads, after the lock, what decisions over a batch of acts rest on.

The statements are the same whether what is asked for is there or not, and whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from comity import acts
from comity.acts import ParsedAct
from comity.identity import AgencyId
from comity.minimum.policy import ReviewTerms
from comity.v1 import acts_pb2
from comity.v1.acts_pb2 import AddressingRule
from comity.v1.notices_pb2 import Notice
from hub.services.ledger_state import LedgerState, Terms
from hub.services.submissions import Submission
from hub.store.acts import find_acts, find_acts_at
from hub.store.audiences import find_audiences
from hub.store.notices import NoticeKey, NoticeStanding, find_notices
from hub.store.recalls import find_holders, find_recalls
from hub.store.transaction import LedgerTransaction

# What ends a notice, or leaves somebody out of it, asks who holds somebody on it.
_ASKS_WHO_HOLDS = frozenset({acts.WITHDRAWAL, acts.ADDRESSING, acts.CUSTODY})


async def load_state(
    transaction: LedgerTransaction,
    submissions: Sequence[Submission],
    *,
    members: frozenset[AgencyId],
    terms: Mapping[AgencyId, Terms],
    review: Callable[[Notice], ReviewTerms],
    hub_agency: AgencyId,
) -> LedgerState:
    """The state of what some submissions are about."""
    connection = transaction.connection
    submitted = [act for submission in submissions for act in submission.acts]
    sources = [
        source
        for act in submitted
        if act.kind == acts.VERSION
        for source in act.act.version.notice.sources
    ]
    found_acts = await find_acts(connection, _act_ids(submitted, sources))
    notices = await find_notices(
        connection, {s.notice_id for s in submissions} | {s.notice_id for s in sources}
    )
    recalls = await find_recalls(
        connection,
        {act.body.recall_entry for act in submitted if act.kind == acts.RECALL_ANSWER},
    )
    keys = {n.audience for n in notices.values()}
    keys |= {n.submitted_audience for n in notices.values() if n.submitted_audience}
    keys |= {recall.audience for recall in recalls.values()}
    held_keys = [
        (act.notice_originator, act.notice_id) for act in submitted if act.kind in _ASKS_WHO_HOLDS
    ]
    state = LedgerState(
        now=transaction.now,
        members=members,
        acts=found_acts,
        notices=notices,
        terms=terms,
        audiences=await find_audiences(connection, keys),
        held=await find_holders(connection, held_keys),
        recalls=recalls,
        review=review,
        draw=transaction.draw_percent,
        hub_agency=hub_agency,
    )
    source_keys = {(AgencyId(s.originator), s.notice_id) for s in sources}
    again = (acts.ADDENDUM, acts.ADDRESSING)
    source_keys |= {(a.originator, a.notice_id) for a in submitted if a.kind in again}
    wanted = [notices[key] for key in source_keys if key in notices]
    state.sources = await _published(transaction, wanted)
    state.rules = await _rules(transaction, submissions, state)
    if sources or any(act.kind == acts.RELEASE_DECISION for act in submitted):
        await _add_requests(transaction, state)
    return state


def _act_ids(submitted: Sequence[ParsedAct], sources: Sequence[object]) -> set[str]:
    ids = {act.act_id for act in submitted}
    ids |= {act.body.request_act_id for act in submitted if act.kind == acts.RELEASE_DECISION}
    ids |= {source.release_act_id for source in sources if source.release_act_id}  # type: ignore[attr-defined]
    return ids


async def _published(
    transaction: LedgerTransaction, wanted: Sequence[NoticeStanding]
) -> dict[NoticeKey, Notice]:
    """What is published of some notices."""
    entries = {s.published_entry: s for s in wanted if s.published_entry is not None}
    found = await find_acts_at(transaction.connection, entries)
    published = {}
    for entry, standing in entries.items():
        for stored in found[entry]:
            if stored.kind == acts.VERSION and stored.envelope:
                envelope = acts_pb2.Envelope.FromString(stored.envelope)
                notice = acts_pb2.Act.FromString(envelope.payload).version.notice
                published[standing.key] = notice
    return published


async def _rules(
    transaction: LedgerTransaction, submissions: Sequence[Submission], state: LedgerState
) -> dict[NoticeKey, AddressingRule]:
    """The rules in force of notices whose new versions come without an addressing."""
    keys = {
        (s.originator, s.notice_id)
        for s in submissions
        if s.addressing is None and s.acts[0].kind == acts.VERSION
    }
    entries = {state.notices[key].addressing_entry: key for key in keys if key in state.notices}
    found = await find_acts_at(transaction.connection, entries)
    rules = {}
    for entry, key in entries.items():
        for stored in found[entry]:
            if stored.kind == acts.ADDRESSING and stored.envelope:
                envelope = acts_pb2.Envelope.FromString(stored.envelope)
                rules[key] = acts_pb2.Act.FromString(envelope.payload).addressing.rule
    return rules


async def _add_requests(transaction: LedgerTransaction, state: LedgerState) -> None:
    """The requests that decisions on releases answer."""
    ids = set()
    for stored in state.acts.values():
        if stored.kind == acts.RELEASE_DECISION and stored.envelope:
            envelope = acts_pb2.Envelope.FromString(stored.envelope)
            ids.add(acts_pb2.Act.FromString(envelope.payload).release_decision.request_act_id)
    state.acts.update(await find_acts(transaction.connection, ids))
