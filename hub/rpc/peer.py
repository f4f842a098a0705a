"""Who is at the other end of the channel: the agency of its TLS certificate, an officer's token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from comity.errors import CertificateRefused, TokenRefused, TransportTooWeak
from comity.identity import AgencyId, agency_id_from_certificate

TLS_VERSION = b"TLSv1.3"
KEY_EXCHANGE_GROUP = b"X25519MLKEM768"  # what is recorded today must stay secret for decades
AUTHORIZATION = "authorization"
MAX_TOKEN_CHARS = 8_192  # Keycloak's, with groups and roles, have some 2,000
MAX_REMEMBERED_CERTIFICATES = 1_024  # parsing one takes longer than everything else the guard does


@dataclass(frozen=True, slots=True)
class Peer:
    """An agency as its certificate names it. Says nothing about membership."""

    agency: AgencyId
    certificate_id: str
    valid_until: datetime


def read_peer(
    context: grpc.aio.ServicerContext[Any, Any], *, hub_domain: str, now: datetime
) -> Peer:
    """The agency at the other end.

    Raises: TransportTooWeak; CertificateRefused where the certificate names no agency of this hub
    or has run out since the channel was opened.
    """
    properties = context.auth_context()  # asked once: it copies everything, the certificate too
    _require_strong(properties)
    peer = _peer_from_pem(_only(properties, "x509_pem_cert"), hub_domain)
    if peer.valid_until <= now:
        raise CertificateRefused()
    return peer


def require_strong_channel(context: grpc.aio.ServicerContext[Any, Any]) -> None:
    """Refuses a channel that could be read one day.

    Raises: TransportTooWeak.
    """
    _require_strong(context.auth_context())


def _require_strong(properties: object) -> None:
    if _only(properties, "ssl_tls_version") != TLS_VERSION:
        raise TransportTooWeak("The channel has to be TLS 1.3.")
    if _only(properties, "ssl_negotiated_key_exchange_group") != KEY_EXCHANGE_GROUP:
        raise TransportTooWeak("The channel's key exchange has to be X25519MLKEM768.")


def read_token(context: grpc.aio.ServicerContext[Any, Any]) -> str | None:
    """The bearer token that came with a call, if any. Nothing about it is verified.

    Raises: TokenRefused where what came is no bearer token, or several came.
    """
    metadata = context.invocation_metadata() or ()
    values = [value for key, value in metadata if key == AUTHORIZATION]
    if not values:
        return None
    scheme, _, token = str(values[0]).partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or not 0 < len(token) <= MAX_TOKEN_CHARS:
        raise TokenRefused()
    return token


def _only(properties: object, name: str) -> bytes:
    values = properties.get(name, ())  # type: ignore[attr-defined]
    return bytes(values[0]) if len(values) == 1 else b""


@lru_cache(maxsize=MAX_REMEMBERED_CERTIFICATES)
def _peer_from_pem(pem: bytes, hub_domain: str) -> Peer:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise CertificateRefused() from error
    return Peer(
        agency=agency_id_from_certificate(certificate, hub_domain=hub_domain),
        certificate_id=certificate.fingerprint(SHA256()).hex(),
        valid_until=certificate.not_valid_after_utc.astimezone(UTC),
    )
