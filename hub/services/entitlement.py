"""Who may see what happened to a notice. Judged per event, when it is sent."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

from comity.identity import AgencyId
from hub.services.membership import Membership
from hub.store.audiences import find_audiences
from hub.store.database import Database
from hub.store.events import StoredEvent

MAX_CACHED_AUDIENCES = 4_096  # a few kilobytes each at 200 members

Members = frozenset[AgencyId]


class Entitlement:
    """Knows the audiences. Forgets them whenever membership changes, since open ones grow then."""

    def __init__(self, database: Database, *, membership: Membership) -> None:
        self._database = database
        self._membership = membership
        self._known: OrderedDict[bytes, Members] = OrderedDict()
        self._known_at: int | None = None

    async def entitled(self, agency: AgencyId, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The events that an agency may be sent: what everybody gets, and what it is addressed by.

        An originator gets no events of its own acts.

        Raises: StoreUnavailable.
        """
        members = await self._members({e.audience for e in events if e.audience is not None})
        return [
            event
            for event in events
            if event.audience is None
            or (event.originator != agency and agency in members[event.audience])
        ]

    async def may_read(self, agency: AgencyId, *, originator: AgencyId, audience: bytes) -> bool:
        """Whether an agency may read a notice: as its originator or an addressee."""
        members = await self._members({audience})
        return agency == originator or agency in members[audience]

    async def _members(self, audiences: Collection[bytes]) -> Mapping[bytes, Members]:
        """The members of audiences. Others read and forget meanwhile, so each has its own answer.

        1. What is remembered of this state of membership is taken.
        2. The rest is read. If membership has changed meanwhile, what was read may be from before
           the change: who has just joined would be passed over for good. So all is read again.
        """
        while True:
            version = self._membership.version
            known = self._remembered(audiences, version)  # 1
            missing = set(audiences) - known.keys()
            if not missing:
                return known
            async with self._database.read() as connection:  # 2
                found = await find_audiences(connection, missing)
            if self._membership.version == version:
                read = {key: audience.members for key, audience in found.items()}
                self._remember(read)
                return {**known, **read}

    def _remembered(
        self, audiences: Collection[bytes], version: int | None
    ) -> dict[bytes, Members]:
        if self._known_at != version:
            self._known.clear()
            self._known_at = version
        return {key: self._known[key] for key in audiences if key in self._known}

    def _remember(self, read: Mapping[bytes, Members]) -> None:
        self._known.update(read)
        while len(self._known) > MAX_CACHED_AUDIENCES:
            self._known.popitem(last=False)
