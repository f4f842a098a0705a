"""Watching: a stream of verified windows, opened again whenever it breaks off.

Each window is on the reader's disk before it is confirmed: whoever iterates confirms by asking for
the next one after committing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from agency_client.client import FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS, HubClient
from agency_client.inbox import Quarantined
from agency_client.trust import Trust, VerifiedEvent
from comity.checkpoint import Checkpoint
from comity.errors import ComityError, HubUnavailable
from comity.v1 import events_pb2, ledger_pb2, watches_pb2


@dataclass(frozen=True, slots=True)
class Window:
    """What one message of a watch brought: verified events, and those that did not verify."""

    verified: Sequence[VerifiedEvent]
    quarantined: Sequence[Quarantined]
    next_index: int
    checkpoint: Checkpoint


class Watch:
    """One named watch. Iterate `windows`, keep each, then `confirm` it."""

    def __init__(self, client: HubClient, opening: watches_pb2.OpenWatch) -> None:
        self._client = client
        self._opening = opening
        self._commands: asyncio.Queue[watches_pb2.WatchCommand | None] = asyncio.Queue()
        self._confirmed: int | None = None

    def confirm(self, window: Window) -> None:
        """Tells the hub that a window is on disk."""
        self._confirmed = window.next_index
        self._commands.put_nowait(
            watches_pb2.WatchCommand(
                confirm=watches_pb2.ConfirmEvents(next_index=window.next_index)
            )
        )

    async def windows(self) -> AsyncIterator[Window]:
        """Windows without end. Where the hub is away it is tried again and again.

        Raises: VerificationFailed, where nothing more from this hub may be believed; AccessRefused;
        Superseded where the watch was opened elsewhere.
        """
        delay = FIRST_DELAY_SECONDS
        while True:
            try:
                async for window in self.windows_of_one_stream():
                    delay = FIRST_DELAY_SECONDS
                    yield window
            except HubUnavailable:
                await self._client.pause(self._client.jittered(delay))
                delay = min(delay * 2, MAX_DELAY_SECONDS)

    async def windows_of_one_stream(self) -> AsyncIterator[Window]:
        """The windows of one stream, until it ends."""
        await self._client.refresh_roster()
        self._commands = asyncio.Queue()
        self._commands.put_nowait(watches_pb2.WatchCommand(open=self._open_command()))
        stream = self._client.open_watch(self._requests())
        try:
            async for response in stream:
                window = await self._window(response)
                if window is not None:
                    yield window
        finally:
            self._commands.put_nowait(None)

    def _open_command(self) -> watches_pb2.OpenWatch:
        opening = watches_pb2.OpenWatch()
        opening.CopyFrom(self._opening)
        opening.known_size = self._client.trust.size
        if self._confirmed is not None:
            # Opened again: from what is on disk, however far the hub had written that down.
            opening.start = watches_pb2.WATCH_START_INDEX
            opening.first_index = self._confirmed
        return opening

    async def _requests(self) -> AsyncIterator[watches_pb2.WatchEventsRequest]:
        while (command := await self._commands.get()) is not None:
            yield watches_pb2.WatchEventsRequest(command=command.SerializeToString())

    async def _window(self, response: watches_pb2.WatchEventsResponse) -> Window | None:
        which = response.WhichOneof("message")
        if which == "opened":
            await self._client.accept_proof(response.opened.proof, [])
            return None
        if which == "progress":
            progress = response.progress
            checkpoint = await self._client.accept_proof(progress.proof, [])
            return Window((), (), progress.next_index, checkpoint)
        window = response.window
        checkpoint = await self._client.accept_proof(window.proof, leaves_of(window.events))
        if any(e.kind == events_pb2.EVENT_KIND_ROSTER_CHANGED for e in window.events):
            await self._client.refresh_roster()
        verified, quarantined = await asyncio.to_thread(
            verify_each, self._client.trust, window.events
        )
        return Window(verified, quarantined, window.next_index, checkpoint)


def leaves_of(events: Sequence[events_pb2.Event]) -> list[ledger_pb2.LedgerLeaf]:
    """Every entry that events show."""
    leaves = [event.leaf for event in events]
    return leaves + [event.act.leaf for event in events if event.act.HasField("leaf")]


def verify_each(
    trust: Trust, events: Sequence[events_pb2.Event]
) -> tuple[list[VerifiedEvent], list[Quarantined]]:
    """Verifies events one by one; what fails is set apart with the reason."""
    verified, quarantined = [], []
    for event in events:
        try:
            verified.append(trust.verify_event(event))
        except ComityError as error:
            quarantined.append(Quarantined(event.leaf.entry_index, str(error), event))
    return verified, quarantined


