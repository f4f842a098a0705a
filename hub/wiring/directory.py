"""The directory of authorities, with what it gets of the hub."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from comity.roster import Roster
from comity.v1.ledger_pb2 import (
    ACCESS_ACTION_EXPORT_AUTHORITIES,
    ACCESS_ACTION_LOOK_UP_AUTHORITIES,
    LookUpPurpose,
)
from directory.services.changes import ChangesService
from directory.services.entries import Entries
from directory.services.exports import ExportService
from directory.services.imports import ImportService
from directory.services.keepers import Keepers
from directory.services.keeping import KeepingService
from directory.services.limits import Limits
from directory.services.look_ups import LookUpService
from directory.services.typesetting import Typesetting
from hub.rpc.directory import DirectoryServicer
from hub.services.access import AccessService
from hub.services.membership import Membership
from hub.services.roster_changes import roster_within
from hub.settings import Settings
from hub.store.database import Database
from hub.store.writer import LedgerWriter


async def make_directory(
    settings: Settings,
    database: Database,
    *,
    membership: Membership,
    writer: LedgerWriter,
    access: AccessService,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> DirectoryServicer:
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

    limits = Limits(monotonic=monotonic)
    entries = Entries(database)
    await entries.refresh()
    look_ups = LookUpService(
        entries,
        database=database,
        roster=lambda: membership.roster,
        hub_agency=settings.agency,
        record=record,
        limits=limits,
        clock=clock,
    )
    changes = ChangesService(
        database=database,
        commit=writer.commit_result,
        roster_within=roster_of,
        hub_agency=settings.agency,
        record=record,
        limits=limits,
        clock=clock,
        token_bytes=secrets.token_bytes,
    )
    keeping = KeepingService(
        database=database,
        commit=writer.commit_result,
        roster_within=roster_of,
        hub_agency=settings.agency,
        record=record,
        limits=limits,
        clock=clock,
        token_bytes=secrets.token_bytes,
    )
    exports = ExportService(
        entries, look_ups, limits=limits, typesetting=Typesetting(), clock=clock
    )
    imports = ImportService(
        entries,
        database=database,
        commit=writer.commit_result,
        keepers=lambda: Keepers(membership.roster, settings.agency),
        roster_within=roster_of,
        limits=limits,
        clock=clock,
        token_bytes=secrets.token_bytes,
    )
    return DirectoryServicer(look_ups, changes, keeping, exports=exports, imports=imports)
