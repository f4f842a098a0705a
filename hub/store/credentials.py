"""Passwords, second factors and recovery codes of built-in accounts, and failed log-ins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from comity.identity import AgencyId
from hub.store.account_tables import credentials, log_in_failures, officers, recovery_codes
from hub.store.database import Connection

OWN_PASSWORD, ONE_TIME_PASSWORD, USED_ONE_TIME_PASSWORD = 0, 1, 2
WHOLE_AGENCY = b""


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """What an account is logged in to with. `one_time` is one of the three constants above."""

    officer_id: str
    password_hash: str
    one_time: int
    factor_key: bytes | None
    factor_step: int
    pending_key: bytes | None


@dataclass(frozen=True, slots=True)
class StoredFailures:
    """How often log-in has failed, and when last, in microseconds."""

    count: int
    last_at: int


async def find_credentials(
    connection: Connection, agency: AgencyId, user_name: str
) -> StoredCredentials | None:
    """The credentials of an agency's user name."""
    statement = (
        select(credentials)
        .join(officers, officers.c.officer_id == credentials.c.officer_id)
        .where(officers.c.agency_id == agency)
        .where(officers.c.user_name == user_name)
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else StoredCredentials(**row._mapping)


async def find_credentials_of(connection: Connection, officer_id: str) -> StoredCredentials | None:
    """The credentials of an officer."""
    statement = select(credentials).where(credentials.c.officer_id == officer_id)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else StoredCredentials(**row._mapping)


async def put_password(
    connection: Connection, officer_id: str, *, password_hash: str, one_time: int
) -> None:
    """Sets the password of an officer, with or without credentials so far."""
    values = {"password_hash": password_hash, "one_time": one_time}
    changed = await connection.execute(
        update(credentials).where(credentials.c.officer_id == officer_id).values(**values)
    )
    if not changed.rowcount:
        await connection.execute(
            insert(credentials).values(officer_id=officer_id, factor_step=0, **values)
        )


async def use_one_time_password(connection: Connection, officer_id: str) -> bool:
    """Uses a one-time password up; False where that was done before."""
    result = await connection.execute(
        update(credentials)
        .where(credentials.c.officer_id == officer_id)
        .where(credentials.c.one_time == ONE_TIME_PASSWORD)
        .values(one_time=USED_ONE_TIME_PASSWORD)
    )
    return bool(result.rowcount)


async def put_pending_factor(connection: Connection, officer_id: str, key: bytes) -> None:
    """Keeps a second factor's key until it is confirmed."""
    await connection.execute(
        update(credentials).where(credentials.c.officer_id == officer_id).values(pending_key=key)
    )


async def put_factor(connection: Connection, officer_id: str, *, key: bytes, step: int) -> None:
    """Sets the second factor; the step is the one that it was confirmed at."""
    await connection.execute(
        update(credentials)
        .where(credentials.c.officer_id == officer_id)
        .values(factor_key=key, factor_step=step, pending_key=None)
    )


async def use_factor_step(connection: Connection, officer_id: str, step: int) -> bool:
    """Uses a step's code up; False where it or a later one was used before."""
    result = await connection.execute(
        update(credentials)
        .where(credentials.c.officer_id == officer_id)
        .where(credentials.c.factor_step < step)
        .values(factor_step=step)
    )
    return bool(result.rowcount)


async def put_recovery_codes(
    connection: Connection, officer_id: str, hashes: Sequence[bytes]
) -> None:
    """Replaces an officer's recovery codes."""
    await connection.execute(
        delete(recovery_codes).where(recovery_codes.c.officer_id == officer_id)
    )
    if hashes:
        await connection.execute(
            insert(recovery_codes),
            [{"officer_id": officer_id, "code_hash": code_hash} for code_hash in hashes],
        )


async def use_recovery_code(connection: Connection, officer_id: str, code_hash: bytes) -> bool:
    """Uses a recovery code up; False where there is none such."""
    result = await connection.execute(
        delete(recovery_codes)
        .where(recovery_codes.c.officer_id == officer_id)
        .where(recovery_codes.c.code_hash == code_hash)
    )
    return bool(result.rowcount)


async def remove_credentials(connection: Connection, officer_id: str) -> None:
    """Takes everything away that an officer could be logged in with."""
    await put_recovery_codes(connection, officer_id, [])
    await connection.execute(delete(credentials).where(credentials.c.officer_id == officer_id))


async def find_failures(
    connection: Connection, agency: AgencyId, name_hash: bytes
) -> dict[bytes, StoredFailures]:
    """Failed log-ins of a user name and of its whole agency, by the hash of the name."""
    statement = (
        select(log_in_failures)
        .where(log_in_failures.c.agency_id == agency)
        .where(log_in_failures.c.name_hash.in_([name_hash, WHOLE_AGENCY]))
    )
    rows = await connection.execute(statement)
    return {row.name_hash: StoredFailures(row._mapping["count"], row.last_at) for row in rows}


async def put_failures(
    connection: Connection, agency: AgencyId, name_hash: bytes, failures: StoredFailures
) -> None:
    """Writes how often log-in has failed."""
    values = {"count": failures.count, "last_at": failures.last_at}
    changed = await connection.execute(
        update(log_in_failures)
        .where(log_in_failures.c.agency_id == agency)
        .where(log_in_failures.c.name_hash == name_hash)
        .values(**values)
    )
    if not changed.rowcount:
        await connection.execute(
            insert(log_in_failures).values(agency_id=agency, name_hash=name_hash, **values)
        )


async def forget_failures_of(connection: Connection, agency: AgencyId, name_hash: bytes) -> None:
    """Forgets the failed log-ins of a user name."""
    await connection.execute(
        delete(log_in_failures)
        .where(log_in_failures.c.agency_id == agency)
        .where(log_in_failures.c.name_hash == name_hash)
    )


async def forget_failures_before(connection: Connection, moment: int) -> None:
    """Forgets failed log-ins that were last long ago."""
    await connection.execute(delete(log_in_failures).where(log_in_failures.c.last_at < moment))
