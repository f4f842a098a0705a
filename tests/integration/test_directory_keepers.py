"""Who keeps an entry when members come, lead and are suspended, over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from agency_client.agency import Agency
from agency_client.authority_proof import VouchedFor
from comity.errors import NotPermitted
from comity.v1 import authorities_pb2
from comity.v1.authorities_pb2 import (
    KEEPER_KIND_HUB,
    KEEPER_KIND_LEAD_AGENCY,
    KEEPER_KIND_OWN_AGENCY,
)
from comity.v1.directory_pb2 import GetAuthorityRequest
from comity.v1.officers_pb2 import ROLE_HUB_ADMINISTRATOR
from tests.databases import new_database
from tests.integration.directories import approve, enter, get, new_authority, propose
from tests.integration.officers import Served, serving
from tests.stages import Stage

WHY = ("--reason", "Sample reason", "--emergency")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path_factory.mktemp("keepers"), database_url=url)
    for agency in ("AR-NCB", "AR-POLICE", "UY-NCB", "FR-NCB"):
        made.admit(agency)
    made.hub("agency", "describe", "AR-NCB", "--leads-country", *WHY)
    yield made


@dataclass(frozen=True, slots=True)
class Desk:
    """A hub, and pairs of officers where two are needed."""

    served: Served
    stack: AsyncExitStack

    async def pair(self, agency: str) -> tuple[Agency, Agency]:
        """Two officers of an agency, logged in."""
        roles = [ROLE_HUB_ADMINISTRATOR] if agency == "ZZ-HUB" else []
        one, _ = await self.stack.enter_async_context(self.served.officer(agency, *roles))
        other, _ = await self.stack.enter_async_context(self.served.officer(agency, *roles))
        return one, other

    async def watch_over(self, *command: str) -> None:
        """A command at the hub's machine, which the hub has heard of when this returns."""
        await asyncio.to_thread(self.served.stage.hub, "agency", *command, *WHY)
        await self.served.hub.membership.refresh()


@pytest.fixture
async def desk(stage: Stage) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        yield Desk(await stack.enter_async_context(serving(stage)), stack)


def moved(authority: authorities_pb2.Authority) -> authorities_pb2.Authority:
    changed = authorities_pb2.Authority()
    changed.CopyFrom(authority)
    changed.postal_address.city += " Nuevo"
    return changed


@pytest.mark.threat("T120")
async def test_a_lead_agency_keeps_its_countrys_entries_and_the_hub_does_not(desk: Desk) -> None:
    authority = new_authority("AR")
    one, other = await desk.pair("AR-NCB")
    hub, _ = await desk.pair("ZZ-HUB")
    await enter(one, other, authority)

    keeper = (await get(one, authority.authority_id)).keeper
    assert (keeper.kind, keeper.agency_id) == (KEEPER_KIND_LEAD_AGENCY, "AR-NCB")
    notified = authorities_pb2.Keeper(note_verbale="Specimen 5/2026")
    with pytest.raises(NotPermitted, match="AR-NCB leads"):
        await propose(hub, new_authority("AR"), keeper=notified)
    with pytest.raises(NotPermitted, match="AR-NCB keeps"):
        await propose(hub, moved(authority), base=1, keeper=notified)


async def test_the_lead_agency_keeps_for_who_is_suspended_until_it_is_back(desk: Desk) -> None:
    authority = new_authority("AR")
    police, colleague = await desk.pair("AR-POLICE")
    lead, deputy = await desk.pair("AR-NCB")
    await enter(police, colleague, authority)
    with pytest.raises(NotPermitted, match="AR-POLICE keeps"):
        await propose(lead, moved(authority), base=1)

    await desk.watch_over("suspend", "AR-POLICE")
    waiting = await propose(lead, moved(authority), base=1)
    assert (await get(deputy, authority.authority_id)).keeper.agency_id == "AR-NCB"
    await desk.watch_over("reinstate", "AR-POLICE")

    # It was proposed as the keeper, who is another now.
    police, colleague = await desk.pair("AR-POLICE")
    assert (await approve(police, waiting.proposal)).version == 2
    keeper = (await get(colleague, authority.authority_id)).keeper
    assert (keeper.kind, keeper.agency_id) == (KEEPER_KIND_OWN_AGENCY, "AR-POLICE")
    with pytest.raises(NotPermitted):
        await propose(deputy, moved(moved(authority)), base=2)


async def test_what_the_hub_was_notified_of_goes_to_the_member_that_comes_to_lead(
    desk: Desk,
) -> None:
    authority = new_authority("UY")
    hub, colleague = await desk.pair("ZZ-HUB")
    notified = authorities_pb2.Keeper(note_verbale="Specimen 6/2026")
    await approve(colleague, (await propose(hub, authority, keeper=notified)).proposal)
    assert (await get(hub, authority.authority_id)).keeper.kind == KEEPER_KIND_HUB

    await desk.watch_over("describe", "UY-NCB", "--leads-country")
    one, other = await desk.pair("UY-NCB")
    # The ledger's entry names the hub, who kept it then: that is no sign of a hub that lies.
    asked = GetAuthorityRequest(authority_id=authority.authority_id)
    shown = await one.client.directory.get_verified(asked)
    assert (shown.record.keeper.agency_id, shown.vouched_for) == ("UY-NCB", VouchedFor.WHOLE)
    version = await approve(other, (await propose(one, moved(authority), base=1)).proposal)

    assert version.keeper.kind == KEEPER_KIND_LEAD_AGENCY
    assert version.keeper.agency_id == "UY-NCB"
    with pytest.raises(NotPermitted, match="UY-NCB keeps"):
        await propose(hub, authority, base=2, keeper=notified)
