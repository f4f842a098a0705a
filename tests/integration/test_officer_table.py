"""What a hub whose officers log in elsewhere knows of them, and how soon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from comity.errors import MembershipUnconfirmed
from comity.identity import AgencyId
from comity.v1.officers_pb2 import (
    OFFICER_STATUS_ACTIVE,
    OFFICER_STATUS_LOCKED,
    OFFICER_STATUS_REMOVED,
    ROLE_OFFICER,
    AddOfficerRequest,
)
from hub.accounts import Accounts
from hub.services.accounts.directory import KnownOfficer, TableOfOfficers
from hub.services.confirmation import CONFIRM_WITHIN_SECONDS
from hub.settings import load_settings
from hub.store.database import Database
from tests.integration.officers import serving
from tests.stages import Stage

FRANCE, BRAZIL = AgencyId("FR-NCB"), AgencyId("BR-NCB")
NAME = "r.sample"
MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass
class World:
    """A hub's table with one officer, as one process knows it and another changes it."""

    database: Database
    accounts: Accounts
    monotonic: float = 0.0
    ended: list[tuple[AgencyId, str]] = field(default_factory=list)

    def table(self) -> TableOfOfficers:
        return TableOfOfficers(
            self.database,
            monotonic=lambda: self.monotonic,
            on_ended=lambda agency, name: self.ended.append((agency, name)),
        )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    stage = Stage(tmp_path)
    stage.admit(FRANCE)
    settings = load_settings(tmp_path / "hub")
    database = Database(settings.database_url)
    made = World(database, Accounts(settings, database, clock=lambda: MOMENT))
    await add(made, NAME)
    yield made
    await database.dispose()


async def add(world: World, name: str) -> None:
    request = AddOfficerRequest(user_name=name, display_name="Sample", roles=[ROLE_OFFICER])
    await world.accounts.add(FRANCE, request)


async def find(
    table: TableOfOfficers, name: str = NAME, agency: AgencyId = FRANCE
) -> KnownOfficer | None:
    return await table.find_by_subject(agency, subject="a subject", user_name=name)


async def test_an_officer_is_known_of_the_own_agency_and_no_other(world: World) -> None:
    table = world.table()
    await table.refresh()

    known = await find(table)

    assert known is not None
    assert KnownOfficer(known.officer_id, frozenset({ROLE_OFFICER}), is_active=True) == known
    assert table.find(known.officer_id) == known
    assert await find(table, agency=BRAZIL) is None
    assert table.find("nobody") is None


async def test_an_officer_who_is_added_meanwhile_becomes_known(world: World) -> None:
    table = world.table()
    await table.refresh()
    await add(world, "s.sample")
    assert await find(table, "s.sample") is None

    await table.refresh()

    assert await find(table, "s.sample") is not None


async def test_what_cannot_be_confirmed_serves_nobody(world: World) -> None:
    table = world.table()
    with pytest.raises(MembershipUnconfirmed):
        await find(table)
    await table.refresh()
    world.monotonic += CONFIRM_WITHIN_SECONDS + 0.1

    with pytest.raises(MembershipUnconfirmed):
        await find(table)
    with pytest.raises(MembershipUnconfirmed):
        table.find("anybody")


@pytest.mark.parametrize("how", ["lock", "remove", "reset"])
async def test_log_ins_end_with_what_is_done_to_an_officer(world: World, how: str) -> None:
    table = world.table()
    await table.refresh()

    if how == "reset":
        await world.accounts.reset(FRANCE, NAME)
    else:
        status = OFFICER_STATUS_LOCKED if how == "lock" else OFFICER_STATUS_REMOVED
        await world.accounts.set_status(FRANCE, NAME, status)
    await table.refresh()

    known = await find(table)
    assert known is not None
    assert (how == "reset", MOMENT) == (known.is_active, known.not_before)
    assert world.ended == [(FRANCE, NAME)]


async def test_log_ins_from_before_a_lock_stay_ended_when_it_is_taken_back(world: World) -> None:
    table = world.table()
    await world.accounts.set_status(FRANCE, NAME, OFFICER_STATUS_LOCKED)
    await world.accounts.set_status(FRANCE, NAME, OFFICER_STATUS_ACTIVE)
    await table.refresh()

    known = await find(table)

    assert known is not None
    assert (known.is_active, known.not_before) == (True, MOMENT)
    assert world.ended == []  # before this process began


@pytest.mark.parametrize("everywhere", [True, False])
async def test_logging_out_everywhere_ends_every_log_in(tmp_path: Path, everywhere: bool) -> None:
    stage = Stage(tmp_path)
    stage.admit(FRANCE)
    async with serving(stage) as served, served.officer(FRANCE) as (opened, person):
        world = World(served.database, served.accounts)
        table = world.table()
        await table.refresh()

        await opened.client.officers.log_out(everywhere=everywhere)
        await table.refresh()

        known = await find(table, person.user_name)
        assert known is not None
        assert everywhere == (known.not_before is not None)
        assert ([(FRANCE, person.user_name)] if everywhere else []) == world.ended
