"""The directory's upkeep without its wire: a process of a hub with a clock of its own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from comity.identity import AgencyId
from comity.roster import Roster
from comity.times import utc_now
from comity.v1 import agencies_pb2, authorities_pb2, ledger_pb2
from comity.v1 import directory_pb2 as pb
from comity.v1.ledger_pb2 import LookUpPurpose
from comity.v1.officers_pb2 import ROLE_OFFICER
from directory.services.keeping import KeepingService
from directory.services.limits import Limits
from directory.services.reminders import Reminders
from directory.services.versions import enter_version
from directory.services.waiting import WaitingService
from directory.store.authorities import StoredVersion
from hub.services.calls import Caller, Officer
from hub.services.membership import Membership
from hub.services.roster_changes import append_change, roster_within
from hub.store.database import Database
from hub.store.ledger import DIRECTORY_RECORD, list_entries
from hub.store.transaction import LedgerTransaction
from hub.store.writer import commit_alone
from tests.integration.directories import new_authority
from tests.integration.officers import Served
from tests.unit.hub_parts import HubParts

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HUB = AgencyId("ZZ-HUB")
DAY = timedelta(days=1)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def officer_of(agency: AgencyId) -> Caller:
    """An officer of an agency who calls."""
    officer = Officer("first", frozenset({ROLE_OFFICER}), "session")
    return Caller(agency, "", "request", officer)


@dataclass
class Upkeep:
    """What one process does to keep the directory true."""

    parts: HubParts
    clock: HandClock
    holder: str = field(default_factory=lambda: secrets.token_hex(4))

    async def _roster(self, transaction: Any) -> Roster:
        return await roster_within(transaction, self.parts.membership)

    @property
    def reminders(self) -> Reminders:
        return Reminders(
            database=self.parts.database,
            commit=self.parts.writer.commit_result,
            roster_within=self._roster,
            hub_agency=HUB,
            clock=self.clock,
            holder=self.holder,
        )

    async def send_at(self, days: float) -> int:
        """A round so many days after the start."""
        self.clock.now = START + timedelta(days=days)
        return await self.reminders.send_due()

    async def enter(self, agency: str, **given: Any) -> authorities_pb2.Authority:
        """An entry of an agency's country that the agency keeps itself."""
        authority = new_authority(agency[:2])
        authority.ClearField("confirm_every_days")  # what most entries have: 180
        for name, value in given.items():
            setattr(authority, name, value)
        kind = authorities_pb2.KEEPER_KIND_OWN_AGENCY
        keeper = authorities_pb2.Keeper(kind=kind, agency_id=agency)

        async def enter(transaction: LedgerTransaction, items: Any) -> list[StoredVersion]:
            version = StoredVersion(
                authority=authority,
                version=1,
                keeper=keeper,
                agency_id=agency,
                officer_id="first",
                changed_at=int(self.clock.now.timestamp() * 1_000_000),
                entry_index=0,
                salt=transaction.new_salt(),
            )
            roster = await self._roster(transaction)
            return [await enter_version(transaction, version, roster=roster) for _ in items]

        await self.parts.writer.commit(enter, None)
        return authority

    async def confirm(self, authority: authorities_pb2.Authority) -> pb.ConfirmAuthorityResponse:
        """The keeper's word, by one of its officers."""
        keeping = KeepingService(
            commit=self.parts.writer.commit_result,
            roster_within=self._roster,
            hub_agency=HUB,
            limits=Limits(monotonic=lambda: 0.0),
            clock=self.clock,
            token_bytes=secrets.token_bytes,
        )
        agency = next(
            a for a in self.parts.membership.roster.agencies if a[:2] == authority.country
        )
        request = pb.ConfirmAuthorityRequest(authority_id=authority.authority_id, version=1)
        return await keeping.confirm(officer_of(agency), request)

    @property
    def waiting(self) -> WaitingService:
        """What officers are shown of what waits."""

        async def record(
            caller: Any, purpose: LookUpPurpose.ValueType, entry_indices: Sequence[int]
        ) -> None:
            return

        return WaitingService(
            database=self.parts.database,
            roster=lambda: self.parts.membership.roster,
            hub_agency=HUB,
            record=record,
            limits=Limits(monotonic=lambda: 0.0),
            clock=self.clock,
        )

    async def verified(self, agency: str, **given: Any) -> authorities_pb2.Authority:
        """An entry that was entered and confirmed at the start."""
        authority = await self.enter(agency, **given)
        await self.confirm(authority)
        return authority

    async def change_agency(self, agency: str, **given: Any) -> None:
        """Makes a member another one: suspended, or leading its country."""

        async def change(transaction: LedgerTransaction, items: Any) -> list[None]:
            roster = await self._roster(transaction)
            after = agencies_pb2.Agency()
            after.CopyFrom(roster.agencies[AgencyId(agency)])
            for name, value in given.items():
                setattr(after, name, value)
            append_change(transaction, ledger_pb2.RosterEntry(agency=after), roster=roster)
            return [None for _ in items]

        await self.parts.writer.commit(change, None)

    async def told(self) -> list[tuple[str, str, int, tuple[str, ...]]]:
        """What the ledger tells of: authority, change, days left, to whom; in order."""
        return [
            (
                entry.authority_id,
                ledger_pb2.DirectoryChange.Name(entry.change).removeprefix("DIRECTORY_CHANGE_"),
                entry.days_left,
                tuple(entry.recipients),
            )
            for entry in await directory_entries(self.parts.database)
            if entry.recipients
        ]


async def directory_entries(database: Database) -> list[ledger_pb2.DirectoryEntry]:
    """Every entry of the ledger on the directory."""
    async with database.read() as connection:
        stored = await list_entries(connection, 0, limit=100_000)
    return [
        ledger_pb2.LedgerEntry.FromString(each.entry).directory
        for each in stored
        if each.record == DIRECTORY_RECORD
    ]


@dataclass
class Later:
    """Another process of a hub that serves, whose clock is ahead."""

    served: Served

    async def send_in(self, days: float) -> int:
        """A round so many days from now."""
        clock = HandClock()
        clock.now = utc_now() + timedelta(days=days)
        membership = Membership(self.served.database, monotonic=time.monotonic)

        async def commit(use_case: Any, item: Any) -> Any:
            return await commit_alone(
                self.served.database, use_case, item, clock=clock, token_bytes=secrets.token_bytes
            )

        async def roster(transaction: Any) -> Roster:
            return await roster_within(transaction, membership)

        return await Reminders(
            database=self.served.database,
            commit=commit,
            roster_within=roster,
            hub_agency=self.served.settings.agency,
            clock=clock,
            holder="later",
        ).send_due()


def beside(served: Served) -> Later:
    """Such a process."""
    return Later(served)
