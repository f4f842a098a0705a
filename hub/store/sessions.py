"""Sessions of built-in accounts. Tokens are known by their hashes alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, insert, select, update

from comity.identity import AgencyId
from comity.v1.officers_pb2 import OFFICER_STATUS_ACTIVE, Role
from hub.store.account_tables import (
    credentials,
    officer_version,
    officers,
    sessions,
    spent_tokens,
)
from hub.store.credentials import OWN_PASSWORD
from hub.store.database import Connection
from hub.store.officers import advance_officer_version, roles_from_text


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it lies in the table; times in microseconds."""

    session_id: str
    officer_id: str
    agency_id: AgencyId
    certificate_id: str
    access_hash: bytes
    access_until: int
    refresh_hash: bytes
    began_at: int
    until: int


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session of an officer who is active, and what is known of the officer as of a version."""

    session: StoredSession
    roles: frozenset[Role.ValueType]
    has_own_password: bool
    has_second_factor: bool
    version: int


async def insert_session(connection: Connection, session: StoredSession) -> None:
    """Begins a session."""
    values = {name: getattr(session, name) for name in StoredSession.__slots__}
    await connection.execute(insert(sessions).values(**values))


async def find_live_session(connection: Connection, access_hash: bytes) -> LiveSession | None:
    """The session of an access token, where its officer is active. Says nothing about time."""
    found = await _find_live(connection, sessions.c.access_hash == access_hash)
    return found[0] if found else None


async def find_refreshable(connection: Connection, refresh_hash: bytes) -> LiveSession | None:
    """The session of a refresh token that was not used yet, where its officer is active."""
    found = await _find_live(connection, sessions.c.refresh_hash == refresh_hash)
    return found[0] if found else None


async def list_live_sessions(
    connection: Connection, session_ids: Collection[str]
) -> list[LiveSession]:
    """Those of some sessions that have not ended, with their officers as they stand."""
    if not session_ids:
        return []
    return await _find_live(connection, sessions.c.session_id.in_(session_ids))


async def _find_live(connection: Connection, which: ColumnElement[bool]) -> list[LiveSession]:
    version = select(officer_version.c.version).scalar_subquery()
    joined = sessions.join(officers, officers.c.officer_id == sessions.c.officer_id).join(
        credentials, credentials.c.officer_id == sessions.c.officer_id
    )
    statement = (
        select(
            *sessions.c,
            officers.c.roles,
            credentials.c.one_time,
            credentials.c.factor_key,
            version.label("version"),
        )
        .select_from(joined)
        .where(which)
        .where(officers.c.status == OFFICER_STATUS_ACTIVE)
    )
    rows = await connection.execute(statement)
    return [
        LiveSession(
            StoredSession(**{name: getattr(row, name) for name in StoredSession.__slots__}),
            roles_from_text(row.roles),
            has_own_password=row.one_time == OWN_PASSWORD,
            has_second_factor=row.factor_key is not None,
            version=row.version,
        )
        for row in rows
    ]


async def rotate_session(
    connection: Connection, session: StoredSession, *, spent_hash: bytes
) -> None:
    """Writes a session with its new tokens, and remembers the refresh token that is spent."""
    values = {name: getattr(session, name) for name in StoredSession.__slots__}
    await connection.execute(
        update(sessions).where(sessions.c.session_id == session.session_id).values(**values)
    )
    await connection.execute(
        insert(spent_tokens).values(
            refresh_hash=spent_hash, session_id=session.session_id, until=session.until
        )
    )


async def find_spent(connection: Connection, refresh_hash: bytes) -> str | None:
    """The session that a used refresh token was of."""
    statement = select(spent_tokens.c.session_id).where(spent_tokens.c.refresh_hash == refresh_hash)
    return (await connection.execute(statement)).scalar_one_or_none()


async def end_session(connection: Connection, session_id: str) -> None:
    """Ends a session."""
    await connection.execute(delete(sessions).where(sessions.c.session_id == session_id))


async def end_sessions_of(connection: Connection, officer_id: str, *, now: int) -> None:
    """Ends every session of an officer, wherever it was begun: none from before is taken."""
    await connection.execute(
        update(officers).where(officers.c.officer_id == officer_id).values(not_before=now)
    )
    await connection.execute(delete(sessions).where(sessions.c.officer_id == officer_id))


async def end_other_sessions(connection: Connection, officer_id: str, *, keep: str) -> None:
    """Ends every session of an officer but one."""
    await connection.execute(
        delete(sessions)
        .where(sessions.c.officer_id == officer_id)
        .where(sessions.c.session_id != keep)
    )


async def erase_ended(connection: Connection, now: int) -> None:
    """Erases sessions whose time is over, and what is remembered of their tokens."""
    await connection.execute(delete(sessions).where(sessions.c.until < now))
    await connection.execute(delete(spent_tokens).where(spent_tokens.c.until < now))


async def end_sessions_of_agency(connection: Connection, agency: AgencyId, *, now: int) -> None:
    """Ends every session of an agency's officers, and lets every process notice."""
    await connection.execute(
        update(officers).where(officers.c.agency_id == agency).values(not_before=now)
    )
    await connection.execute(delete(sessions).where(sessions.c.agency_id == agency))
    await advance_officer_version(connection)
