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


def authority_of(agency: str, **given: Any) -> authorities_pb2.Authority:
    """An entry of an agency's country, to be confirmed as often as most are."""
    authority = new_authority(agency[:2])
    authority.ClearField("confirm_every_days")
    for name, value in given.items():
        setattr(authority, name, value)
    return authority


async def enter_first_version(
    transaction: LedgerTransaction,
    authority: authorities_pb2.Authority,
    agency: str,
    *,
    roster: Roster,
) -> None:
    """Enters an entry that an agency keeps itself and that nobody has verified."""
    kind = authorities_pb2.KEEPER_KIND_OWN_AGENCY
    version = StoredVersion(
        authority=authority,
        version=1,
        keeper=authorities_pb2.Keeper(kind=kind, agency_id=agency),
        agency_id=agency,
        officer_id="first",
        changed_at=int(transaction.now.timestamp() * 1_000_000),
        entry_index=0,
        salt=transaction.new_salt(),
    )
    await enter_version(transaction, version, roster=roster)


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
        authority = authority_of(agency, **given)

        async def enter(transaction: LedgerTransaction, items: Any) -> list[None]:
            roster = await self._roster(transaction)
            await enter_first_version(transaction, authority, agency, roster=roster)
            return [None for _ in items]

        await self.parts.writer.commit(enter, None)
        return authority

    @property
    def keeping(self) -> KeepingService:
        """Confirmations and reports."""
        return KeepingService(
            commit=self.parts.writer.commit_result,
            roster_within=self._roster,
            hub_agency=HUB,
            limits=Limits(monotonic=lambda: 0.0),
            clock=self.clock,
            token_bytes=secrets.token_bytes,
        )

    async def confirm(self, authority: authorities_pb2.Authority) -> pb.ConfirmAuthorityResponse:
        """The keeper's word, by one of its officers."""
        agency = next(
            a for a in self.parts.membership.roster.agencies if a[:2] == authority.country
        )
        request = pb.ConfirmAuthorityRequest(authority_id=authority.authority_id, version=1)
        return await self.keeping.confirm(officer_of(agency), request)

    @property
    def waiting(self) -> WaitingService:
        """What officers are shown of what waits."""

        async def record(
            caller: Any,
            purpose: LookUpPurpose.ValueType,
            entry_indices: Sequence[int],
            *,
            case_reference: str = "",
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
    """Another process of a hub, whose clock is ahead."""

    database: Database
    hub_agency: AgencyId

    def __post_init__(self) -> None:
        self._clock = HandClock()
        self._membership = Membership(self.database, monotonic=time.monotonic)

    async def send_in(self, days: float) -> int:
        """A round so many days from now."""
        self._clock.now = utc_now() + timedelta(days=days)
        return await Reminders(
            database=self.database,
            commit=self._commit,
            roster_within=self._roster,
            hub_agency=self.hub_agency,
            clock=self._clock,
            holder="later",
        ).send_due()

    async def enter(self, agency: str) -> authorities_pb2.Authority:
        """An entry that an agency keeps itself, entered now, which nobody has verified."""
        self._clock.now, authority = utc_now(), authority_of(agency)

        async def enter(transaction: LedgerTransaction, items: Any) -> list[None]:
            roster = await self._roster(transaction)
            await enter_first_version(transaction, authority, agency, roster=roster)
            return [None for _ in items]

        await self._commit(enter, None)
        return authority

    async def _commit(self, use_case: Any, item: Any) -> Any:
        return await commit_alone(
            self.database, use_case, item, clock=self._clock, token_bytes=secrets.token_bytes
        )

    async def _roster(self, transaction: Any) -> Roster:
        return await roster_within(transaction, self._membership)


def beside(served: Served) -> Later:
    """Another process of a hub that serves."""
    return Later(served.database, served.settings.agency)
