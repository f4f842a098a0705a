"""Making a realm what the hub needs, and finding out whether it is. Run by the command line.

Made twice it is the same: what is there is brought to what is wanted, and nobody's users, groups or
secrets are taken away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keycloak import KeycloakAdmin

from comity.identity import AgencyId
from hub.identity.keycloak.connection import Administrator, KeycloakLine
from hub.identity.keycloak.realm import Realm
from hub.identity.keycloak.representations import (
    AGENCIES_GROUP,
    SERVICE_ROLES,
    USE_HUB,
    audience_client,
    log_in_client,
    realm_representation,
    service_client,
    signing_key_component,
)

MAX_AGENCIES = 10_000  # Keycloak gives ten groups where it isn't asked for more


async def provision(
    line: KeycloakLine, login: Administrator, *, agencies: Sequence[AgencyId]
) -> str:
    """Makes realm, key, clients, role and groups; gives the service client's secret.

    Raises: IdentityProviderAway; MalformedInput with Keycloak's own words.
    """
    realm = line.realm
    async with line.as_administrator(login) as admin:
        await _make_realm(admin, realm)
        await _make_key(admin, realm)
        await _require_second_factor(admin)
        hub = await _make_client(admin, audience_client(realm))
        log_in = await _make_client(admin, log_in_client(realm))
        service = await _make_client(admin, service_client(realm))
        await admin.a_create_client_role(hub, {"name": USE_HUB}, skip_exists=True)
        role = await admin.a_get_client_role(hub, USE_HUB)
        await admin.a_assign_client_roles_to_client_scope(log_in, hub, [role])
        await _let_serve(admin, service)
        top = await ensure_groups(admin, agencies)
        await admin.a_assign_group_client_roles(top, hub, [role])
        return str((await admin.a_get_client_secrets(service))["value"])


async def _make_realm(admin: KeycloakAdmin, realm: Realm) -> None:
    wanted = realm_representation(realm)
    if realm.name not in [found["realm"] for found in await admin.a_get_realms()]:
        await admin.a_create_realm(wanted)
        await admin.connection.a_refresh_token()  # an older one has no rights over the new realm
    await admin.a_update_realm(realm.name, wanted)


async def _make_key(admin: KeycloakAdmin, realm: Realm) -> None:
    found = await admin.a_get_realm(realm.name)
    wanted = signing_key_component(realm, realm_id=found["id"])
    kind = {"type": wanted["providerType"]}
    names = [c["name"] for c in await admin.a_get_components(kind)]
    if wanted["name"] not in names:
        await admin.a_create_component(wanted)


async def _require_second_factor(admin: KeycloakAdmin) -> None:
    """Lets every new user set up a second factor at the first log-in."""
    action = await admin.a_get_required_action_by_alias("CONFIGURE_TOTP")
    if action is not None and not action["defaultAction"]:
        action |= {"enabled": True, "defaultAction": True}
        await admin.a_update_required_action("CONFIGURE_TOTP", action)


async def _make_client(admin: KeycloakAdmin, wanted: dict[str, Any]) -> str:
    """Makes or mends a client, and gives its id."""
    client = await admin.a_get_client_id(wanted["clientId"])
    if client is None:
        return str(await admin.a_create_client(wanted))
    mappers = wanted.pop("protocolMappers", [])
    await admin.a_update_client(client, wanted)
    await _make_mappers(admin, client, mappers)
    await _remove_scopes(admin, client, kept=wanted.get("defaultClientScopes"))
    return str(client)


async def _remove_scopes(admin: KeycloakAdmin, client: str, *, kept: Sequence[str] | None) -> None:
    """Takes away what would put more into tokens; an update of the client leaves scopes alone."""
    if kept is None:
        return
    for scope in await admin.a_get_client_default_client_scopes(client):
        if scope["name"] not in kept:
            await admin.a_delete_client_default_client_scope(client, scope["id"])
    for scope in await admin.a_get_client_optional_client_scopes(client):
        await admin.a_delete_client_optional_client_scope(client, scope["id"])


async def _make_mappers(
    admin: KeycloakAdmin, client: str, wanted: Sequence[Mapping[str, Any]]
) -> None:
    """Exactly those that are wanted: another could put other groups or audiences into tokens."""
    for mapper in await admin.a_get_mappers_from_client(client):
        await admin.a_remove_client_mapper(client, mapper["id"])
    for mapper in wanted:
        await admin.a_add_mapper_to_client(client, dict(mapper))


async def _let_serve(admin: KeycloakAdmin, service: str) -> None:
    management = str(await admin.a_get_client_id("realm-management"))
    user = await admin.a_get_client_service_account_user(service)
    roles = [await admin.a_get_client_role(management, name) for name in SERVICE_ROLES]
    await admin.a_assign_client_role(user["id"], management, roles)
    await admin.a_assign_client_roles_to_client_scope(service, management, roles)


async def ensure_groups(admin: KeycloakAdmin, agencies: Sequence[AgencyId]) -> str:
    """One group for each agency below the group of all, whose id it gives."""
    groups = await admin.a_get_groups({"search": AGENCIES_GROUP, "exact": True})
    found = [group["id"] for group in groups if group["name"] == AGENCIES_GROUP]
    top = str(found[0] if found else await admin.a_create_group({"name": AGENCIES_GROUP}))
    children = await admin.a_get_group_children(top, {"max": MAX_AGENCIES})
    for agency in sorted(set(agencies) - {child["name"] for child in children}):
        await admin.a_create_group({"name": agency}, parent=top)
    return top
