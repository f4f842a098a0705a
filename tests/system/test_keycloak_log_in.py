"""Logging in at a real Keycloak, and what a token is bound to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from comity.errors import (
    LogInRequired,
    TokenRefused,
)
from tests.known_officers import KnownOfficers
from tests.system.keycloak_pages import Browser
from tests.system.keycloak_people import (
    BRAZIL,
    FRANCE,
    OFFICER,
    identify,
    log_in,
    log_in_at,
    officers_at,
)
from tests.system.keycloak_server import PASSWORD, KeycloakServer

pytestmark = pytest.mark.timeout(300)  # seconds; the first test waits for Keycloak's start as well


async def test_an_officer_who_logs_in_by_device_is_known(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    officers = officers_at(keycloak, KnownOfficers({(FRANCE, new_name): OFFICER}))

    tokens = await log_in(keycloak, new_name)

    assert OFFICER.officer_id == await identify(officers, keycloak, tokens)


async def test_an_officer_who_logs_in_by_browser_is_known(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    officers = officers_at(keycloak, KnownOfficers({(FRANCE, new_name): OFFICER}))
    client = log_in_at(keycloak)
    begun = client.begin_code(redirect_uri="http://127.0.0.1:50123/callback")
    browser = Browser(keycloak.context())
    await asyncio.to_thread(browser.open, begun.url)
    await asyncio.to_thread(browser.log_in, new_name, PASSWORD)
    answer = parse_qs(urlsplit(browser.url).query)

    tokens = await client.finish_code(begun, code=answer["code"][0], state=answer["state"][0])

    assert OFFICER.officer_id == await identify(officers, keycloak, tokens)


async def test_a_code_is_of_no_use_to_who_has_not_the_verifier(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    client = log_in_at(keycloak)
    begun = client.begin_code(redirect_uri="http://127.0.0.1:50123/callback")
    browser = Browser(keycloak.context())
    await asyncio.to_thread(browser.open, begun.url)
    await asyncio.to_thread(browser.log_in, new_name, PASSWORD)
    answer = parse_qs(urlsplit(browser.url).query)
    thief = replace(begun, verifier="A" * 64)

    with pytest.raises(LogInRequired):
        await client.finish_code(thief, code=answer["code"][0], state=answer["state"][0])


async def test_a_token_says_no_more_of_an_officer_than_is_needed(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)

    tokens = await log_in(keycloak, new_name)

    content = jwt.decode(tokens.access_token, options={"verify_signature": False})
    assert content["aud"] == "comity-hub"
    assert content["groups"] == ["/agencies/FR-NCB"]
    assert {"name", "email", "given_name", "family_name"}.isdisjoint(content)


@pytest.mark.threat("T90")
async def test_a_token_is_refused_on_another_agencys_channel(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    everywhere = KnownOfficers({(FRANCE, new_name): OFFICER, (BRAZIL, new_name): OFFICER})
    officers = officers_at(keycloak, everywhere)
    tokens = await log_in(keycloak, new_name)

    with pytest.raises(TokenRefused):
        await identify(officers, keycloak, tokens, BRAZIL)


async def test_a_token_is_refused_that_was_had_on_another_agencys_certificate(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    officers = officers_at(keycloak, KnownOfficers({(FRANCE, new_name): OFFICER}))

    tokens = await log_in(keycloak, new_name, BRAZIL)

    for agency in (FRANCE, BRAZIL):
        with pytest.raises(TokenRefused):
            await identify(officers, keycloak, tokens, agency)


@pytest.mark.parametrize("groups", [(), (FRANCE, BRAZIL)], ids=["none", "two"])
@pytest.mark.threat("T101")
async def test_a_user_of_no_agency_or_of_two_is_nobodys_officer(
    keycloak: KeycloakServer, new_name: str, groups: tuple[str, ...]
) -> None:
    await keycloak.add_user(new_name, *groups)
    officers = officers_at(keycloak, KnownOfficers({(FRANCE, new_name): OFFICER}))

    tokens = await log_in(keycloak, new_name)

    with pytest.raises(TokenRefused):
        await identify(officers, keycloak, tokens)


async def test_a_session_goes_on_with_its_own_certificate_only(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    tokens = await log_in(keycloak, new_name)
    with pytest.raises(LogInRequired):
        await log_in_at(keycloak, BRAZIL).refresh(tokens.refresh_token)

    renewed = await log_in_at(keycloak).refresh(tokens.refresh_token)

    assert renewed.access_token != tokens.access_token


async def test_a_refresh_token_is_good_for_once(keycloak: KeycloakServer, new_name: str) -> None:
    await keycloak.add_user(new_name, FRANCE)
    client = log_in_at(keycloak)
    first = await log_in(keycloak, new_name)
    await client.refresh(first.refresh_token)

    with pytest.raises(LogInRequired):
        await client.refresh(first.refresh_token)


async def test_who_logged_out_has_to_log_in_again(keycloak: KeycloakServer, new_name: str) -> None:
    await keycloak.add_user(new_name, FRANCE)
    client = log_in_at(keycloak)
    tokens = await log_in(keycloak, new_name)

    await client.log_out(tokens.refresh_token)

    with pytest.raises(LogInRequired):
        await client.refresh(tokens.refresh_token)


async def test_no_password_is_taken_but_at_keycloaks_own_page(
    keycloak: KeycloakServer, new_name: str
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    client = log_in_at(keycloak)

    with pytest.raises(LogInRequired, match="unauthorized_client"):
        await client._tokens_or_log_in(grant_type="password", username=new_name, password=PASSWORD)


@pytest.mark.threat("T80")
async def test_guessing_stops_for_a_while(keycloak: KeycloakServer, new_name: str) -> None:
    await keycloak.add_user(new_name, FRANCE)
    browser = Browser(keycloak.context())
    for _ in range(6):
        begun = log_in_at(keycloak).begin_code(redirect_uri="http://127.0.0.1:50123/callback")
        await asyncio.to_thread(browser.open, begun.url)
        await asyncio.to_thread(browser.submit, username=new_name, password="a wrong one")

    await asyncio.to_thread(browser.submit, username=new_name, password=PASSWORD)

    assert "Invalid username or password" in browser.page
