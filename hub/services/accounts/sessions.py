"""Sessions: begun by a log-in, refreshed, ended; and what is written of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from comity.errors import TokenRefused
from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.identity import AgencyId
from comity.times import microseconds_from
from comity.v1 import sessions_pb2
from hub.services.accounts.messages import officer_message
from hub.services.accounts.tokens import TokenBytes, new_token, token_hash
from hub.services.calls import Caller, Officer, OfficersKept
from hub.store.database import Database
from hub.store.officers import advance_officer_version, find_officer
from hub.store.sessions import (
    StoredSession,
    end_session,
    end_sessions_of,
    find_refreshable,
    find_spent,
    rotate_session,
)
from hub.store.transaction import LedgerTransaction
from hub.store.writer import LedgerWriter

ACCESS_TIME = timedelta(minutes=15)
SESSION_TIME = timedelta(hours=12)  # a day's work; refreshing does not make it longer


@dataclass(frozen=True, slots=True)
class NewTokens:
    """Tokens that are about to be given out, and their hashes."""

    access: str
    refresh: str

    @classmethod
    def drawn(cls, token_bytes: TokenBytes) -> NewTokens:
        """New ones."""
        return cls(new_token(token_bytes), new_token(token_bytes))


@dataclass(frozen=True, slots=True)
class _Refresh:
    agency: AgencyId
    certificate_id: str
    spent_hash: bytes
    tokens: NewTokens


@dataclass(frozen=True, slots=True)
class _Ending:
    officer: Officer
    is_everywhere: bool


class SessionService:
    """RefreshSession, LogOut, WhoAmI."""

    def __init__(
        self,
        database: Database,
        *,
        writer: LedgerWriter,
        identities: OfficersKept,
        clock: Callable[[], datetime],
        token_bytes: TokenBytes,
    ) -> None:
        self._database = database
        self._writer = writer
        self._identities = identities
        self._clock = clock
        self._token_bytes = token_bytes

    async def refresh(
        self, caller: Caller, request: sessions_pb2.RefreshSessionRequest
    ) -> sessions_pb2.RefreshSessionResponse:
        """New tokens for a refresh token, bound to the certificate that it comes on.

        The agency may have another certificate by now; only the agency has to be the same.

        Raises: TokenRefused; StoreUnavailable.
        """
        tokens = NewTokens.drawn(self._token_bytes)
        spent = token_hash(request.refresh_token)
        item = _Refresh(caller.agency, caller.certificate_id, spent, tokens)
        try:
            committed = await self._writer.commit(self.refresh_many, item)
        finally:
            await self._identities.refresh()
        session: StoredSession = committed.result
        return sessions_pb2.RefreshSessionResponse(
            tokens=tokens_message(session, tokens, now=self._clock())
        )

    async def refresh_many(
        self, transaction: LedgerTransaction, items: Sequence[_Refresh]
    ) -> list[StoredSession | TokenRefused]:
        """The commit half of refreshing."""
        return [await _refresh_one(transaction, item) for item in items]

    async def log_out(self, caller: Caller, request: sessions_pb2.LogOutRequest) -> None:
        """Ends the caller's session, or every one of the officer's.

        Raises: StoreUnavailable.
        """
        assert caller.officer is not None  # the table asks for an officer
        item = _Ending(caller.officer, request.everywhere)
        await self._writer.commit(self.end_many, item)
        await self._identities.refresh()

    async def end_many(
        self, transaction: LedgerTransaction, items: Sequence[_Ending]
    ) -> list[None]:
        """The commit half of logging out."""
        now = microseconds_from(transaction.now)
        for item in items:
            if item.is_everywhere:
                await end_sessions_of(transaction.connection, item.officer.officer_id, now=now)
            else:
                await end_session(transaction.connection, item.officer.session_id)
        await advance_officer_version(transaction.connection)
        return [None] * len(items)

    async def who_am_i(self, caller: Caller) -> sessions_pb2.WhoAmIResponse:
        """Agency and officer as the hub sees them.

        Raises: StoreUnavailable.
        """
        response = sessions_pb2.WhoAmIResponse(agency_id=caller.agency)
        if caller.officer is not None:
            async with self._database.read() as connection:
                officer = await find_officer(connection, caller.officer.officer_id)
            if officer is not None:
                response.officer.CopyFrom(officer_message(officer))
        return response


async def _refresh_one(
    transaction: LedgerTransaction, item: _Refresh
) -> StoredSession | TokenRefused:
    """Rotates a session's tokens.

    1. A refresh token that was used before has been copied: its session ends.
    2. So has one that comes from another agency.
    3. A session whose time is over is not refreshed.
    """
    connection = transaction.connection
    live = await find_refreshable(connection, item.spent_hash)
    if live is None:
        session_id = await find_spent(connection, item.spent_hash)  # 1
        return await _refused(transaction, session_id)
    session = live.session
    now = microseconds_from(transaction.now)
    if session.agency_id != item.agency or session.until <= now:  # 2, 3
        return await _refused(transaction, session.session_id)
    renewed = with_tokens(
        replace(session, certificate_id=item.certificate_id), item.tokens, now=transaction.now
    )
    await rotate_session(connection, renewed, spent_hash=item.spent_hash)
    await advance_officer_version(connection)
    return renewed


async def _refused(transaction: LedgerTransaction, session_id: str | None) -> TokenRefused:
    if session_id is not None:
        await end_session(transaction.connection, session_id)
        await advance_officer_version(transaction.connection)
    return TokenRefused()


def new_session(
    officer_id: str,
    *,
    agency: AgencyId,
    certificate_id: str,
    tokens: NewTokens,
    now: datetime,
    token_bytes: TokenBytes,
) -> StoredSession:
    """A session that begins now."""
    session = StoredSession(
        session_id=uuid7_from(now, token_bytes(UUID7_RANDOM_BYTES)),
        officer_id=officer_id,
        agency_id=agency,
        certificate_id=certificate_id,
        access_hash=b"",
        access_until=0,
        refresh_hash=b"",
        began_at=microseconds_from(now),
        until=microseconds_from(now + SESSION_TIME),
    )
    return with_tokens(session, tokens, now=now)


def with_tokens(session: StoredSession, tokens: NewTokens, *, now: datetime) -> StoredSession:
    """A session with new tokens; neither outlives the session."""
    return replace(
        session,
        access_hash=token_hash(tokens.access),
        access_until=min(microseconds_from(now + ACCESS_TIME), session.until),
        refresh_hash=token_hash(tokens.refresh),
    )


def tokens_message(
    session: StoredSession, tokens: NewTokens, *, now: datetime
) -> sessions_pb2.Tokens:
    """What the officer is given of a session."""
    message = sessions_pb2.Tokens(access_token=tokens.access, refresh_token=tokens.refresh)
    moment = microseconds_from(now)
    message.access_expires_in.FromMicroseconds(max(0, session.access_until - moment))
    message.refresh_expires_in.FromMicroseconds(max(0, session.until - moment))
    return message
