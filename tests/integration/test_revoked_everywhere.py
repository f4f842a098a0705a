"""A member that is taken out at one of two hub processes: streams that are open at the other end,
and so does what comes afterwards, whichever way it comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from grpc.experimental import session_cache

from agency_client.agency import Agency, open_agency
from agency_client.profile import CERTIFICATE, HUB_CA, TLS_KEY, load_profile
from comity.errors import AgencyNotActive, ComityError
from comity.statuses import error_from_rpc
from comity.v1 import acts_pb2, ledger_pb2, watches_pb2
from comity.v1.ledger_pb2_grpc import LedgerServiceStub
from deploy.stage import DOMAIN
from hub.services.delivery import MAX_UNCONFIRMED_EVENTS
from tests.databases import new_database
from tests.integration.drafts import Draft
from tests.stages import Stage

WAIT_SECONDS = 60  # bounds a test that would never end; nothing here is timed
MEMBER = "BR-NCB"
PUBLISHED = 2 * MAX_UNCONFIRMED_EVENTS


class TwoHubs(Stage):
    """Two processes on one database, and the member's channel to the second."""

    other: str

    def take_out(self, what: str = "suspend") -> None:
        asked = ["--yes"] if what == "revoke" else []
        self.hub("agency", what, MEMBER, "--reason", "Sample reason", "--emergency", *asked)


@pytest.fixture
def stage(postgres_url: str, tmp_path: Path) -> Iterator[TwoHubs]:
    made = TwoHubs(tmp_path, database_url=new_database(postgres_url))
    for agency in ("FR-NCB", MEMBER):
        made.admit(agency)
    made.start_hub()
    made.other = made.start_another_hub()
    yield made
    made.stop_hub()


@pytest.fixture
async def brazil(stage: TwoHubs) -> AsyncIterator[Agency]:
    profile = load_profile(stage.folder / "agencies" / MEMBER)
    async with open_agency(replace(profile, hub_address=stage.other)) as opened:
        yield opened


async def publish(stage: TwoHubs, count: int) -> None:
    async with open_agency(load_profile(stage.folder / "agencies" / "FR-NCB")) as france:
        keys = france.profile.load_signing_keys()
        for _ in range(count):
            await france.client.submit_acts(Draft(keys).acts())


@pytest.mark.parametrize("what", ["suspend", "revoke"])
@pytest.mark.threat("T19")
async def test_a_reader_that_sleeps_gets_at_most_one_window_more(
    stage: TwoHubs, brazil: Agency, what: str
) -> None:
    """It has opened a watch and reads nothing; by the time it wakes up it is no member."""
    await publish(stage, PUBLISHED)
    opening = watches_pb2.OpenWatch(name="asleep", start=watches_pb2.WATCH_START_FIRST)
    command = watches_pb2.WatchCommand(open=opening)

    async def commands() -> AsyncIterator[watches_pb2.WatchEventsRequest]:
        yield watches_pb2.WatchEventsRequest(command=command.SerializeToString())
        await asyncio.Event().wait()

    received = 0
    async with asyncio.timeout(WAIT_SECONDS):
        stream = brazil.client.open_watch(commands())
        await anext(stream)  # opened
        stage.take_out(what)
        with pytest.raises(AgencyNotActive):
            async for response in stream:
                received += len(response.window.events)
        with pytest.raises(AgencyNotActive):
            await brazil.client.get_checkpoint()

    assert received <= MAX_UNCONFIRMED_EVENTS


@pytest.mark.threat("T19")
async def test_an_idle_bulk_stream_ends(stage: TwoHubs, brazil: Agency) -> None:
    opened = asyncio.Event()

    async def nothing() -> AsyncIterator[acts_pb2.SubmitBulkRequest]:
        opened.set()
        await asyncio.Event().wait()
        yield acts_pb2.SubmitBulkRequest()

    async def answers() -> type[ComityError]:
        with pytest.raises(ComityError) as ended:
            async for _ in brazil.client.submit_bulk(nothing()):
                pass
        return type(ended.value)

    async with asyncio.timeout(WAIT_SECONDS):
        waiting = asyncio.create_task(answers())
        await opened.wait()
        await brazil.client.get_checkpoint()  # the stream has been admitted by now
        stage.take_out()
        assert AgencyNotActive is await waiting


@pytest.mark.threat("T19")
async def test_a_resumed_tls_session_is_judged_anew(stage: TwoHubs) -> None:
    folder = stage.folder / "agencies" / MEMBER
    credentials = grpc.ssl_channel_credentials(
        *((folder / name).read_bytes() for name in (HUB_CA, TLS_KEY, CERTIFICATE))
    )
    options = (
        ("grpc.ssl_target_name_override", DOMAIN),
        ("grpc.ssl_session_cache", session_cache.ssl_session_cache_lru(8)),  # type: ignore[no-untyped-call]
        ("grpc.use_local_subchannel_pool", 1),
    )

    async def checkpoint() -> bytes:
        """The newest checkpoint, on a connection of its own that may resume the one before."""
        async with grpc.aio.secure_channel(stage.other, credentials, options=options) as channel:
            stub = LedgerServiceStub(channel)
            try:
                answer = await stub.GetCheckpoint(ledger_pb2.GetCheckpointRequest(), timeout=20)
            except grpc.aio.AioRpcError as error:
                raise error_from_rpc(error) from error
            return bytes(answer.checkpoint)

    async with asyncio.timeout(WAIT_SECONDS):
        assert await checkpoint() == await checkpoint()
        stage.take_out()
        while True:  # until this process has heard of it, within a second
            try:
                await checkpoint()
            except AgencyNotActive:
                break
        with pytest.raises(AgencyNotActive):
            await checkpoint()
