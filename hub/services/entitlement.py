"""Who may see what happened to a notice. Judged per event, when it is sent."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

from comity.identity import AgencyId
from comity.v1 import events_pb2
from hub.services.membership import Membership
from hub.services.standings import CONTENT_EVENTS, STANDING_EVENTS, Shown, Standings
from hub.store.audiences import find_audiences
from hub.store.database import Database
from hub.store.events import StoredEvent
from hub.store.notices import NoticeKey

MAX_CACHED_AUDIENCES = 4_096  # a few kilobytes each at 200 members

Members = frozenset[AgencyId]


class Entitlement:
    """Knows the audiences. Forgets them whenever membership changes, since open ones grow then."""

    def __init__(self, database: Database, *, membership: Membership, standings: Standings) -> None:
        self._database = database
        self._standings = standings
        self._membership = membership
        self._known: OrderedDict[bytes, Members] = OrderedDict()
        self._known_at: int | None = None

    async def entitled(self, agency: AgencyId, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The events that an agency may be sent: what everybody gets, and what is for it.

        1. An event is for its audience, but for who did it.
        2. What shows something of a notice is sent only while the notice stands and is still
           addressed to the agency: not of one that is suspended, has ended, or was taken back from
           it. Who was behind then hears of the end alone.

        Raises: StoreUnavailable.
        """
        members = await self._members({e.audience for e in events if e.audience is not None})
        told = [  # 1
            event
            for event in events
            if event.audience is None
            or (event.actor != agency and agency in members[event.audience])
        ]
        return await self._still_shown(agency, told)  # 2

    async def _still_shown(self, agency: AgencyId, events: list[StoredEvent]) -> list[StoredEvent]:
        asked = {
            (e.originator, e.notice_id)
            for e in events
            if e.kind in CONTENT_EVENTS or e.kind in STANDING_EVENTS
        }
        if not asked:
            return events
        shown = await self._standings.find(asked)
        members = await self._members({standing.audience for standing in shown.values()})
        return [event for event in events if _is_still_shown(event, agency, shown, members)]

    async def is_for(self, agency: AgencyId, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The events whose entries an agency may read: those that were ever for it, and its own.

        Raises: StoreUnavailable.
        """
        members = await self._members({e.audience for e in events if e.audience is not None})
        return [
            event
            for event in events
            if event.audience is None or event.actor == agency or agency in members[event.audience]
        ]

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


def _is_still_shown(
    event: StoredEvent,
    agency: AgencyId,
    shown: Mapping[NoticeKey, Shown],
    members: Mapping[bytes, Members],
) -> bool:
    if event.kind in CONTENT_EVENTS:
        allowed = {events_pb2.NOTICE_STATE_PUBLISHED}
    elif event.kind in STANDING_EVENTS:
        allowed = {events_pb2.NOTICE_STATE_PUBLISHED, events_pb2.NOTICE_STATE_SUSPENDED}
    else:
        return True
    standing = shown.get((event.originator, event.notice_id))
    if standing is None or standing.state not in allowed:
        return False
    return agency == event.originator or agency in members[standing.audience]
