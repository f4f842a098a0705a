"""Every entry in this process's memory, kept up with the store: asked before each answer.

Other processes' changes are found by the ledger's order, so that none is missed.
"""

from __future__ import annotations

import asyncio

from comity.errors import NotFound
from comity.times import datetime_from_microseconds, timestamp_from
from comity.v1 import authorities_pb2 as pb
from directory.known import KnownAuthority, known_from
from directory.search.finding import Finder
from directory.services.calls import Database
from directory.store.authorities import StoredAuthority, StoredVerification, list_changed
from directory.store.connection import Connection

PAGE_ENTRIES = 500  # read at once, so that few are in memory twice while a process starts


class Entries:
    """What all look-ups search."""

    def __init__(self, database: Database) -> None:
        self.finder = Finder()
        self._database = database
        self._newest_entry = -1
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> None:
        """Takes in what was changed since it was last asked.

        Raises: StoreUnavailable.
        """
        async with self._database.read() as connection:
            await self.refresh_on(connection)

    async def refresh_on(self, connection: Connection) -> None:
        """The same on a connection that the caller has open and has read nothing on: a transaction
        costs more than what is asked in it."""
        async with self._refreshing:
            while await self._take_page(connection) == PAGE_ENTRIES:
                pass

    async def _take_page(self, connection: Connection) -> int:
        page = await list_changed(connection, after_entry=self._newest_entry, limit=PAGE_ENTRIES)
        for stored in page:
            self.finder.put(known_from_stored(stored))
            self._newest_entry = stored.entry_index
        return len(page)

    def get(self, authority_id: str) -> KnownAuthority:
        """An entry as it is now.

        Raises: NotFound.
        """
        found = self.finder.find_entry(authority_id)
        if found is None:
            raise NotFound
        return found


def known_from_stored(stored: StoredAuthority) -> KnownAuthority:
    """A stored entry made ready."""
    verification = stored.verification
    return known_from(
        stored.authority,
        version=stored.version,
        keeper=stored.keeper,
        verified_at=None
        if verification is None
        else datetime_from_microseconds(verification.verified_at),
        verification=None if verification is None else verification_from_stored(verification),
        entry_index=stored.entry_index,
    )


def verification_from_stored(stored: StoredVerification) -> pb.Verification:
    """A verification as it is shown."""
    return pb.Verification(
        verified_at=timestamp_from(datetime_from_microseconds(stored.verified_at)),
        agency_id=stored.agency_id,
        officer_id=stored.officer_id,
        method=stored.method,
        version=stored.version,
    )
