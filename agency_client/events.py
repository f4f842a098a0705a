"""Whether what a hub shows of a notice is its originator's, signed then, and in the ledger.

Rests on `Trust`: the entries have been proven to lie in the tree, the roster says whose keys were
valid where. No I/O. Never repairs anything: what does not verify is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agency_client.trust import Trust, parse_entry
from comity.acts import (
    ADDRESSING,
    VERSION,
    WITHDRAWAL,
    ParsedAct,
    has_unknown_fields,
    parse_act,
    verify_act,
)
from comity.commitment import verify_addressing_commitment, verify_content_commitment
from comity.errors import ProofInvalid
from comity.identifiers import is_uuid7
from comity.identity import AgencyId
from comity.v1 import events_pb2, ledger_pb2

PUBLISHED = events_pb2.EVENT_KIND_PUBLISHED
NEW_VERSION = events_pb2.EVENT_KIND_NEW_VERSION
WITHDRAWN = events_pb2.EVENT_KIND_WITHDRAWN
ADDRESSEE_ADDED = events_pb2.EVENT_KIND_ADDRESSEE_ADDED
ROSTER_CHANGED = events_pb2.EVENT_KIND_ROSTER_CHANGED
DIRECTORY_CHANGED = events_pb2.EVENT_KIND_DIRECTORY_CHANGED

_EVENT_ACTS = {
    PUBLISHED: VERSION,
    NEW_VERSION: VERSION,
    ADDRESSEE_ADDED: VERSION,
    WITHDRAWN: WITHDRAWAL,
}


@dataclass(frozen=True, slots=True)
class VerifiedEvent:
    """An event whose act is its originator's and in the ledger. `act` is None for the roster and
    for the directory."""

    kind: events_pb2.EventKind.ValueType
    entry_index: int
    act: ParsedAct | None
    has_unknown_fields: bool
    message: events_pb2.Event


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
    2. Otherwise the act is of the kind that the event says.
    3. Its entry is of that kind, and commits to the act.
    4. The act is signed for this hub by a key that was its originator's at that entry, and the
       roster that says so is the one that the hub judged it by.
    5. Where the reader was added later, the event's own entry is an addressing by the originator;
       otherwise the event lies at the act's entry.

    Fields that this version does not know are shown and not refused: they are signed too.

    Raises: ComityError; then nothing of the event may be acted on.
    """
    index = event.leaf.entry_index
    if event.kind == ROSTER_CHANGED:  # 1
        known = trust.roster_leaves.get(index)
        if known is None or known.entry != event.leaf.entry:
            raise ProofInvalid("The hub shows a roster entry that the roster is not made of.")
        return VerifiedEvent(event.kind, index, None, False, event)
    if event.kind == DIRECTORY_CHANGED:
        _require_told(event.leaf, trust)
        return VerifiedEvent(event.kind, index, None, False, event)
    if event.kind not in _EVENT_ACTS:  # 2
        raise ProofInvalid("The event is of a kind that this version does not know.")
    parsed = parse_act(event.act.envelope)
    if parsed.kind != _EVENT_ACTS[event.kind] or not _fits_version(event.kind, parsed):
        raise ProofInvalid("The event shows an act of another kind than it says.")
    was_added = event.kind == ADDRESSEE_ADDED
    if event.act.HasField("leaf") != was_added:  # 5
        raise ProofInvalid("The event lies elsewhere than its kind says.")
    if was_added:
        _require_addressing_entry(event.leaf, parsed.originator)
    leaf = event.act.leaf if was_added else event.leaf
    _verify_content(parsed, trust=trust, leaf=leaf, content_salt=event.act.content_salt)  # 3, 4
    return VerifiedEvent(event.kind, index, parsed, has_unknown_fields(parsed.act), event)


def _require_told(leaf: ledger_pb2.LedgerLeaf, trust: Trust) -> None:
    entry = parse_entry(leaf.entry).directory
    if trust.reader is None or trust.reader not in entry.recipients:
        raise ProofInvalid("The event tells another agency something about the directory.")
    # What is shown as a command to type must be one, whatever the hub writes into its ledger.
    ids = [entry.authority_id, entry.contact_test_id, entry.report_id]
    if not is_uuid7(entry.authority_id) or not all(is_uuid7(each) for each in ids if each):
        raise ProofInvalid("The event names something of the directory by what is no id.")
    trust.require_roster_at(leaf.entry_index, entry.roster_entry)


def _fits_version(kind: events_pb2.EventKind.ValueType, parsed: ParsedAct) -> bool:
    version = parsed.act.version.notice.version
    if kind == PUBLISHED:
        return version == 1
    return kind != NEW_VERSION or version > 1


def _require_addressing_entry(leaf: ledger_pb2.LedgerLeaf, originator: AgencyId) -> None:
    entry = parse_entry(leaf.entry).acts
    if entry.kind != ADDRESSING or entry.originator != originator:
        raise ProofInvalid("The event's entry is not an addressing by the originator.")


def verify_record(record: events_pb2.NoticeRecord, trust: Trust) -> ParsedAct:
    """Verifies a notice whose entries lie in a verified tree; gives its version.

    1. The version is recorded at its entry and signed by its originator.
    2. A withdrawal likewise, and it withdraws this version of this notice; the state says so.
    3. An addressing, which only the originator is shown, is of this notice and is committed to.

    Raises: ComityError; then nothing of the notice may be acted on.
    """
    version = parse_act(record.version.envelope)  # 1
    if version.kind != VERSION:
        raise ProofInvalid("The hub shows another act as the version of a notice.")
    _verify_shown(record.version, version, trust)
    is_withdrawn = record.state == events_pb2.NOTICE_STATE_WITHDRAWN
    if record.HasField("withdrawal") != is_withdrawn:  # 2
        raise ProofInvalid("The state of the notice is not what its acts say.")
    if is_withdrawn:
        withdrawal = parse_act(record.withdrawal.envelope)
        _verify_shown(record.withdrawal, withdrawal, trust)
        _require_withdrawal_of(withdrawal, version)
    if record.HasField("addressing"):  # 3
        _verify_addressing(record.addressing, version, trust)
    return version


def _verify_shown(record: events_pb2.ActRecord, parsed: ParsedAct, trust: Trust) -> None:
    _verify_content(parsed, trust=trust, leaf=record.leaf, content_salt=record.content_salt)


def _require_withdrawal_of(withdrawal: ParsedAct, version: ParsedAct) -> None:
    if (
        withdrawal.kind != WITHDRAWAL
        or withdrawal.originator != version.originator
        or withdrawal.notice_id != version.notice_id
        or withdrawal.act.withdrawal.version_digest != version.digest
    ):
        raise ProofInvalid("The withdrawal is of another notice or version.")


def _verify_addressing(record: events_pb2.ActRecord, version: ParsedAct, trust: Trust) -> None:
    parsed = parse_act(record.envelope)
    if parsed.kind != ADDRESSING or parsed.notice_id != version.notice_id:
        raise ProofInvalid("The addressing is of another notice.")
    entry = parse_entry(record.leaf.entry).acts
    verify_addressing_commitment(
        entry.addressing_commitment, payload_digest=parsed.digest, salt=record.addressing_salt
    )
    if entry.originator != version.originator:
        raise ProofInvalid("The addressing is another agency's.")
    _verify_signed(parsed, entry, trust, record.leaf.entry_index)


def _verify_content(
    parsed: ParsedAct, *, trust: Trust, leaf: ledger_pb2.LedgerLeaf, content_salt: bytes
) -> None:
    """Verifies that an entry records a version or withdrawal, and that its originator signed it."""
    entry = parse_entry(leaf.entry).acts
    if entry.kind != parsed.kind:
        raise ProofInvalid("The entry records another kind of act.")
    verify_content_commitment(
        entry.content_commitment, payload_digest=parsed.digest, salt=content_salt
    )
    _verify_signed(parsed, entry, trust, leaf.entry_index)


def _verify_signed(
    parsed: ParsedAct, entry: ledger_pb2.ActsEntry, trust: Trust, entry_index: int
) -> None:
    trust.require_roster_at(entry_index, entry.roster_entry)
    originator = AgencyId(entry.originator)
    keys = trust.signing_keys_at(originator, entry_index)
    verify_act(parsed, hub_domain=trust.hub_domain, originator=originator, keys=keys)
