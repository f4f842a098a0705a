"""The channel to the hub: mutual TLS, built anew when the certificate changes.

gRPC shows a refused handshake only as UNAVAILABLE; what is wrong with the agency's own certificate
is therefore looked for here and said in words.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from agency_client.profile import CERTIFICATE, HUB_CA, TLS_KEY, Profile, read_secret
from comity.errors import CertificateRefused, ComityError, HubUnreachable, MalformedInput
from comity.identity import agency_id_from_certificate

MAX_RESPONSE_BYTES = 8_388_608  # a window of notices at their limit, with room
CONNECT_SECONDS = 10.0  # a line that needs longer to connect carries no call either

_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
    ("grpc.max_send_message_length", MAX_RESPONSE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),  # finds a line that has silently gone within a minute
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.max_reconnect_backoff_ms", 30_000),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.enable_retries", 0),  # what may be tried again is decided in client.py
]


class HubChannel:
    """A channel that follows the profile's certificate."""

    def __init__(self, profile: Profile, *, passphrase: bytes | None = None) -> None:
        self.profile = profile
        self._passphrase = passphrase
        self._channel: grpc.aio.Channel | None = None
        self._built_from: tuple[int, ...] = ()

    async def get(self) -> grpc.aio.Channel:
        """The channel; a new one where key, certificate or authority have changed on disk.

        Raises: MalformedInput where one of them cannot be read.
        """
        stamp = self._stamp()
        if self._channel is None or stamp != self._built_from:
            await self.close()
            self._channel = self._build()
            self._built_from = stamp
        return self._channel

    async def close(self) -> None:
        """Closes the channel; the next `get` opens another."""
        if self._channel is not None:
            channel, self._channel = self._channel, None
            await channel.close()

    def _stamp(self) -> tuple[int, ...]:
        try:
            stats = [self.profile.path(n).stat() for n in (TLS_KEY, CERTIFICATE, HUB_CA)]
        except OSError as error:
            raise MalformedInput(
                f"{error.filename} is missing: hand application.json to the hub and 'comity join' "
                "what it hands back."
            ) from error
        return tuple(number for stat in stats for number in (stat.st_mtime_ns, stat.st_size))

    def _build(self) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(
            root_certificates=self.profile.path(HUB_CA).read_bytes(),
            private_key=self._tls_key(),
            certificate_chain=self.profile.path(CERTIFICATE).read_bytes(),
        )
        # The hub is known by its domain, whatever address it is reached at.
        name = ("grpc.ssl_target_name_override", self.profile.hub_domain)
        return grpc.aio.secure_channel(
            self.profile.hub_address, credentials, options=[*_OPTIONS, name]
        )

    def _tls_key(self) -> bytes:
        pem = read_secret(self.profile.path(TLS_KEY))
        try:
            key = serialization.load_pem_private_key(pem, self._passphrase)
        except (ValueError, TypeError) as error:
            raise MalformedInput("The TLS key cannot be read; is the passphrase right?") from error
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    async def explain_unreachable(self, now: datetime | None = None) -> ComityError:
        """Why the hub cannot be reached, as far as can be told from here."""
        fault = self._certificate_fault(now or datetime.now(UTC))
        if fault is not None:
            return CertificateRefused(fault)
        host, _, port = self.profile.hub_address.rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except (OSError, TimeoutError, ValueError) as error:
            return HubUnreachable(
                f"The hub at {self.profile.hub_address} does not answer ({type(error).__name__})."
            )
        writer.close()
        return HubUnreachable(
            f"The hub at {self.profile.hub_address} answers but the handshake fails: it may not "
            "accept this certificate any longer, or it is not the hub of the pinned authority."
        )

    def _certificate_fault(self, now: datetime) -> str | None:
        profile = self.profile
        try:
            certificate = x509.load_pem_x509_certificate(profile.path(CERTIFICATE).read_bytes())
            authority = x509.load_pem_x509_certificate(profile.path(HUB_CA).read_bytes())
            named = agency_id_from_certificate(certificate, hub_domain=profile.hub_domain)
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
        return _signature_fault(certificate, authority)


def _signature_fault(certificate: x509.Certificate, authority: x509.Certificate) -> str | None:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception as error:
        kind = type(error).__name__
        return f"The agency's certificate is not signed by the pinned authority ({kind})."
    return None


