"""Attempts to log in: whether name, password and second factor are right, with the growing delays.

Called by whatever judges a password: log-in, changing a password, the hub's command line. Known and
unknown names take the same path: the same statements, one argon2 computation, the same words. Never
makes a session, and never writes a name or a password to a record or a log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from comity.errors import LogInRefused, MalformedInput, Violation
from comity.identity import AgencyId
from comity.times import microseconds_from
from comity.v1 import sessions_pb2
from comity.v1.ledger_pb2 import ACCESS_ACTION_REFUSED_LOG_IN, AccessRecord
from comity.v1.officers_pb2 import OFFICER_STATUS_ACTIVE
from hub.services.accounts.delays import FORGET_AFTER, name_hash, one_more, require_no_delay
from hub.services.accounts.passwords import MAX_CHARS, PasswordHashing
from hub.services.accounts.second_factor import find_step
from hub.services.accounts.tokens import recovery_hash
from hub.services.calls import Caller
from hub.store.credentials import (
    USED_ONE_TIME_PASSWORD,
    WHOLE_AGENCY,
    StoredCredentials,
    StoredFailures,
    find_credentials,
    find_failures,
    forget_failures_before,
    forget_failures_of,
    put_failures,
    use_factor_step,
    use_recovery_code,
)
from hub.store.database import Connection, Database
from hub.store.officers import StoredOfficer, find_officer_by_name
from hub.store.transaction import LedgerTransaction

MAX_USER_NAME_CHARS = 64
MAX_FACTOR_CHARS = 64  # a recovery code, however it is grouped


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password that was judged, and what is to become of it."""

    caller: Caller
    user_name: str
    # What the password was judged against; None where there was nothing.
    password_hash: str | None
    is_right: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whose password was right, as the store has them."""

    officer: StoredOfficer
    credentials: StoredCredentials


class Attempts:
    """Judges passwords."""

    def __init__(
        self, database: Database, *, hashing: PasswordHashing, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._hashing = hashing
        self._clock = clock

    @asynccontextmanager
    async def judged(self, caller: Caller, user_name: str, password: str) -> AsyncIterator[Attempt]:
        """A judged password, for as long as it takes to commit what came of it.

        1. Whoever comes too soon after failures is told so, before and behind the queue.
        2. One password of an agency is judged at a time.

        Raises: LogInDelayed, StoreUnavailable.
        """
        await self._require_no_delay(caller.agency, user_name)  # 1
        async with self._hashing.slot(caller.agency):  # 2
            await self._require_no_delay(caller.agency, user_name)  # 1
            yield await self._judge(caller, user_name, password)

    async def _require_no_delay(self, agency: AgencyId, user_name: str) -> None:
        async with self._database.read() as connection:
            found = await find_failures(connection, agency, name_hash(user_name))
        require_no_delay(found, now=microseconds_from(self._clock()))

    async def _judge(self, caller: Caller, user_name: str, password: str) -> Attempt:
        async with self._database.read() as connection:
            known = await find_credentials(connection, caller.agency, user_name)
        password_hash = None if known is None else known.password_hash
        is_right = await self._hashing.is_right(password, password_hash=password_hash)
        return Attempt(caller, user_name, password_hash, is_right)


def require_sizes(request: sessions_pb2.LogInRequest) -> None:
    """Refuses what is longer than any name, password or code.

    Raises: MalformedInput with every field at fault.
    """
    limits = {
        "user_name": MAX_USER_NAME_CHARS,
        "password": MAX_CHARS,
        "second_factor": MAX_FACTOR_CHARS,
    }
    violations = [
        Violation(field, f"has more than {limit} characters")
        for field, limit in limits.items()
        if len(getattr(request, field)) > limit
    ]
    if violations:
        raise MalformedInput("The log-in is malformed.", violations=violations)


async def forget_old_failures(transaction: LedgerTransaction) -> None:
    """Forgets failures that delay nobody any longer."""
    now = microseconds_from(transaction.now)
    await forget_failures_before(transaction.connection, now - FORGET_AFTER)


async def find_right(connection: Connection, attempt: Attempt) -> Known | None:
    """Officer and credentials, if the password was right and is the one that stands now."""
    agency = attempt.caller.agency
    officer = await find_officer_by_name(connection, agency, attempt.user_name)
    credentials = await find_credentials(connection, agency, attempt.user_name)
    if officer is None or credentials is None or not attempt.is_right:
        return None
    if credentials.password_hash != attempt.password_hash:
        return None  # Changed or reset while the password was judged.
    if officer.status != OFFICER_STATUS_ACTIVE:
        return None
    return Known(officer, credentials)


async def find_proven(
    transaction: LedgerTransaction, attempt: Attempt, *, second_factor: str
) -> Known | None:
    """Who it is, if the second factor is right as well, whose code is thereby used.

    A one-time password counts until it was used; this does not use it.
    """
    known = await find_right(transaction.connection, attempt)
    if known is None or known.credentials.one_time == USED_ONE_TIME_PASSWORD:
        return None
    return known if await _uses_code(transaction, known.credentials, second_factor) else None


async def _uses_code(
    transaction: LedgerTransaction, credentials: StoredCredentials, second_factor: str
) -> bool:
    if credentials.factor_key is None:
        return True
    connection, officer_id = transaction.connection, credentials.officer_id
    step = find_step(credentials.factor_key, second_factor, now=transaction.now)
    if step is not None:
        return await use_factor_step(connection, officer_id, step)
    return await use_recovery_code(connection, officer_id, recovery_hash(second_factor))


async def accepted(transaction: LedgerTransaction, known: Known) -> None:
    """Forgets the failures of somebody who is known now."""
    key = name_hash(known.officer.user_name)
    await forget_failures_of(transaction.connection, known.officer.agency_id, key)


async def refused(transaction: LedgerTransaction, attempt: Attempt) -> LogInRefused:
    """Counts a failure and records it; the record names nobody."""
    agency, key = attempt.caller.agency, name_hash(attempt.user_name)
    now = microseconds_from(transaction.now)
    before: Mapping[bytes, StoredFailures] = await find_failures(
        transaction.connection, agency, key
    )
    for each in (key, WHOLE_AGENCY):
        failures = one_more(before.get(each), now=now)
        await put_failures(transaction.connection, agency, each, failures)
    transaction.add_access(
        AccessRecord(
            agency_id=agency,
            action=ACCESS_ACTION_REFUSED_LOG_IN,
            request_id=attempt.caller.request_id,
        )
    )
    return LogInRefused()
