"""When a process last made sure of what it knows, and the bound on how old that may be.

Membership and log-ins are taken away in one process and have to end in all: each confirms what it
knows again and again, and refuses calls where it has not managed to for a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from comity.errors import MembershipUnconfirmed, StoreUnavailable

CONFIRM_WITHIN_SECONDS = 1.0  # the design's bound on serving whoever was suspended
CONFIRM_EVERY_SECONDS = 0.25  # leaves room for three late rounds


class Confirmation:
    """How old a piece of knowledge is, by a monotonic clock."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._confirmed_at: float | None = None

    def now(self) -> float:
        """The time to take before asking: an answer is as old as its question."""
        return self._monotonic()

    def take(self, asked_at: float) -> None:
        """Notes that what was asked at that time is known; what was asked later may be already."""
        if self._confirmed_at is None or asked_at > self._confirmed_at:
            self._confirmed_at = asked_at

    def require(self) -> None:
        """Refuses to answer by what may be out of date.

        Raises: MembershipUnconfirmed.
        """
        confirmed_at = self._confirmed_at
        if confirmed_at is None or self._monotonic() - confirmed_at > CONFIRM_WITHIN_SECONDS:
            raise MembershipUnconfirmed()

    async def run(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """Confirms again and again until cancelled.

        A round that took long is followed by the next at once: what it has confirmed is old.
        """
        while True:
            began = self._monotonic()
            with suppress(StoreUnavailable):  # Calls are refused until a later round succeeds.
                await refresh()
            took = self._monotonic() - began
            await asyncio.sleep(max(0.0, CONFIRM_EVERY_SECONDS - took))
