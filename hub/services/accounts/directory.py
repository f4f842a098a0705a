"""The hub's table of officers in this process's memory, and when it was last confirmed.

Asked at every call where officers log in elsewhere. As with built-in sessions, a process that has
not confirmed its knowledge within a second refuses. Knows nothing of passwords or tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from comity.identity import AgencyId
from comity.times import datetime_from_microseconds
from comity.v1.officers_pb2 import OFFICER_STATUS_ACTIVE, Role
from hub.services.confirmation import Confirmation
from hub.store.database import Database
from hub.store.officers import OfficerStanding, list_standings, load_officer_version

OnEnded = Callable[[AgencyId, str], None]


@dataclass(frozen=True, slots=True)
class KnownOfficer:
    """An officer as the hub's table has it now.

    Sessions begun before `not_before` have ended: the latest moment at which the officer was
    locked, removed, reset or logged out everywhere.
    """

    officer_id: str
    roles: frozenset[Role.ValueType]
    is_active: bool
    not_before: datetime | None = None


class TableOfOfficers:
    """Every officer of the hub. One per process; `run` it as a task.

    `on_ended` is told agency and user name of each officer whose log-ins have been ended, wherever
    that was done: here, in another process, or at the hub's machine.
    """

    def __init__(
        self, database: Database, *, monotonic: Callable[[], float], on_ended: OnEnded
    ) -> None:
        self._database = database
        self._on_ended = on_ended
        self._confirmation = Confirmation(monotonic=monotonic)
        self._refreshing = asyncio.Lock()
        self._version: int | None = None
        self._by_id: dict[str, OfficerStanding] = {}
        self._by_name: dict[tuple[AgencyId, str], OfficerStanding] = {}

    async def refresh(self) -> None:
        """Confirms what is known, reading anew where anything has changed.

        Raises: StoreUnavailable.
        """
        asked_at = self._confirmation.now()
        async with self._refreshing, self._database.read() as connection:
            version = await load_officer_version(connection)
            if version != self._version:
                self._take(await list_standings(connection))
                self._version = version
        self._confirmation.take(asked_at)

    async def run(self) -> None:
        """Confirms again and again until cancelled."""
        await self._confirmation.run(self.refresh)

    async def find_by_subject(
        self, agency: AgencyId, *, subject: str, user_name: str
    ) -> KnownOfficer | None:
        """The officer of an agency by the user name, which is never given to another.

        Raises: MembershipUnconfirmed.
        """
        self._confirmation.require()
        return _known_from(self._by_name.get((agency, user_name)))

    def find(self, officer_id: str) -> KnownOfficer | None:
        """The officer of an id.

        Raises: MembershipUnconfirmed.
        """
        self._confirmation.require()
        return _known_from(self._by_id.get(officer_id))

    def _take(self, found: list[OfficerStanding]) -> None:
        before = self._by_id
        self._by_id = {one.officer_id: one for one in found}
        self._by_name = {(one.agency_id, one.user_name): one for one in found}
        for one in found:
            known = before.get(one.officer_id)
            if known is not None and known.not_before < one.not_before:
                self._on_ended(one.agency_id, one.user_name)


def _known_from(standing: OfficerStanding | None) -> KnownOfficer | None:
    if standing is None:
        return None
    return KnownOfficer(
        standing.officer_id,
        standing.roles,
        is_active=standing.status == OFFICER_STATUS_ACTIVE,
        not_before=datetime_from_microseconds(standing.not_before) if standing.not_before else None,
    )
