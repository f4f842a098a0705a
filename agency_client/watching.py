"""Watching: a stream of verified windows, opened again whenever it breaks off.

Each window is on the reader's disk before it is confirmed: who iterates keeps it, then confirms.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing

from agency_client.channel import FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS
from agency_client.client import HubClient
from agency_client.diagnosis import is_over
from agency_client.events import ROSTER_CHANGED, VerifiedEvent, require_order, verify_event
from agency_client.inbox import KeptWindow, Quarantined
from agency_client.trust import Trust
from comity.acts import VERSION
from comity.errors import ComityError, HubUnavailable, LedgerForked, ProofInvalid
from comity.v1 import events_pb2, ledger_pb2, watches_pb2
from comity.v1.notices_pb2 import TRAFFIC_LIVE, Traffic

PART_EVENTS = 16  # some milliseconds of signatures; a whole window is four parts


class Watch:
    """One named watch. Iterate `windows`, keep each, then `confirm` it."""

    def __init__(
        self,
        client: HubClient,
        opening: watches_pb2.OpenWatch,
        *,
        on_break: Callable[[ComityError], None] = lambda _: None,
        on_open: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._opening = opening
        self._traffic = opening.traffic or TRAFFIC_LIVE
        self._on_break = on_break
        self._on_open = on_open
        self._commands: asyncio.Queue[watches_pb2.WatchCommand | None] = asyncio.Queue()
        self._received_index = 0
        self._confirmed: int | None = None
        self._is_over = False

    def confirm(self, window: KeptWindow) -> None:
        """Tells the hub that a window is on disk."""
        self._confirmed = window.next_index
        confirm = watches_pb2.ConfirmEvents(next_index=window.next_index)
        self._commands.put_nowait(watches_pb2.WatchCommand(confirm=confirm))

    def hang_up(self) -> None:
        """Ends the watch once the hub has heard what was confirmed; `windows` then ends too."""
        self._is_over = True
        self._commands.put_nowait(None)

    async def windows(self) -> AsyncGenerator[KeptWindow, None]:
        """Windows until `hang_up`. Where the hub is away it is tried again and again.

        Raises: VerificationFailed, where nothing more from this hub may be believed; AccessRefused;
        Superseded where the watch was opened elsewhere.
        """
        delay = FIRST_DELAY_SECONDS
        while not self._is_over:
            try:
                async with aclosing(self.windows_of_one_stream()) as stream:
                    async for window in stream:
                        delay = FIRST_DELAY_SECONDS
                        yield window
                failure: ComityError = HubUnavailable("The hub has ended the watch.")
            except HubUnavailable as error:
                failure = error
            if not self._is_over:
                self._on_break(failure)
                if is_over(failure):
                    delay = FIRST_DELAY_SECONDS
                await self._client.channel.pause(delay, failure)
                delay = min(delay * 2, MAX_DELAY_SECONDS)

    async def windows_of_one_stream(self) -> AsyncGenerator[KeptWindow, None]:
        """The windows of one stream, until it ends.

        Raises: as `windows`, and HubUnavailable where it breaks off.
        """
        await self._client.refresh_roster()
        self._commands = asyncio.Queue()
        self._commands.put_nowait(watches_pb2.WatchCommand(open=self._open_command()))
        commands = _requests(self._commands)
        try:
            async with aclosing(self._client.open_watch(commands)) as stream:
                async for response in stream:
                    window = await self._take(response)
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

    async def _take(self, response: watches_pb2.WatchEventsResponse) -> KeptWindow | None:
        which = response.WhichOneof("message")
        if which == "opened":
            await self._client.accept_proof(response.opened.proof, [])
            self._received_index = response.opened.next_index
            self._on_open()
            return None
        if which == "progress":
            await self._client.accept_proof(response.progress.proof, [])
            return self._window([], [], next_index=response.progress.next_index)
        if which == "window":
            return await self._take_events(response.window)
        return None  # Of a kind that this version does not know: nothing of it is confirmed.

    async def _take_events(self, window: watches_pb2.EventWindow) -> KeptWindow:
        """Verifies a window.

        1. Its events rise through the entries since the window before, and lie in the ledger.
        2. The roster is as far as they are.
        3. Each event verifies by itself and is of the watch's traffic, or is set apart: it holds
           up no other.
        """
        require_order(  # 1
            window.events, first_index=self._received_index, next_index=window.next_index
        )
        await self._client.accept_proof(window.proof, _leaves_of(window.events))
        if any(event.kind == ROSTER_CHANGED for event in window.events):  # 2
            await self._client.refresh_roster()
        parts = await asyncio.gather(  # 3
            *(
                asyncio.to_thread(verify_each, part, self._client.trust, traffic=self._traffic)
                for part in _divided(window.events)
            )
        )
        return self._window(
            [event for verified, _ in parts for event in verified],
            [event for _, quarantined in parts for event in quarantined],
            next_index=window.next_index,
        )

    def _window(
        self,
        verified: Sequence[VerifiedEvent],
        quarantined: Sequence[Quarantined],
        *,
        next_index: int,
    ) -> KeptWindow:
        if not self._received_index <= next_index <= self._client.trust.size:
            raise ProofInvalid("The hub moves the place of a watch to where it cannot be.")
        self._received_index = next_index
        return KeptWindow(verified, quarantined, next_index)


async def _requests(
    commands: asyncio.Queue[watches_pb2.WatchCommand | None],
) -> AsyncIterator[watches_pb2.WatchEventsRequest]:
    while (command := await commands.get()) is not None:
        yield watches_pb2.WatchEventsRequest(command=command.SerializeToString())


def _divided(events: Sequence[events_pb2.Event]) -> list[Sequence[events_pb2.Event]]:
    """Events in parts that are verified side by side: signatures need no interpreter lock."""
    return [events[i : i + PART_EVENTS] for i in range(0, len(events), PART_EVENTS)]


def _leaves_of(events: Sequence[events_pb2.Event]) -> list[ledger_pb2.LedgerLeaf]:
    """Every entry that events show."""
    leaves = [event.leaf for event in events]
    return leaves + [event.act.leaf for event in events if event.act.HasField("leaf")]


def verify_each(
    events: Sequence[events_pb2.Event],
    trust: Trust,
    *,
    traffic: Traffic.ValueType | None = None,
) -> tuple[list[VerifiedEvent], list[Quarantined]]:
    """Verifies events one by one, as of one traffic or of any; what fails is set apart with the
    reason."""
    verified, quarantined = [], []
    for event in events:
        try:
            found = verify_event(event, trust)
            if traffic is not None:
                _require_traffic(found, traffic)
            verified.append(found)
        except LedgerForked:
            raise  # That is the hub's doing, and concerns more than this event.
        except ComityError as error:
            quarantined.append(Quarantined(event.leaf.entry_index, str(error), event))
    return verified, quarantined


def _require_traffic(event: VerifiedEvent, traffic: Traffic.ValueType) -> None:
    """Requires that an exercise is never taken for live. A withdrawal names no traffic."""
    if event.act is None or event.act.kind != VERSION:
        return
    if event.act.act.version.notice.traffic != traffic:
        raise ProofInvalid("The hub shows a notice of another traffic than this watch is for.")
