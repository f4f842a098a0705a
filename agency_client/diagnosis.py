"""Why the hub cannot be reached, as far as it can be told from here.

gRPC shows a refused handshake only as UNAVAILABLE. This looks at the agency's own certificate, then
connects by itself, and says in words what is wrong. Never sends anything but a handshake.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from datetime import UTC, datetime

from cryptography import x509

from agency_client.profile import CERTIFICATE, HUB_CA, Profile
from agency_client.tls_pair import load_tls_pair
from comity.errors import CertificateRefused, ComityError, HubUnreachable
from comity.identity import agency_id_from_certificate

CONNECT_SECONDS = 10.0  # a line that needs longer to connect carries no call either
REFUSAL_SECONDS = 2.0  # with TLS 1.3 a refusal of our certificate arrives after the handshake


def is_over(failure: ComityError | None) -> bool:
    """Whether a hub that could not be reached was found to answer again: no need to wait.

    Only as seen from here. A hub that asks for no delay gets its calls no sooner for it.
    """
    return failure is not None and not failure.is_from_hub and failure.retry_after_seconds == 0.0


async def explain_unreachable(
    profile: Profile, *, passphrase: bytes | None = None, now: datetime | None = None
) -> ComityError:
    """The error to report where a call could not be made.

    1. The agency's own certificate.
    2. Whether anything answers at the hub's address.
    3. Whether it is the hub that the pinned authority vouches for.
    4. Whether it accepts the certificate.
    """
    fault = find_certificate_fault(profile, passphrase=passphrase, now=now or datetime.now(UTC))
    if fault is not None:  # 1
        return CertificateRefused(fault)
    return await _explain_connection(profile, passphrase)  # 2, 3, 4


async def _explain_connection(profile: Profile, passphrase: bytes | None) -> ComityError:
    address = profile.hub_address
    host, _, port = address.rpartition(":")
    try:
        context = _context(profile, passphrase)
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                host.strip("[]"), int(port), ssl=context, server_hostname=profile.hub_domain
            )
    except ssl.SSLCertVerificationError as error:
        return HubUnreachable(
            f"What answers at {address} is not {profile.hub_domain} by the pinned authority: "
            f"{error.verify_message}."
        )
    except ssl.SSLError as error:
        return HubUnreachable(f"The handshake with the hub at {address} fails: {_named(error)}.")
    except (OSError, TimeoutError, ValueError) as error:
        return HubUnreachable(f"The hub at {address} does not answer ({_cause(error)}).")
    try:
        return await _explain_refusal(reader, address)
    finally:
        writer.transport.abort()


async def _explain_refusal(reader: asyncio.StreamReader, address: str) -> ComityError:
    try:
        async with asyncio.timeout(REFUSAL_SECONDS):
            if await reader.read(1):
                return HubUnreachable(
                    f"The connection to the hub at {address} broke off; it answers again now.",
                    retry_after_seconds=0.0,
                )
    except ssl.SSLError as error:
        return CertificateRefused(f"The hub refuses the agency's certificate: {_named(error)}.")
    except (OSError, TimeoutError):
        pass
    return HubUnreachable(f"The hub at {address} closes the connection; it may be starting.")


def _context(profile: Profile, passphrase: bytes | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(profile.path(HUB_CA)))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    key = load_tls_pair(profile, passphrase).key_path
    # Without a passphrase OpenSSL would ask for one on the terminal.
    context.load_cert_chain(profile.path(CERTIFICATE), key, password=passphrase or b"")
    return context


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing within {CONNECT_SECONDS:.0f} seconds"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if number else type(error).__name__


def _named(error: ssl.SSLError) -> str:
    return (error.reason or type(error).__name__).lower().replace("_", " ")


def find_certificate_fault(
    profile: Profile, *, passphrase: bytes | None, now: datetime
) -> str | None:
    """What is wrong with the agency's own certificate, or None."""
    try:
        certificate = x509.load_pem_x509_certificate(profile.path(CERTIFICATE).read_bytes())
        authority = x509.load_pem_x509_certificate(profile.path(HUB_CA).read_bytes())
        named = agency_id_from_certificate(certificate, hub_domain=profile.hub_domain)
        pair = load_tls_pair(profile, passphrase)
    except (OSError, ValueError) as error:
        return f"The agency's certificate cannot be read: {error}."
    except ComityError as error:
        return f"The agency's certificate will not be accepted: {error.message}"
    if certificate.not_valid_after_utc <= now:
        return f"The agency's certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}."
    if certificate.not_valid_before_utc > now:
        return "The agency's certificate is not valid yet; is this machine's clock right?"
    if named != profile.agency:
        return f"The agency's certificate is of {named}, the profile of {profile.agency}."
    if not pair.fits:
        return "The agency's certificate is not for the profile's TLS key."
    return _signature_fault(certificate, authority)


def _signature_fault(certificate: x509.Certificate, authority: x509.Certificate) -> str | None:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception as error:
        kind = type(error).__name__
        return f"The agency's certificate is not signed by the pinned authority ({kind})."
    return None
