"""One transaction of the ledger writer: what use cases append to, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from comity.commitment import access_commitment
from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.identity import AgencyId
from comity.merkle import (
    LeafRange,
    NodeKey,
    RightEdge,
    inclusion_ranges,
    leaf_hash,
    proof_hashes,
    root_from_leaf_hashes,
)
from comity.times import microseconds_from
from comity.v1.events_pb2 import EVENT_KIND_DIRECTORY_CHANGED
from comity.v1.ledger_pb2 import (
    AccessEntry,
    AccessRecord,
    ActsEntry,
    DirectoryEntry,
    EpochEntry,
    LedgerEntry,
    NoticeEntry,
    OfficerEntry,
    RosterEntry,
)
from comity.v1.notices_pb2 import TRAFFIC_LIVE
from hub.store.access import StoredAccess, insert_access_records
from hub.store.audiences import Audience, audience_of, insert_missing_audiences
from hub.store.database import Connection
from hub.store.events import StoredEvent, insert_events
from hub.store.ledger import LedgerHead, StoredEntry, insert_entries, insert_nodes, update_head
from hub.store.notifications import notify

ENTRY_FORMAT = 1
SALT_BYTES = 32
STORED_LEVEL_STEP = 8  # one stored node in 256 entries; what lies between is recomputed from a tile


@dataclass(frozen=True, slots=True)
class CommittedBatch:
    """What a transaction appended, and the head after it.

    `nodes` holds what inclusion proofs of the new entries at the new size need: the right edge from
    before and every subtree completed since, by (level, index).
    """

    entries: Sequence[StoredEntry]
    events: Sequence[StoredEvent]
    head: LedgerHead
    nodes: Mapping[NodeKey, bytes]
    # Hashes of ranges that several proofs over this batch share.
    ranges: dict[LeafRange, bytes] = field(default_factory=dict)

    def inclusion_path(self, index: int) -> list[bytes]:
        """The inclusion path of one of the batch's entries in the tree after it."""
        path = []
        for leaves in inclusion_ranges(index, self.head.size):
            known = self.ranges.get(leaves)
            if known is None:
                [known] = proof_hashes([leaves], self.nodes)
                self.ranges[leaves] = known
            path.append(known)
        return path

    @property
    def first_index(self) -> int:
        return self.head.size - len(self.entries)


class LedgerTransaction:
    """Collects the entries of one transaction. Holds the lock on the ledger's head."""

    def __init__(
        self,
        connection: Connection,
        *,
        head: LedgerHead,
        now: datetime,
        token_bytes: Callable[[int], bytes],
    ) -> None:
        self.connection = connection
        self.head = head
        self.now = now
        self._token_bytes = token_bytes
        self._entries: list[StoredEntry] = []
        self._events: list[StoredEvent] = []
        self._accesses: list[AccessRecord] = []
        self._audiences: list[Audience] = []
        # The roster entries appended here, which no roster read from the store knows yet.
        self.roster_changes: list[tuple[int, RosterEntry]] = []

    def new_salt(self) -> bytes:
        """A fresh salt for a commitment."""
        return self._token_bytes(SALT_BYTES)

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return uuid7_from(self.now, self._token_bytes(UUID7_RANDOM_BYTES))

    def draw_percent(self) -> float:
        """A number from 0 up to 100, by chance."""
        return int.from_bytes(self._token_bytes(4), "big") / 2**32 * 100

    @property
    def next_index(self) -> int:
        """The index that the next entry will have."""
        return self.head.size + len(self._entries)

    def append_acts(self, entry: ActsEntry) -> int:
        """Appends an entry for acts and gives its index."""
        return self._append(LedgerEntry(acts=entry), LedgerEntry.ACTS_FIELD_NUMBER)

    def append_roster(self, entry: RosterEntry) -> int:
        """Appends a roster entry behind the last one, as an event for everybody."""
        if self.head.roster_entry is not None:
            entry.predecessor = self.head.roster_entry
        index = self._append(LedgerEntry(roster=entry), LedgerEntry.ROSTER_FIELD_NUMBER)
        self.head = replace(self.head, roster_entry=index)
        self.roster_changes.append((index, entry))
        return index

    def append_officer(self, entry: OfficerEntry) -> int:
        """Appends an entry on an officer's roles or standing."""
        return self._append(LedgerEntry(officer=entry), LedgerEntry.OFFICER_FIELD_NUMBER)

    def append_directory(self, entry: DirectoryEntry) -> int:
        """Appends an entry on the directory of authorities, as an event for whom it tells."""
        index = self._append(LedgerEntry(directory=entry), LedgerEntry.DIRECTORY_FIELD_NUMBER)
        if entry.recipients:
            audience = audience_of(frozenset(AgencyId(each) for each in entry.recipients))
            self._audiences.append(audience)
            self.add_event(_directory_event(index, audience))
        return index

    def append_notice(self, entry: NoticeEntry) -> int:
        """Appends what the hub did about a notice. Its event is the caller's to add."""
        return self._append(LedgerEntry(notice=entry), LedgerEntry.NOTICE_FIELD_NUMBER)

    def append_epoch(self, entry: EpochEntry) -> int:
        """Appends the entry that begins an epoch; from here on its origin is the ledger's."""
        self.head = replace(self.head, epoch=entry.epoch, origin=entry.origin)
        return self._append(LedgerEntry(epoch=entry), LedgerEntry.EPOCH_FIELD_NUMBER)

    def add_event(self, event: StoredEvent) -> None:
        """Lets watches deliver what an appended entry records."""
        self._events.append(event)

    def add_access(self, record: AccessRecord) -> None:
        """Takes an access record; all of a transaction share one access entry."""
        record.format = ENTRY_FORMAT
        record.accessed_at.FromMicroseconds(microseconds_from(self.now))
        self._accesses.append(record)

    def _append(self, entry: LedgerEntry, record: int) -> int:
        entry.format = ENTRY_FORMAT
        entry.recorded_at.FromMicroseconds(microseconds_from(self.now))
        stored = entry.SerializeToString(deterministic=True)
        index = self.next_index
        self._entries.append(StoredEntry(index, record, leaf_hash(stored), stored))
        return index

    async def write_entries(self) -> CommittedBatch:
        """Writes everything that was appended, and the head. Called once, at the end."""
        await self._write_accesses()
        if not self._entries:
            return CommittedBatch((), (), self.head, {})
        edge = RightEdge.from_bytes(self.head.edge)
        nodes: dict[NodeKey, bytes] = dict(edge.nodes())
        completed = edge.append([entry.leaf_hash for entry in self._entries])
        nodes.update(completed)
        await insert_missing_audiences(self.connection, self._audiences, known=set())
        await insert_entries(self.connection, self._entries)
        await insert_events(self.connection, self._events)
        await insert_nodes(
            self.connection,
            [
                (level, index, node)
                for (level, index), node in completed.items()
                if level and level % STORED_LEVEL_STEP == 0
            ],
        )
        self.head = replace(self.head, size=edge.size, edge=edge.to_bytes())
        await update_head(self.connection, self.head)
        await notify(self.connection)
        return CommittedBatch(self._entries, self._events, self.head, nodes)

    async def _write_accesses(self) -> None:
        if not self._accesses:
            return
        stored = [
            self._stored_access(number, record) for number, record in enumerate(self._accesses)
        ]
        root = root_from_leaf_hashes([leaf_hash(access.commitment) for access in stored])
        entry = AccessEntry(root=root, record_count=len(stored))
        self._append(LedgerEntry(access=entry), LedgerEntry.ACCESS_FIELD_NUMBER)
        await insert_access_records(self.connection, stored)

    def _stored_access(self, number: int, record: AccessRecord) -> StoredAccess:
        record_bytes = record.SerializeToString(deterministic=True)
        salt = self.new_salt()
        return StoredAccess(
            entry_index=self.next_index,
            leaf_index=number,
            accessed_at=microseconds_from(self.now),
            agency_id=AgencyId(record.agency_id),
            record=record_bytes,
            salt=salt,
            commitment=access_commitment(record_bytes, salt),
        )


def _directory_event(entry_index: int, audience: Audience) -> StoredEvent:
    """Of no originator: who has caused it may be told as well."""
    return StoredEvent(
        entry_index=entry_index,
        kind=EVENT_KIND_DIRECTORY_CHANGED,
        originator=AgencyId(""),
        notice_id="",
        notice_kind=0,
        traffic=TRAFFIC_LIVE,
        urgency=0,
        audience=audience.key,
        act_entry=entry_index,
    )
