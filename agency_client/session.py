"""The log-in that goes with calls: kept, shown to the hub, refreshed in time.

A refresh token is good for once, so that two processes of one profile must not both use it: each
refreshes under a lock, and looks first whether another has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from agency_client.locks import SESSION_LOCK, held_alone
from agency_client.profile import Profile
from agency_client.session_store import KeptSession, SessionStore, store_of
from comity.errors import LogInRequired, MalformedInput, TokenRefused
from comity.times import utc_now
from comity.v1.sessions_pb2 import Tokens

REFRESH_BEFORE = timedelta(seconds=30)  # clocks differ, and calls take a while
LOCK_TRIES = 100
LOCK_RETRY_SECONDS = 0.05

Refresh = Callable[[KeptSession], Awaitable[Tokens]]


class Session:
    """An officer's log-in as a channel uses it."""

    def __init__(
        self,
        profile: Profile,
        *,
        store: SessionStore | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._profile = profile
        self._store = store or store_of(profile)
        self._clock = clock
        self._kept = self._store.load()

    @property
    def kept(self) -> KeptSession | None:
        """The log-in as it lies in the store, where another process may have refreshed it."""
        return self._store.load()

    def keep(
        self, tokens: Tokens, *, certificate_digest: str, issuer: str = "", client_id: str = ""
    ) -> None:
        """Keeps the tokens of a log-in or a refreshing; issuer and client where a Keycloak's.

        Raises: MalformedInput where they cannot be written.
        """
        now = self._clock()
        self._kept = KeptSession(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            access_until=now + tokens.access_expires_in.ToTimedelta(),
            until=now + tokens.refresh_expires_in.ToTimedelta(),
            certificate_digest=certificate_digest,
            issuer=issuer,
            client_id=client_id,
        )
        self._store.save(self._kept)

    def forget(self) -> None:
        """Forgets the log-in."""
        self._kept = None
        self._store.forget()

    async def token(self, refresh: Refresh, *, certificate_digest: str) -> str | None:
        """The access token to show; refreshed where it runs out or is of another certificate.

        None where nobody is logged in, or not any longer.

        Raises: HubUnavailable where it could not be refreshed; MalformedInput.
        """
        if self._kept is not None and not self._is_good(self._kept, certificate_digest):
            await self.renew(self._kept, refresh, certificate_digest=certificate_digest)
        return None if self._kept is None else self._kept.access_token

    async def renew_refused(
        self, token: str, refresh: Refresh, *, certificate_digest: str
    ) -> str | None:
        """Another access token in the place of one that the hub refused."""
        if self._kept is not None and self._kept.access_token == token:
            await self.renew(self._kept, refresh, certificate_digest=certificate_digest)
        return None if self._kept is None else self._kept.access_token

    async def renew(
        self, refused: KeptSession, refresh: Refresh, *, certificate_digest: str
    ) -> None:
        """Takes what another process has refreshed meanwhile, or refreshes; forgets what is over.

        Raises: HubUnavailable, MalformedInput.
        """
        async with self._locked():
            kept = self._store.load()
            if kept is not None and kept.access_token != refused.access_token:
                self._kept = kept
                return
            if kept is None or kept.until <= self._clock():
                self.forget()
                return
            try:
                tokens = await refresh(kept)
            except (TokenRefused, LogInRequired):
                self.forget()
            else:
                self.keep(
                    tokens,
                    certificate_digest=certificate_digest,
                    issuer=kept.issuer,
                    client_id=kept.client_id,
                )

    def _is_good(self, kept: KeptSession, certificate_digest: str) -> bool:
        is_bound = kept.certificate_digest == certificate_digest
        return is_bound and kept.access_until - REFRESH_BEFORE > self._clock()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        for _ in range(LOCK_TRIES):
            try:
                lock = held_alone(self._profile, SESSION_LOCK)
                lock.__enter__()
            except MalformedInput:
                await asyncio.sleep(LOCK_RETRY_SECONDS)
            else:
                break
        else:
            raise MalformedInput("Another process refreshes the log-in and does not end.")
        try:
            yield
        finally:
            lock.__exit__(None, None, None)
