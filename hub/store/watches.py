"""Watches: named, durable places in the ledger, one per reader."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, insert, select, update

from comity.identity import AgencyId
from hub.store.database import Connection
from hub.store.tables import watches

WatchKey = tuple[AgencyId, str]


@dataclass(frozen=True, slots=True)
class StoredWatch:
    """A watch as it was last opened. `filter_bytes` is the serialized comity.v1.NoticeFilter."""

    agency_id: AgencyId
    name: str
    filter_bytes: bytes
    traffic: int
    next_index: int
    opening: int


@dataclass(frozen=True, slots=True)
class CursorMove:
    """A confirmation: where a watch stands now, by the stream of one opening."""

    agency_id: AgencyId
    name: str
    opening: int
    next_index: int


async def find_watch(connection: Connection, key: WatchKey) -> StoredWatch | None:
    """A watch by agency and name."""
    statement = select(watches).where(watches.c.agency_id == key[0]).where(watches.c.name == key[1])
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    return StoredWatch(
        AgencyId(row.agency_id), row.name, row.filter, row.traffic, row.next_index, row.opening
    )


async def count_watches(connection: Connection, agency: AgencyId) -> int:
    """How many watches an agency has."""
    statement = select(func.count()).select_from(watches).where(watches.c.agency_id == agency)
    return int((await connection.execute(statement)).scalar_one())


async def save_opening(connection: Connection, watch: StoredWatch, *, now: int) -> None:
    """Writes a watch as it is opened, for the first time or again."""
    values = {
        "filter": watch.filter_bytes,
        "traffic": watch.traffic,
        "next_index": watch.next_index,
        "opening": watch.opening,
        "updated_at": now,
    }
    if watch.opening == 1:
        key = {"agency_id": watch.agency_id, "name": watch.name}
        await connection.execute(insert(watches).values(**key, **values))
        return
    await connection.execute(
        update(watches)
        .where(watches.c.agency_id == watch.agency_id)
        .where(watches.c.name == watch.name)
        .values(**values)
    )


async def move_cursors(connection: Connection, moves: Sequence[CursorMove], *, now: int) -> None:
    """Moves cursors forward, each only for the stream of the watch's latest opening."""
    statement = (
        update(watches)
        .where(watches.c.agency_id == bindparam("of_agency"))
        .where(watches.c.name == bindparam("of_name"))
        .where(watches.c.opening == bindparam("of_opening"))
        .where(watches.c.next_index < bindparam("to_index"))
        .values(next_index=bindparam("to_index"), updated_at=now)
    )
    await connection.execute(
        statement,
        [
            {
                "of_agency": move.agency_id,
                "of_name": move.name,
                "of_opening": move.opening,
                "to_index": move.next_index,
            }
            for move in moves
        ],
    )


async def list_openings(
    connection: Connection, agencies: Collection[AgencyId]
) -> dict[WatchKey, int]:
    """The latest opening of each watch of some agencies."""
    statement = select(watches.c.agency_id, watches.c.name, watches.c.opening).where(
        watches.c.agency_id.in_(agencies)
    )
    rows = await connection.execute(statement)
    return {(AgencyId(row.agency_id), row.name): row.opening for row in rows}


async def reset_cursors_beyond(connection: Connection, size: int) -> None:
    """Puts cursors that lie beyond the ledger's end at its end; a new epoch begins with this."""
    await connection.execute(
        update(watches).where(watches.c.next_index > size).values(next_index=size)
    )
