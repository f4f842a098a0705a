"""The ledger's tables: head, entries and tree nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Executable, insert, select, update

from comity.merkle import RightEdge
from comity.v1.ledger_pb2 import LedgerEntry, RosterEntry
from hub.store.database import Connection, InlineConnection
from hub.store.rows import insert_rows
from hub.store.tables import ledger_entries, ledger_head, ledger_nodes

ACTS_RECORD = LedgerEntry.ACTS_FIELD_NUMBER
ROSTER_RECORD = LedgerEntry.ROSTER_FIELD_NUMBER
ACCESS_RECORD = LedgerEntry.ACCESS_FIELD_NUMBER
EPOCH_RECORD = LedgerEntry.EPOCH_FIELD_NUMBER
OFFICER_RECORD = LedgerEntry.OFFICER_FIELD_NUMBER
DIRECTORY_RECORD = LedgerEntry.DIRECTORY_FIELD_NUMBER
NOTICE_RECORD = LedgerEntry.NOTICE_FIELD_NUMBER

# Entries whose bytes every member may read.
PUBLIC_RECORDS = (ROSTER_RECORD, ACCESS_RECORD, EPOCH_RECORD)

_SELECT_HEAD = "SELECT size, edge, roster_entry, epoch, origin FROM ledger_head"


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The committed head: everything that appending, signing and membership start from."""

    size: int
    edge: bytes
    roster_entry: int | None
    epoch: int
    origin: str

    def root(self) -> bytes:
        """The tree's root hash."""
        return RightEdge.from_bytes(self.edge).root()


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it lies in the ledger."""

    entry_index: int
    record: int
    leaf_hash: bytes
    entry: bytes


async def add_head(connection: Connection, head: LedgerHead) -> None:
    """Writes the head row of a ledger that has none."""
    await connection.execute(
        insert(ledger_head).values(
            head_id=1,
            size=head.size,
            edge=head.edge,
            roster_entry=head.roster_entry,
            epoch=head.epoch,
            origin=head.origin,
        )
    )


async def lock_head(connection: Connection) -> LedgerHead:
    """The head under its row lock, which orders all writing; on SQLite BEGIN IMMEDIATE locks."""
    if isinstance(connection, InlineConnection):
        [row] = connection.execute_driver(_SELECT_HEAD, ())
        return LedgerHead(*row)
    return await _select_head(connection, select(ledger_head).with_for_update())


async def load_head(connection: Connection) -> LedgerHead:
    """The head as committed."""
    return await _select_head(connection, select(ledger_head))


async def _select_head(connection: Connection, statement: Executable) -> LedgerHead:
    row = (await connection.execute(statement)).one()
    return LedgerHead(row.size, row.edge, row.roster_entry, row.epoch, row.origin)


async def update_head(connection: Connection, head: LedgerHead) -> None:
    """Writes the head after appending."""
    await connection.execute(
        update(ledger_head).values(
            size=head.size,
            edge=head.edge,
            roster_entry=head.roster_entry,
            epoch=head.epoch,
            origin=head.origin,
        )
    )


async def insert_entries(connection: Connection, entries: Sequence[StoredEntry]) -> None:
    """Adds entries at the end."""
    await insert_rows(connection, ledger_entries, entries)


async def insert_nodes(connection: Connection, nodes: Sequence[tuple[int, int, bytes]]) -> None:
    """Adds the hashes of completed subtrees as (level, index, hash)."""
    if nodes:
        await connection.execute(
            insert(ledger_nodes),
            [{"level": n[0], "node_index": n[1], "hash": n[2]} for n in nodes],
        )


async def list_leaf_hashes(connection: Connection, first_index: int, *, limit: int) -> list[bytes]:
    """Leaf hashes from an index on, in order."""
    statement = (
        select(ledger_entries.c.leaf_hash)
        .where(ledger_entries.c.entry_index >= first_index)
        .where(ledger_entries.c.entry_index < first_index + limit)
        .order_by(ledger_entries.c.entry_index)
    )
    return list((await connection.execute(statement)).scalars())


async def list_nodes(
    connection: Connection, level: int, *, first_index: int, limit: int
) -> list[bytes]:
    """Subtree hashes of one stored level, in order."""
    statement = (
        select(ledger_nodes.c.hash)
        .where(ledger_nodes.c.level == level)
        .where(ledger_nodes.c.node_index >= first_index)
        .where(ledger_nodes.c.node_index < first_index + limit)
        .order_by(ledger_nodes.c.node_index)
    )
    return list((await connection.execute(statement)).scalars())


async def list_entries(
    connection: Connection, first_index: int, *, limit: int
) -> list[StoredEntry]:
    """Entries from an index on, in order."""
    statement = (
        select(ledger_entries)
        .where(ledger_entries.c.entry_index >= first_index)
        .where(ledger_entries.c.entry_index < first_index + limit)
        .order_by(ledger_entries.c.entry_index)
    )
    rows = await connection.execute(statement)
    return [StoredEntry(r.entry_index, r.record, r.leaf_hash, r.entry) for r in rows]


async def find_entries(connection: Connection, indices: Sequence[int]) -> dict[int, StoredEntry]:
    """The entries at some indices."""
    if not indices:
        return {}
    statement = select(ledger_entries).where(ledger_entries.c.entry_index.in_(indices))
    rows = await connection.execute(statement)
    return {r.entry_index: StoredEntry(r.entry_index, r.record, r.leaf_hash, r.entry) for r in rows}


async def list_roster_entries(
    connection: Connection, first_index: int, *, limit: int
) -> list[StoredEntry]:
    """Roster entries from an index on, in order."""
    statement = (
        select(ledger_entries)
        .where(ledger_entries.c.record == ROSTER_RECORD)
        .where(ledger_entries.c.entry_index >= first_index)
        .order_by(ledger_entries.c.entry_index)
        .limit(limit)
    )
    rows = await connection.execute(statement)
    return [StoredEntry(r.entry_index, r.record, r.leaf_hash, r.entry) for r in rows]


def roster_entry_of(stored: StoredEntry) -> RosterEntry:
    """The roster entry in a stored entry of that record."""
    return LedgerEntry.FromString(stored.entry).roster
