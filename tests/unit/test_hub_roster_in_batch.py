"""A change of the roster and acts in one transaction: the change holds for what comes after it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comity.errors import AgencyNotActive, SigningKeyUnknown
from comity.v1 import agencies_pb2, ledger_pb2
from hub.services.acts import Decision
from hub.services.roster_changes import append_change
from hub.store.database import Database
from hub.store.writer import locked_transaction
from tests.unit.hub_parts import FRANCE, Clock, HubParts, begin, new_draft, serving, sqlite_url


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(sqlite_url(tmp_path))
    await begin(database)
    yield database
    await database.dispose()


async def decided_after(
    database: Database, parts: HubParts, *, status: int, ends_keys: bool
) -> Decision:
    """What becomes of France's acts, prepared before, in the batch of a change of France's."""
    prepared = parts.prepared(new_draft().acts())
    agency = agencies_pb2.Agency()
    agency.CopyFrom(parts.membership.roster.agencies[FRANCE])
    agency.status = status  # type: ignore[assignment]
    keys = list(parts.membership.roster.signing_keys(FRANCE)) if ends_keys else []
    async with locked_transaction(
        database, clock=Clock(), token_bytes=secrets.token_bytes
    ) as transaction:
        entry = ledger_pb2.RosterEntry(agency=agency, key_ids_ended=keys)
        append_change(transaction, entry, roster=parts.membership.roster)
        [decision] = await parts.acts.commit_many(transaction, [prepared])
        await transaction.write_entries()
    return decision


async def test_acts_behind_a_suspension_are_refused(database: Database) -> None:
    async with serving(database) as parts:
        decision = await decided_after(
            database, parts, status=agencies_pb2.AGENCY_STATUS_SUSPENDED, ends_keys=False
        )

    assert isinstance(decision, AgencyNotActive)


async def test_acts_behind_the_end_of_their_key_are_refused(database: Database) -> None:
    async with serving(database) as parts:
        decision = await decided_after(
            database, parts, status=agencies_pb2.AGENCY_STATUS_ACTIVE, ends_keys=True
        )

    assert isinstance(decision, SigningKeyUnknown)
