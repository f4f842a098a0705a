"""Verifies the whole ledger from its raw entries. Writes nothing.

Shares no code with appending but the hashes of leaf and node, so that a mistake there shows here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError
from sqlalchemy import func, select

from comity.acts import ADDRESSING, parse_act, verify_act
from comity.checkpoint import Checkpoint, origin_line
from comity.commitment import (
    verify_access_commitment,
    verify_addressing_commitment,
    verify_content_commitment,
    verify_officer_commitment,
)
from comity.errors import ComityError, LedgerForked
from comity.merkle import empty_root, leaf_hash, node_hash
from comity.roster import Roster
from comity.v1 import acts_pb2
from comity.v1.ledger_pb2 import (
    AccessEntry,
    ActsEntry,
    EpochEntry,
    LedgerEntry,
    NoticeEntry,
    OfficerEntry,
    RosterEntry,
)
from hub.store.access import list_access_records
from hub.store.acts import StoredAct, find_acts_at
from hub.store.audit_directory import DirectoryAudit
from hub.store.audit_erasure import ErasureAudit, require_kinds
from hub.store.database import Connection, Database
from hub.store.ledger import LedgerHead, StoredEntry, list_entries, load_head
from hub.store.officers import count_openings, find_opening
from hub.store.tables import acts, ledger_entries

PAGE_ENTRIES = 1_000  # a few megabytes at a time


@dataclass(slots=True)
class AuditReport:
    """What was verified."""

    origin: str = ""
    entries: int = 0
    acts: int = 0
    accesses: int = 0
    agencies: int = 0
    root: bytes = b""


@dataclass(slots=True)
class _Tree:
    """A stack of perfect subtrees, kept apart from the tree that appending keeps."""

    stack: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        self.stack.append((1, leaf))
        while len(self.stack) > 1 and self.stack[-1][0] == self.stack[-2][0]:
            width, right = self.stack.pop()
            _, left = self.stack.pop()
            self.stack.append((2 * width, node_hash(left, right)))

    def root(self) -> bytes:
        if not self.stack:
            return empty_root()
        value = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            value = node_hash(left, value)
        return value


async def audit_ledger(
    database: Database, *, hub_domain: str, handed_out: Sequence[Checkpoint] = ()
) -> AuditReport:
    """Verifies the ledger.

    1. Entries are numbered without gaps, and each leaf hash is that of the entry's bytes.
    2. Roster entries form one chain; epochs follow one another.
    3. Each act's envelope is signed by a key that was its originator's at that entry, and opens
       the entry's commitment; entries of acts have their acts, and acts their entries. What is
       erased is certified to be by a later entry.
    4. Each access entry's root is that over its records' commitments; each officer's entry commits
       to the officer that is kept for it; each entry on an authority to the version kept for it.
    5. The root over all leaves is the head's, and checkpoints handed out are of this tree.

    Raises: LedgerForked with what does not verify, and where; StoreUnavailable.
    """
    audit = _Audit(hub_domain, handed_out)
    # A hub that serves appends meanwhile: head, entries and counts have to be of one moment.
    async with database.snapshot() as connection:
        head = await load_head(connection)
        async for stored in _entries(connection, head.size):
            await audit.take(connection, stored)
        await audit.require_nothing_else(connection, head)
    audit.require_head(head)
    return audit.report


async def _entries(connection: Connection, size: int) -> AsyncIterator[StoredEntry]:
    for first in range(0, size, PAGE_ENTRIES):
        page = await list_entries(connection, first, limit=min(PAGE_ENTRIES, size - first))
        for stored in page:
            yield stored


class _Mismatch(Exception):
    """What is wrong with the entry at hand; whoever takes the entry says which one it is."""


class _Audit:
    def __init__(self, hub_domain: str, handed_out: Sequence[Checkpoint]) -> None:
        self.report = AuditReport()
        self._hub_domain = hub_domain
        # A hub that shows different histories may have signed several of one size.
        self._handed_out: dict[int, list[Checkpoint]] = defaultdict(list)
        for checkpoint in handed_out:
            self._handed_out[checkpoint.size].append(checkpoint)
        self._tree = _Tree()
        self._roster = Roster()
        self._epoch = 0
        self._officers = 0
        self._erasure = ErasureAudit()
        self._directory = DirectoryAudit()
        self._require_handed_out()

    async def take(self, connection: Connection, stored: StoredEntry) -> None:
        index = self.report.entries
        try:
            await self._take_entry(connection, index, stored)
        except _Mismatch as error:
            raise _broken(index, str(error)) from error
        except ComityError as error:
            raise _broken(index, error.message) from error
        except DecodeError as error:
            raise _broken(index, "what is stored of it does not parse") from error
        self._tree.add(stored.leaf_hash)
        self.report.entries += 1
        self._require_handed_out()

    async def _take_entry(self, connection: Connection, index: int, stored: StoredEntry) -> None:
        if stored.entry_index != index:
            raise _Mismatch("an entry is missing")
        if leaf_hash(stored.entry) != stored.leaf_hash:
            raise _Mismatch("the leaf hash is not that of the entry")
        entry = LedgerEntry.FromString(stored.entry)
        which = entry.WhichOneof("record")
        if which is None or LedgerEntry.DESCRIPTOR.fields_by_name[which].number != stored.record:
            raise _Mismatch("the entry records something else than its row says")
        await self._take_record(connection, index, entry)

    async def _take_record(self, connection: Connection, index: int, entry: LedgerEntry) -> None:
        if entry.HasField("acts"):
            await self._take_acts(connection, index, entry.acts)
        elif entry.HasField("roster"):
            self._take_roster(index, entry.roster)
        elif entry.HasField("access"):
            await self._take_access(connection, index, entry.access)
        elif entry.HasField("officer"):
            await self._take_officer(connection, index, entry.officer)
        elif entry.HasField("notice"):
            self._take_notice(index, entry.notice)
        elif entry.HasField("directory"):
            await self._directory.take(
                connection, index, entry.directory, roster_entry=self._roster.last_entry
            )
        else:
            self._take_epoch(index, entry.epoch)

    def _take_roster(self, index: int, entry: RosterEntry) -> None:
        self._roster.add_entry(index, entry)
        self.report.agencies = len(self._roster.agencies)

    def _take_notice(self, index: int, entry: NoticeEntry) -> None:
        if entry.roster_entry != self._roster.last_entry:
            raise _Mismatch("the entry was judged by another roster than the one before it")
        self._erasure.take_certificate(index, entry)

    def _take_epoch(self, index: int, entry: EpochEntry) -> None:
        if entry.epoch <= self._epoch or (not self._epoch and entry.epoch != 1):
            raise _Mismatch("the epoch does not follow the one before it")
        if entry.origin != origin_line(self._hub_domain, entry.epoch):
            raise _Mismatch("the epoch's origin is not its own")
        if self._epoch and entry.restored_size != index:
            raise _Mismatch("the epoch does not begin where it says")
        # A later one than the last here, where what was restored is older than an epoch.
        earlier = [origin_line(self._hub_domain, e) for e in range(self._epoch, entry.epoch)]
        if self._epoch and entry.previous_origin not in earlier:
            raise _Mismatch("the epoch does not follow the origin that it says")
        self._epoch, self.report.origin = entry.epoch, entry.origin

    async def _take_acts(self, connection: Connection, index: int, entry: ActsEntry) -> None:
        stored = (await find_acts_at(connection, [index]))[index]
        commitments = [c for c in (entry.content_commitment, entry.addressing_commitment) if c]
        if len(stored) != len(commitments):
            raise _Mismatch("the entry's acts are not those that it commits to")
        if entry.roster_entry != self._roster.last_entry:
            raise _Mismatch("the entry was judged by another roster than the one before it")
        require_kinds(entry, stored)
        self._erasure.take_acts(index, entry, stored)
        for act in stored:
            if act.envelope:
                self._verify_act(entry, act)
        self.report.acts += len(stored)

    def _verify_act(self, entry: ActsEntry, stored: StoredAct) -> None:
        parsed = parse_act(acts_pb2.Envelope.FromString(stored.envelope))
        originator = stored.originator
        if originator != entry.originator or parsed.digest != stored.digest:
            raise _Mismatch("an act is not the one that its row names")
        if (parsed.kind, parsed.act_id) != (stored.kind, stored.act_id):
            raise _Mismatch("an act is not the one that its row names")
        # Entries come in order, so the keys that are current now are those of this entry.
        keys = self._roster.signing_keys(originator)
        verify_act(parsed, hub_domain=self._hub_domain, originator=originator, keys=keys)
        if stored.salt is None:
            return  # The commitment stays, and opens to nothing: what is certified, or refused.
        if parsed.kind == ADDRESSING:
            verify_addressing_commitment(
                entry.addressing_commitment, payload_digest=parsed.digest, salt=stored.salt
            )
        else:
            verify_content_commitment(
                entry.content_commitment, payload_digest=parsed.digest, salt=stored.salt
            )

    async def _take_access(self, connection: Connection, index: int, entry: AccessEntry) -> None:
        records = await list_access_records(connection, index)
        tree = _Tree()
        for access in records:
            if access.record is not None and access.salt is not None:
                verify_access_commitment(access.commitment, record=access.record, salt=access.salt)
            tree.add(leaf_hash(access.commitment))
        if len(records) != entry.record_count or tree.root() != entry.root:
            raise _Mismatch("the access records are not those under the entry's root")
        self.report.accesses += len(records)

    async def _take_officer(self, connection: Connection, index: int, entry: OfficerEntry) -> None:
        opening = await find_opening(connection, index)
        if opening is None:
            raise _Mismatch("nothing is kept of whom the entry is about")
        if opening.salt is not None:
            verify_officer_commitment(
                entry.officer_commitment, officer_id=opening.officer_id, salt=opening.salt
            )
        if entry.roster_entry != self._roster.last_entry:
            raise _Mismatch("the entry was judged by another roster than the one before it")
        self._officers += 1

    def _require_handed_out(self) -> None:
        size = self.report.entries
        checkpoints = self._handed_out.pop(size, [])
        if any(checkpoint.root != self._tree.root() for checkpoint in checkpoints):
            raise LedgerForked(
                f"A checkpoint of size {size} that was handed out is of another tree."
            )

    async def require_nothing_else(self, connection: Connection, head: LedgerHead) -> None:
        """No entry beyond the head, no act without an entry of acts."""
        beyond = await connection.execute(
            select(func.count())
            .select_from(ledger_entries)
            .where(ledger_entries.c.entry_index >= head.size)
        )
        total = await connection.execute(select(func.count()).select_from(acts))
        first = self._erasure.first_uncertified()
        if first is not None:
            raise _broken(first, "its acts are gone, and nothing certifies that they were erased")
        if await count_openings(connection) != self._officers:
            raise LedgerForked("The database tells of officers that the ledger does not.")
        if beyond.scalar_one() or total.scalar_one() != self.report.acts:
            raise LedgerForked("The database holds entries or acts that the ledger does not.")
        await self._directory.require_nothing_else(connection)

    def require_head(self, head: LedgerHead) -> None:
        """The head is that of the entries."""
        self.report.root = self._tree.root()
        if self.report.entries != head.size or head.root() != self.report.root:
            raise LedgerForked("The head's root is not that of the entries.")
        if head.origin != self.report.origin or head.roster_entry != self._roster.last_entry:
            raise LedgerForked("The head names another epoch or roster than the entries do.")
        if self._handed_out:
            size = max(self._handed_out)
            raise LedgerForked(
                f"A checkpoint of size {size} was handed out; the ledger has {head.size} entries."
            )


def _broken(index: int, what: str) -> LedgerForked:
    return LedgerForked(f"Entry {index}: {what.rstrip('.')}.")
