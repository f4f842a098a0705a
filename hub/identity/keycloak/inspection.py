"""Is the realm what the hub needs? Asked of Keycloak itself, by tokens that it really hands out."""

from __future__ import annotations

import base64
from typing import Any

import jwt

from comity.errors import MalformedInput, Violation
from hub.identity.keycloak.connection import KeycloakLine
from hub.identity.keycloak.realm import Realm


async def find_faults(line: KeycloakLine, *, certificate_id: str) -> list[Violation]:
    """Everything that is wrong with the realm, in the order in which to mend it.

    1. The realm calls itself what tokens are checked for.
    2. A token asked for on the hub's certificate is bound to it and verifies by the realm's keys.
    3. Without a certificate none is handed out.
    4. Officers can begin to log in.

    Raises: IdentityProviderAway.
    """
    faults = await _describing_faults(line)  # 1
    faults += await _token_faults(line, certificate_id)  # 2
    faults += await _unbound_faults(line)  # 3
    return faults + await _log_in_faults(line)  # 4


async def _describing_faults(line: KeycloakLine) -> list[Violation]:
    try:
        description = await line.fetch_description()
    except MalformedInput as error:
        return [Violation("realm", error.message)]
    if description.get("issuer") != line.realm.issuer:
        return [Violation("issuer", f"Keycloak calls itself {description.get('issuer')}")]
    return []


async def _token_faults(line: KeycloakLine, certificate_id: str) -> list[Violation]:
    try:
        token = await line.request_token()
        content = _verified(token, await line.fetch_keys(), line.realm)
    except MalformedInput as error:
        return [Violation("token", error.message)]
    except jwt.PyJWTError as error:
        return [Violation("token", f"does not verify: {error}")]
    bound_to = content.get("cnf", {}).get("x5t#S256")
    wanted = base64.urlsafe_b64encode(bytes.fromhex(certificate_id)).rstrip(b"=").decode()
    if bound_to == wanted:
        return []
    return [
        Violation(
            "token",
            "is not bound to the certificate that it was asked for with; was Keycloak built and "
            "started with https-client-auth=request and the trust store?",
        )
    ]


async def _unbound_faults(line: KeycloakLine) -> list[Violation]:
    try:
        await line.request_token_without_certificate()
    except MalformedInput:
        return []
    return [Violation(line.realm.service_client, "is handed tokens without a certificate")]


async def _log_in_faults(line: KeycloakLine) -> list[Violation]:
    try:
        await line.request_device_code()
    except MalformedInput as error:
        return [Violation(line.realm.log_in_client, f"cannot begin a log-in: {error.message}")]
    return []


def _verified(token: str, keys: Any, realm: Realm) -> dict[str, Any]:
    """The content of a token of the service client, which is for no hub and has no audience."""
    key_set = jwt.PyJWKSet.from_dict({"keys": [k for k in keys if k.get("use") == "sig"]})
    key = key_set[jwt.get_unverified_header(token)["kid"]]
    return dict(
        jwt.decode(
            token,
            key,
            algorithms=list(realm.algorithms),
            issuer=realm.issuer,
            options={"verify_aud": False},
        )
    )
