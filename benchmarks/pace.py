"""Measuring a pace: so many at once, so many a second. Wall-clock, in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

IN_FLIGHT = 64


async def per_second_serial(items: Sequence[T], do: Callable[[T], Awaitable[object]]) -> float:
    """Items a second, one at a time."""
    started = time.perf_counter()
    for item in items:
        await do(item)
    return len(items) / (time.perf_counter() - started)


async def per_second_at_once(items: Sequence[T], do: Callable[[T], Awaitable[object]]) -> float:
    """Items a second, with 64 in flight."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await do(item)

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return len(items) / (time.perf_counter() - started)
