"""Retention: erases access records and their salts when their time is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from comity.errors import StoreUnavailable
from comity.times import microseconds_from
from hub.store.access import erase_some_access
from hub.store.database import Database

ERASE_EVERY_SECONDS = 3_600.0  # days matter here, not minutes
ERASE_BATCH_RECORDS = 256  # some milliseconds on the event loop of SQLite; calls go on in between

_log = logging.getLogger("hub.retention")


class Retention:
    """Erases hourly. Several hub processes may do so at once; the second finds nothing."""

    def __init__(
        self, database: Database, *, keep_days: int, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._keep = timedelta(days=keep_days)
        self._clock = clock
        self._erased_before = 0
        # An earlier process may have ended between erasing and truncating.
        self._is_log_clean = False

    async def erase_expired(self) -> int:
        """Erases what is older than the retention time and gives how many records that were.

        1. Batch by batch, records and salts are erased; the next round goes on from there.
        2. What was erased leaves the write-ahead log too. While somebody reads an older state that
           is impossible, and the next round tries again.

        Raises: StoreUnavailable, and then the next round goes on.
        """
        before = microseconds_from(self._clock() - self._keep)
        erased = 0
        while self._erased_before < before:  # 1
            erased += await self._erase_batch(before)
        if not self._is_log_clean:  # 2
            self._is_log_clean = await self._database.truncate_log()
            if not self._is_log_clean:
                _log.warning("what was erased stays in the log: somebody reads an older state")
        return erased

    async def _erase_batch(self, before: int) -> int:
        async with self._database.write() as connection:
            erased = await erase_some_access(
                connection, since=self._erased_before, before=before, limit=ERASE_BATCH_RECORDS
            )
        self._erased_before = erased.before
        if erased.count:
            self._is_log_clean = False
        return erased.count

    async def run(self) -> None:
        """Erases again and again until cancelled."""
        while True:
            with suppress(StoreUnavailable):  # The next round erases it.
                await self.erase_expired()
            await asyncio.sleep(ERASE_EVERY_SECONDS)
