"""Who may see what happened to a notice. Judged per event, when it is sent."""

from __future__ import annotations

from collections.abc import Sequence

from comity.identity import AgencyId
from hub.services.membership import Membership
from hub.store.audiences import find_audiences
from hub.store.database import Database
from hub.store.events import StoredEvent

MAX_CACHED_AUDIENCES = 4_096  # a few kilobytes each at 200 members


class Entitlement:
    """Knows the audiences. Forgets them whenever membership changes, since open ones grow then."""

    def __init__(self, database: Database, *, membership: Membership) -> None:
        self._database = database
        self._membership = membership
        self._known: dict[bytes, frozenset[AgencyId]] = {}
        self._known_at: int | None = None

    async def entitled(self, agency: AgencyId, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The events that an agency may be sent: what everybody gets, and what it is addressed by.

        An originator gets no events of its own acts.

        Raises: StoreUnavailable.
        """
        await self._learn({e.audience for e in events if e.audience is not None})
        return [
            event
            for event in events
            if event.audience is None
            or (event.originator != agency and agency in self._known[event.audience])
        ]

    async def may_read(self, agency: AgencyId, *, originator: AgencyId, audience: bytes) -> bool:
        """Whether an agency may read a notice: as its originator or an addressee."""
        await self._learn({audience})
        return agency == originator or agency in self._known[audience]

    async def _learn(self, audiences: set[bytes]) -> None:
        if self._known_at != self._membership.version or len(self._known) > MAX_CACHED_AUDIENCES:
            self._known.clear()
            self._known_at = self._membership.version
        missing = audiences - self._known.keys()
        if not missing:
            return
        async with self._database.read() as connection:
            found = await find_audiences(connection, missing)
        self._known.update({key: audience.members for key, audience in found.items()})
