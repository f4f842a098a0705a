"""What a client believes of a hub, and why: ledger keys, the last checkpoint, the roster.

Bytes in, verdicts out, no I/O. Whatever a hub says passes here before anything rests on it: a
checkpoint that goes back or sideways, an entry that is not in the tree, an act that its originator
did not sign are all refused, whoever runs the hub.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from comity.acts import (
    ADDRESSING,
    VERSION,
    WITHDRAWAL,
    ParsedAct,
    has_unknown_fields,
    parse_act,
    verify_act,
)
from comity.checkpoint import Checkpoint, LedgerKey, open_checkpoint
from comity.commitment import verify_addressing_commitment, verify_content_commitment
from comity.errors import LedgerForked, LedgerRolledBack, MalformedInput, ProofInvalid
from comity.identity import AgencyId
from comity.merkle import leaf_hash, verify_consistency, verify_members
from comity.roster import Roster
from comity.v1 import acts_pb2, events_pb2, ledger_pb2

_EVENT_ACTS = {
    events_pb2.EVENT_KIND_PUBLISHED: VERSION,
    events_pb2.EVENT_KIND_NEW_VERSION: VERSION,
    events_pb2.EVENT_KIND_ADDRESSEE_ADDED: VERSION,
    events_pb2.EVENT_KIND_WITHDRAWN: WITHDRAWAL,
}


@dataclass(frozen=True, slots=True)
class VerifiedEvent:
    """An event whose act is its originator's and lies in the ledger. `act` is None for the roster."""

    kind: events_pb2.EventKind.ValueType
    entry_index: int
    act: ParsedAct | None
    has_unknown_fields: bool
    message: events_pb2.Event


class Trust:
    """A client's memory of a hub's ledger."""

    def __init__(
        self,
        hub_domain: str,
        *,
        ledger_keys: Sequence[LedgerKey],
        checkpoint: Checkpoint | None = None,
        roster_leaves: Iterable[ledger_pb2.LedgerLeaf] = (),
    ) -> None:
        self.hub_domain = hub_domain
        self.ledger_keys = list(ledger_keys)
        self.checkpoint = checkpoint
        self.roster = Roster()
        for leaf in roster_leaves:
            self.add_roster_leaf(leaf)

    @property
    def size(self) -> int:
        """How many entries the ledger had when last seen; 0 where it never was."""
        return 0 if self.checkpoint is None else self.checkpoint.size

    @property
    def origin(self) -> str:
        """The accepted origin."""
        return self.ledger_keys[-1].origin

    def open_note(self, note: bytes) -> Checkpoint:
        """The checkpoint in a signed note of the accepted origin. Does not compare it.

        Raises: EpochChanged, CheckpointInvalid.
        """
        return open_checkpoint(note, self.ledger_keys[-1])

    def verify_leaves(
        self, checkpoint: Checkpoint, leaves: Iterable[ledger_pb2.LedgerLeaf], path: Sequence[bytes]
    ) -> None:
        """Verifies that entries lie in the tree of a checkpoint.

        Raises: ProofInvalid.
        """
        hashes = {leaf.entry_index: leaf_hash(leaf.entry) for leaf in leaves}
        if hashes:
            verify_members(hashes, size=checkpoint.size, root=checkpoint.root, path=path)

    def advance(self, checkpoint: Checkpoint, consistency_path: Sequence[bytes]) -> None:
        """Remembers a checkpoint that is not older than the last, once it is proven to go on.

        Raises: LedgerRolledBack, LedgerForked.
        """
        known = self.checkpoint
        if known is None:
            self.checkpoint = checkpoint
            return
        if checkpoint.size < known.size:
            raise LedgerRolledBack(
                f"The hub shows {checkpoint.size:,} entries and has shown {known.size:,} before: it "
                "was restored from a backup, or hides what happened since. Ask its administrators."
            )
        if checkpoint.size == known.size:
            if checkpoint.root != known.root:
                raise _forked(known)
            return
        try:
            verify_consistency(
                from_size=known.size,
                from_root=known.root,
                to_size=checkpoint.size,
                to_root=checkpoint.root,
                path=consistency_path,
            )
        except ProofInvalid as error:
            raise _forked(known) from error
        self.checkpoint = checkpoint

    def verify_earlier(self, checkpoint: Checkpoint, consistency_path: Sequence[bytes]) -> None:
        """Verifies that the remembered tree goes on from an earlier checkpoint.

        Raises: LedgerForked.
        """
        known = self.checkpoint
        if known is None:
            return
        try:
            verify_consistency(
                from_size=checkpoint.size,
                from_root=checkpoint.root,
                to_size=known.size,
                to_root=known.root,
                path=consistency_path,
            )
        except ProofInvalid as error:
            raise _forked(known) from error

    def add_roster_leaf(self, leaf: ledger_pb2.LedgerLeaf) -> None:
        """Takes the next roster entry, which lies in a verified tree.

        Raises: LedgerForked where one was left out; ProofInvalid where it is no roster entry.
        """
        entry = _parse_entry(leaf.entry)
        if not entry.HasField("roster"):
            raise ProofInvalid("The hub shows something else as a roster entry.")
        self.roster.add_entry(leaf.entry_index, entry.roster)

    def verify_event(self, event: events_pb2.Event) -> VerifiedEvent:
        """Verifies an event whose entries lie in a verified tree.

        1. A roster event shows a roster entry that the roster has.
        2. Otherwise the act is of the kind that the event says.
        3. Its entry is of that kind, and commits to the act.
        4. The act is signed for this hub by a key that was its originator's at that entry.
        5. Where the reader was added later, the event's own entry is an addressing by the originator.

        Raises: any ComityError; then nothing of the event may be acted on.
        """
        index = event.leaf.entry_index
        if event.kind == events_pb2.EVENT_KIND_ROSTER_CHANGED:  # 1
            entry = _parse_entry(event.leaf.entry)
            if not entry.HasField("roster") or index > (self.roster.last_entry or 0):
                raise ProofInvalid("The hub shows a roster entry that the roster does not have.")
            return VerifiedEvent(event.kind, index, None, False, event)
        parsed = parse_act(event.act.envelope)  # 2
        if parsed.kind != _EVENT_ACTS.get(event.kind) or not _fits_version(event.kind, parsed):
            raise MalformedInput("The event shows an act of another kind than it says.")
        leaf = event.act.leaf if event.act.HasField("leaf") else event.leaf
        self.verify_act_at(parsed, leaf, event.act.content_salt)  # 3, 4
        if event.act.HasField("leaf"):  # 5
            added = _parse_entry(event.leaf.entry).acts
            if added.kind != ADDRESSING or added.originator != parsed.originator:
                raise ProofInvalid("The event's entry is not an addressing by the originator.")
        return VerifiedEvent(event.kind, index, parsed, has_unknown_fields(parsed.act), event)

    def verify_record(self, record: events_pb2.NoticeRecord) -> None:
        """Verifies the acts of a notice whose entries lie in a verified tree.

        1. The version is signed by its originator and recorded at its entry.
        2. A withdrawal likewise, and it withdraws this version of this notice.
        3. An addressing, which only the originator is shown, is of this notice and is committed to.

        Raises: any ComityError; then nothing of the notice may be acted on.
        """
        version = parse_act(record.version.envelope)  # 1
        self.verify_act_at(version, record.version.leaf, record.version.content_salt)
        if record.HasField("withdrawal"):  # 2
            withdrawal = parse_act(record.withdrawal.envelope)
            self.verify_act_at(withdrawal, record.withdrawal.leaf, record.withdrawal.content_salt)
            if (withdrawal.originator, withdrawal.act.withdrawal.version_digest) != (
                version.originator,
                version.digest,
            ):
                raise ProofInvalid("The withdrawal is of another version.")
        if record.HasField("addressing"):  # 3
            self._verify_addressing(record.addressing, version)

    def _verify_addressing(self, record: events_pb2.ActRecord, version: ParsedAct) -> None:
        parsed = parse_act(record.envelope)
        entry = _parse_entry(record.leaf.entry).acts
        if parsed.notice_id != version.notice_id:
            raise ProofInvalid("The addressing is of another notice.")
        verify_addressing_commitment(
            entry.addressing_commitment, payload_digest=parsed.digest, salt=record.addressing_salt
        )
        keys = self.roster.signing_keys_at(version.originator, record.leaf.entry_index)
        verify_act(parsed, hub_domain=self.hub_domain, originator=version.originator, keys=keys)

    def verify_act_at(
        self, parsed: ParsedAct, leaf: ledger_pb2.LedgerLeaf, content_salt: bytes
    ) -> None:
        """Verifies that an entry records a version or withdrawal, and that its originator signed it.

        Raises: ProofInvalid, WrongHub, WrongOriginator, SigningKeyUnknown, SignatureInvalid.
        """
        entry = _parse_entry(leaf.entry).acts
        if entry.kind != parsed.kind:
            raise ProofInvalid("The entry records another kind of act.")
        verify_content_commitment(
            entry.content_commitment, payload_digest=parsed.digest, salt=content_salt
        )
        originator = AgencyId(entry.originator)
        keys = self.roster.signing_keys_at(originator, leaf.entry_index)
        verify_act(parsed, hub_domain=self.hub_domain, originator=originator, keys=keys)


def _fits_version(kind: events_pb2.EventKind.ValueType, parsed: ParsedAct) -> bool:
    version = parsed.act.version.notice.version
    if kind == events_pb2.EVENT_KIND_PUBLISHED:
        return version == 1
    return kind != events_pb2.EVENT_KIND_NEW_VERSION or version > 1


def _forked(known: Checkpoint) -> LedgerForked:
    return LedgerForked(
        f"What the hub shows now does not go on from the {known.size:,} entries that it has shown "
        "before: history was changed, or it shows different members different histories. Keep the "
        "inbox as it is and ask other members."
    )


def _parse_entry(entry: bytes) -> ledger_pb2.LedgerEntry:
    try:
        message = ledger_pb2.LedgerEntry.FromString(entry)
    except DecodeError as error:
        raise ProofInvalid("An entry of the ledger does not parse.") from error
    if message.format != 1:
        raise ProofInvalid("An entry of the ledger is of a format that this version does not know.")
    return message


def digest_of_version(envelope: acts_pb2.Envelope) -> bytes:
    """The digest by which a later act names a version: SHA-256 of its payload."""
    return hashlib.sha256(envelope.payload).digest()
