"""Reads, after the lock, what decisions over a batch of acts rest on.

The statements are the same whether what is asked for is there or not, and whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

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
from hub.store.database import Connection
from hub.store.events import list_addenda
from hub.store.notices import NoticeKey, NoticeStanding, find_notices
from hub.store.recalls import find_holders, find_recalls
from hub.store.reviews import find_looked_at
from hub.store.transaction import LedgerTransaction

T = TypeVar("T")

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
    source_keys = {(AgencyId(s.originator), s.notice_id) for s in sources}
    foreign = source_keys | {_key(act) for act in submitted if act.kind in acts.ADDRESSEE_KINDS}
    found_acts = await find_acts(connection, _act_ids(submitted, sources))
    notices = await _notices(connection, foreign | {_key(act) for act in submitted})
    recall_entries = {a.body.recall_entry for a in submitted if a.kind == acts.RECALL_ANSWER}
    recalls = await find_recalls(connection, recall_entries)
    own = {key for n in notices.values() if n.key not in foreign for key in _audiences(n)}
    keys = {key for notice in notices.values() for key in _audiences(notice)}
    keys |= {recall.audience for recall in recalls.values()}
    keys = _padded(keys, len(own) + 2 * len(foreign) + len(recall_entries), _no_audience)
    held_keys = [_key(act) for act in submitted if act.kind in _ASKS_WHO_HOLDS]
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
    again = (acts.ADDENDUM, acts.ADDRESSING, acts.EXTENSION)
    shown = source_keys | {_key(act) for act in submitted if act.kind in again}
    wanted = [notices[key] for key in shown if key in notices]
    missing = sum(1 for key in source_keys if key not in notices or not _is_published(notices[key]))
    state.sources = await _published(transaction, wanted, missing=missing)
    state.rules = await _rules(transaction, submissions, state)
    if sources or any(act.kind == acts.RELEASE_DECISION for act in submitted):
        releases = {source.release_act_id for source in sources if source.release_act_id}
        await _add_requests(transaction, state, at_least=len(releases))
    await _add_addenda(transaction, submitted, state)
    again_addressed = {
        _key(act) for act in submitted if act.kind in (acts.ADDRESSING, acts.EXTENSION)
    }
    await add_sources(
        transaction, state, [state.sources[key] for key in again_addressed if key in state.sources]
    )
    return state


async def _add_addenda(
    transaction: LedgerTransaction, submitted: Sequence[ParsedAct], state: LedgerState
) -> None:
    """How many addenda there are, and of what a review after publication is open."""
    keys = {_key(act) for act in submitted if act.kind == acts.ADDENDUM}
    found = await list_addenda(transaction.connection, keys)
    for key, entries in found.items():
        published = state.notices[key].published_entry if key in state.notices else None
        state.addenda[key] = sum(1 for entry in entries if entry > (published or 0))
    state.looked_at = await find_looked_at(transaction.connection, keys)


async def add_sources(
    transaction: LedgerTransaction, state: LedgerState, drawing: Sequence[Notice]
) -> None:
    """Adds what decisions ask of the sources of notices that are in the ledger already.

    Most notices draw on none, and nothing is read.
    """
    sources = [source for notice in drawing for source in notice.sources]
    if not sources:
        return
    connection = transaction.connection
    keys = {(AgencyId(s.originator), s.notice_id) for s in sources}
    found = await _notices(connection, keys)
    state.notices.update({key: s for key, s in found.items() if key not in state.notices})
    audiences = {key for s in found.values() for key in _audiences(s)} - state.audiences.keys()
    state.audiences.update(await find_audiences(connection, audiences))
    unread = [s for key, s in found.items() if key not in state.sources]
    state.sources.update(await _published(transaction, unread, missing=0))
    released = {source.release_act_id for source in sources if source.release_act_id}
    state.acts.update(await find_acts(connection, released))
    await _add_requests(transaction, state, at_least=0)


def _key(act: ParsedAct) -> NoticeKey:
    """Which notice an act is about."""
    return (act.notice_originator, act.notice_id)


def _audiences(standing: NoticeStanding) -> set[bytes]:
    return {standing.audience, standing.submitted_audience or standing.audience}


def _is_published(standing: NoticeStanding) -> bool:
    return standing.published_entry is not None


def _padded(found: set[T], size: int, placeholder: Callable[[int], T]) -> set[T]:
    """Keys to ask for, as many as if all that was named were there: how many are asked for shows in
    the statement, and in how long it takes."""
    return found | {placeholder(number) for number in range(size - len(found))}


def _no_audience(number: int) -> bytes:
    return number.to_bytes(4)  # audiences have 32 bytes


async def _notices(
    connection: Connection, keys: Collection[NoticeKey]
) -> dict[NoticeKey, NoticeStanding]:
    """Some notices, and none that only bear the same id."""
    found = await find_notices(connection, {notice_id for _, notice_id in keys})
    return {key: standing for key, standing in found.items() if key in keys}


def _act_ids(submitted: Sequence[ParsedAct], sources: Sequence[object]) -> set[str]:
    ids = {act.act_id for act in submitted}
    ids |= {act.body.request_act_id for act in submitted if act.kind == acts.RELEASE_DECISION}
    ids |= {source.release_act_id for source in sources if source.release_act_id}  # type: ignore[attr-defined]
    return ids


async def _published(
    transaction: LedgerTransaction, wanted: Sequence[NoticeStanding], *, missing: int
) -> dict[NoticeKey, Notice]:
    """What is published of some notices. `missing` of others that were asked for is nothing."""
    entries = {s.published_entry: s for s in wanted if s.published_entry is not None}
    asked = _padded(set(entries), len(entries) + missing, lambda number: -1 - number)
    found = await find_acts_at(transaction.connection, asked)
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


async def _add_requests(
    transaction: LedgerTransaction, state: LedgerState, *, at_least: int
) -> None:
    """The requests that decisions on releases answer. So many decisions are named at least."""
    ids: set[str] = set()
    for stored in state.acts.values():
        if stored.kind == acts.RELEASE_DECISION and stored.envelope:
            envelope = acts_pb2.Envelope.FromString(stored.envelope)
            ids.add(acts_pb2.Act.FromString(envelope.payload).release_decision.request_act_id)
    ids = _padded(ids, at_least, "no act {}".format)
    state.acts.update(await find_acts(transaction.connection, ids))
