"""An officer who is locked at the hub's machine, while two hub processes on one database serve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agency_client.agency import Agency, open_agency
from agency_client.profile import load_profile
from agency_client.session import Session
from comity.errors import ComityError, TokenRefused
from comity.identity import AgencyId
from comity.times import utc_now
from comity.v1 import sessions_pb2, watches_pb2
from comity.v1.officers_pb2 import OFFICER_STATUS_LOCKED, ROLE_OFFICER, AddOfficerRequest
from comity.v1.sessions_pb2_grpc import SessionServiceStub
from hub.accounts import Accounts
from hub.settings import load_settings
from hub.store.database import Database
from tests.databases import new_database
from tests.integration.officers import PASSWORD, MemoryStore, call, tokens_of
from tests.stages import Stage

FRANCE = AgencyId("FR-NCB")
WAIT_SECONDS = 60  # bounds a test that would never end; nothing here is timed


async def ended_watch(agency: Agency, name: str, opened: asyncio.Event) -> type[ComityError]:
    """Watches until the hub ends it, and gives the error."""

    async def requests() -> AsyncIterator[watches_pb2.WatchEventsRequest]:
        command = watches_pb2.WatchCommand(open=watches_pb2.OpenWatch(name=name))
        yield watches_pb2.WatchEventsRequest(command=command.SerializeToString())
        await asyncio.sleep(WAIT_SECONDS)

    with pytest.raises(ComityError) as ended:
        async for _ in agency.client.open_watch(requests()):
            opened.set()
    return type(ended.value)


@pytest.mark.threat("T95")
async def test_calls_and_watches_end_on_every_process(postgres_url: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, database_url=new_database(postgres_url))
    stage.admit(FRANCE)
    stage.start_hub()
    addresses = [stage.address, stage.start_another_hub()]
    settings = load_settings(tmp_path / "hub")
    database = Database(settings.database_url)
    accounts = Accounts(settings, database, clock=utc_now)
    request = AddOfficerRequest(
        user_name="s.sample", display_name="Simon Sample", roles=[ROLE_OFFICER]
    )
    one_time = await accounts.add(FRANCE, request)
    store = MemoryStore()
    profiles = [
        replace(load_profile(tmp_path / "agencies" / FRANCE), hub_address=address)
        for address in addresses
    ]
    try:
        async with (
            asyncio.timeout(WAIT_SECONDS),
            open_agency(profiles[0], session=Session(profiles[0], store=store)) as first,
        ):
            await first.client.officers.log_in("s.sample", one_time)
            await first.client.officers.change_password(one_time, PASSWORD)
            async with open_agency(
                profiles[1], session=Session(profiles[1], store=store)
            ) as second:
                await lock_while_watching(accounts, first, second)
    finally:
        await database.dispose()
        stage.stop_hub()


async def lock_while_watching(accounts: Accounts, first: Agency, second: Agency) -> None:
    token = tokens_of(first).access_token
    opened = [asyncio.Event(), asyncio.Event()]
    watching = [
        asyncio.create_task(ended_watch(agency, f"watch-{number}", opened[number]))
        for number, agency in enumerate((first, second))
    ]
    for event in opened:
        await event.wait()

    await accounts.set_status(FRANCE, "s.sample", OFFICER_STATUS_LOCKED)

    assert [TokenRefused, TokenRefused] == list(await asyncio.gather(*watching))
    for agency in (first, second):
        with pytest.raises(TokenRefused):
            await call(
                agency,
                lambda c: SessionServiceStub(c).WhoAmI,
                sessions_pb2.WhoAmIRequest(),
                token=token,
            )
