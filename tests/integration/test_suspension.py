"""An agency that is suspended while its streams are open: nothing of it enters, nothing is sent.

The entry is written as the hub's command line writes it; a command for it comes with membership.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agency_client.agency import Agency, open_agency
from agency_client.profile import load_profile
from comity.errors import AgencyNotActive
from comity.identity import AgencyId
from comity.v1 import acts_pb2, agencies_pb2, ledger_pb2, watches_pb2
from hub.administration import Administration
from hub.services.membership import Membership
from hub.settings import load_settings
from hub.store.transaction import LedgerTransaction
from tests.databases import new_database
from tests.integration.drafts import Draft
from tests.stages import Stage

WAIT_SECONDS = 30  # bounds a test that would never end; nothing here is timed


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path, database_url=url)
    for agency in ("FR-NCB", "BR-NCB"):
        made.admit(agency)
    made.start_hub()
    yield made
    made.stop_hub()


@pytest.fixture
async def france(stage: Stage) -> AsyncIterator[Agency]:
    async with open_agency(load_profile(stage.folder / "agencies" / "FR-NCB")) as opened:
        yield opened


async def suspend(stage: Stage, agency_id: AgencyId) -> int:
    """Enters a suspension beside the serving hub, and gives its entry."""
    settings = load_settings(stage.folder / "hub")
    async with Administration(settings, clock=lambda: datetime.now(UTC)) as administration:
        membership = Membership(administration.database, monotonic=time.monotonic)
        await membership.refresh()
        agency = agencies_pb2.Agency()
        agency.CopyFrom(membership.roster.agencies[agency_id])
        agency.status = agencies_pb2.AGENCY_STATUS_SUSPENDED

        async def enter(
            transaction: LedgerTransaction, items: Sequence[agencies_pb2.Agency]
        ) -> list[int]:
            return [transaction.append_roster(ledger_pb2.RosterEntry(agency=a)) for a in items]

        entry = await administration.commit(enter, agency)
    assert isinstance(entry, int)
    return entry


@pytest.mark.threat("T19")
async def test_nothing_of_a_suspended_agency_enters_on_a_stream_that_was_open(
    stage: Stage, france: Agency
) -> None:
    accepted: list[int] = []
    suspended_at: list[int] = []
    keys = france.profile.load_signing_keys()
    answered: asyncio.Queue[None] = asyncio.Queue()

    async def messages() -> AsyncIterator[acts_pb2.SubmitBulkRequest]:
        while True:
            request = acts_pb2.SubmitActsRequest(acts=Draft(keys).acts())
            item = acts_pb2.BulkSubmission(request=request.SerializeToString())
            yield acts_pb2.SubmitBulkRequest(submissions=[item])
            await answered.get()
            if len(accepted) == 3:
                suspended_at.append(await suspend(stage, AgencyId("FR-NCB")))

    async with asyncio.timeout(WAIT_SECONDS):
        with pytest.raises(AgencyNotActive):
            async for answer in france.client.submit_bulk(messages()):
                if answer.HasField("accepted"):
                    accepted.append(answer.accepted.receipt.entry_index)
                answered.put_nowait(None)

    assert len(accepted) >= 3
    assert max(accepted) < suspended_at[0]
    with pytest.raises(AgencyNotActive):
        await france.client.submit_acts(Draft(keys).acts())


@pytest.mark.threat("T19")
async def test_the_watch_of_a_suspended_agency_ends(stage: Stage, france: Agency) -> None:
    commands: asyncio.Queue[watches_pb2.WatchEventsRequest] = asyncio.Queue()

    async def requests() -> AsyncIterator[watches_pb2.WatchEventsRequest]:
        while True:
            yield await commands.get()

    opening = watches_pb2.WatchCommand(open=watches_pb2.OpenWatch(name="until-suspended"))
    commands.put_nowait(watches_pb2.WatchEventsRequest(command=opening.SerializeToString()))
    async with asyncio.timeout(WAIT_SECONDS):
        with pytest.raises(AgencyNotActive):
            async for _ in france.client.open_watch(requests()):
                await suspend(stage, AgencyId("FR-NCB"))
