"""What the hub wants of its realm, as Keycloak's administration takes it. Data and no acts.

Officers log in at Keycloak's own pages (device flow, authorization code with PKCE), never with a
password through Comity; their tokens are short, bound to the agency's certificate, and name the
hub as audience only where the user is in an agency's group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.identity.keycloak.realm import Realm

ACCESS_SECONDS = 300  # how long a token is good that cannot be taken back by other means
IDLE_SECONDS = 1_800  # an officer who left the desk
SESSION_SECONDS = 43_200  # a long shift: once a day everybody logs in anew
CODE_SECONDS = 600  # to reach for a browser and log in
MIN_PASSWORD_CHARS = 12  # as the built-in accounts have it

AGENCIES_GROUP = "agencies"
USE_HUB = "use-hub"  # the one role: to be let to the hub at all; what one may do there it says
SIGNING_KEY = "comity-signing"
SERVICE_ROLES = ("manage-users",)  # the least with which sessions are ended and groups made

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_RSA = ("PS256", "PS384", "PS512", "RS256")


def realm_representation(realm: Realm) -> dict[str, Any]:
    """The realm's own settings."""
    return {
        "realm": realm.name,
        "enabled": True,
        "displayName": "Comity",
        "sslRequired": "all",
        "registrationAllowed": False,
        "rememberMe": False,
        "resetPasswordAllowed": False,
        "editUsernameAllowed": False,  # the name is how the hub first knows an officer
        "loginWithEmailAllowed": False,
        "defaultSignatureAlgorithm": realm.algorithms[0],
        "passwordPolicy": f"length({MIN_PASSWORD_CHARS}) and notUsername and hashAlgorithm(argon2)",
        **_SECOND_FACTOR,
        **_BRUTE_FORCE,
        **_LIVES,
    }


# Whole: of a policy given in part Keycloak takes the rest for zero, and fails at the log-in.
_SECOND_FACTOR = {
    "otpPolicyType": "totp",
    "otpPolicyAlgorithm": "HmacSHA1",  # what every authenticator application knows
    "otpPolicyDigits": 6,
    "otpPolicyPeriod": 30,
    "otpPolicyLookAheadWindow": 1,
    "otpPolicyInitialCounter": 0,
    "otpPolicyCodeReusable": False,
}

# Delays that grow and end: an outsider who tries names locks nobody out for long.
_BRUTE_FORCE = {
    "bruteForceProtected": True,
    "permanentLockout": False,
    "bruteForceStrategy": "MULTIPLE",
    "failureFactor": 5,
    "waitIncrementSeconds": 30,
    "maxFailureWaitSeconds": 300,
    "maxDeltaTimeSeconds": 43_200,
    "quickLoginCheckMilliSeconds": 1_000,
    "minimumQuickLoginWaitSeconds": 30,
}

_LIVES = {
    "accessTokenLifespan": ACCESS_SECONDS,
    "ssoSessionIdleTimeout": IDLE_SECONDS,
    "ssoSessionMaxLifespan": SESSION_SECONDS,
    "oauth2DeviceCodeLifespan": CODE_SECONDS,
    "revokeRefreshToken": True,  # each is good for once; one that comes again ends the session
    "refreshTokenMaxReuse": 0,
}


def log_in_client(realm: Realm) -> dict[str, Any]:
    """The public client that officers log in with."""
    return {
        **_no_flow(realm.log_in_client, "Comity: log-in of officers"),
        "publicClient": True,
        "standardFlowEnabled": True,
        "redirectUris": ["http://127.0.0.1/callback"],  # on any port: RFC 8252 §7.3
        "defaultClientScopes": ["basic"],
        "optionalClientScopes": [],
        "attributes": {
            "oauth2.device.authorization.grant.enabled": "true",
            "pkce.code.challenge.method": "S256",
            "tls.client.certificate.bound.access.tokens": "true",
            "access.token.signed.response.alg": realm.algorithms[0],
        },
        "protocolMappers": [_user_name(), _groups(), _audience()],
    }


def audience_client(realm: Realm) -> dict[str, Any]:
    """The hub as tokens are for it: no flow at all."""
    return {**_no_flow(realm.audience, "Comity: the hub"), "publicClient": False}


def service_client(realm: Realm) -> dict[str, Any]:
    """What the hub itself ends sessions with: a secret, and tokens bound to its certificate."""
    return {
        **_no_flow(realm.service_client, "Comity: the hub ends sessions"),
        "publicClient": False,
        "clientAuthenticatorType": "client-secret",
        "serviceAccountsEnabled": True,
        "defaultClientScopes": ["basic", "roles", "service_account"],
        "optionalClientScopes": [],
        "attributes": {
            "tls.client.certificate.bound.access.tokens": "true",
            "access.token.signed.response.alg": realm.algorithms[0],
        },
    }


def signing_key_component(realm: Realm, *, realm_id: str) -> dict[str, Any]:
    """A key of the first algorithm; a new realm has one for RS256 only."""
    algorithm = realm.algorithms[0]
    config = {"priority": ["100"], "enabled": ["true"], "active": ["true"]}
    if algorithm in _CURVES:
        provider = "ecdsa-generated"
        config["ecdsaEllipticCurveKey"] = [_CURVES[algorithm]]
    elif algorithm in _RSA:
        provider = "rsa-generated"
        config |= {"algorithm": [algorithm], "keySize": ["3072"]}
    else:
        provider = "eddsa-generated"
    return {
        "name": SIGNING_KEY,
        "parentId": realm_id,
        "providerId": provider,
        "providerType": "org.keycloak.keys.KeyProvider",
        "config": config,
    }


def differs(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """The keys of what is wanted that a thing found has otherwise; attributes are looked into."""
    faults = []
    for key, value in wanted.items():
        there = found.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            faults += [f"{key}.{name}" for name in differs(value, there)]
        elif key != "protocolMappers" and _in_order(there) != _in_order(value):
            faults.append(key)
    return faults


def _in_order(value: Any) -> Any:
    """Keycloak gives lists in an order of its own."""
    return sorted(value) if isinstance(value, list) else value


def _no_flow(client_id: str, name: str) -> dict[str, Any]:
    return {
        "clientId": client_id,
        "name": name,
        "protocol": "openid-connect",
        "enabled": True,
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,  # a password that an application sees
        "serviceAccountsEnabled": False,
        "fullScopeAllowed": False,
        "redirectUris": [],
        "webOrigins": [],
    }


def _user_name() -> dict[str, Any]:
    config = {"user.attribute": "username", "claim.name": "preferred_username"}
    return _mapper("user name", "oidc-usermodel-attribute-mapper", config)


def _groups() -> dict[str, Any]:
    """Membership, which no user can edit, by the full path: a group's name alone says little."""
    config = {"claim.name": "groups", "full.path": "true"}
    return _mapper("groups", "oidc-group-membership-mapper", config)


def _audience() -> dict[str, Any]:
    """Names as audience each client that the user has a role of: the hub, for agencies' users."""
    return _mapper("audience", "oidc-audience-resolve-mapper", {})


def _mapper(name: str, kind: str, config: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": kind,
        "config": {
            **config,
            "jsonType.label": "String",
            "access.token.claim": "true",
            "id.token.claim": "false",
            "userinfo.token.claim": "false",
            "introspection.token.claim": "false",
        },
    }
