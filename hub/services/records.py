"""Builds what readers are shown of stored acts: events, and acts with their entries."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import cast

from comity.v1 import acts_pb2, events_pb2, ledger_pb2
from hub.store.acts import StoredAct, find_acts_at
from hub.store.database import Database
from hub.store.events import StoredEvent
from hub.store.ledger import StoredEntry, find_entries

# What many watches deliver is read once. Most notices are small, and are bounded by their number:
# in memory each takes a kilobyte beside its own size. Some are large, and are bounded by size.
MAX_CACHED_EVENTS = 8_192
MAX_CACHED_BYTES = 33_554_432


def leaf_message(entry: StoredEntry) -> ledger_pb2.LedgerLeaf:
    """An entry as readers get it."""
    return ledger_pb2.LedgerLeaf(entry_index=entry.entry_index, entry=entry.entry)


# Events of an act that is not shown: its reader hears that it happened, and nothing of it.
_WITHOUT_ACT = frozenset({events_pb2.EVENT_KIND_SUBMITTED})


def content_act(stored: Sequence[StoredAct]) -> StoredAct | None:
    """The act among those of one entry that is no addressing, where it is not erased."""
    acts = (act for act in stored if act.kind != ledger_pb2.ACT_KIND_ADDRESSING)
    return next((act for act in acts if act.envelope), None)


def content_record(act: StoredAct, entry: StoredEntry | None) -> events_pb2.ActRecord:
    """An act with the salt that opens its commitment."""
    return events_pb2.ActRecord(
        envelope=acts_pb2.Envelope.FromString(act.envelope),
        leaf=None if entry is None else leaf_message(entry),
        content_salt=act.salt or b"",
    )


def addressing_record(act: StoredAct, entry: StoredEntry) -> events_pb2.ActRecord:
    """An addressing with the salt that opens its commitment. For its originator only."""
    return events_pb2.ActRecord(
        envelope=acts_pb2.Envelope.FromString(act.envelope),
        leaf=leaf_message(entry),
        addressing_salt=act.salt or b"",
    )


class EventRecords:
    """Events as their readers get them, read from the store once for all watches."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[int, events_pb2.Event] = OrderedDict()
        self._known_bytes = 0
        self._reading = asyncio.Lock()

    async def load(self, events: Sequence[StoredEvent]) -> list[events_pb2.Event]:
        """The contract's form of stored events.

        Raises: StoreUnavailable.
        """
        found = self._find(events)
        if len(found) < len(events):
            async with self._reading:
                found = self._find(events)
                missing = [e for e in events if e.entry_index not in found]
                if missing:
                    found.update(await self._read(missing))
        return [found[event.entry_index] for event in events]

    def _find(self, events: Sequence[StoredEvent]) -> dict[int, events_pb2.Event]:
        known = self._known
        return {e.entry_index: known[e.entry_index] for e in events if e.entry_index in known}

    async def _read(self, events: Sequence[StoredEvent]) -> dict[int, events_pb2.Event]:
        indices = {e.entry_index for e in events} | {e.act_entry for e in events}
        async with self._database.read() as connection:
            entries = await find_entries(connection, sorted(indices))
            acts = await find_acts_at(connection, indices)
        read = {}
        for event in events:
            is_shown = event.kind not in _WITHOUT_ACT
            content = content_act(acts[event.act_entry]) if is_shown else None
            message = _event_message(event, content, entries)
            if event.kind == events_pb2.EVENT_KIND_RESUMED:
                resumption = content_act(acts[event.entry_index])
                if resumption is not None:
                    message.resumption.CopyFrom(content_record(resumption, None))
            read[event.entry_index] = message
            self._keep(event.entry_index, read[event.entry_index])
        return read

    def take_events(self, events: Sequence[StoredEvent] | None) -> None:
        """Forgets what is erased at the hub; everything where it is not known what has happened."""
        if events is None or any(e.kind == events_pb2.EVENT_KIND_ERASED for e in events):
            self._known.clear()
            self._known_bytes = 0

    def _keep(self, entry_index: int, message: events_pb2.Event) -> None:
        self._known[entry_index] = message
        self._known_bytes += message.ByteSize()
        while len(self._known) > MAX_CACHED_EVENTS or self._known_bytes > MAX_CACHED_BYTES:
            _, oldest = self._known.popitem(last=False)
            self._known_bytes -= oldest.ByteSize()


def _event_message(
    event: StoredEvent, act: StoredAct | None, entries: dict[int, StoredEntry]
) -> events_pb2.Event:
    message = events_pb2.Event(
        kind=cast("events_pb2.EventKind.ValueType", event.kind),
        leaf=leaf_message(entries[event.entry_index]),
    )
    if act is not None:
        is_elsewhere = event.act_entry != event.entry_index
        entry = entries[event.act_entry] if is_elsewhere else None
        message.act.CopyFrom(content_record(act, entry))
    return message


def entry_indices(events: Sequence[StoredEvent]) -> list[int]:
    """Every entry that events show, once, in order."""
    return sorted({e.entry_index for e in events} | {e.act_entry for e in events})
