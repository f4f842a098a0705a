"""Six publishers and twenty readers that come and go: each reader gets what is its own, in order.

On SQLite one hub process serves them; on PostgreSQL two on one database do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agency_client.profile import INBOX, Profile, load_profile
from agency_client.submission import Submitting
from agency_client.watching import Watch
from comity.errors import Superseded
from comity.v1.watches_pb2 import WATCH_START_FIRST, OpenWatch
from deploy.stage import Stage
from tests.databases import new_database
from tests.system.evidence import received_in
from tests.system.load import Told, opened
from tests.system.publications import (
    Publication,
    Publisher,
    deliveries_to,
    publications_of,
)
from tests.system.readers import FILTERS, Reader

MEMBERS = ("FR-NCB", "FR-DGPN", "BR-NCB", "KE-NCB", "DE-NCB", "JP-NCB")
LAST_MEMBER = "MX-NCB"  # admitted when all is published: every reader hears of it, after all else
READERS = 20
PUBLICATIONS = 60  # by each member
PAUSE_SECONDS = 0.06  # at most, between two of a member's: some seconds for readers to come and go
IN_BULK = 5
STALL_SECONDS = 60
SEED = 20261126


@dataclass(frozen=True, slots=True)
class Exchange:
    """A hub with its members, and the addresses that it serves."""

    stage: Stage
    addresses: Sequence[str]

    def profile(self, agency: str, *, address: str | None = None) -> Profile:
        """A member's profile, at one of the addresses."""
        profile = load_profile(self.stage.folder / "agencies" / agency)
        return replace(profile, hub_address=address or self.addresses[0])


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def exchange(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exchange]:
    is_sqlite = request.param == "sqlite"
    url = None if is_sqlite else new_database(request.getfixturevalue("postgres_url"))
    stage = Stage(tmp_path_factory.mktemp("readers"), database_url=url, reviews=False)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(stage.admit, MEMBERS))
    stage.start_hub()
    addresses = [stage.address] if is_sqlite else [stage.address, stage.start_another_hub()]
    yield Exchange(stage, addresses)
    stage.stop_hub()


async def publish(profile: Profile, chance: random.Random) -> list[Publication]:
    """Publishes singly and in bulk."""
    async with opened(profile, inbox_path=profile.path(INBOX), told=Told()) as agency:
        submitting = Submitting(agency)
        publisher = Publisher(agency, members=MEMBERS, chance=chance)
        for _ in range(PUBLICATIONS // (1 + IN_BULK)):
            await submitting.send(publisher.next())
            await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS))
            await submitting.send_each([publisher.next() for _ in range(IN_BULK)])
            await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS))
        return publications_of(agency.inbox.sent.list_submissions())


def make_readers(exchange: Exchange, folder: Path, chance: random.Random) -> list[Reader]:
    """Readers of every member, with every filter."""
    return [
        Reader(
            name=f"reader-{number}",
            profile=exchange.profile(MEMBERS[number % len(MEMBERS)]),
            inbox_path=folder / f"reader-{number}.sqlite",
            wanted=FILTERS[number % len(FILTERS)],
            addresses=exchange.addresses,
            chance=chance,
        )
        for number in range(READERS)
    ]


async def test_readers_that_come_and_go_get_exactly_what_they_are_entitled_to_in_order(
    exchange: Exchange, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    readers = make_readers(exchange, tmp_path, chance)
    async with asyncio.timeout(STALL_SECONDS), asyncio.TaskGroup() as group:
        for reader in readers:
            group.create_task(reader.come_and_go(LAST_MEMBER))
        publishing = [
            publish(exchange.profile(name, address=exchange.addresses[-(n % 2)]), chance)
            for n, name in enumerate(MEMBERS)
        ]
        publications = [one for many in await asyncio.gather(*publishing) for one in many]
        await asyncio.to_thread(exchange.stage.admit, LAST_MEMBER)

    for reader in readers:
        expected = deliveries_to(reader.profile.agency, publications, reader.wanted)
        assert expected == received_in(reader.inbox_path), reader.name
    assert sum(reader.visits for reader in readers) > READERS  # They did come again.


@pytest.mark.parametrize("exchange", ["postgresql"], indirect=True)
async def test_a_watch_ends_when_its_name_is_opened_at_another_process(
    exchange: Exchange, tmp_path: Path
) -> None:
    first, second = (exchange.profile("FR-NCB", address=address) for address in exchange.addresses)
    opening = OpenWatch(name="moved", start=WATCH_START_FIRST)
    async with (
        asyncio.timeout(STALL_SECONDS),
        opened(first, inbox_path=tmp_path / "older.sqlite", told=Told()) as here,
        opened(second, inbox_path=tmp_path / "newer.sqlite", told=Told()) as there,
        aclosing(Watch(here.client, opening).windows()) as older,
        aclosing(Watch(there.client, opening).windows()) as newer,
    ):
        of_older = await anext(older)
        of_newer = await anext(newer)
        with pytest.raises(Superseded):
            async for _ in older:  # What was on its way when the name was opened again.
                pass

    assert of_older.verified[0].message == of_newer.verified[0].message
    assert Superseded.code == "ABORTED"
