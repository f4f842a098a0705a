"""Notices as they stand after their last act."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    or_,
    select,
    update,
)

from comity.identity import AgencyId
from hub.store.database import Connection
from hub.store.rows import insert_rows, select_by_text
from hub.store.tables import audience_members, notices

NoticeKey = tuple[AgencyId, str]

_COLUMNS = [column.name for column in notices.columns]


@dataclass(frozen=True, slots=True)
class NoticeStanding:
    """Where a notice stands. Codes are the contract's numbers, entries are ledger indices."""

    originator: AgencyId
    notice_id: str
    kind: int
    traffic: int
    urgency: int
    state: int
    version: int
    version_digest: bytes
    version_entry: int
    addressing_entry: int
    withdrawal_entry: int | None
    audience: bytes
    published_version: int = 0
    published_digest: bytes = b""
    published_entry: int | None = None
    listed_entry: int = 0
    submitted_addressing_entry: int | None = None
    submitted_audience: bytes | None = None
    decision_entry: int | None = None
    suspension_entry: int | None = None
    extension_entry: int | None = None
    review_id: str | None = None
    expires_at: int = 0
    expiry_stage: int = 0
    erasure_entry: int | None = None

    @property
    def key(self) -> NoticeKey:
        return (self.originator, self.notice_id)

    @property
    def is_published(self) -> bool:
        """Whether addressees know of it: some version was published, whatever came after."""
        return self.published_entry is not None

    @property
    def has_waiting_version(self) -> bool:
        """Whether a version is submitted that is not the published one."""
        return self.version != self.published_version


async def find_notices(
    connection: Connection, notice_ids: Collection[str]
) -> dict[NoticeKey, NoticeStanding]:
    """The notices of some ids, of whichever originators."""
    rows = await select_by_text(connection, notices, notices.c.notice_id, notice_ids)
    found = (NoticeStanding(**dict(zip(_COLUMNS, row, strict=True))) for row in rows)
    return {standing.key: standing for standing in found}


async def list_notices_visible_to(
    connection: Connection, agency: AgencyId, *, traffic: int, first_index: int, limit: int
) -> list[NoticeStanding]:
    """Notices that an agency originated or may read, in the order of `listed_entry`."""
    which = _visible_to(agency)
    return await _list(connection, which, traffic=traffic, first_index=first_index, limit=limit)


async def find_visible_notice(
    connection: Connection, agency: AgencyId, *, originator: str, notice_id: str
) -> NoticeStanding | None:
    """A notice that an agency originated or may read.

    One statement, whether it is not there or not the agency's to see.
    """
    statement = (
        select(notices)
        .where(notices.c.notice_id == notice_id, notices.c.originator == originator)
        .where(_visible_to(agency))
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _standing(row)


def _visible_to(agency: AgencyId) -> ColumnElement[bool]:
    return or_(
        notices.c.originator == agency,
        and_(
            notices.c.published_entry.is_not(None),
            notices.c.audience.in_(_addressed_to(agency)),
        ),
    )


async def list_notices_held_by(
    connection: Connection,
    originator: AgencyId,
    holder: AgencyId,
    *,
    traffic: int,
    first_index: int,
    limit: int,
) -> list[NoticeStanding]:
    """An originator's notices that another agency is addressed by, in the same order."""
    which = and_(
        notices.c.originator == originator,
        notices.c.published_entry.is_not(None),
        notices.c.audience.in_(_addressed_to(holder)),
    )
    return await _list(connection, which, traffic=traffic, first_index=first_index, limit=limit)


def _addressed_to(agency: AgencyId) -> Select[tuple[bytes]]:
    return select(audience_members.c.audience).where(audience_members.c.agency_id == agency)


async def _list(
    connection: Connection,
    which: ColumnElement[bool],
    *,
    traffic: int,
    first_index: int,
    limit: int,
) -> list[NoticeStanding]:
    statement = (
        select(notices)
        .where(notices.c.traffic == traffic)
        .where(notices.c.listed_entry >= first_index)
        .where(which)
        .order_by(notices.c.listed_entry)
        .limit(limit)
    )
    return [_standing(row) for row in await connection.execute(statement)]


async def insert_notices(connection: Connection, added: Sequence[NoticeStanding]) -> None:
    """Adds notices."""
    await insert_rows(connection, notices, added)


async def update_notices(connection: Connection, changed: Sequence[NoticeStanding]) -> None:
    """Writes where notices stand now."""
    if not changed:
        return
    statement = (
        update(notices)
        .where(notices.c.notice_id == bindparam("of_notice_id"))
        .where(notices.c.originator == bindparam("of_originator"))
    )
    await connection.execute(
        statement,
        [
            _values(s) | {"of_notice_id": s.notice_id, "of_originator": s.originator}
            for s in changed
        ],
    )


def _values(standing: NoticeStanding) -> dict[str, Any]:
    return {name: getattr(standing, name) for name in NoticeStanding.__slots__}


def _standing(row: Row[Any]) -> NoticeStanding:
    return NoticeStanding(**{name: getattr(row, name) for name in NoticeStanding.__slots__})


async def list_expired(
    connection: Connection, states: Collection[int], *, now: int, limit: int
) -> list[NoticeKey]:
    """Notices in some states that have expired by a time."""
    statement = (
        select(notices.c.originator, notices.c.notice_id)
        .where(notices.c.state.in_(states), notices.c.expires_at <= now)
        .order_by(notices.c.expires_at)
        .limit(limit)
    )
    return await _keys(connection, statement)


async def list_expiring(
    connection: Connection, states: Collection[int], before: Sequence[int], *, limit: int
) -> list[NoticeKey]:
    """Notices in some states that expire before the time of a stage whose reminder has not gone."""
    is_due = [
        and_(notices.c.expires_at <= time, notices.c.expiry_stage < stage)
        for stage, time in enumerate(before, start=1)
    ]
    statement = (
        select(notices.c.originator, notices.c.notice_id)
        .where(notices.c.state.in_(states), notices.c.expires_at <= max(before))
        .where(or_(*is_due))
        .order_by(notices.c.expires_at)
        .limit(limit)
    )
    return await _keys(connection, statement)


async def list_to_erase(
    connection: Connection, states: Collection[int], *, limit: int
) -> list[NoticeKey]:
    """Notices in some states whose content is not erased yet."""
    # In the statement's text, as in ix_notices_to_erase: it is not used for states in parameters.
    ended: BindParameter[list[int]] = bindparam(
        "ended", sorted(states), expanding=True, literal_execute=True
    )
    statement = (
        select(notices.c.originator, notices.c.notice_id)
        .where(notices.c.state.in_(ended), notices.c.erasure_entry.is_(None))
        .order_by(notices.c.version_entry)
        .limit(limit)
    )
    return await _keys(connection, statement)


async def _keys(connection: Connection, statement: Select[tuple[str, str]]) -> list[NoticeKey]:
    rows = await connection.execute(statement)
    return [(AgencyId(row.originator), row.notice_id) for row in rows]
