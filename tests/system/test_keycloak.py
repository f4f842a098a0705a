"""Officers of a hub whose identity provider is a real Keycloak."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import jwt
import pytest
from cryptography import x509

from agency_client.agency import open_agency
from agency_client.application import NewKeys
from agency_client.keycloak_login import KeycloakLogIn, KeycloakTokens
from agency_client.profile import Profile, load_profile
from agency_client.session_store import FileStore
from comity.errors import (
    IdentityProviderAway,
    LogInRequired,
    MalformedInput,
    NotPermitted,
    TokenRefused,
)
from comity.identity import AgencyId
from comity.statuses import error_from_rpc
from comity.v1 import ledger_pb2, ledger_pb2_grpc, sessions_pb2, sessions_pb2_grpc
from comity.v1.officers_pb2 import ROLE_OFFICER
from deploy.stage import NotAsExpected
from hub import app
from hub.app import running_hub
from hub.certificates import certificate_id_of
from hub.identity.keycloak.officers import KeycloakOfficers
from hub.identity.keycloak.representations import (
    differs,
    log_in_client,
    realm_representation,
    service_client,
)
from hub.identity.keycloak.sessions import KeycloakSessions
from hub.identity.keycloak.signing_keys import RETRY_SECONDS, SigningKeys
from hub.rpc.guard import Guard
from hub.rpc.table import RULES, Admission, Rule
from hub.services.accounts.directory import KnownOfficer
from tests.integration.enrolments import enrolment_hub
from tests.known_officers import KnownOfficers
from tests.system.keycloak_pages import Browser
from tests.system.keycloak_server import PASSWORD, KeycloakServer

pytestmark = pytest.mark.timeout(300)  # seconds; the first test waits for Keycloak's start as well

FRANCE, BRAZIL = AgencyId("FR-NCB"), AgencyId("BR-NCB")
OFFICER = KnownOfficer("officer 1", frozenset({ROLE_OFFICER}), is_active=True)


@pytest.fixture
def new_name() -> str:
    """A name that no other test has."""
    return f"example.{time.time_ns()}"


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


# --- sessions that the hub ends -----------------------------------------------------------------


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


# --- keys ---------------------------------------------------------------------------------------


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


# --- the setup ----------------------------------------------------------------------------------


async def test_setting_up_twice_changes_nothing(keycloak: KeycloakServer, new_name: str) -> None:
    await keycloak.add_user(new_name, FRANCE)
    tokens = await log_in(keycloak, new_name)
    secret = keycloak.realm.secret.read_bytes()

    said = keycloak.run_setup()

    assert "hands out tokens as it has to" in said
    assert secret == keycloak.realm.secret.read_bytes()
    assert keycloak.realm.secret.stat().st_mode & 0o777 == 0o600
    await log_in_at(keycloak).refresh(tokens.refresh_token)
    assert await find_differences(keycloak) == []


@pytest.mark.threat("T103")
async def test_setting_up_again_mends_what_was_loosened(keycloak: KeycloakServer) -> None:
    async with keycloak.administration() as admin:
        await admin.a_update_realm(keycloak.realm.name, {"bruteForceProtected": False})
        client = str(await admin.a_get_client_id("comity"))
        found = await admin.a_get_client(client)
        loosened = {"directAccessGrantsEnabled": True, "redirectUris": ["*"]}
        await admin.a_update_client(client, {**found, **loosened})
        profile = await admin.a_get_client_scope_by_name("profile")
        assert profile is not None
        await admin.a_add_client_default_client_scope(client, profile["id"], {})
    assert sorted(await find_differences(keycloak)) == [
        "bruteForceProtected",
        "defaultClientScopes",
        "directAccessGrantsEnabled",
        "redirectUris",
    ]

    keycloak.run_setup()

    assert await find_differences(keycloak) == []


async def find_differences(keycloak: KeycloakServer) -> list[str]:
    realm = keycloak.realm
    async with keycloak.administration() as admin:
        faults = differs(realm_representation(realm), await admin.a_get_realm(realm.name))
        for wanted in (log_in_client(realm), service_client(realm)):
            client = str(await admin.a_get_client_id(wanted["clientId"]))
            faults += differs(wanted, await admin.a_get_client(client))
    return faults


@pytest.mark.threat("T103")
async def test_the_check_says_that_tokens_are_not_bound(keycloak: KeycloakServer) -> None:
    async with keycloak.administration() as admin:
        client = str(await admin.a_get_client_id("comity-hub-service"))
        found = await admin.a_get_client(client)
        found["attributes"]["tls.client.certificate.bound.access.tokens"] = "false"
        await admin.a_update_client(client, found)

    with pytest.raises(NotAsExpected, match="exit 1") as failed:
        keycloak.stage.hub("keycloak", "check")

    assert "is not bound to the certificate" in str(failed.value)
    assert "is handed tokens without a certificate" in str(failed.value)
    keycloak.run_setup()
    keycloak.stage.hub("keycloak", "check")


async def test_a_wrong_password_of_the_administrator_is_said_and_not_shown(
    keycloak: KeycloakServer,
) -> None:
    path = keycloak.folder / "wrong password"
    path.touch(mode=0o600)
    path.write_text("SECRET-OF-NOBODY")

    with pytest.raises(NotAsExpected, match="exit 1") as failed:
        keycloak.stage.hub("keycloak", "setup", "--password-file", str(path))

    assert "Invalid user credentials" in str(failed.value)
    assert "SECRET" not in str(failed.value)


# --- Keycloak down ------------------------------------------------------------------------------


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


# --- over the wire ------------------------------------------------------------------------------


async def ask_with(address: str, keycloak: KeycloakServer, agency: AgencyId, token: str) -> None:
    """One call of an agency's that the table lets officers make only."""
    profile = replace(profile_of(keycloak, agency), hub_address=address)
    async with open_agency(profile) as opened:
        stub = ledger_pb2_grpc.LedgerServiceStub(opened.client.channel._current())
        try:
            await stub.GetCheckpoint(
                ledger_pb2.GetCheckpointRequest(),
                timeout=20,
                metadata=[("authorization", f"Bearer {token}")],
            )
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from error


async def test_the_guard_lets_an_officer_with_keycloaks_token_on_the_own_channel_only(
    keycloak: KeycloakServer, new_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keycloak.add_user(new_name, FRANCE)
    tokens = await log_in(keycloak, new_name)
    officers = officers_at(keycloak, KnownOfficers({(FRANCE, new_name): OFFICER}))
    rule = Rule("test", Admission.OFFICER, 30.0, frozenset({ROLE_OFFICER}))
    name = "/comity.v1.LedgerService/GetCheckpoint"
    monkeypatch.setattr(app, "RULES", {**RULES, name: rule})
    monkeypatch.setattr(app, "Guard", lambda **how: Guard(**{**how, "officers": officers}))

    async with running_hub(keycloak.settings.listening_on("127.0.0.1:0")) as hub:
        address = f"127.0.0.1:{hub.port}"
        await ask_with(address, keycloak, FRANCE, tokens.access_token)
        with pytest.raises(TokenRefused):
            await ask_with(address, keycloak, BRAZIL, tokens.access_token)
        with pytest.raises(TokenRefused):
            await ask_with(address, keycloak, FRANCE, f"{tokens.access_token[:-4]}AAAA")


# --- the hub as it is served --------------------------------------------------------------------


def finished_log_in(keycloak: KeycloakServer, name: str) -> str:
    """What `comity login` says, while somebody logs in at the page that it shows."""
    command = keycloak.stage.background(FRANCE, "login")
    assert command.stdout is not None
    lines = [command.stdout.readline().strip() for _ in range(3)]
    browser = Browser(keycloak.context())
    browser.open(lines[1])
    browser.log_in(name, PASSWORD)
    said, _ = command.communicate(timeout=60)
    return said


@pytest.fixture
def served(keycloak: KeycloakServer) -> Iterator[KeycloakServer]:
    """The hub serves, in a process of its own."""
    keycloak.stage.start_hub()
    yield keycloak
    keycloak.stage.stop_hub()


async def add_officer(keycloak: KeycloakServer, name: str) -> None:
    """An officer of France, in the hub's table and at Keycloak."""
    add = ["officer", "add", name, "--name", "Sample Officer", "--agency", FRANCE]
    await asyncio.to_thread(keycloak.stage.hub, *add, "--role", "officer")
    await keycloak.add_user(name, FRANCE)


async def test_an_officer_works_until_the_hub_locks_the_account(
    served: KeycloakServer, new_name: str
) -> None:
    await add_officer(served, new_name)

    said = await asyncio.to_thread(finished_log_in, served, new_name)
    shown = await asyncio.to_thread(served.stage.comity, FRANCE, "whoami")

    assert said == "Logged in as Sample Officer.\n"
    assert new_name in shown
    kept = FileStore(profile_of(served, FRANCE)).load()
    assert kept is not None
    with pytest.raises(TokenRefused):
        await who_am_i_with(served, BRAZIL, kept.access_token)

    await asyncio.to_thread(served.stage.hub, "officer", "lock", new_name, "--agency", FRANCE)
    await asyncio.sleep(1)  # within which every process knows

    with pytest.raises(TokenRefused):
        await who_am_i_with(served, FRANCE, kept.access_token)
    await ends_at_keycloak(served, kept.refresh_token)


async def who_am_i_with(keycloak: KeycloakServer, agency: AgencyId, token: str) -> None:
    """Asks who one is, with a token in hand and nothing that refreshes it."""
    async with open_agency(profile_of(keycloak, agency)) as opened:
        stub = sessions_pb2_grpc.SessionServiceStub(opened.client.channel._current())
        try:
            await stub.WhoAmI(
                sessions_pb2.WhoAmIRequest(),
                timeout=20,
                metadata=[("authorization", f"Bearer {token}")],
            )
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from error


async def ends_at_keycloak(keycloak: KeycloakServer, refresh_token: str) -> None:
    """The hub asks Keycloak soon after it has refused; each try has the newest refresh token."""
    client = log_in_at(keycloak)
    with pytest.raises(LogInRequired):
        for _ in range(40):
            refresh_token = (await client.refresh(refresh_token)).refresh_token
            await asyncio.sleep(0.25)


async def test_a_log_in_is_refreshed_and_ended_at_keycloak(
    served: KeycloakServer, new_name: str
) -> None:
    await add_officer(served, new_name)
    await asyncio.to_thread(finished_log_in, served, new_name)
    store = FileStore(profile_of(served, FRANCE))
    first = store.load()
    assert first is not None
    store.save(replace(first, access_until=datetime.now(UTC)))

    shown = await asyncio.to_thread(served.stage.comity, FRANCE, "whoami")

    second = store.load()
    assert new_name in shown
    assert second is not None
    assert second.access_token != first.access_token
    await asyncio.to_thread(served.stage.comity, FRANCE, "logout")
    assert store.load() is None
    with pytest.raises(LogInRequired):
        await log_in_at(served).refresh(second.refresh_token)


async def test_who_logs_out_everywhere_has_to_log_in_again(
    served: KeycloakServer, new_name: str
) -> None:
    await add_officer(served, new_name)
    await asyncio.to_thread(finished_log_in, served, new_name)
    kept = FileStore(profile_of(served, FRANCE)).load()
    assert kept is not None

    await asyncio.to_thread(served.stage.comity, FRANCE, "logout", "--everywhere")

    with pytest.raises(TokenRefused):
        await who_am_i_with(served, FRANCE, kept.access_token)


async def test_who_is_no_officer_of_the_hub_is_told_so_and_nothing_is_kept(
    served: KeycloakServer, new_name: str
) -> None:
    await served.add_user(new_name, FRANCE)

    said = await asyncio.to_thread(finished_log_in, served, new_name)

    assert said == ""
    assert FileStore(profile_of(served, FRANCE)).load() is None


async def test_a_hub_with_keycloak_takes_no_password(served: KeycloakServer) -> None:
    async with open_agency(profile_of(served, FRANCE)) as opened:
        described = await opened.client.officers.describe_log_in()
        with pytest.raises(NotPermitted, match="Keycloak"):
            await opened.client.officers.log_in("admin-1", PASSWORD)

    assert described.provider == sessions_pb2.IDENTITY_PROVIDER_KEYCLOAK
    assert (described.issuer, described.client_id) == (served.issuer, "comity")


async def test_an_agency_that_is_approved_at_a_serving_hub_gets_its_group(
    keycloak: KeycloakServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with enrolment_hub(keycloak.stage, monkeypatch) as hub:
        enroller = hub.enroller("SE-NCB", tmp_path)
        enroller.make_keys(name="Sample office", new=NewKeys(), now=datetime.now(UTC))
        await enroller.verify_hub()
        await enroller.apply(await hub.invite("SE-NCB"))
        await enroller.fetch_state()

        assert await hub.approve("SE-NCB", enroller.application_digest())

        await has_group(keycloak, "SE-NCB")


async def has_group(keycloak: KeycloakServer, agency: str) -> None:
    """Waits until the hub has made it."""
    async with keycloak.administration() as admin:
        [top] = await admin.a_get_groups({"search": "agencies", "exact": True})
        for _ in range(40):
            groups = await admin.a_get_group_children(top["id"], {"max": 1_000})
            if agency in [group["name"] for group in groups]:
                return
            await asyncio.sleep(0.25)
    raise AssertionError(f"no group {agency}")
