"""EnrolmentService, and the server of the port that it alone is served on."""

from __future__ import annotations

from typing import Any

import grpc

from comity.v1 import enrolment_pb2, enrolment_pb2_grpc
from hub.rpc.enrolment_guard import MAX_REQUEST_BYTES, EnrolmentGuard
from hub.services.enrolment import EnrolmentService

_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_metadata_size", 8_192),
    ("grpc.max_concurrent_streams", 4),  # of one connection; an applicant makes one call at a time
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.max_connection_idle_ms", 20_000),  # nobody who is unknown keeps a connection for long
    ("grpc.max_connection_age_ms", 60_000),
    ("grpc.max_connection_age_grace_ms", 10_000),
    ("grpc.so_reuseport", 0),
]


class EnrolmentServicer(enrolment_pb2_grpc.EnrolmentServiceServicer):
    """DescribeHub, Apply, FetchAdmission."""

    def __init__(self, enrolment: EnrolmentService) -> None:
        self._enrolment = enrolment

    async def DescribeHub(
        self,
        request: enrolment_pb2.DescribeHubRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> enrolment_pb2.DescribeHubResponse:
        return await self._enrolment.describe()

    async def Apply(
        self, request: enrolment_pb2.ApplyRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> enrolment_pb2.ApplyResponse:
        return await self._enrolment.apply(request)

    async def FetchAdmission(
        self,
        request: enrolment_pb2.FetchAdmissionRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> enrolment_pb2.FetchAdmissionResponse:
        return await self._enrolment.fetch_admission(request)


def make_enrolment_server(servicer: EnrolmentServicer, *, guard: EnrolmentGuard) -> grpc.aio.Server:
    """A server of nothing but enrolment, without a port yet."""
    server = grpc.aio.server(interceptors=[guard], options=_OPTIONS)
    enrolment_pb2_grpc.add_EnrolmentServiceServicer_to_server(servicer, server)
    return server
