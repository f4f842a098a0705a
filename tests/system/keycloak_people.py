"""Officers and their log-ins at a real Keycloak: what its tests share."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from cryptography import x509

from agency_client.keycloak_login import KeycloakLogIn, KeycloakTokens
from agency_client.profile import Profile, load_profile
from comity.identity import AgencyId
from comity.v1.officers_pb2 import ROLE_OFFICER
from hub.certificates import certificate_id_of
from hub.identity.keycloak.officers import KeycloakOfficers
from hub.identity.keycloak.signing_keys import SigningKeys
from hub.services.accounts.directory import KnownOfficer
from tests.known_officers import KnownOfficers
from tests.system.keycloak_pages import Browser
from tests.system.keycloak_server import PASSWORD, KeycloakServer

FRANCE, BRAZIL = AgencyId("FR-NCB"), AgencyId("BR-NCB")
OFFICER = KnownOfficer("officer 1", frozenset({ROLE_OFFICER}), is_active=True)


def profile_of(keycloak: KeycloakServer, agency: AgencyId) -> Profile:
    return load_profile(keycloak.stage.folder / "agencies" / agency)


def certificate_of(keycloak: KeycloakServer, agency: AgencyId) -> str:
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
