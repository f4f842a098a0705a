"""The wiring: everything the hub consists of, built here and nowhere else, in one readable list."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypedDict

import grpc
from grpc_health.v1 import health_pb2_grpc

from comity.identity import AgencyId
from comity.times import utc_now
from comity.v1 import (
    acts_pb2_grpc,
    events_pb2_grpc,
    ledger_pb2_grpc,
    membership_pb2_grpc,
    officers_pb2_grpc,
    roster_pb2_grpc,
    sessions_pb2_grpc,
    watches_pb2_grpc,
)
from hub.folder import load_ledger_key
from hub.issuing import issue_untold, load_identity
from hub.keycloak_files import keycloak_line
from hub.rpc.acts import ActServicer
from hub.rpc.enrolment import EnrolmentServicer, make_enrolment_server
from hub.rpc.enrolment_guard import ENROLMENT_RULES, EnrolmentGuard
from hub.rpc.guard import Guard
from hub.rpc.health import HealthServicer
from hub.rpc.keycloak_sessions import KeycloakSessionServicer
from hub.rpc.ledger import AgencyServicer, LedgerServicer
from hub.rpc.membership import MembershipServicer
from hub.rpc.notices import NoticeServicer
from hub.rpc.officers import OfficerServicer
from hub.rpc.peer_limits import PeerLimits
from hub.rpc.sessions import SessionServicer
from hub.rpc.table import REFLECTION_RULES, RULES
from hub.rpc.watches import WatchServicer
from hub.services.access import AccessService
from hub.services.accounts.directory import TableOfOfficers
from hub.services.accounts.factors import FactorService
from hub.services.accounts.identities import BuiltInOfficers
from hub.services.accounts.log_in import LogInService
from hub.services.accounts.management import OfficerService
from hub.services.accounts.officers import OfficerCommits
from hub.services.accounts.passwords import PasswordHashing
from hub.services.accounts.sessions import SessionService
from hub.services.acts import ActsService
from hub.services.applications import ApplicationsService
from hub.services.approving import Approving
from hub.services.bulk import BulkService
from hub.services.calls import Officers, OfficersKept
from hub.services.checkpoints import CheckpointSigner
from hub.services.delivery import DeliverySource
from hub.services.enrolment import EnrolmentService
from hub.services.entitlement import Entitlement
from hub.services.jobs import Jobs
from hub.services.ledger import LedgerService
from hub.services.membership import Membership
from hub.services.notices import NoticesService
from hub.services.open_watches import OpenWatches
from hub.services.preparing import Preparing
from hub.services.proofs import Proofs
from hub.services.receipts import Receipts
from hub.services.records import EventRecords
from hub.services.retention import Retention
from hub.services.tail import Tail
from hub.services.verifiers import VerifierPool
from hub.services.watches import WatchService
from hub.settings import Settings
from hub.store.database import Database, is_reachable
from hub.store.notifications import listen
from hub.store.tree import TreeReader
from hub.store.writer import LedgerWriter
from hub.tls import TlsFiles

MAX_REQUEST_BYTES = 8_388_608  # so that 5 MiB arrives whole and is refused with a reason
STOP_SECONDS = 5.0  # running calls may finish; streams are ended at once

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
class RunningHub:
    """A hub that serves. Whoever runs it has to end it once `failed` is done: a job of it, whose
    name it gives, is at work no longer."""

    port: int
    membership: Membership
    open_watches: OpenWatches
    failed: asyncio.Future[str]
    enrolment_port: int | None = None  # where agencies enrol over the network


@asynccontextmanager
async def running_hub(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[RunningHub]:
    """Serves as long as the context is open.

    Raises: NotDurable, StoreUnavailable, MalformedInput.
    """
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url)
        stack.push_async_callback(database.dispose)
        await database.require_durable()

        signer = CheckpointSigner(load_ledger_key(settings))
        tree = TreeReader(database)
        membership = Membership(database, monotonic=monotonic)
        tail = Tail(database, signer=signer, tree=tree, membership=membership)
        writer = LedgerWriter(
            database, clock=clock, token_bytes=secrets.token_bytes, on_commit=tail.take_batch
        )

        proofs = Proofs(tree)
        receipts = Receipts(database, signer=signer, proofs=proofs)
        entitlement = Entitlement(database, membership=membership)
        access = AccessService(writer)
        pool = VerifierPool(settings.verifiers)
        stack.push_async_callback(pool.stop)
        await pool.start()
        preparing = Preparing(hub_domain=settings.domain, membership=membership, pool=pool)
        acts = ActsService(
            preparing=preparing, membership=membership, writer=writer, receipts=receipts
        )
        bulk = BulkService(acts, preparing=preparing, membership=membership)
        notices = NoticesService(
            database, tail=tail, entitlement=entitlement, proofs=proofs, access=access
        )
        ledger = LedgerService(
            database,
            tail=tail,
            entitlement=entitlement,
            proofs=proofs,
            access=access,
            own_agency=settings.agency,
        )
        provider = _choose_provider(settings, database, clock=clock, monotonic=monotonic)
        accounts = _make_accounts(
            settings,
            database,
            writer=writer,
            membership=membership,
            identities=provider.kept,
            clock=clock,
        )
        watches = WatchService(database, writer=writer)
        open_watches = OpenWatches(
            watches,
            source=DeliverySource(
                database,
                tail=tail,
                membership=membership,
                entitlement=entitlement,
                records=EventRecords(database),
                proofs=proofs,
                access=access,
                watches=watches,
            ),
            officers=provider.officers,
        )
        identity = load_identity(settings)
        applications = ApplicationsService(
            identity,
            database=database,
            membership=membership,
            approving=Approving(
                membership,
                hub_domain=settings.domain,
                issue=lambda verified: issue_untold(settings, verified, now=clock()),
            ),
            commit=writer.commit_result,
            clock=clock,
            token_bytes=secrets.token_bytes,
            on_admitted=provider.on_admitted,
        )
        enrolment = EnrolmentService(
            identity,
            database=database,
            membership=membership,
            commit=writer.commit_result,
            clock=clock,
            token_bytes=secrets.token_bytes,
        )
        retention = Retention(database, keep_days=settings.access_keep_days, clock=clock)
        jobs = Jobs()

        await membership.refresh()
        await provider.kept.refresh()
        await tail.start()

        server = _make_server(
            settings,
            guard=Guard(
                hub_domain=settings.domain,
                rules={**RULES, **REFLECTION_RULES} if settings.reflection else RULES,
                membership=membership,
                officers=provider.officers,
                clock=clock,
            ),
            servicers=_Servicers(
                acts=ActServicer(acts, bulk),
                notices=NoticeServicer(notices),
                ledger=LedgerServicer(ledger),
                agencies=AgencyServicer(ledger),
                watches=WatchServicer(open_watches),
                sessions=accounts.sessions,
                officers=accounts.officers,
                members=MembershipServicer(applications, hub_agency=settings.agency),
                health=HealthServicer(partial(_is_healthy, signer, database, jobs)),
            ),
        )
        tls = TlsFiles(settings, membership_version=lambda: membership.version)
        port = server.add_secure_port(settings.listen, tls.credentials())
        enrolment_server, enrolment_port = None, None
        if settings.enrol_listen:
            limits = PeerLimits(monotonic=monotonic)
            enrolment_server = make_enrolment_server(
                EnrolmentServicer(enrolment), guard=EnrolmentGuard(limits, rules=ENROLMENT_RULES)
            )
            enrolment_tls = TlsFiles(settings, membership_version=lambda: None)
            enrolment_port = enrolment_server.add_secure_port(
                settings.enrol_listen, enrolment_tls.credentials_for_anyone()
            )

        stack.push_async_callback(jobs.stop)
        jobs.start("ledger writer", writer.run())
        jobs.start("membership", membership.run())
        for name, run in provider.jobs.items():
            jobs.start(name, run())
        jobs.start("tail", tail.run())
        jobs.start("notifications", listen(database, on_notification=tail.wake))
        jobs.start("open watches", open_watches.run())
        jobs.start("retention", retention.run())
        await server.start()
        stack.push_async_callback(_stop, server, open_watches)
        if enrolment_server is not None:
            await enrolment_server.start()
            stack.push_async_callback(enrolment_server.stop, STOP_SECONDS)
        yield RunningHub(port, membership, open_watches, jobs.failed, enrolment_port)


@dataclass(frozen=True, slots=True)
class _Provider:
    """Whoever says who an officer is, and what this process keeps in memory for it."""

    officers: Officers
    kept: OfficersKept
    jobs: Mapping[str, Callable[[], Coroutine[None, None, None]]]
    on_admitted: Callable[[AgencyId], None]


def _choose_provider(
    settings: Settings,
    database: Database,
    *,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> _Provider:
    """Keycloak where the configuration names one, else the built-in accounts.

    Raises: MalformedInput where Keycloak's packages are missing.
    """
    if settings.keycloak is None:
        built_in = BuiltInOfficers(database, clock=clock, monotonic=monotonic)
        return _Provider(built_in, built_in, {"officers": built_in.run}, lambda _: None)

    line = keycloak_line(settings)
    from hub.identity.keycloak.officers import KeycloakOfficers
    from hub.identity.keycloak.sessions import KeycloakSessions
    from hub.identity.keycloak.signing_keys import SigningKeys

    ending = KeycloakSessions(line)
    table = TableOfOfficers(database, monotonic=monotonic, on_ended=ending.end_officer_soon)
    keys = SigningKeys(
        line.fetch_keys, algorithms=settings.keycloak.algorithms, monotonic=monotonic
    )
    officers = KeycloakOfficers(settings.keycloak, keys=keys, directory=table, clock=clock)
    jobs = {"officers": table.run, "Keycloak's keys": keys.run, "Keycloak's sessions": ending.run}
    return _Provider(officers, table, jobs, ending.add_agency_soon)


@dataclass(frozen=True, slots=True)
class _Accounts:
    sessions: sessions_pb2_grpc.SessionServiceServicer
    officers: OfficerServicer


def _make_accounts(
    settings: Settings,
    database: Database,
    *,
    writer: LedgerWriter,
    membership: Membership,
    identities: OfficersKept,
    clock: Callable[[], datetime],
) -> _Accounts:
    """Managing officers, and logging them in where that is not done elsewhere."""
    hashing = PasswordHashing()
    parts: _Shared = {
        "writer": writer,
        "identities": identities,
        "clock": clock,
        "token_bytes": secrets.token_bytes,
    }
    officers = OfficerService(
        database,
        commits=OfficerCommits(membership, own_agency=settings.agency),
        hashing=hashing,
        own_agency=settings.agency,
        **parts,
    )
    sessions = SessionService(database, **parts)
    if (realm := settings.keycloak) is not None:
        elsewhere = KeycloakSessionServicer(
            sessions, issuer=realm.issuer, client_id=realm.log_in_client
        )
        return _Accounts(elsewhere, OfficerServicer(officers))
    log_in = LogInService(database, hashing=hashing, hub_domain=settings.domain, **parts)
    factors = FactorService(database, hub_domain=settings.domain, **parts)
    return _Accounts(SessionServicer(log_in, sessions, factors), OfficerServicer(officers))


class _Shared(TypedDict):
    writer: LedgerWriter
    identities: OfficersKept
    clock: Callable[[], datetime]
    token_bytes: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class _Servicers:
    acts: ActServicer
    notices: NoticeServicer
    ledger: LedgerServicer
    agencies: AgencyServicer
    watches: WatchServicer
    sessions: sessions_pb2_grpc.SessionServiceServicer
    officers: OfficerServicer
    members: MembershipServicer
    health: HealthServicer


def _make_server(settings: Settings, *, guard: Guard, servicers: _Servicers) -> grpc.aio.Server:
    server = grpc.aio.server(interceptors=[guard], options=_OPTIONS)
    acts_pb2_grpc.add_ActServiceServicer_to_server(servicers.acts, server)
    events_pb2_grpc.add_NoticeServiceServicer_to_server(servicers.notices, server)
    ledger_pb2_grpc.add_LedgerServiceServicer_to_server(servicers.ledger, server)
    roster_pb2_grpc.add_AgencyServiceServicer_to_server(servicers.agencies, server)
    watches_pb2_grpc.add_WatchServiceServicer_to_server(servicers.watches, server)
    sessions_pb2_grpc.add_SessionServiceServicer_to_server(servicers.sessions, server)
    officers_pb2_grpc.add_OfficerServiceServicer_to_server(servicers.officers, server)
    membership_pb2_grpc.add_MembershipServiceServicer_to_server(servicers.members, server)
    health_pb2_grpc.add_HealthServicer_to_server(servicers.health, server)
    if settings.reflection:
        _enable_reflection(server)
    return server


async def _is_healthy(signer: CheckpointSigner, database: Database, jobs: Jobs) -> bool:
    return not jobs.failed.done() and signer.can_sign() and await is_reachable(database)


async def _stop(server: grpc.aio.Server, open_watches: OpenWatches) -> None:
    stopping = asyncio.create_task(server.stop(STOP_SECONDS))
    open_watches.end_all()
    await stopping


def _enable_reflection(server: grpc.aio.Server) -> None:
    from grpc_reflection.v1alpha import reflection

    from comity.v1 import (
        acts_pb2,
        events_pb2,
        ledger_pb2,
        membership_pb2,
        officers_pb2,
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
