"""Officers of a hub whose identity provider is a real Keycloak."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from agency_client.keycloak_login import KeycloakLogIn, KeycloakTokens
from agency_client.profile import Profile, load_profile
from comity.errors import LogInRequired, TokenRefused
from comity.identity import AgencyId
from comity.v1.officers_pb2 import ROLE_OFFICER
from hub.certificates import certificate_id_of
from hub.identity.keycloak.officers import KeycloakOfficers, KnownOfficer
from hub.identity.keycloak.signing_keys import SigningKeys
from tests.known_officers import KnownOfficers
from tests.system.keycloak_pages import Browser
from tests.system.keycloak_server import PASSWORD, KeycloakServer

FRANCE, BRAZIL = AgencyId("FR-NCB"), AgencyId("BR-NCB")
OFFICER = KnownOfficer("officer 1", frozenset({ROLE_OFFICER}), is_active=True)


@pytest.fixture
def new_name() -> str:
    """A name that no other test has."""
    return f"example.{time.time_ns()}"


def profile_of(keycloak: KeycloakServer, agency: AgencyId) -> Profile:
    return load_profile(keycloak.stage.folder / "agencies" / agency)


def certificate_of(keycloak: KeycloakServer, agency: AgencyId) -> str:
    from cryptography import x509

    pem = profile_of(keycloak, agency).path("certificate.pem").read_bytes()
    return certificate_id_of(x509.load_pem_x509_certificate(pem))


def log_in_at(keycloak: KeycloakServer, agency: AgencyId = FRANCE) -> KeycloakLogIn:
    return KeycloakLogIn(
        profile_of(keycloak, agency),
        issuer=keycloak.issuer,
        client_id="comity",
        sleep=lambda _seconds: asyncio.sleep(0),
    )


async def log_in(keycloak: KeycloakServer, name: str, agency: AgencyId = FRANCE) -> KeycloakTokens:
    """Logs in by device, as the command line does, with a browser somewhere else."""
    client = log_in_at(keycloak, agency)
    begun = await client.begin_device()
    browser = Browser(keycloak.context())
    await asyncio.to_thread(browser.open, begun.verification_uri_complete)
    await asyncio.to_thread(browser.log_in, name, PASSWORD)
    assert "Device Login Successful" in browser.page, browser.page
    return await client.finish_device(begun)


def officers_at(
    keycloak: KeycloakServer, directory: KnownOfficers, keys: SigningKeys | None = None
) -> KeycloakOfficers:
    return KeycloakOfficers(
        keycloak.realm,
        keys=keys or signing_keys(keycloak),
        directory=directory,
        clock=lambda: datetime.now(UTC),
    )


def signing_keys(keycloak: KeycloakServer) -> SigningKeys:
    return SigningKeys(
        keycloak.line.fetch_keys,
        algorithms=keycloak.realm.algorithms,
        monotonic=time.monotonic,
    )


async def identify(
    officers: KeycloakOfficers,
    keycloak: KeycloakServer,
    tokens: KeycloakTokens,
    agency: AgencyId = FRANCE,
) -> str:
    certificate = certificate_of(keycloak, agency)
    found = await officers.identify(tokens.access_token, agency=agency, certificate_id=certificate)
    return found.officer_id


# --- log-in -------------------------------------------------------------------------------------


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


# --- what a token is bound to -------------------------------------------------------------------


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
