"""Officers as this process knows them by their tokens, and when that was last confirmed.

Asked by the guard at every call that comes with a token. A process that has not confirmed its
knowledge within a second refuses, so that whoever was locked elsewhere is not served here longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from comity.errors import TokenRefused
from comity.identity import AgencyId
from comity.times import microseconds_from
from hub.services.accounts.roles import ADMINISTRATORS
from hub.services.accounts.tokens import token_hash
from hub.services.calls import Officer, Step
from hub.services.confirmation import Confirmation
from hub.store.database import Database
from hub.store.officers import load_officer_version
from hub.store.sessions import LiveSession, find_live_session, list_live_sessions

MAX_KNOWN_SESSIONS = 10_000  # twice the officers of a large hub, half a kilobyte each


class BuiltInOfficers:
    """The `Officers` of built-in accounts. One per process; `run` it as a task."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._database = database
        self._clock = clock
        self._confirmation = Confirmation(monotonic=monotonic)
        self._refreshing = asyncio.Lock()
        self._version = -1
        self._by_id: dict[str, LiveSession] = {}
        self._by_hash: dict[bytes, LiveSession] = {}

    async def refresh(self) -> None:
        """Confirms what is known, reading anew where anything has ended or changed.

        Raises: StoreUnavailable.
        """
        asked_at = self._confirmation.now()
        async with self._refreshing, self._database.read() as connection:
            version = await load_officer_version(connection)
            if version != self._version:
                self._read_again(await list_live_sessions(connection, list(self._by_id)))
                self._version = version
        self._confirmation.take(asked_at)

    def _read_again(self, found: list[LiveSession]) -> None:
        self._by_id = {live.session.session_id: live for live in found}
        self._by_hash = {live.session.access_hash: live for live in found}

    async def run(self) -> None:
        """Confirms again and again until cancelled."""
        await self._confirmation.run(self.refresh)

    async def identify(self, token: str, *, agency: AgencyId, certificate_id: str) -> Officer:
        """The officer whose access token came on an agency's channel.

        Raises: TokenRefused, always with the same words; MembershipUnconfirmed, StoreUnavailable.
        """
        self._confirmation.require()
        access_hash = token_hash(token)
        live = self._by_hash.get(access_hash) or await self._look_up(access_hash)
        if live is None or live.session.access_until <= microseconds_from(self._clock()):
            raise TokenRefused()
        if (live.session.agency_id, live.session.certificate_id) != (agency, certificate_id):
            raise TokenRefused()
        return _officer_from(live)

    def require_current(self, officer: Officer) -> None:
        """Refuses an officer whose session has ended, or whose rights are fewer than they were.

        Raises: TokenRefused, MembershipUnconfirmed.
        """
        self._confirmation.require()
        live = self._by_id.get(officer.session_id)
        if live is None or live.session.until <= microseconds_from(self._clock()):
            raise TokenRefused()
        if not officer.roles <= live.roles:
            raise TokenRefused()

    async def _look_up(self, access_hash: bytes) -> LiveSession | None:
        """Reads a session that is not known yet, again where it is older than what is known."""
        while True:
            async with self._database.read() as connection:
                live = await find_live_session(connection, access_hash)
            if live is None or live.version >= self._version:
                break
        if live is not None:
            self._remember(live)
        return live

    def _remember(self, live: LiveSession) -> None:
        before = self._by_id.pop(live.session.session_id, None)
        if before is not None:
            self._by_hash.pop(before.session.access_hash, None)
        while len(self._by_id) >= MAX_KNOWN_SESSIONS:
            oldest = self._by_id.pop(next(iter(self._by_id)))
            self._by_hash.pop(oldest.session.access_hash, None)
        self._by_id[live.session.session_id] = live
        self._by_hash[live.session.access_hash] = live


def _officer_from(live: LiveSession) -> Officer:
    step = pending_step(live)
    return Officer(live.session.officer_id, live.roles, live.session.session_id, step)


def pending_step(live: LiveSession) -> Step | None:
    """What the officer has to do before anything else."""
    if not live.has_own_password:
        return Step.PASSWORD
    if live.roles & ADMINISTRATORS and not live.has_second_factor:
        return Step.SECOND_FACTOR
    return None
