"""A hub whose officers log in at a real Keycloak, over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from agency_client.agency import open_agency
from agency_client.application import NewKeys
from agency_client.session_store import FileStore
from comity.errors import (
    LogInRequired,
    NotPermitted,
    TokenRefused,
)
from comity.identity import AgencyId
from comity.statuses import error_from_rpc
from comity.v1 import ledger_pb2, ledger_pb2_grpc, sessions_pb2, sessions_pb2_grpc
from comity.v1.officers_pb2 import ROLE_OFFICER
from hub import app
from hub.app import running_hub
from hub.rpc.guard import Guard
from hub.rpc.table import RULES, Admission, Rule
from tests.integration.enrolments import enrolment_hub
from tests.known_officers import KnownOfficers
from tests.system.keycloak_pages import Browser
from tests.system.keycloak_people import (
    BRAZIL,
    FRANCE,
    OFFICER,
    log_in,
    log_in_at,
    officers_at,
    profile_of,
)
from tests.system.keycloak_server import PASSWORD, KeycloakServer

pytestmark = pytest.mark.timeout(300)  # seconds; the first test waits for Keycloak's start as well


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
