"""Access records: who saw what. Each is a salted leaf below the root of an access entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from comity.identity import AgencyId
from hub.store.database import Connection
from hub.store.rows import insert_rows
from hub.store.tables import access_records


@dataclass(frozen=True, slots=True)
class StoredAccess:
    """An access record with its place. `record` is the serialized comity.v1.AccessRecord; record
    and salt are None once erased."""

    entry_index: int
    leaf_index: int
    accessed_at: int
    agency_id: AgencyId | None
    record: bytes | None
    salt: bytes | None
    commitment: bytes


async def insert_access_records(connection: Connection, added: Sequence[StoredAccess]) -> None:
    """Adds access records."""
    await insert_rows(connection, access_records, added)


async def list_access_records(connection: Connection, entry_index: int) -> list[StoredAccess]:
    """The records below one access entry, in the order of its leaves."""
    statement = (
        select(access_records)
        .where(access_records.c.entry_index == entry_index)
        .order_by(access_records.c.leaf_index)
    )
    rows = await connection.execute(statement)
    return [
        StoredAccess(**{name: getattr(row, name) for name in StoredAccess.__slots__})
        for row in rows
    ]


async def erase_access_before(connection: Connection, moment: int) -> int:
    """Erases records and salts older than a time; the commitments stay, so roots still verify.

    Gives the number of records erased.
    """
    result = await connection.execute(
        update(access_records)
        .where(access_records.c.accessed_at < moment)
        .where(access_records.c.record.is_not(None))
        .values(record=None, salt=None, agency_id=None)
    )
    return int(result.rowcount)
