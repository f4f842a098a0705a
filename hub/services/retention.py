"""Retention: erases access records with their salts, and whom contact tests name, in due time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from comity.errors import StoreUnavailable
from comity.times import microseconds_from
from directory.store.contact_tests import erase_some_words
from hub.store.access import erase_some_access
from hub.store.database import Database

ERASE_EVERY_SECONDS = 3_600.0  # days matter here, not minutes
ERASE_BATCH_RECORDS = 256  # some milliseconds on the event loop of SQLite; calls go on in between
# Who answered the telephone, and what was said: two rounds of confirming the entry later that helps
# nobody, and the ledger needs none of it. That there was a test, when and by which agency stays.
KEEP_CONTACT_WORDS = timedelta(days=365)

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
        self._words_erased_before = 0
        # An earlier process may have ended between erasing and truncating.
        self._is_log_clean = False

    async def erase_expired(self) -> int:
        """Erases what is older than its time and gives how many records and tests that were.

        1. Batch by batch, records and salts are erased; the next round goes on from there.
        2. Likewise what contact tests say of persons.
        3. What was erased leaves the write-ahead log too. While somebody reads an older state that
           is impossible, and the next round tries again.

        Raises: StoreUnavailable, and then the next round goes on.
        """
        before = microseconds_from(self._clock() - self._keep)
        erased = 0
        while self._erased_before < before:  # 1
            erased += await self._erase_batch(before)
        erased += await self._erase_contact_words()  # 2
        if not self._is_log_clean:  # 3
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

    async def _erase_contact_words(self) -> int:
        before = microseconds_from(self._clock() - KEEP_CONTACT_WORDS)
        erased, is_left = 0, True
        while is_left:
            count = await self._erase_batch_of_words(before)
            erased += count
            is_left = count == ERASE_BATCH_RECORDS
        self._words_erased_before = before
        return erased

    async def _erase_batch_of_words(self, before: int) -> int:
        async with self._database.write() as connection:
            count = await erase_some_words(
                connection,
                since=self._words_erased_before,
                before=before,
                limit=ERASE_BATCH_RECORDS,
            )
        if count:
            self._is_log_clean = False
        return count

    async def run(self) -> None:
        """Erases again and again until cancelled."""
        while True:
            with suppress(StoreUnavailable):  # The next round erases it.
                await self.erase_expired()
            await asyncio.sleep(ERASE_EVERY_SECONDS)
