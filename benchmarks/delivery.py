"""Delivery: catching up into an inbox, and one notice to 200 watchers at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from agency_client.agency import Agency
from agency_client.runner import kept_windows
from agency_client.watching import Watch
from benchmarks.publishing import Publisher
from comity.v1 import acts_pb2, notices_pb2, watches_pb2

ROUNDS = 7


async def catch_up(agency: Agency, count: int) -> float:
    """Events a second from the first entry on, each verified and on the reader's disk."""
    opening = watches_pb2.OpenWatch(
        name="bench", traffic=notices_pb2.TRAFFIC_LIVE, start=watches_pb2.WATCH_START_FIRST
    )
    watch = Watch(agency.client, opening)
    received = 0
    started = time.perf_counter()
    async with aclosing(kept_windows(agency, watch, "bench")) as windows:
        async for window, _ in windows:
            received += len(window.verified)
            if window.quarantined:
                raise RuntimeError(window.quarantined[0].reason)
            if received >= count:
                break
    return received / (time.perf_counter() - started)


async def fan_out(publisher: Publisher, watchers: Sequence[Agency], streams: int) -> list[float]:
    """Seconds from handing a notice in until the slowest watcher has it, round by round."""
    arrivals: asyncio.Queue[None] = asyncio.Queue()
    ready: asyncio.Queue[None] = asyncio.Queue()
    tasks = [
        asyncio.create_task(_watch(watchers[number % len(watchers)], number, ready, arrivals))
        for number in range(streams)
    ]
    for _ in tasks:
        await ready.get()
    rule = acts_pb2.AddressingRule(agencies=[each.profile.agency for each in watchers])
    seconds = []
    for request in publisher.signed(ROUNDS, rule):
        started = time.perf_counter()
        await publisher.submit(request)
        for _ in tasks:
            await arrivals.get()
        seconds.append(time.perf_counter() - started)
        await asyncio.sleep(0.5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seconds


async def _watch(
    agency: Agency, number: int, ready: asyncio.Queue[None], arrivals: asyncio.Queue[None]
) -> None:
    """A watcher that only takes windows in and confirms them: the hub's work, not the client's."""
    commands: asyncio.Queue[watches_pb2.WatchCommand] = asyncio.Queue()
    opening = watches_pb2.OpenWatch(name=f"fan-{number}", known_size=agency.trust.size)
    commands.put_nowait(watches_pb2.WatchCommand(open=opening))

    async def requests() -> AsyncIterator[watches_pb2.WatchEventsRequest]:
        while True:
            command = await commands.get()
            yield watches_pb2.WatchEventsRequest(command=command.SerializeToString())

    async for response in agency.client.open_watch(requests()):
        which = response.WhichOneof("message")
        if which == "opened":
            ready.put_nowait(None)
        elif which == "window":
            for _ in response.window.events:
                arrivals.put_nowait(None)
            confirm = watches_pb2.ConfirmEvents(next_index=response.window.next_index)
            commands.put_nowait(watches_pb2.WatchCommand(confirm=confirm))
