"""The end of the ledger as this process sees it: the signed head, and recent events.

Followers wait here. Fed by this process's own commits at once, and by looking at the database for
those of other processes: a lost wake-up delays, it never loses.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress

from comity.errors import StoreUnavailable
from hub.services.checkpoints import CheckpointSigner, SignedHead
from hub.services.membership import Membership
from hub.store.database import Database
from hub.store.events import StoredEvent, list_events
from hub.store.ledger import load_head
from hub.store.transaction import CommittedBatch
from hub.store.tree import TreeReader

MAX_RECENT_EVENTS = 8_192  # a few hundred bytes each; readers further behind read the store
MAX_LOOKS = 3  # one may be overtaken by a commit of this process, and that by one of another
LOOK_EVERY_SECONDS = 0.1  # how late another process's entries are seen when no notification comes


class Tail:
    """The committed end of the ledger. One per process."""

    def __init__(
        self,
        database: Database,
        *,
        signer: CheckpointSigner,
        tree: TreeReader,
        membership: Membership,
    ) -> None:
        self._database = database
        self._signer = signer
        self._tree = tree
        self._membership = membership
        self._signed: SignedHead | None = None
        self._recent: list[StoredEvent] = []
        self._recent_from = 0
        self._wake = asyncio.Event()
        self._subscribers: set[asyncio.Event] = set()
        self._listeners: list[Callable[[Sequence[StoredEvent] | None], None]] = []
        self._looking = asyncio.Lock()

    @property
    def signed_head(self) -> SignedHead:
        """The newest committed head, signed."""
        if self._signed is None:
            raise RuntimeError("the tail was not started")
        return self._signed

    @property
    def size(self) -> int:
        return self.signed_head.size

    async def start(self) -> None:
        """Takes the head as it is in the database."""
        async with self._database.read() as connection:
            head = await load_head(connection)
        self._signed = self._signer.sign(head)
        self._recent_from = head.size

    def take_batch(self, batch: CommittedBatch) -> None:
        """Takes what this process has just committed."""
        if not batch.entries:
            return
        self._tree.add_batch(batch)
        if batch.first_index != self.size:
            self.wake()  # Another process was in between; `look` reads both from the database.
            return
        self._advance(self._signer.sign(batch.head), batch.events)

    async def look(self) -> None:
        """Reads what other processes have committed.

        Raises: StoreUnavailable.
        """
        async with self._looking, self._database.read() as connection:
            head = await load_head(connection)
            if head.size <= self.size:
                self._membership.confirm(head)
                return
            first = self.size
            events = await list_events(
                connection, first, below=head.size, limit=MAX_RECENT_EVENTS + 1
            )
        if self.size != first:
            return  # A local commit was quicker; the next look sees the rest.
        if len(events) > MAX_RECENT_EVENTS:
            events, self._recent_from = [], head.size
            self._recent.clear()
            self._tell_listeners(None)
        self._advance(self._signer.sign(head), events)

    async def reach(self, entry_index: int) -> None:
        """Returns once the signed head holds an entry that was read from the database.

        Another process may have committed it a moment ago.

        Raises: StoreUnavailable.
        """
        for _ in range(MAX_LOOKS):
            if entry_index < self.size:
                return
            await self.look()
        if entry_index >= self.size:
            raise StoreUnavailable()

    def wake(self) -> None:
        """Lets `run` look at once: somebody may have committed."""
        self._wake.set()

    async def run(self) -> None:
        """Looks when woken and every so often, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_SECONDS)
            self._wake.clear()
            with suppress(StoreUnavailable):  # The next look finds the database back.
                await self.look()

    def subscribe(self, stirred: asyncio.Event) -> None:
        """Sets an event whenever the ledger grows."""
        self._subscribers.add(stirred)

    def add_listener(self, listener: Callable[[Sequence[StoredEvent] | None], None]) -> None:
        """Hands every new event to somebody before any follower sees it; None where there were too
        many to tell."""
        self._listeners.append(listener)

    def _tell_listeners(self, events: Sequence[StoredEvent] | None) -> None:
        for listener in self._listeners:
            listener(events)

    def unsubscribe(self, stirred: asyncio.Event) -> None:
        """Sets it no longer."""
        self._subscribers.discard(stirred)

    def recent_events(self, first_index: int) -> list[StoredEvent] | None:
        """The events from an entry on, or None where that is further back than is remembered."""
        if first_index < self._recent_from:
            return None
        start = bisect_left(self._recent, first_index, key=lambda event: event.entry_index)
        return self._recent[start:]

    def _advance(self, signed: SignedHead, events: Sequence[StoredEvent]) -> None:
        self._tell_listeners(events)
        self._recent.extend(events)
        if len(self._recent) > 2 * MAX_RECENT_EVENTS:
            del self._recent[:-MAX_RECENT_EVENTS]
            self._recent_from = self._recent[0].entry_index
        self._signed = signed
        for stirred in self._subscribers:
            stirred.set()
