"""Log-ins that end at a real Keycloak: by the hub, by changed keys, and while it is down."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from comity.errors import (
    IdentityProviderAway,
    LogInRequired,
    MalformedInput,
    TokenRefused,
)
from comity.identity import AgencyId
from hub.identity.keycloak.sessions import KeycloakSessions
from hub.identity.keycloak.signing_keys import RETRY_SECONDS, SigningKeys
from tests.known_officers import KnownOfficers
from tests.system.keycloak_people import (
    BRAZIL,
    FRANCE,
    OFFICER,
    identify,
    log_in,
    log_in_at,
    officers_at,
)
from tests.system.keycloak_server import KeycloakServer

pytestmark = pytest.mark.timeout(300)  # seconds; the first test waits for Keycloak's start as well


@pytest.mark.threat("T95")
async def test_locking_an_officer_ends_the_session(keycloak: KeycloakServer, new_name: str) -> None:
    await keycloak.add_user(new_name, FRANCE)
    tokens = await log_in(keycloak, new_name)

    await KeycloakSessions(keycloak.line).end_officer(FRANCE, new_name)

    with pytest.raises(LogInRequired):
        await log_in_at(keycloak).refresh(tokens.refresh_token)


async def test_locking_a_namesake_of_another_agency_ends_nothing(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    tokens = await log_in(keycloak, new_name)

    await KeycloakSessions(keycloak.line).end_officer(BRAZIL, new_name)

    refreshed = await log_in_at(keycloak).refresh(tokens.refresh_token)
    assert refreshed.access_token != tokens.access_token


@pytest.mark.threat("T102")
async def test_a_session_that_the_hub_ended_stays_ended_though_keycloak_refreshes_it(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    tokens = await log_in(keycloak, new_name)
    locked_once = replace(OFFICER, not_before=datetime.now(UTC))
    officers = officers_at(keycloak, KnownOfficers({(FRANCE, new_name): locked_once}))

    refreshed = await log_in_at(keycloak).refresh(tokens.refresh_token)

    for each in (tokens, refreshed):
        with pytest.raises(TokenRefused):
            await identify(officers, keycloak, each)


async def test_suspending_an_agency_ends_its_officers_sessions_and_no_others(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    await keycloak.add_user(f"{new_name}.br", BRAZIL)
    french = await log_in(keycloak, new_name)
    brazilian = await log_in(keycloak, f"{new_name}.br", BRAZIL)

    await KeycloakSessions(keycloak.line).end_agency(FRANCE)

    with pytest.raises(LogInRequired):
        await log_in_at(keycloak).refresh(french.refresh_token)
    await log_in_at(keycloak, BRAZIL).refresh(brazilian.refresh_token)


async def test_ending_the_sessions_of_nobody_is_no_error(keycloak: KeycloakServer) -> None:
    await KeycloakSessions(keycloak.line).end_officer(FRANCE, "example.unknown")
    await KeycloakSessions(keycloak.line).end_agency(AgencyId("KE-NCB"))


async def test_an_agency_that_is_admitted_gets_its_group(keycloak: KeycloakServer) -> None:
    await KeycloakSessions(keycloak.line).add_agency(AgencyId("NO-NCB"))

    async with keycloak.administration() as admin:
        assert (await admin.a_get_group_by_path("/agencies/NO-NCB"))["name"] == "NO-NCB"


async def test_the_hub_itself_may_not_change_clients_or_keys(keycloak: KeycloakServer) -> None:
    with pytest.raises(MalformedInput, match="403"):
        async with keycloak.line.as_service() as admin:
            await admin.a_get_clients()
    with pytest.raises(MalformedInput, match="403"):
        async with keycloak.line.as_service() as admin:
            await admin.a_get_components()


async def signing_component(keycloak: KeycloakServer, *, name: str) -> dict[str, Any]:
    wanted = {"type": "org.keycloak.keys.KeyProvider"}
    async with keycloak.administration() as admin:
        [found] = [c for c in await admin.a_get_components(wanted) if c["name"] == name]
    return dict(found)


async def test_tokens_go_on_over_a_change_of_keys_until_the_old_one_is_withdrawn(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    moment = [0.0]
    keys = SigningKeys(
        keycloak.line.fetch_keys,
        algorithms=keycloak.realm.algorithms,
        monotonic=lambda: moment[0],
    )
    directory = KnownOfficers({(FRANCE, new_name): OFFICER})
    officers = officers_at(keycloak, directory, keys)
    old = await log_in(keycloak, new_name)
    await identify(officers, keycloak, old)

    component = await signing_component(keycloak, name="comity-signing")
    newer = {key: value for key, value in component.items() if key != "id"}
    newer |= {"name": "newer", "config": {**component["config"], "priority": ["200"]}}
    newer["config"].pop("ecdsaPrivateKey", None)
    newer["config"].pop("ecdsaPublicKey", None)
    async with keycloak.administration() as admin:
        await admin.a_create_component(newer)
    new = await log_in_at(keycloak).refresh(old.refresh_token)
    moment[0] += RETRY_SECONDS

    assert jwt.get_unverified_header(old.access_token) != jwt.get_unverified_header(
        new.access_token
    )
    assert OFFICER.officer_id == await identify(officers, keycloak, old)
    assert OFFICER.officer_id == await identify(officers, keycloak, new)

    async with keycloak.administration() as admin:
        await admin.a_delete_component(component["id"])
    await keys.refresh()

    assert OFFICER.officer_id == await identify(officers, keycloak, new)
    with pytest.raises(TokenRefused):
        await identify(officers, keycloak, old)


@pytest.mark.threat("T102")
async def test_while_keycloak_is_down_tokens_hold_and_what_is_to_end_ends_later(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    officers = officers_at(keycloak, KnownOfficers({(FRANCE, new_name): OFFICER}))
    tokens = await log_in(keycloak, new_name)
    await identify(officers, keycloak, tokens)
    tried = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        tried.set()
        await asyncio.sleep(0.2)

    sessions = KeycloakSessions(keycloak.line, sleep=sleep)
    keycloak.stop()
    ending = asyncio.create_task(sessions.run())
    try:
        assert OFFICER.officer_id == await identify(officers, keycloak, tokens)
        with pytest.raises(IdentityProviderAway):
            await log_in_at(keycloak).refresh(tokens.refresh_token)
        with pytest.raises(IdentityProviderAway):
            await identify(officers_at(keycloak, KnownOfficers()), keycloak, tokens)
        sessions.end_officer_soon(FRANCE, new_name)
        await tried.wait()
    finally:
        await asyncio.to_thread(keycloak.start)
    await sessions.done()
    ending.cancel()

    with pytest.raises(LogInRequired):
        await log_in_at(keycloak).refresh(tokens.refresh_token)
