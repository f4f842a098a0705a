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


@dataclass(frozen=True, slots=True)
class Erased:
    """How many records were erased, and the time before which nothing is left to erase."""

    count: int
    before: int


async def erase_some_access(
    connection: Connection, *, since: int, before: int, limit: int
) -> Erased:
    """Erases records and salts of the oldest accesses since one time and before another.

    Looks at as many as the limit says, and at those of the same moment as the last. The commitments
    stay, so roots still verify.
    """
    until = await _end_of_stretch(connection, since=since, before=before, limit=limit)
    result = await connection.execute(
        update(access_records)
        .where(access_records.c.accessed_at >= since)
        .where(access_records.c.accessed_at < until)
        .where(access_records.c.record.is_not(None))
        .values(record=None, salt=None, agency_id=None)
    )
    return Erased(int(result.rowcount), until)


async def _end_of_stretch(connection: Connection, *, since: int, before: int, limit: int) -> int:
    """The moment after the limit-th access since a time, or the end where there are fewer."""
    statement = (
        select(access_records.c.accessed_at)
        .where(access_records.c.accessed_at >= since)
        .where(access_records.c.accessed_at < before)
        .order_by(access_records.c.accessed_at)
        .offset(limit - 1)
        .limit(1)
    )
    last = (await connection.execute(statement)).scalar_one_or_none()
    return before if last is None else int(last) + 1
