"""Membership as this process knows it: the roster, and when it was last confirmed.

The roster is folded from the ledger's own entries. A process that has not confirmed it within a
second refuses calls, so that whoever was suspended elsewhere is not served here for longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from comity.errors import AgencyNotActive, CertificateRefused
from comity.identity import AgencyId
from comity.roster import Roster
from hub.services.confirmation import Confirmation
from hub.store.database import Connection, Database
from hub.store.ledger import LedgerHead, list_roster_entries, load_head, roster_entry_of

PAGE_ENTRIES = 256


class Membership:
    """The roster of the ledger's committed entries. One per process."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._confirmation = Confirmation(monotonic=monotonic)
        self._refreshing = asyncio.Lock()
        self.roster = Roster()

    @property
    def version(self) -> int | None:
        """The last roster entry that is known."""
        return self.roster.last_entry

    async def refresh(self) -> None:
        """Confirms the roster against the committed head, reading what is new.

        Raises: StoreUnavailable.
        """
        asked_at = self._confirmation.now()
        async with self._refreshing, self._database.read() as connection:
            head = await load_head(connection)
            await self._read_up_to(connection, head.roster_entry)
        self._confirmation.take(asked_at)

    async def refresh_within(self, connection: Connection, head: LedgerHead) -> None:
        """The same inside the writer's transaction, where the head is locked."""
        if head.roster_entry != self.version:
            async with self._refreshing:
                await self._read_up_to(connection, head.roster_entry)

    def confirm(self, head: LedgerHead) -> None:
        """Takes a head that was just committed or read as confirmation, if it says the same."""
        if head.roster_entry == self.version:
            self._confirmation.take(self._confirmation.now())

    async def run(self) -> None:
        """Confirms again and again until cancelled."""
        await self._confirmation.run(self.refresh)

    def require_confirmed(self) -> None:
        """Refuses to answer on a roster that may be out of date.

        Raises: MembershipUnconfirmed.
        """
        self._confirmation.require()

    def require_active(self, agency: AgencyId, *, certificate_id: str) -> None:
        """Refuses who is no member now, or comes with a certificate that is none of theirs now.

        Raises: CertificateRefused, AgencyNotActive, MembershipUnconfirmed.
        """
        self.require_confirmed()
        if not self.roster.has_current_certificate(agency, certificate_id):
            raise CertificateRefused()
        if not self.roster.is_active(agency):
            raise AgencyNotActive()

    async def _read_up_to(self, connection: Connection, roster_entry: int | None) -> None:
        while roster_entry is not None and (self.version is None or self.version < roster_entry):
            first = 0 if self.version is None else self.version + 1
            page = await list_roster_entries(connection, first, limit=PAGE_ENTRIES)
            for stored in page:
                self.roster.add_entry(stored.entry_index, roster_entry_of(stored))
            if not page:
                return
