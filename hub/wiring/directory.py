"""The directory of authorities, with what it gets of the hub."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from comity.roster import Roster
from comity.v1.ledger_pb2 import (
    ACCESS_ACTION_LOOK_UP_AUTHORITIES,
    LookUpPurpose,
)
from directory.services.calls import ProveEntry
from directory.services.changes import ChangesService
from directory.services.entries import Entries
from directory.services.keeping import KeepingService
from directory.services.limits import Limits
from directory.services.look_ups import LookUpService
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
    prove: ProveEntry,
    limits: Limits,
    clock: Callable[[], datetime],
) -> DirectoryServicer:
    """Reads every entry into memory first.

    Raises: StoreUnavailable.
    """

    async def record(
        caller: Any, purpose: LookUpPurpose.ValueType, entry_indices: Sequence[int]
    ) -> None:
        await access.record(
            caller, ACCESS_ACTION_LOOK_UP_AUTHORITIES, entry_indices=entry_indices, purpose=purpose
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
    return DirectoryServicer(look_ups, changes, keeping)
