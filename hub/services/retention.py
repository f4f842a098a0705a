"""Retention: erases access records and their salts when their time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from comity.errors import StoreUnavailable
from comity.times import microseconds_from
from hub.store.access import erase_access_before
from hub.store.database import Database

ERASE_EVERY_SECONDS = 3_600.0  # days matter here, not minutes


class Retention:
    """Erases hourly. Several hub processes may do so at once; the second finds nothing."""

    def __init__(
        self, database: Database, *, keep_days: int, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._keep = timedelta(days=keep_days)
        self._clock = clock

    async def erase_expired(self) -> int:
        """Erases what is older than the retention time and gives how many records that were."""
        before = microseconds_from(self._clock() - self._keep)
        async with self._database.write() as connection:
            erased = await erase_access_before(connection, before)
        if erased:
            await self._database.truncate_log()
        return erased

    async def run(self) -> None:
        """Erases again and again until cancelled."""
        while True:
            with suppress(StoreUnavailable):  # The next round erases it.
                await self.erase_expired()
            await asyncio.sleep(ERASE_EVERY_SECONDS)
