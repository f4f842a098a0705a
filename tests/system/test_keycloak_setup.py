"""Setting a real Keycloak up, and finding what was loosened since."""

from __future__ import annotations

import pytest

from deploy.stage import NotAsExpected
from hub.identity.keycloak.representations import (
    differs,
    log_in_client,
    realm_representation,
    service_client,
)
from tests.system.keycloak_people import (
    FRANCE,
    log_in,
    log_in_at,
)
from tests.system.keycloak_server import KeycloakServer

pytestmark = pytest.mark.timeout(300)  # seconds; the first test waits for Keycloak's start as well


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
