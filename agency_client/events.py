"""Whether what a hub shows of a notice is its originator's, signed then, and in the ledger.

Rests on `Trust`: the entries have been proven to lie in the tree, the roster says whose keys were
valid where. No I/O. Never repairs anything: what does not verify is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agency_client.act_proof import (
    require_act_entry,
    require_decision_of,
    verified_decision,
    verify_recorded,
)
from agency_client.event_kinds import (
    ACT_KINDS,
    ADDRESSEE_ADDED,
    CHANGES,
    DIRECTORY_CHANGED,
    FOR_THE_ORIGINATOR,
    NEW_VERSION,
    PLACES,
    PUBLISHED,
    RESUMED,
    ROSTER_CHANGED,
    UNSHOWN_ACTS,
    WITHDRAWN,
)
from agency_client.records import verify_record
from agency_client.trust import Trust, parse_entry
from comity.acts import RELEASE_DECISION, RESUMPTION, ParsedAct, has_unknown_fields, parse_act
from comity.errors import ProofInvalid
from comity.identifiers import is_uuid7
from comity.v1 import events_pb2, ledger_pb2

__all__ = [
    "ADDRESSEE_ADDED",
    "DIRECTORY_CHANGED",
    "NEW_VERSION",
    "PUBLISHED",
    "ROSTER_CHANGED",
    "WITHDRAWN",
    "VerifiedEvent",
    "require_order",
    "verify_event",
    "verify_record",
]


@dataclass(frozen=True, slots=True)
class VerifiedEvent:
    """An event whose act is its signer's and in the ledger. `act` is None for the roster, for the
    directory, and where the entry says all.

    `originator` and `notice_id` name the notice that it is about; they are empty where it is about
    none, and the id also where a reviewer hears of a submission.
    """

    kind: events_pb2.EventKind.ValueType
    entry_index: int
    act: ParsedAct | None
    has_unknown_fields: bool
    message: events_pb2.Event
    originator: str = ""
    notice_id: str = ""

    @property
    def is_of_notice(self) -> bool:
        """Whether it tells something of a notice."""
        return bool(self.originator)


def require_order(events: Sequence[events_pb2.Event], *, first_index: int, next_index: int) -> None:
    """Requires that events rise through the entries of their window: none twice, none before.

    Raises: ProofInvalid.
    """
    expected = first_index
    for event in events:
        if event.leaf.entry_index < expected:
            raise ProofInvalid("The hub delivers events out of the order of the ledger.")
        expected = event.leaf.entry_index + 1
    if next_index < expected:
        raise ProofInvalid("The hub moves the place of a watch back.")


def verify_event(event: events_pb2.Event, trust: Trust) -> VerifiedEvent:
    """Verifies an event whose entries lie in a verified tree. From any thread.

    1. A roster event shows an entry that the roster is made of; one of the directory an entry that
       tells this reader something, judged by the roster that is known.
    2. What the hub did shows its own entry, of the change that the event says and no act; acts that
       the reader is not shown, an entry of their kind.
    3. Otherwise the act is of the kind that the event says, its entry commits to it, and it is
       signed for this hub by a key that was its signer's at that entry.
    4. The event lies at the act's entry; where the reader was added later, or the notice stands
       again, at an addressing or resumption by the originator; where reviewers let the version out,
       at the hub's entry that says so of it.
    5. What is the originator's or the asker's alone is told to this reader as such.

    Fields that this version does not know are shown and not refused: they are signed too.

    Raises: ComityError; then nothing of the event may be acted on.
    """
    if event.kind in (ROSTER_CHANGED, DIRECTORY_CHANGED):  # 1
        verify = _require_of_roster if event.kind == ROSTER_CHANGED else _require_told
        verify(event.leaf, trust)
        return VerifiedEvent(event.kind, event.leaf.entry_index, None, False, event)
    if event.kind in ACT_KINDS:  # 3
        verified = _verified_with_act(event, trust)
    else:  # 2
        verified = _verified_without_act(event, trust)
    _require_for_reader(verified, trust)  # 5
    return verified


def _require_of_roster(leaf: ledger_pb2.LedgerLeaf, trust: Trust) -> None:
    known = trust.roster_leaves.get(leaf.entry_index)
    if known is None or known.entry != leaf.entry:
        raise ProofInvalid("The hub shows a roster entry that the roster is not made of.")


def _require_told(leaf: ledger_pb2.LedgerLeaf, trust: Trust) -> None:
    entry = parse_entry(leaf.entry).directory
    if trust.reader is None or trust.reader not in entry.recipients:
        raise ProofInvalid("The event tells another agency something about the directory.")
    # What is shown as a command to type must be one, whatever the hub writes into its ledger.
    ids = [entry.authority_id, entry.contact_test_id, entry.report_id]
    if not is_uuid7(entry.authority_id) or not all(is_uuid7(each) for each in ids if each):
        raise ProofInvalid("The event names something of the directory by what is no id.")
    trust.require_roster_at(leaf.entry_index, entry.roster_entry)


def _verified_without_act(event: events_pb2.Event, trust: Trust) -> VerifiedEvent:
    index = event.leaf.entry_index
    if event.HasField("act"):
        raise ProofInvalid("The event shows an act where its kind has none.")
    if event.kind in UNSHOWN_ACTS:
        originator = require_act_entry(event.leaf, UNSHOWN_ACTS[event.kind])
        trust.require_roster_at(index, parse_entry(event.leaf.entry).acts.roster_entry)
        return VerifiedEvent(event.kind, index, None, False, event, originator)
    if event.kind not in CHANGES:
        raise ProofInvalid("The event is of a kind that this version does not know.")
    notice = verified_decision(event.leaf, trust)
    if notice.change != CHANGES[event.kind]:
        raise ProofInvalid("The hub's entry says something else than the event.")
    return VerifiedEvent(event.kind, index, None, False, event, notice.originator, notice.notice_id)


def _verified_with_act(event: events_pb2.Event, trust: Trust) -> VerifiedEvent:
    parsed = parse_act(event.act.envelope)
    is_first = event.kind == NEW_VERSION and parsed.act.version.notice.version < 2
    if parsed.kind != ACT_KINDS[event.kind] or is_first:
        raise ProofInvalid("The event shows an act of another kind than it says.")
    _require_place(event, parsed, trust)  # 4
    _require_resumption(event, parsed, trust)
    leaf = event.act.leaf if event.act.HasField("leaf") else event.leaf
    verify_recorded(parsed, event.act, leaf=leaf, trust=trust)
    return VerifiedEvent(
        event.kind,
        event.leaf.entry_index,
        parsed,
        has_unknown_fields(parsed.act),
        event,
        parsed.notice_originator,
        parsed.notice_id,
    )


def _require_place(event: events_pb2.Event, parsed: ParsedAct, trust: Trust) -> None:
    """Requires that an event lies where its kind says."""
    lies_elsewhere = event.act.HasField("leaf")
    if event.kind in PLACES and lies_elsewhere:
        if require_act_entry(event.leaf, PLACES[event.kind]) != parsed.originator:
            raise ProofInvalid("The event's entry is not an act by the originator.")
    elif event.kind in (PUBLISHED, NEW_VERSION) and lies_elsewhere:
        notice = verified_decision(event.leaf, trust)
        require_decision_of(notice, parsed.originator, parsed.notice_id)
        if (
            notice.change != ledger_pb2.NOTICE_CHANGE_PUBLISHED
            or notice.acts_entry != event.act.leaf.entry_index
        ):
            raise ProofInvalid("The hub's entry lets another version out than the event shows.")
    elif lies_elsewhere or event.kind in PLACES:
        raise ProofInvalid("The event lies elsewhere than its kind says.")


def _require_resumption(event: events_pb2.Event, parsed: ParsedAct, trust: Trust) -> None:
    """Requires that what stands again is what its originator has resumed, and nothing else."""
    if event.HasField("resumption") != (event.kind == RESUMED):
        raise ProofInvalid("The event shows a resumption where its kind has none, or none.")
    if event.kind != RESUMED:
        return
    resumption = parse_act(event.resumption.envelope)
    if resumption.kind != RESUMPTION:
        raise ProofInvalid("The event shows another act as the resumption.")
    verify_recorded(resumption, event.resumption, leaf=event.leaf, trust=trust)
    if (resumption.originator, resumption.notice_id) != (
        parsed.originator,
        parsed.notice_id,
    ) or resumption.body.version_digest != parsed.digest:
        raise ProofInvalid("The resumption is of another notice or version.")


def _require_for_reader(event: VerifiedEvent, trust: Trust) -> None:
    told = trust.reader
    if event.kind in FOR_THE_ORIGINATOR:
        told = None if trust.reader != event.originator else told
    elif event.act is not None and event.act.kind == RELEASE_DECISION:
        told = None if trust.reader != event.act.body.requested_by else told
    else:
        return
    if told is None:
        raise ProofInvalid("The event tells another agency what is not for it.")
