"""Log-in: a right name, password and second factor begin a session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from comity.errors import ComityError
from comity.times import microseconds_from
from comity.v1 import sessions_pb2
from hub.services.accounts.attempts import (
    Attempt,
    Attempts,
    Known,
    accepted,
    find_proven,
    forget_old_failures,
    refused,
    require_sizes,
)
from hub.services.accounts.messages import officer_message
from hub.services.accounts.roles import ADMINISTRATORS
from hub.services.accounts.sessions import NewTokens, new_session, tokens_message
from hub.services.accounts.tokens import TokenBytes
from hub.services.calls import Caller
from hub.store.credentials import ONE_TIME_PASSWORD, OWN_PASSWORD, use_one_time_password
from hub.store.sessions import StoredSession, erase_ended, insert_session
from hub.store.transaction import LedgerTransaction
from hub.store.writer import LedgerWriter


@dataclass(frozen=True, slots=True)
class _LogIn:
    attempt: Attempt
    second_factor: str
    tokens: NewTokens


@dataclass(frozen=True, slots=True)
class _LoggedIn:
    session: StoredSession
    known: Known


class LogInService:
    """LogIn."""

    def __init__(
        self,
        attempts: Attempts,
        *,
        writer: LedgerWriter,
        clock: Callable[[], datetime],
        token_bytes: TokenBytes,
    ) -> None:
        self._attempts = attempts
        self._writer = writer
        self._clock = clock
        self._token_bytes = token_bytes

    async def log_in(
        self, caller: Caller, request: sessions_pb2.LogInRequest
    ) -> sessions_pb2.LogInResponse:
        """Begins a session, decided and written under the ledger's lock.

        Raises: LogInRefused, in the same words whatever is wrong; LogInDelayed; MalformedInput;
        StoreUnavailable.
        """
        require_sizes(request)
        async with self._attempts.judged(caller, request.user_name, request.password) as attempt:
            tokens = NewTokens.drawn(self._token_bytes)
            item = _LogIn(attempt, request.second_factor, tokens)
            committed = await self._writer.commit(self.log_in_many, item)
        done: _LoggedIn = committed.result
        return _response(done, tokens, now=self._clock())

    async def log_in_many(
        self, transaction: LedgerTransaction, items: Sequence[_LogIn]
    ) -> list[_LoggedIn | ComityError]:
        """The commit half of logging in."""
        await forget_old_failures(transaction)
        await erase_ended(transaction.connection, microseconds_from(transaction.now))
        return [await self._log_in_one(transaction, item) for item in items]

    async def _log_in_one(
        self, transaction: LedgerTransaction, item: _LogIn
    ) -> _LoggedIn | ComityError:
        known = await find_proven(transaction, item.attempt, second_factor=item.second_factor)
        if known is None or not await _uses_password(transaction, known):
            return await refused(transaction, item.attempt)
        session = new_session(
            known.officer.officer_id,
            agency=known.officer.agency_id,
            certificate_id=item.attempt.caller.certificate_id,
            tokens=item.tokens,
            now=transaction.now,
            token_bytes=self._token_bytes,
        )
        await insert_session(transaction.connection, session)
        await accepted(transaction, known)
        return _LoggedIn(session, known)


async def _uses_password(transaction: LedgerTransaction, known: Known) -> bool:
    """Uses a one-time password up; True where it was good, or is the officer's own."""
    if known.credentials.one_time != ONE_TIME_PASSWORD:
        return True
    return await use_one_time_password(transaction.connection, known.officer.officer_id)


def _response(done: _LoggedIn, tokens: NewTokens, *, now: datetime) -> sessions_pb2.LogInResponse:
    officer, credentials = done.known.officer, done.known.credentials
    is_administrator = bool(officer.roles & ADMINISTRATORS)
    return sessions_pb2.LogInResponse(
        tokens=tokens_message(done.session, tokens, now=now),
        officer=officer_message(officer),
        must_change_password=credentials.one_time != OWN_PASSWORD,
        must_add_second_factor=is_administrator and credentials.factor_key is None,
    )
