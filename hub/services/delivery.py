"""Delivery: what one open watch sends, window by window, in the order of the ledger.

Never sends what is not recorded as delivered, nor to whom is no member at that moment.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from comity.errors import ComityError, HubUnavailable, NotSent
from comity.v1 import events_pb2, ledger_pb2, watches_pb2
from comity.v1.events_pb2 import NoticeFilter
from hub.services.access import AccessService
from hub.services.calls import Caller
from hub.services.entitlement import Entitlement
from hub.services.membership import Membership
from hub.services.proofs import Proofs
from hub.services.records import EventRecords, entry_indices
from hub.services.tail import Tail
from hub.services.watches import WatchService, is_wanted
from hub.store.database import Database
from hub.store.events import StoredEvent, list_events
from hub.store.watches import StoredWatch

MAX_UNCONFIRMED_EVENTS = 64  # what may still reach a reader after it was suspended
MAX_UNCONFIRMED_BYTES = 1_048_576  # what a reader that never reads costs at most
PAGE_EVENTS = 1_024  # looked at per query by a reader that is behind
PROGRESS_AFTER_ENTRIES = 4_096  # a cursor is never further behind than that for want of events
PROGRESS_EVERY_SECONDS = 10.0  # and moves at least this often while anything happens
SAVE_CURSOR_EVERY_SECONDS = 0.5  # a crash delivers again what was confirmed since; readers sort out


@dataclass(frozen=True, slots=True)
class _Sent:
    next_index: int
    event_count: int
    size_bytes: int


class Delivery:
    """One open stream of a watch. `windows` gives what to send; `confirm` and `end` steer it."""

    def __init__(
        self,
        watch: StoredWatch,
        *,
        caller: Caller,
        known_size: int,
        source: DeliverySource,
    ) -> None:
        self.watch = watch
        self.caller = caller
        self._source = source
        self._filter = NoticeFilter.FromString(watch.filter_bytes)
        self._position = watch.next_index
        self._known_size = known_size
        # Events that were looked at and wait for room; entitlement is judged when they are taken.
        self._ahead: deque[StoredEvent] = deque()
        self._ahead_end = watch.next_index
        self._unconfirmed: deque[_Sent] = deque()
        self._sent_index = watch.next_index
        self._confirmed_index = watch.next_index
        self._saved_index = watch.next_index
        self._ended_by: ComityError | None = None
        self._is_finished = False
        self._stirred = asyncio.Event()

    def confirm(self, next_index: int) -> None:
        """Takes the reader's word that everything below an index is on its disk.

        Raises: NotSent.
        """
        if next_index > self._sent_index:
            raise NotSent(f"Nothing beyond entry {self._sent_index} was sent on this stream.")
        self._confirmed_index = max(self._confirmed_index, next_index)
        while self._unconfirmed and self._unconfirmed[0].next_index <= next_index:
            self._unconfirmed.popleft()
        self._stirred.set()

    def end(self, error: ComityError) -> None:
        """Ends the stream with an error, before anything else is sent."""
        self._ended_by = self._ended_by or error
        self._stirred.set()

    def finish(self) -> None:
        """Ends the stream without an error: the reader has hung up its side."""
        self._is_finished = True
        self._stirred.set()

    async def windows(self) -> AsyncGenerator[bytes, None]:
        """What to send, serialized, until `end`.

        Raises: what the stream was ended with; StoreUnavailable; AgencyNotActive.
        """
        yield await self._opened()
        self._source.tail.subscribe(self._stirred)
        saving = asyncio.create_task(self._save_cursor_again_and_again())
        try:
            while True:
                message = await self._next_message()
                if message is None:
                    return
                self._require_going_on()
                yield message
        finally:
            saving.cancel()
            self._source.tail.unsubscribe(self._stirred)

    def _require_going_on(self) -> None:
        if self._ended_by is not None:
            raise self._ended_by
        self._source.membership.require_active(
            self.caller.agency, certificate_id=self.caller.certificate_id
        )

    async def _opened(self) -> bytes:
        proof = await self._proof([])
        opened = watches_pb2.WatchOpened(next_index=self._position, proof=proof)
        return watches_pb2.WatchEventsResponse(opened=opened).SerializeToString()

    async def _next_message(self) -> bytes | None:
        loop = asyncio.get_running_loop()
        progress_at = loop.time() + PROGRESS_EVERY_SECONDS
        while True:
            self._stirred.clear()
            self._require_going_on()
            if self._is_finished:
                return None
            if self._has_room():
                found = await self._scan()
                if found:
                    return await self._window(found)
            behind = self._position - self._sent_index
            late = behind > 0 and loop.time() >= progress_at
            if behind >= PROGRESS_AFTER_ENTRIES or late:
                return await self._progress()
            if self._has_room() and self._position < self._source.tail.size:
                continue
            await self._wait(progress_at - loop.time() if behind else PROGRESS_EVERY_SECONDS)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stirred.wait(), max(seconds, 0.01))
        except TimeoutError:
            return

    def _has_room(self) -> bool:
        count = sum(sent.event_count for sent in self._unconfirmed)
        size = sum(sent.size_bytes for sent in self._unconfirmed)
        return count < MAX_UNCONFIRMED_EVENTS and size < MAX_UNCONFIRMED_BYTES

    async def _scan(self) -> list[StoredEvent]:
        """The next events for this reader, as many as there is room for; moves the position."""
        if not self._ahead:
            await self._look_ahead()
        room = MAX_UNCONFIRMED_EVENTS - sum(sent.event_count for sent in self._unconfirmed)
        taken = [self._ahead.popleft() for _ in range(min(room, len(self._ahead)))]
        self._position = taken[-1].entry_index + 1 if self._ahead else self._ahead_end
        return await self._source.entitlement.entitled(self.caller.agency, taken)

    async def _look_ahead(self) -> None:
        """Fetches a page of events and keeps those that the filter wants."""
        end = self._source.tail.size
        page = await self._page(end)
        self._ahead.extend(
            e for e in page if is_wanted(e, self._filter, traffic=self.watch.traffic)
        )
        self._ahead_end = page[-1].entry_index + 1 if len(page) == PAGE_EVENTS else end

    async def _page(self, end: int) -> Sequence[StoredEvent]:
        recent = self._source.tail.recent_events(self._position)
        if recent is not None:
            return recent[:PAGE_EVENTS]
        async with self._source.database.read() as connection:
            return await list_events(connection, self._position, below=end, limit=PAGE_EVENTS)

    async def _window(self, found: Sequence[StoredEvent]) -> bytes:
        records = await self._source.records.load(found)
        size, count = 0, 0
        room = MAX_UNCONFIRMED_BYTES - sum(sent.size_bytes for sent in self._unconfirmed)
        for record in records:
            size += record.ByteSize()
            if count and size > room:
                self._position = found[count].entry_index
                self._ahead.extendleft(reversed(found[count:]))
                break
            count += 1
        events, records = found[:count], records[:count]
        await self._source.access.record(
            self.caller,
            ledger_pb2.ACCESS_ACTION_DELIVER_EVENTS,
            entry_indices=[e.entry_index for e in events],
        )
        return await self._encoded_window(events, records)

    async def _encoded_window(
        self, events: Sequence[StoredEvent], records: Sequence[events_pb2.Event]
    ) -> bytes:
        signed = self._source.tail.signed_head
        # Not by the entries that are shown: another event may show the same act.
        shown = (event.entry_index for event in events)
        key = (*shown, self._position, self._known_size, signed.size)
        encoded = self._source.encoded.get(key)
        if encoded is None:
            proof = await self._source.proofs.proof(
                entry_indices(events), signed=signed, known_size=self._known_size
            )
            window = watches_pb2.EventWindow(events=records, next_index=self._position, proof=proof)
            encoded = watches_pb2.WatchEventsResponse(window=window).SerializeToString()
            self._source.remember(key, encoded)
        self._known_size = signed.size
        self._note_sent(len(events), len(encoded))
        return encoded

    async def _progress(self) -> bytes:
        progress = watches_pb2.Progress(next_index=self._position, proof=await self._proof([]))
        self._note_sent(0, 0)
        return watches_pb2.WatchEventsResponse(progress=progress).SerializeToString()

    async def _proof(self, indices: Sequence[int]) -> ledger_pb2.LedgerProof:
        signed = self._source.tail.signed_head
        proof = await self._source.proofs.proof(indices, signed=signed, known_size=self._known_size)
        self._known_size = signed.size
        return proof

    def _note_sent(self, event_count: int, size_bytes: int) -> None:
        self._sent_index = self._position
        if event_count:
            self._unconfirmed.append(_Sent(self._position, event_count, size_bytes))

    async def _save_cursor_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(SAVE_CURSOR_EVERY_SECONDS)
            with suppress(HubUnavailable):  # Tried again; until then events come twice at worst.
                await self.save_cursor()

    async def save_cursor(self) -> None:
        """Writes the confirmed place, if it moved."""
        if self._confirmed_index > self._saved_index:
            confirmed = self._confirmed_index
            await self._source.watches.move_cursor(self.watch, confirmed)
            self._saved_index = confirmed


MAX_ENCODED_WINDOWS = 32  # a live event is encoded once for all who are equally far


class DeliverySource:
    """What every delivery of a process draws on."""

    def __init__(
        self,
        database: Database,
        *,
        tail: Tail,
        membership: Membership,
        entitlement: Entitlement,
        records: EventRecords,
        proofs: Proofs,
        access: AccessService,
        watches: WatchService,
    ) -> None:
        self.database = database
        self.tail = tail
        self.membership = membership
        self.entitlement = entitlement
        self.records = records
        self.proofs = proofs
        self.access = access
        self.watches = watches
        self.encoded: dict[tuple[int, ...], bytes] = {}

    def remember(self, key: tuple[int, ...], encoded: bytes) -> None:
        """Keeps an encoded window for the next reader that is equally far."""
        while len(self.encoded) >= MAX_ENCODED_WINDOWS:
            self.encoded.pop(next(iter(self.encoded)))
        self.encoded[key] = encoded
