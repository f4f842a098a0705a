"""The directory of authorities, with what it gets of the hub."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.roster import Roster
from comity.v1.ledger_pb2 import (
    ACCESS_ACTION_EXPORT_AUTHORITIES,
    ACCESS_ACTION_LOOK_UP_AUTHORITIES,
    LookUpPurpose,
)
from directory.services.calls import ProveEntry
from directory.services.changes import ChangesService
from directory.services.contact_tests import ContactTestService
from directory.services.entries import Entries
from directory.services.exports import ExportService
from directory.services.imports import ImportService
from directory.services.keepers import Keepers
from directory.services.keeping import KeepingService
from directory.services.limits import Limits
from directory.services.look_ups import LookUpService
from directory.services.reminders import Reminders
from directory.services.typesetting import Typesetting
from directory.services.waiting import WaitingService
from hub.rpc.directory import DirectoryServicer
from hub.services.access import AccessService
from hub.services.membership import Membership
from hub.services.roster_changes import roster_within
from hub.settings import Settings
from hub.store.database import Database
from hub.store.writer import LedgerWriter

HOLDER_BYTES = 16  # tells processes apart that hold a lease; no secret


@dataclass(frozen=True, slots=True)
class Directory:
    """What the hub serves of the directory, and its reminders beside that."""

    servicer: DirectoryServicer
    reminders: Reminders


async def make_directory(
    settings: Settings,
    database: Database,
    *,
    membership: Membership,
    writer: LedgerWriter,
    access: AccessService,
    prove: ProveEntry,
    limits: Limits,
    clock: Callable[[], datetime],
) -> Directory:
    """Reads every entry into memory first.

    Raises: StoreUnavailable.
    """

    async def record(
        caller: Any,
        purpose: LookUpPurpose.ValueType,
        entry_indices: Sequence[int],
        *,
        case_reference: str = "",
    ) -> None:
        await access.record(
            caller,
            # Only exports are for a case that is named.
            ACCESS_ACTION_EXPORT_AUTHORITIES
            if case_reference
            else ACCESS_ACTION_LOOK_UP_AUTHORITIES,
            entry_indices=entry_indices,
            purpose=purpose,
            case_reference=case_reference,
        )

    async def roster_of(transaction: Any) -> Roster:
        return await roster_within(transaction, membership)

    entries = Entries(database)
    await entries.refresh()
    entries.finder.standings.advance(clock())  # looks at every entry, which nobody shall wait for
    look_ups = LookUpService(
        entries,
        database=database,
        roster=lambda: membership.roster,
        hub_agency=settings.agency,
        record=record,
        prove=prove,
        limits=limits,
        clock=clock,
    )
    changes = ChangesService(
        commit=writer.commit_result,
        roster_within=roster_of,
        hub_agency=settings.agency,
        limits=limits,
        clock=clock,
        token_bytes=secrets.token_bytes,
    )
    keeping = KeepingService(
        commit=writer.commit_result,
        roster_within=roster_of,
        hub_agency=settings.agency,
        limits=limits,
        clock=clock,
        token_bytes=secrets.token_bytes,
    )
    waiting = WaitingService(
        database=database,
        roster=lambda: membership.roster,
        hub_agency=settings.agency,
        record=record,
        limits=limits,
        clock=clock,
    )
    contact_tests = ContactTestService(
        commit=writer.commit_result,
        roster_within=roster_of,
        hub_agency=settings.agency,
        limits=limits,
        clock=clock,
        new_id=lambda: uuid7_from(clock(), secrets.token_bytes(UUID7_RANDOM_BYTES)),
    )
    reminders = Reminders(
        database=database,
        commit=writer.commit_result,
        roster_within=roster_of,
        hub_agency=settings.agency,
        clock=clock,
        holder=os.urandom(HOLDER_BYTES).hex(),
    )
    exports = ExportService(
        entries, look_ups, limits=limits, typesetting=Typesetting(), clock=clock
    )
    imports = ImportService(
        database=database,
        commit=writer.commit_result,
        keepers=lambda: Keepers(membership.roster, settings.agency),
        roster_within=roster_of,
        limits=limits,
        clock=clock,
        token_bytes=secrets.token_bytes,
    )
    servicer = DirectoryServicer(
        look_ups,
        changes,
        keeping,
        waiting=waiting,
        contact_tests=contact_tests,
        exports=exports,
        imports=imports,
    )
    return Directory(servicer, reminders)
