"""Where notices stand, remembered for deliveries: whether what an event shows may still be shown.

Forgets a notice as soon as the tail brings an event that changes where it stands. Knows no caller.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from comity.v1 import events_pb2
from hub.store.database import Database
from hub.store.events import StoredEvent
from hub.store.notices import NoticeKey, find_notices

MAX_KNOWN = 16_384  # twice the events that the tail remembers; some hundred bytes each


@dataclass(frozen=True, slots=True)
class Shown:
    """What deliveries ask of a notice: its state, and whom it is addressed to now."""

    state: int
    audience: bytes


class Standings:
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[NoticeKey, Shown] = OrderedDict()
        self._readings: list[_Reading] = []

    def take_events(self, events: Sequence[StoredEvent] | None) -> None:
        """Forgets what events are about; everything where it is not known what has happened."""
        if events is None:
            self._known.clear()
            for reading in self._readings:
                reading.is_void = True
            return
        for event in events:
            if event.notice_id:
                key = (event.originator, event.notice_id)
                self._known.pop(key, None)
                for reading in self._readings:
                    reading.forgotten.add(key)

    async def find(self, keys: Collection[NoticeKey]) -> dict[NoticeKey, Shown]:
        """Where some notices stand.

        Raises: StoreUnavailable.
        """
        found = {key: self._known[key] for key in keys if key in self._known}
        missing = {key for key in keys if key not in found}
        if missing:
            found |= await self._read(missing)
        return found

    async def _read(self, keys: Collection[NoticeKey]) -> dict[NoticeKey, Shown]:
        """Read from the store. What has changed meanwhile is given, and not remembered."""
        reading = _Reading(set())
        self._readings.append(reading)
        try:
            async with self._database.read() as connection:
                standings = await find_notices(connection, {notice_id for _, notice_id in keys})
        finally:
            self._readings.remove(reading)
        read = {
            key: Shown(standing.state, standing.audience)
            for key, standing in standings.items()
            if key in keys
        }
        if not reading.is_void:
            self._known.update({k: s for k, s in read.items() if k not in reading.forgotten})
            while len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return read


@dataclass(slots=True, eq=False)
class _Reading:
    """A reading that is going on."""

    forgotten: set[NoticeKey]
    is_void: bool = False


# Events that show what a notice says, or say something about it.
CONTENT_EVENTS = frozenset(
    {
        events_pb2.EVENT_KIND_PUBLISHED,
        events_pb2.EVENT_KIND_NEW_VERSION,
        events_pb2.EVENT_KIND_ADDRESSEE_ADDED,
        events_pb2.EVENT_KIND_ADDENDUM,
        events_pb2.EVENT_KIND_RESUMED,
    }
)
# What may be shown while it is suspended: that it is, and until when it would stand.
STANDING_EVENTS = frozenset({events_pb2.EVENT_KIND_SUSPENDED, events_pb2.EVENT_KIND_EXTENDED})
