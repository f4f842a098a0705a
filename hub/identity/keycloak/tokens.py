"""Keycloak's access tokens, verified here and not by asking Keycloak.

RFC 7519 (JWT), RFC 8705 §3 (tokens bound to a certificate). Never touches the network.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import jwt

from comity.errors import MalformedInput, TokenRefused
from comity.identity import AgencyId, parse_agency_id
from hub.identity.keycloak.realm import Realm

LEEWAY_SECONDS = 10  # between Keycloak's clock and the hub's
MAX_LIFE_SECONDS = 3_600  # what a realm set up by hand may have; the setup gives five minutes
AGENCIES = "/agencies/"  # one group for each agency lies below

# Times are judged by the hub's clock in `_require_now`; everything else by PyJWT.
_OPTIONS: Any = {
    "require": ["exp", "iat", "iss", "aud", "sub"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. Times are seconds since 1970.

    `logged_in_at` stays the same however often the token is refreshed.
    Says nothing of whether the hub knows the officer.
    """

    subject: str
    user_name: str
    session_id: str
    agency: AgencyId
    certificate_id: str
    logged_in_at: int
    issued_at: int
    not_before: int
    expires_at: int


def key_id_of(token: str) -> str:
    """The id of the key that a token says it is signed with.

    Raises: TokenRefused.
    """
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError as error:
        raise TokenRefused() from error
    if not isinstance(key_id, str):
        raise TokenRefused()
    return key_id


def verify_token(token: str, *, key: jwt.PyJWK, realm: Realm) -> Claims:
    """What a token says, once it is known to be Keycloak's and for this hub.

    1. An algorithm of the list, the key's own; the signature verifies.
    2. Issuer and audience are this realm and this hub.
    3. It is an access token of the client that officers log in with.
    4. It names exactly one agency, by group; a session and a certificate.

    `require_current` judges the rest at every use.

    Raises: TokenRefused.
    """
    try:
        content = jwt.decode(  # 1, 2
            token,
            key,
            algorithms=list(realm.algorithms),
            audience=realm.audience,
            issuer=realm.issuer,
            options=_OPTIONS,
        )
    except jwt.PyJWTError as error:
        raise TokenRefused() from error
    if content.get("typ") != "Bearer" or content.get("azp") != realm.log_in_client:  # 3
        raise TokenRefused()
    return Claims(  # 4
        subject=_text(content, "sub"),
        user_name=_text(content, "preferred_username"),
        session_id=_text(content, "sid"),
        agency=_agency(content.get("groups")),
        certificate_id=_certificate_id(content.get("cnf")),
        logged_in_at=_time(content, "auth_time"),
        issued_at=_time(content, "iat"),
        not_before=_time(content, "nbf") if "nbf" in content else 0,
        expires_at=_time(content, "exp"),
    )


def require_current(claims: Claims, *, agency: AgencyId, certificate_id: str, now: float) -> None:
    """Refuses a token at another time, on another agency's channel or another certificate.

    Raises: TokenRefused.
    """
    if (claims.agency, claims.certificate_id) != (agency, certificate_id):
        raise TokenRefused()
    begins = max(claims.issued_at, claims.not_before)
    if not begins - LEEWAY_SECONDS <= now < claims.expires_at + LEEWAY_SECONDS:
        raise TokenRefused()
    if claims.expires_at - claims.issued_at > MAX_LIFE_SECONDS:
        raise TokenRefused()


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise TokenRefused()
    return value


def _time(content: dict[str, Any], name: str) -> int:
    value = content.get(name)
    if type(value) is not int:
        raise TokenRefused()
    return value


def _agency(groups: object) -> AgencyId:
    """The one agency among the groups; other groups are nobody's business here."""
    if not isinstance(groups, list):
        raise TokenRefused()
    paths = [path for path in groups if isinstance(path, str) and path.startswith(AGENCIES)]
    if len(paths) != 1:
        raise TokenRefused()
    try:
        return parse_agency_id(paths[0].removeprefix(AGENCIES))
    except MalformedInput as error:
        raise TokenRefused() from error


def _certificate_id(confirmation: object) -> str:
    """The fingerprint that a token is bound to, as the hub has it: in hex."""
    thumbprint = confirmation.get("x5t#S256") if isinstance(confirmation, dict) else None
    if not isinstance(thumbprint, str):
        raise TokenRefused()
    try:
        return base64.urlsafe_b64decode(thumbprint + "=" * (-len(thumbprint) % 4)).hex()
    except (ValueError, binascii.Error) as error:
        raise TokenRefused() from error
