"""Events: what a watch may deliver, in the order of the ledger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, or_, select

from comity.identity import AgencyId
from comity.v1.events_pb2 import (
    EVENT_KIND_ACKNOWLEDGED,
    EVENT_KIND_ADDENDUM,
    EVENT_KIND_CUSTODY,
    EVENT_KIND_FLAGGED,
    EVENT_KIND_RECALL_ANSWERED,
    EVENT_KIND_RELEASE_DECIDED,
    EVENT_KIND_RELEASE_REQUESTED,
)
from hub.store.database import Connection
from hub.store.rows import insert_rows
from hub.store.tables import events

_HUB = AgencyId("")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event and what filters and access decisions ask about it.

    `audience` is None for what everybody gets; `act_entry` is where the act that is shown lies;
    `actor` did it and is not told of it, empty for the hub.
    """

    entry_index: int
    kind: int
    originator: AgencyId
    notice_id: str
    notice_kind: int
    traffic: int
    urgency: int
    audience: bytes | None
    act_entry: int
    actor: AgencyId = _HUB


async def insert_events(connection: Connection, added: Sequence[StoredEvent]) -> None:
    """Adds events."""
    await insert_rows(connection, events, added)


async def list_events(
    connection: Connection, first_index: int, *, below: int, limit: int
) -> list[StoredEvent]:
    """Events from one entry index up to but not including another, in order."""
    statement = (
        select(events)
        .where(events.c.entry_index >= first_index)
        .where(events.c.entry_index < below)
        .order_by(events.c.entry_index)
        .limit(limit)
    )
    return [_stored_event(row) for row in await connection.execute(statement)]


async def find_events(connection: Connection, indices: Sequence[int]) -> list[StoredEvent]:
    """The events at some entries, in order."""
    if not indices:
        return []
    statement = (
        select(events).where(events.c.entry_index.in_(indices)).order_by(events.c.entry_index)
    )
    return [_stored_event(row) for row in await connection.execute(statement)]


def _stored_event(row: Row[Any]) -> StoredEvent:
    return StoredEvent(**{name: getattr(row, name) for name in StoredEvent.__slots__})


async def list_own_entries(
    connection: Connection, originator: AgencyId, notice_id: str
) -> list[int]:
    """The entries of what its originator has done to a notice, in order."""
    statement = (
        select(events.c.entry_index)
        .where(events.c.notice_id == notice_id, events.c.originator == originator)
        .where(events.c.actor == originator)
        .order_by(events.c.entry_index)
    )
    return list((await connection.execute(statement)).scalars())


# Of acts that addressees sign, and of the answers to them.
_ANSWERING = (
    EVENT_KIND_ACKNOWLEDGED,
    EVENT_KIND_FLAGGED,
    EVENT_KIND_CUSTODY,
    EVENT_KIND_RECALL_ANSWERED,
    EVENT_KIND_RELEASE_REQUESTED,
    EVENT_KIND_RELEASE_DECIDED,
)


async def list_answering_entries(
    connection: Connection,
    originator: AgencyId,
    notice_id: str,
    *,
    of: AgencyId | None,
    audience: bytes,
    first_index: int,
    limit: int,
) -> list[int]:
    """The entries of what others did about a notice, from an entry on: all, or what one of them did
    or was told as the audience of itself."""
    statement = (
        select(events.c.entry_index)
        .where(events.c.notice_id == notice_id, events.c.originator == originator)
        .where(events.c.kind.in_(_ANSWERING), events.c.entry_index >= first_index)
    )
    if of is not None:
        statement = statement.where(or_(events.c.actor == of, events.c.audience == audience))
    rows = await connection.execute(statement.order_by(events.c.entry_index).limit(limit))
    return list(rows.scalars())


async def list_addenda(
    connection: Connection, keys: Collection[tuple[AgencyId, str]]
) -> dict[tuple[AgencyId, str], list[int]]:
    """The entries of the addenda of some notices, in order."""
    if not keys:
        return {}
    statement = (
        select(events.c.originator, events.c.notice_id, events.c.entry_index)
        .where(events.c.notice_id.in_({notice_id for _, notice_id in keys}))
        .where(events.c.kind == EVENT_KIND_ADDENDUM)
        .order_by(events.c.entry_index)
    )
    found: dict[tuple[AgencyId, str], list[int]] = {}
    for row in await connection.execute(statement):
        found.setdefault((AgencyId(row.originator), row.notice_id), []).append(row.entry_index)
    return found
