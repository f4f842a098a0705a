"""Channels to a hub's port for enrolment: first to whoever answers, then to the verified hub only.

Before an agency has enrolled it knows no authority. It takes the certificate that is shown as it
is, asks what the hub says of itself, and sends nothing of its own before that was verified; then it
connects anew, and trusts the verified authority alone.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc

from comity.errors import ComityError, HubUnreachable, MalformedInput
from comity.statuses import error_from_rpc
from comity.v1.enrolment_pb2 import (
    ApplyRequest,
    DescribeHubRequest,
    DescribeHubResponse,
    FetchAdmissionRequest,
    FetchAdmissionResponse,
)
from comity.v1.enrolment_pb2_grpc import EnrolmentServiceStub

CONNECT_SECONDS = 10.0
CALL_SECONDS = 20.0  # twice the hub's own limit
MAX_RESPONSE_BYTES = 65_536  # an admission has some 3 KB

if TYPE_CHECKING:
    from comity.v1.enrolment_pb2_grpc import EnrolmentServiceAsyncStub


class EnrolmentPort:
    """Where a hub lets agencies enrol, `host:port`, and the domain that it must be of."""

    def __init__(self, address: str, *, hub_domain: str) -> None:
        self.address = address
        self.hub_domain = hub_domain

    async def describe(self) -> DescribeHubResponse:
        """What whoever answers says of itself. Nothing of it is verified.

        Raises: HubUnavailable, MalformedInput.
        """
        shown = await self._shown_certificate()
        async with self._opened(shown) as stub:
            try:
                response: DescribeHubResponse = await stub.DescribeHub(
                    DescribeHubRequest(), timeout=CALL_SECONDS
                )
            except grpc.RpcError as error:
                raise self._explained(error) from error
        return response

    async def apply(self, request: ApplyRequest, *, ca_certificate: str) -> bytes:
        """Applies to the hub that an authority (PEM) vouches for; gives the sealed challenge.

        Raises: CodeRefused, ApplicationInvalid, QuotaExceeded, HubUnavailable.
        """
        async with self._opened(ca_certificate.encode()) as stub:
            try:
                response = await stub.Apply(request, timeout=CALL_SECONDS)
            except grpc.RpcError as error:
                raise self._explained(error) from error
        return response.sealing_challenge

    async def fetch_admission(
        self, request: FetchAdmissionRequest, *, ca_certificate: str
    ) -> FetchAdmissionResponse:
        """How an application stands at the hub that an authority (PEM) vouches for.

        Raises: NotFound, QuotaExceeded, HubUnavailable.
        """
        async with self._opened(ca_certificate.encode()) as stub:
            try:
                response: FetchAdmissionResponse = await stub.FetchAdmission(
                    request, timeout=CALL_SECONDS
                )
            except grpc.RpcError as error:
                raise self._explained(error) from error
        return response

    @asynccontextmanager
    async def _opened(self, trusted: bytes) -> AsyncIterator[EnrolmentServiceAsyncStub]:
        credentials = grpc.ssl_channel_credentials(root_certificates=trusted)
        options = [
            ("grpc.ssl_target_name_override", self.hub_domain),
            ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
            ("grpc.enable_retries", 0),
        ]
        channel = grpc.aio.secure_channel(self.address, credentials, options=options)
        try:
            yield EnrolmentServiceStub(channel)
        finally:
            await channel.close()

    async def _shown_certificate(self) -> bytes:
        """The certificate that is shown at the address, as PEM. Sends nothing but a handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["h2"])
        host, _, port = self.address.rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(
                    host.strip("[]"), int(port), ssl=context, server_hostname=self.hub_domain
                )
        except ValueError as error:
            raise MalformedInput(f"{self.address} is not a host and a port.") from error
        except (OSError, TimeoutError) as error:
            raise HubUnreachable(f"Nothing answers at {self.address} by TLS 1.3.") from error
        try:
            der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return ssl.DER_cert_to_PEM_cert(der).encode()
        finally:
            writer.transport.abort()

    def _explained(self, error: grpc.RpcError) -> ComityError:
        failure = error_from_rpc(error)
        if isinstance(failure, HubUnreachable):
            return HubUnreachable(
                f"What answers at {self.address} is not {self.hub_domain}, serves no enrolment, or "
                "has gone again."
            )
        return failure
