"""What a client believes of a hub, and why: ledger keys, the last checkpoint, the roster.

Bytes in, verdicts out, no I/O. Whatever a hub says passes here or in `events.py` before anything
rests on it: a checkpoint that goes back or sideways, an entry that is not in the tree, a roster
with a gap are refused, whoever runs the hub.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from comity.checkpoint import Checkpoint, LedgerKey, open_checkpoint
from comity.errors import (
    ComityError,
    LedgerForked,
    LedgerRolledBack,
    ProofInvalid,
)
from comity.identity import AgencyId
from comity.keys import PublicKey
from comity.merkle import leaf_hash, verify_consistency, verify_members
from comity.roster import Roster
from comity.v1 import ledger_pb2

LEDGER_ENTRY_FORMAT = 1


@dataclass(frozen=True, slots=True)
class SeenCheckpoint(Checkpoint):
    """A verified checkpoint and the signed note that it came in: what the hub cannot deny."""

    note: bytes


class Trust:
    """A client's memory of a hub's ledger."""

    def __init__(
        self,
        hub_domain: str,
        *,
        ledger_keys: Sequence[LedgerKey],
        checkpoint: SeenCheckpoint | None = None,
        roster_leaves: Iterable[ledger_pb2.LedgerLeaf] = (),
        reader: AgencyId | None = None,
    ) -> None:
        self.hub_domain = hub_domain
        self.reader = reader  # whom the directory's events have to name; without one none is taken
        self.ledger_keys = list(ledger_keys)
        self.checkpoint = checkpoint
        self._lock = threading.Lock()  # events are verified beside the event loop
        self._set_roster(roster_leaves)

    @property
    def size(self) -> int:
        """How many entries the ledger had when last seen; 0 where it never was."""
        return 0 if self.checkpoint is None else self.checkpoint.size

    @property
    def origin(self) -> str:
        """The accepted origin."""
        return self.ledger_keys[-1].origin

    # --- checkpoints ------------------------------------------------------------------------------

    def open_note(self, note: bytes) -> SeenCheckpoint:
        """The checkpoint in a signed note of the accepted origin. Does not compare it.

        Raises: EpochChanged, CheckpointInvalid.
        """
        return open_note(note, self.ledger_keys[-1])

    def verify_leaves(
        self, checkpoint: Checkpoint, leaves: Iterable[ledger_pb2.LedgerLeaf], path: Sequence[bytes]
    ) -> None:
        """Verifies that entries lie in the tree of a checkpoint.

        Raises: ProofInvalid.
        """
        hashes: dict[int, bytes] = {}
        for leaf in leaves:
            value = leaf_hash(leaf.entry)
            # One index with two entries: only one of them could be the tree's.
            if hashes.setdefault(leaf.entry_index, value) != value:
                raise ProofInvalid("The hub shows two different entries at one place.")
        if hashes:
            verify_members(hashes, size=checkpoint.size, root=checkpoint.root, path=path)

    def advance(self, checkpoint: SeenCheckpoint, consistency_path: Sequence[bytes]) -> None:
        """Remembers a checkpoint that is not older than the last, once it is proven to go on.

        Raises: LedgerRolledBack, LedgerForked.
        """
        known = self.checkpoint
        if known is not None and checkpoint.size < known.size:
            raise LedgerRolledBack(
                f"The hub shows {checkpoint.size:,} entries and has shown {known.size:,} before: "
                "it was restored from a backup, or hides what happened since. Ask its "
                "administrators; take nothing from it until they have answered."
            )
        if known is not None:
            require_going_on(known, checkpoint, consistency_path)
        self.checkpoint = checkpoint

    def verify_earlier(self, checkpoint: Checkpoint, consistency_path: Sequence[bytes]) -> None:
        """Verifies that the remembered tree goes on from an earlier checkpoint.

        Raises: LedgerForked.
        """
        if self.checkpoint is not None:
            require_going_on(checkpoint, self.checkpoint, consistency_path)

    def begin_epoch(
        self,
        key: LedgerKey,
        checkpoint: SeenCheckpoint,
        roster_leaves: Iterable[ledger_pb2.LedgerLeaf],
    ) -> None:
        """Goes on under a new origin, with the roster as it was restored."""
        self.ledger_keys.append(key)
        self.checkpoint = checkpoint
        self._set_roster(roster_leaves)

    # --- the roster -------------------------------------------------------------------------------

    def _set_roster(self, leaves: Iterable[ledger_pb2.LedgerLeaf]) -> None:
        self.roster = Roster()
        self.roster_leaves: dict[int, ledger_pb2.LedgerLeaf] = {}
        self._roster_indices: list[int] = []
        self._periods: dict[AgencyId, list[int]] = {}
        self._keys: dict[tuple[AgencyId, int], Mapping[str, PublicKey]] = {}
        for leaf in leaves:
            self.add_roster_leaf(leaf)

    def add_roster_leaf(self, leaf: ledger_pb2.LedgerLeaf) -> None:
        """Takes the next roster entry, which lies in a verified tree.

        Raises: LedgerForked where one was left out; ProofInvalid where it is no roster entry.
        """
        entry = parse_entry(leaf.entry)
        if not entry.HasField("roster"):
            raise ProofInvalid("The hub shows something else as a roster entry.")
        with self._lock:
            try:
                self.roster.add_entry(leaf.entry_index, entry.roster)
            except (ComityError, KeyError) as error:
                raise LedgerForked(
                    f"The roster entry {leaf.entry_index} does not follow the one before it: the "
                    "hub leaves out or puts in entries of membership. Ask other members."
                ) from error
            self.roster_leaves[leaf.entry_index] = leaf
            self._roster_indices.append(leaf.entry_index)
            self._periods.clear()
            self._keys.clear()

    def require_roster_at(self, entry_index: int, roster_entry: int) -> None:
        """Requires that an entry was judged by the membership that is known here. From any thread.

        Raises: LedgerForked where a roster entry was kept back from this reader, or from others.
        """
        with self._lock:
            place = bisect_left(self._roster_indices, entry_index)
            known = self._roster_indices[place - 1] if place else None
        if known != roster_entry:
            raise LedgerForked(
                f"Entry {entry_index} rests on the roster entry {roster_entry}, and the last one "
                f"before it that the hub shows is {known}: it keeps back changes of membership or "
                "keys. Take nothing from it and ask other members."
            )

    def signing_keys_at(self, originator: AgencyId, entry_index: int) -> Mapping[str, PublicKey]:
        """An agency's signing keys that were valid at an entry, by key id. From any thread.

        Looked up once for every period between two changes of the agency's keys.
        """
        with self._lock:
            periods = self._periods.get(originator)
            if periods is None:
                periods = self._periods[originator] = self._key_changes(originator)
            period = bisect_right(periods, entry_index)
            keys = self._keys.get((originator, period))
            if keys is None:
                keys = self.roster.signing_keys_at(originator, entry_index)
                self._keys[originator, period] = keys
            return keys

    def _key_changes(self, originator: AgencyId) -> list[int]:
        records = self.roster.keys_of(originator)
        ends = {record.ended_entry for record in records if record.ended_entry is not None}
        return sorted(ends | {record.first_entry for record in records})


def open_note(note: bytes, key: LedgerKey) -> SeenCheckpoint:
    """The checkpoint in a signed note, verified by one key.

    Raises: EpochChanged, CheckpointInvalid.
    """
    checkpoint = open_checkpoint(note, key)
    return SeenCheckpoint(checkpoint.origin, checkpoint.size, checkpoint.root, note)


def require_going_on(
    older: Checkpoint, newer: Checkpoint, consistency_path: Sequence[bytes]
) -> None:
    """Requires that a newer tree begins with an older one.

    Raises: LedgerForked.
    """
    if older.size == 0:
        return  # Every tree goes on from the empty one, and RFC 9162 has no proof of that.
    try:
        verify_consistency(
            from_size=older.size,
            from_root=older.root,
            to_size=newer.size,
            to_root=newer.root,
            path=consistency_path if newer.size > older.size else (),
        )
    except ProofInvalid as error:
        raise LedgerForked(
            f"What the hub shows now does not go on from the {older.size:,} entries that it has "
            "shown before: history was changed, or different members are shown different "
            "histories. Keep the inbox as it is and ask other members."
        ) from error


def parse_entry(entry: bytes) -> ledger_pb2.LedgerEntry:
    """The entry in a leaf's bytes.

    Raises: ProofInvalid.
    """
    try:
        message = ledger_pb2.LedgerEntry.FromString(entry)
    except DecodeError as error:
        raise ProofInvalid("An entry of the ledger does not parse.") from error
    if message.format != LEDGER_ENTRY_FORMAT:
        raise ProofInvalid("An entry of the ledger is of a format that this version does not know.")
    return message
