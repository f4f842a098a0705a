"""Passwords and second factors of built-in accounts, over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from comity.errors import (
    LogInRefused,
    LogInRequired,
    PasswordRefused,
    TokenRefused,
)
from comity.v1.officers_pb2 import (
    ROLE_AGENCY_ADMINISTRATOR,
)
from tests.databases import new_database
from tests.integration.officers import (
    PASSWORD,
    Served,
    serving,
    set_factor,
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


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "characters"),
        ("aaaaaaaaaaaaaaaa", "Repeats"),
        ("my fr-ncb password 77", "the agency's id"),
        ("Hub.Example is our hub 1", "the hub's domain"),
        ("x" * 300, "characters"),
    ],
)
@pytest.mark.threat("T91")
async def test_a_password_that_is_easily_guessed_is_refused_with_the_reason(
    served: Served, password: str, said: str
) -> None:
    name, one_time = await served.add("FR-NCB")
    async with served.client("FR-NCB") as france:
        await france.client.officers.log_in(name, one_time)
        with pytest.raises(PasswordRefused) as refused:
            await france.client.officers.change_password(one_time, password)
        with pytest.raises(PasswordRefused) as own:
            await france.client.officers.change_password(one_time, f"I am {name} and 12345")

    assert said in str(refused.value)
    assert "the user name" in str(own.value)


async def test_a_long_passphrase_is_taken(served: Served) -> None:
    long = f"{PASSWORD} {PASSWORD[::-1]} and then some more"
    name, one_time = await served.add("FR-NCB")
    async with served.client("FR-NCB") as france:
        await france.client.officers.log_in(name, one_time)
        await france.client.officers.change_password(one_time, long)
        await france.client.officers.log_in(name, long)

    assert len(long) > 72


async def test_changing_the_password_ends_every_other_session(served: Served) -> None:
    async with (
        served.officer("FR-NCB") as (france, person),
        served.client("FR-NCB") as elsewhere,
    ):
        await elsewhere.client.officers.log_in(person.user_name, PASSWORD)
        token = tokens_of(elsewhere).access_token
        with pytest.raises(LogInRefused):
            await france.client.officers.change_password("not it", f"{PASSWORD} anew")
        await france.client.officers.change_password(PASSWORD, f"{PASSWORD} anew")

        assert (await france.client.officers.who_am_i()).officer.user_name
        with pytest.raises(TokenRefused):
            await who_am_i(elsewhere, token)


@pytest.mark.threat("T80")
async def test_a_code_is_good_for_once(served: Served) -> None:
    async with served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (france, person):
        with pytest.raises(LogInRefused):  # It has confirmed the factor.
            await france.client.officers.log_in(
                person.user_name, PASSWORD, person.code(served.clock)
            )
        served.clock.ahead += timedelta(seconds=60)
        code = person.code(served.clock)
        await france.client.officers.log_in(person.user_name, PASSWORD, code)
        with pytest.raises(LogInRefused):
            await france.client.officers.log_in(person.user_name, PASSWORD, code)


@pytest.mark.threat("T93")
async def test_a_recovery_code_is_good_for_once(served: Served) -> None:
    async with served.officer("FR-NCB") as (france, person):
        codes = await set_factor(france, person, served.clock)
        typed = codes[0].upper().replace("-", " ")
        await france.client.officers.log_in(person.user_name, PASSWORD, typed)
        with pytest.raises(LogInRefused):
            await france.client.officers.log_in(person.user_name, PASSWORD, codes[0])
        await france.client.officers.log_in(person.user_name, PASSWORD, codes[1])


async def test_a_second_factor_is_replaced_only_shortly_after_a_log_in(served: Served) -> None:
    async with served.officer("FR-NCB") as (france, person):
        with pytest.raises(LogInRefused):
            await france.client.officers.confirm_second_factor("000000")
        await set_factor(france, person, served.clock)
        await set_factor(france, person, served.clock)
        served.clock.ahead += timedelta(minutes=11)
        with pytest.raises(LogInRequired):
            await france.client.officers.begin_second_factor()
