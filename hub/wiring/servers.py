"""The gRPC server for members, with every service that it has."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from grpc_health.v1 import health_pb2_grpc

from comity.v1 import (
    acts_pb2_grpc,
    directory_pb2_grpc,
    events_pb2_grpc,
    ledger_pb2_grpc,
    membership_pb2_grpc,
    officers_pb2_grpc,
    reviews_pb2_grpc,
    roster_pb2_grpc,
    sessions_pb2_grpc,
    watches_pb2_grpc,
)
from hub.rpc.acts import ActServicer
from hub.rpc.directory import DirectoryServicer
from hub.rpc.guard import Guard
from hub.rpc.health import HealthServicer
from hub.rpc.ledger import AgencyServicer, LedgerServicer
from hub.rpc.membership import MembershipServicer
from hub.rpc.notices import NoticeServicer
from hub.rpc.officers import OfficerServicer
from hub.rpc.reviews import ReviewServicer
from hub.rpc.watches import WatchServicer
from hub.settings import Settings

MAX_REQUEST_BYTES = 8_388_608  # so that 5 MiB arrives whole and is refused with a reason

_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_concurrent_streams", 192),  # of one connection: what an agency may have at once
    ("grpc.server_handshake_timeout_ms", 10_000),  # an idle peer holds no socket longer
    ("grpc.max_connection_age_ms", 3_600_000),  # trust in a certificate is looked at hourly
    ("grpc.max_connection_age_grace_ms", 30_000),
    ("grpc.keepalive_time_ms", 60_000),  # finds peers whose line has gone
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # clients on bad lines ping often
    ("grpc.so_reuseport", 0),  # a second hub on the port is an error, not a sharer
]


@dataclass(frozen=True, slots=True)
class Servicers:
    """One for each service of the contract that members call."""

    acts: ActServicer
    notices: NoticeServicer
    ledger: LedgerServicer
    agencies: AgencyServicer
    watches: WatchServicer
    sessions: sessions_pb2_grpc.SessionServiceServicer
    officers: OfficerServicer
    members: MembershipServicer
    directory: DirectoryServicer
    reviews: ReviewServicer
    health: HealthServicer


def make_server(settings: Settings, *, guard: Guard, servicers: Servicers) -> grpc.aio.Server:
    """A server that has yet to be given its port; every call passes the guard."""
    server = grpc.aio.server(interceptors=[guard], options=_OPTIONS)
    acts_pb2_grpc.add_ActServiceServicer_to_server(servicers.acts, server)
    events_pb2_grpc.add_NoticeServiceServicer_to_server(servicers.notices, server)
    ledger_pb2_grpc.add_LedgerServiceServicer_to_server(servicers.ledger, server)
    roster_pb2_grpc.add_AgencyServiceServicer_to_server(servicers.agencies, server)
    watches_pb2_grpc.add_WatchServiceServicer_to_server(servicers.watches, server)
    sessions_pb2_grpc.add_SessionServiceServicer_to_server(servicers.sessions, server)
    officers_pb2_grpc.add_OfficerServiceServicer_to_server(servicers.officers, server)
    membership_pb2_grpc.add_MembershipServiceServicer_to_server(servicers.members, server)
    directory_pb2_grpc.add_DirectoryServiceServicer_to_server(servicers.directory, server)
    reviews_pb2_grpc.add_ReviewServiceServicer_to_server(servicers.reviews, server)
    health_pb2_grpc.add_HealthServicer_to_server(servicers.health, server)
    if settings.reflection:
        _enable_reflection(server)
    return server


def _enable_reflection(server: grpc.aio.Server) -> None:
    from grpc_reflection.v1alpha import reflection

    from comity.v1 import (
        acts_pb2,
        events_pb2,
        ledger_pb2,
        membership_pb2,
        officers_pb2,
        reviews_pb2,
        roster_pb2,
        sessions_pb2,
        watches_pb2,
    )

    modules = (
        acts_pb2,
        events_pb2,
        ledger_pb2,
        membership_pb2,
        officers_pb2,
        reviews_pb2,
        roster_pb2,
        sessions_pb2,
        watches_pb2,
    )
    names = [
        service.full_name
        for module in modules
        for service in module.DESCRIPTOR.services_by_name.values()
    ]
    reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], server)
