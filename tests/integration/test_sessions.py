"""Sessions of built-in accounts, over the wire: refreshed, rebound, ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from comity.errors import (
    TokenRefused,
)
from comity.v1 import sessions_pb2
from comity.v1.sessions_pb2_grpc import SessionServiceStub
from hub.services.accounts.sessions import ACCESS_TIME, SESSION_TIME
from hub.store.officers import advance_officer_version
from tests.databases import new_database
from tests.integration.officers import (
    PASSWORD,
    Served,
    call,
    serving,
    tokens_of,
    who_am_i,
)
from tests.stages import Stage


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path_factory.mktemp("accounts"), database_url=url)
    for agency in ("FR-NCB", "BR-NCB"):
        made.admit(agency)
    yield made


@pytest.fixture
async def served(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as hub:
        yield hub


async def test_a_session_is_refreshed_in_time_and_ends_after_a_day_s_work(served: Served) -> None:
    async with served.officer("FR-NCB") as (france, _):
        first = tokens_of(france)
        served.clock.ahead += ACCESS_TIME
        with pytest.raises(TokenRefused):
            await who_am_i(france, first.access_token)
        assert (await france.client.officers.who_am_i()).HasField("officer")
        assert first.access_token != tokens_of(france).access_token

        served.clock.ahead += SESSION_TIME
        assert not (await france.client.officers.who_am_i()).HasField("officer")


async def refresh(opened: Any, token: str) -> Any:
    request = sessions_pb2.RefreshSessionRequest(refresh_token=token)
    return await call(opened, lambda c: SessionServiceStub(c).RefreshSession, request, token=None)


async def test_a_session_of_a_former_certificate_is_rebound_by_refreshing(served: Served) -> None:
    async with served.officer("FR-NCB") as (france, _):
        before = tokens_of(france).access_token
        async with served.database.write() as connection:
            await connection.execute(text("UPDATE sessions SET certificate_id = 'of before'"))
            await advance_officer_version(connection)
        with pytest.raises(TokenRefused):
            while True:  # Until the hub has noticed.
                await who_am_i(france, before)

        assert (await france.client.officers.who_am_i()).HasField("officer")
        assert before != tokens_of(france).access_token


@pytest.mark.threat("T93")
async def test_a_refresh_token_that_comes_again_ends_the_session(served: Served) -> None:
    async with served.officer("FR-NCB") as (france, _):
        stolen = tokens_of(france).refresh_token
        renewed = (await refresh(france, stolen)).tokens
        assert (await who_am_i(france, renewed.access_token)).HasField("officer")
        with pytest.raises(TokenRefused):
            await refresh(france, stolen)

        with pytest.raises(TokenRefused):
            await who_am_i(france, renewed.access_token)
        with pytest.raises(TokenRefused):
            await refresh(france, renewed.refresh_token)


async def test_a_refresh_token_from_another_agency_ends_the_session(served: Served) -> None:
    async with served.officer("FR-NCB") as (france, _), served.client("BR-NCB") as brazil:
        kept = tokens_of(france)
        with pytest.raises(TokenRefused):
            await refresh(brazil, kept.refresh_token)
        with pytest.raises(TokenRefused):
            await who_am_i(france, kept.access_token)


async def test_log_out_ends_this_session_or_every_one(served: Served) -> None:
    async with (
        served.officer("FR-NCB") as (france, person),
        served.client("FR-NCB") as second,
        served.client("FR-NCB") as third,
    ):
        for other in (second, third):
            await other.client.officers.log_in(person.user_name, PASSWORD)
        tokens = [tokens_of(opened).access_token for opened in (france, second, third)]
        await france.client.officers.log_out()
        with pytest.raises(TokenRefused):
            await who_am_i(france, tokens[0])
        assert (await who_am_i(second, tokens[1])).HasField("officer")

        await second.client.officers.log_out(everywhere=True)
        with pytest.raises(TokenRefused):
            await who_am_i(third, tokens[2])
        await france.client.officers.log_out()  # Nobody is logged in; nothing to be said of it.
