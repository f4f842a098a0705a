"""Reminders that were sent, entries that have to be confirmed, and the lease of who sends."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, exists, insert, or_, select, update

from directory.store.authorities import StoredAuthority, authority_from
from directory.store.connection import Connection
from directory.store.tables import authorities, leases, reminders


async def list_without_reminder(
    connection: Connection,
    stage: int,
    *,
    due_from: int,
    due_before: int,
    ahead: int,
    after: str = "",
    limit: int,
) -> list[str]:
    """The ids of entries that fall due in a stretch of time and have not had a stage's reminder.

    A stage that would have come before the verification is none: `ahead` is how long before the
    time it comes. All in microseconds. In the order of the ids, after one.
    """
    sent = exists().where(
        reminders.c.authority_id == authorities.c.authority_id,
        reminders.c.due_at == authorities.c.due_at,
        reminders.c.stage == stage,
    )
    statement = (
        select(authorities.c.authority_id)
        .where(authorities.c.due_at >= due_from, authorities.c.due_at < due_before)
        .where(authorities.c.authority_id > after)
        .where(
            or_(
                authorities.c.verified_at.is_(None),
                authorities.c.verified_at < authorities.c.due_at - ahead,
            )
        )
        .where(~sent)
        .order_by(authorities.c.authority_id)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


async def list_stages(connection: Connection, authority_id: str, due_at: int) -> set[int]:
    """The stages that were sent or left out of a cycle."""
    statement = select(reminders.c.stage).where(
        reminders.c.authority_id == authority_id, reminders.c.due_at == due_at
    )
    return set((await connection.execute(statement)).scalars())


async def add_reminders(
    connection: Connection,
    current: StoredAuthority,
    stages: Sequence[tuple[int, int | None]],
    *,
    sent_at: int,
) -> None:
    """Notes stages with the entries of the ledger that they were sent by; None was left out."""
    rows = [
        {
            "authority_id": current.authority.authority_id,
            "due_at": current.due_at,
            "stage": stage,
            "sent_at": sent_at,
            "entry_index": entry_index,
        }
        for stage, entry_index in stages
    ]
    await connection.execute(insert(reminders), rows)


async def list_due(
    connection: Connection, country: str | None, *, due_before: int, after: str = "", limit: int
) -> list[StoredAuthority]:
    """The entries of a country or of all that fall due before a time, in the order of their ids."""
    statement = (
        select(authorities)
        .where(authorities.c.due_at < due_before, authorities.c.authority_id > after)
        .order_by(authorities.c.authority_id)
        .limit(limit)
    )
    if country is not None:
        statement = statement.where(authorities.c.country == country)
    return [authority_from(row) for row in await connection.execute(statement)]


async def take_lease(
    connection: Connection, name: str, *, holder: str, now: int, length: int
) -> bool:
    """Takes a lease that nobody holds any longer, or renews the own one; whether it is held now.

    One that would hold for more than twice the length was taken by a clock that was wrong, and does
    not count. To be called under the lock on the ledger's head.
    """
    until = now + length
    is_free = or_(
        leases.c.holder == holder, leases.c.until <= now, leases.c.until > now + 2 * length
    )
    taken = await connection.execute(
        update(leases)
        .where(and_(leases.c.name == name, is_free))
        .values(holder=holder, until=until)
    )
    if taken.rowcount:
        return True
    held = await connection.execute(select(leases.c.holder).where(leases.c.name == name))
    if held.one_or_none() is not None:
        return False
    await connection.execute(insert(leases).values(name=name, holder=holder, until=until))
    return True
