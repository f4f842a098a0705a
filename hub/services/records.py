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

MAX_CACHED_EVENTS = 8_192  # some 10 MB of notices; what many watches deliver is read once


def leaf_message(entry: StoredEntry) -> ledger_pb2.LedgerLeaf:
    """An entry as readers get it."""
    return ledger_pb2.LedgerLeaf(entry_index=entry.entry_index, entry=entry.entry)


def content_act(stored: Sequence[StoredAct]) -> StoredAct | None:
    """The version or withdrawal among the acts of one entry."""
    return next((act for act in stored if act.kind != ledger_pb2.ACT_KIND_ADDRESSING), None)


def content_record(act: StoredAct, entry: StoredEntry | None) -> events_pb2.ActRecord:
    """A version or withdrawal with the salt that opens its commitment."""
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
        self._reading = asyncio.Lock()

    async def load(self, events: Sequence[StoredEvent]) -> list[events_pb2.Event]:
        """The contract's form of stored events.

        Raises: StoreUnavailable.
        """
        if any(event.entry_index not in self._known for event in events):
            async with self._reading:
                missing = [e for e in events if e.entry_index not in self._known]
                if missing:
                    await self._read(missing)
        loaded = [self._known[event.entry_index] for event in events]
        while len(self._known) > MAX_CACHED_EVENTS:
            self._known.popitem(last=False)
        return loaded

    async def _read(self, events: Sequence[StoredEvent]) -> None:
        indices = {e.entry_index for e in events} | {e.act_entry for e in events}
        async with self._database.read() as connection:
            entries = await find_entries(connection, sorted(indices))
            acts = await find_acts_at(connection, {e.act_entry for e in events})
        for event in events:
            content = content_act(acts[event.act_entry])
            self._known[event.entry_index] = _event_message(event, content, entries)


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
