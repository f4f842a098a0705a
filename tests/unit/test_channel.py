"""What the channel makes of gRPC's failures."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress

import grpc

from agency_client.channel import HubChannel
from comity.errors import ComityError, HubUnavailable


class Unreachable(HubChannel):
    """A channel to where nobody listens."""

    def __init__(self) -> None:
        self.channel = grpc.aio.insecure_channel("127.0.0.1:1")

    def _current(self) -> grpc.aio.Channel:
        return self.channel

    async def _explained(self, failure: ComityError) -> ComityError:
        return failure


async def read(channel: Unreachable) -> None:
    async def requests() -> AsyncIterator[bytes]:
        yield b""

    async for _ in channel.stream(lambda c: c.stream_stream("/a.B/C"), requests()):
        pass


async def test_a_cancelled_stream_ends_cancelled_when_the_hub_goes_away_just_then() -> None:
    chance = random.Random(20261126)
    outcomes = []
    channels = [Unreachable() for _ in range(12)]  # One that has failed before fails too fast.
    for number in range(600):
        unreachable = channels[number // 50]
        task = asyncio.create_task(read(unreachable))
        for _ in range(chance.randint(0, 12)):
            await asyncio.sleep(0)
        await asyncio.sleep(chance.uniform(0, 0.0006))
        if task.cancel():
            with suppress(asyncio.CancelledError, HubUnavailable):
                await task
            outcomes.append(task.cancelled())
        else:
            with suppress(HubUnavailable):
                await task
    assert outcomes
    assert all(outcomes)
