"""The wiring: everything the hub consists of, built here and nowhere else, in one readable list."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import grpc

from comity.times import utc_now
from directory.services.limits import Limits, LookUpAllowances
from hub.folder import load_hub_policy, load_ledger_key
from hub.rpc.enrolment import EnrolmentServicer, make_enrolment_server
from hub.rpc.enrolment_guard import ENROLMENT_RULES, EnrolmentGuard
from hub.rpc.guard import Guard
from hub.rpc.health import HealthServicer
from hub.rpc.ledger import AgencyServicer, LedgerServicer
from hub.rpc.peer_limits import PeerLimits
from hub.rpc.table import REFLECTION_RULES, RULES
from hub.rpc.watches import WatchServicer
from hub.services.access import AccessService
from hub.services.checkpoints import CheckpointSigner
from hub.services.delivery import DeliverySource
from hub.services.entitlement import Entitlement
from hub.services.jobs import Jobs
from hub.services.ledger import LedgerService
from hub.services.membership import Membership
from hub.services.open_watches import OpenWatches
from hub.services.proofs import Proofs
from hub.services.receipts import Receipts
from hub.services.records import EventRecords
from hub.services.retention import Retention
from hub.services.showing import Showing
from hub.services.standings import Standings
from hub.services.tail import Tail
from hub.services.verifiers import VerifierPool
from hub.services.watches import WatchService
from hub.settings import Settings
from hub.store.database import Database, is_reachable
from hub.store.notifications import listen
from hub.store.tree import TreeReader
from hub.store.writer import LedgerWriter
from hub.tls import TlsFiles
from hub.wiring.directory import make_directory
from hub.wiring.exchange import Ground, make_exchange
from hub.wiring.identities import choose_provider, make_accounts
from hub.wiring.members import make_members
from hub.wiring.rounds import run_rounds
from hub.wiring.servers import Servicers, make_server

STOP_SECONDS = 5.0  # running calls may finish; streams are ended at once


@dataclass(frozen=True, slots=True)
class RunningHub:
    """A hub that serves. Whoever runs it has to end it once `failed` is done: a job of it, whose
    name it gives, is at work no longer."""

    port: int
    membership: Membership
    open_watches: OpenWatches
    failed: asyncio.Future[str]
    access: AccessService
    enrolment_port: int | None = None  # where agencies enrol over the network


@asynccontextmanager
async def running_hub(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
    look_up_allowances: LookUpAllowances | None = None,
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
        standings = Standings(database)
        tail.add_listener(standings.take_events)
        entitlement = Entitlement(database, membership=membership, standings=standings)
        access = AccessService(writer)
        policy = load_hub_policy(settings)
        pool = VerifierPool(settings.verifiers, policy=policy, policy_folder=settings.policy)
        stack.push_async_callback(pool.stop)
        await pool.start()
        ground = Ground(
            database=database,
            membership=membership,
            pool=pool,
            writer=writer,
            entitlement=entitlement,
            receipts=receipts,
            showing=Showing(tail=tail, proofs=proofs, access=access),
        )
        exchange = make_exchange(settings, ground, policy=policy, clock=clock)
        ledger = LedgerService(
            database,
            tail=tail,
            entitlement=entitlement,
            proofs=proofs,
            access=access,
            own_agency=settings.agency,
        )
        provider = choose_provider(settings, database, clock=clock, monotonic=monotonic)
        accounts = make_accounts(
            settings,
            database,
            writer=writer,
            membership=membership,
            identities=provider.kept,
            clock=clock,
        )
        watches = WatchService(database, writer=writer)
        records = EventRecords(database)
        tail.add_listener(records.take_events)
        open_watches = OpenWatches(
            watches,
            source=DeliverySource(
                database,
                tail=tail,
                membership=membership,
                entitlement=entitlement,
                records=records,
                proofs=proofs,
                access=access,
                watches=watches,
            ),
            officers=provider.officers,
        )
        members = make_members(
            settings,
            database,
            membership=membership,
            writer=writer,
            identities=provider.kept,
            clock=clock,
            monotonic=monotonic,
            on_admitted=provider.on_admitted,
        )
        retention = Retention(database, keep_days=settings.access_keep_days, clock=clock)
        jobs = Jobs()

        await membership.refresh()
        await provider.kept.refresh()
        await tail.start()
        directory = await make_directory(
            settings,
            database,
            membership=membership,
            writer=writer,
            access=access,
            prove=ledger.prove_entry,
            limits=Limits(look_up_allowances, monotonic=monotonic),
            clock=clock,
        )

        server = make_server(
            settings,
            guard=Guard(
                hub_domain=settings.domain,
                rules={**RULES, **REFLECTION_RULES} if settings.reflection else RULES,
                membership=membership,
                officers=provider.officers,
                clock=clock,
            ),
            servicers=Servicers(
                acts=exchange.acts,
                notices=exchange.notices,
                reviews=exchange.reviews,
                ledger=LedgerServicer(ledger),
                agencies=AgencyServicer(ledger),
                watches=WatchServicer(open_watches),
                sessions=accounts.sessions,
                officers=accounts.officers,
                members=members.servicer,
                directory=directory.servicer,
                health=HealthServicer(partial(_is_healthy, signer, database, jobs)),
            ),
        )
        tls = TlsFiles(settings, membership_version=lambda: membership.version)
        port = server.add_secure_port(settings.listen, tls.credentials())
        enrolment_server, enrolment_port = None, None
        if settings.enrol_listen:
            limits = PeerLimits(monotonic=monotonic)
            enrolment_server = make_enrolment_server(
                EnrolmentServicer(members.enrolment),
                guard=EnrolmentGuard(limits, rules=ENROLMENT_RULES),
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
        jobs.start("rounds", run_rounds(directory.reminders, exchange.run_round))
        await server.start()
        stack.push_async_callback(_stop, server, open_watches)
        if enrolment_server is not None:
            await enrolment_server.start()
            stack.push_async_callback(enrolment_server.stop, STOP_SECONDS)
        yield RunningHub(port, membership, open_watches, jobs.failed, access, enrolment_port)


async def _is_healthy(signer: CheckpointSigner, database: Database, jobs: Jobs) -> bool:
    return not jobs.failed.done() and signer.can_sign() and await is_reachable(database)


async def _stop(server: grpc.aio.Server, open_watches: OpenWatches) -> None:
    stopping = asyncio.create_task(server.stop(STOP_SECONDS))
    open_watches.end_all()
    await stopping
