"""Setting a second factor: begun with a new key, in effect once a code of it was shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from comity.errors import ComityError, LogInRefused, LogInRequired
from comity.times import microseconds_from
from comity.v1 import sessions_pb2
from hub.services.accounts.second_factor import find_step, new_factor_key, provisioning_uri
from hub.services.accounts.tokens import TokenBytes, new_recovery_codes, recovery_hash
from hub.services.calls import Caller, Officer, OfficersKept
from hub.store.credentials import (
    find_credentials_of,
    put_factor,
    put_pending_factor,
    put_recovery_codes,
)
from hub.store.database import Database
from hub.store.officers import advance_officer_version, find_officer
from hub.store.sessions import end_other_sessions, list_live_sessions
from hub.store.transaction import LedgerTransaction
from hub.store.writer import LedgerWriter

# A copied access token must not put another factor in the place of the officer's own.
REPLACE_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Beginning:
    officer: Officer
    key: bytes


@dataclass(frozen=True, slots=True)
class _Confirmation:
    officer: Officer
    code: str
    recovery_hashes: Sequence[bytes]


class FactorService:
    """BeginSecondFactor and ConfirmSecondFactor."""

    def __init__(
        self,
        database: Database,
        *,
        writer: LedgerWriter,
        identities: OfficersKept,
        hub_domain: str,
        clock: Callable[[], datetime],
        token_bytes: TokenBytes,
    ) -> None:
        self._database = database
        self._writer = writer
        self._identities = identities
        self._hub_domain = hub_domain
        self._clock = clock
        self._token_bytes = token_bytes

    async def begin(self, caller: Caller) -> sessions_pb2.BeginSecondFactorResponse:
        """A new key, which replaces nothing yet.

        Raises: LogInRequired where there is a factor already and the log-in was long ago;
        StoreUnavailable.
        """
        assert caller.officer is not None  # the table asks for an officer
        key = new_factor_key(self._token_bytes)
        await self._writer.commit(self.begin_many, _Beginning(caller.officer, key))
        async with self._database.read() as connection:
            officer = await find_officer(connection, caller.officer.officer_id)
        name = "" if officer is None else officer.user_name
        account = f"{caller.agency} {name}"
        uri = provisioning_uri(key, account=account, hub_domain=self._hub_domain)
        return sessions_pb2.BeginSecondFactorResponse(provisioning_uri=uri)

    async def begin_many(
        self, transaction: LedgerTransaction, items: Sequence[_Beginning]
    ) -> list[ComityError | None]:
        """The commit half of beginning."""
        return [await _begin_one(transaction, item) for item in items]

    async def confirm(
        self, caller: Caller, request: sessions_pb2.ConfirmSecondFactorRequest
    ) -> sessions_pb2.ConfirmSecondFactorResponse:
        """Puts the new factor in effect, ends every other session, and gives recovery codes.

        Raises: LogInRefused where the code is not of the new key; StoreUnavailable.
        """
        assert caller.officer is not None  # the table asks for an officer
        codes = new_recovery_codes(self._token_bytes)
        hashes = [recovery_hash(code) for code in codes]
        item = _Confirmation(caller.officer, request.code, hashes)
        await self._writer.commit(self.confirm_many, item)
        await self._identities.refresh()
        return sessions_pb2.ConfirmSecondFactorResponse(recovery_codes=codes)

    async def confirm_many(
        self, transaction: LedgerTransaction, items: Sequence[_Confirmation]
    ) -> list[ComityError | None]:
        """The commit half of confirming."""
        return [await _confirm_one(transaction, item) for item in items]


async def _begin_one(transaction: LedgerTransaction, item: _Beginning) -> ComityError | None:
    connection, officer = transaction.connection, item.officer
    credentials = await find_credentials_of(connection, officer.officer_id)
    live = await list_live_sessions(connection, [officer.session_id])
    if credentials is None or not live:
        return LogInRequired()
    earliest = microseconds_from(transaction.now - REPLACE_WITHIN)
    if credentials.factor_key is not None and live[0].session.began_at < earliest:
        return LogInRequired(
            "A second factor is replaced within ten minutes of a log-in. Log in again."
        )
    await put_pending_factor(connection, officer.officer_id, item.key)
    return None


async def _confirm_one(transaction: LedgerTransaction, item: _Confirmation) -> ComityError | None:
    connection, officer = transaction.connection, item.officer
    credentials = await find_credentials_of(connection, officer.officer_id)
    if credentials is None or credentials.pending_key is None:
        return LogInRefused("No second factor was begun, or it was confirmed already.")
    step = find_step(credentials.pending_key, item.code, now=transaction.now)
    if step is None:
        return LogInRefused("The code is not of the new second factor.")
    await put_factor(connection, officer.officer_id, key=credentials.pending_key, step=step)
    await put_recovery_codes(connection, officer.officer_id, item.recovery_hashes)
    await end_other_sessions(connection, officer.officer_id, keep=officer.session_id)
    await advance_officer_version(connection)
    return None
