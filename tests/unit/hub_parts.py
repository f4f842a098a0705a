"""A hub's services over a database of their own, without its wire.

What races, fails or takes years over the wire is driven here step by step. All parts are the hub's
own; only the clock is ours, and `PausingDatabase` lets something happen at a known moment.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from comity.application import VerifiedApplication, key_message
from comity.identity import AgencyId
from comity.keys import ED25519, PrivateKey, generate_private_key
from comity.minimum.policy import ReviewTerms, builtin_policy
from comity.v1 import acts_pb2, agencies_pb2, ledger_pb2
from comity.v1.notices_pb2 import Notice
from deploy.stage import DOMAIN
from hub.certificates import generate_tls_key
from hub.services.access import AccessService
from hub.services.acts import ActsService
from hub.services.admission import AdmissionService, Admittance
from hub.services.calls import Caller
from hub.services.checkpoints import CheckpointSigner
from hub.services.delivery import DeliverySource
from hub.services.entitlement import Entitlement
from hub.services.epochs import begin_ledger, empty_head
from hub.services.ledger import LedgerService
from hub.services.ledger_state import NOT_REVIEWED
from hub.services.membership import Membership
from hub.services.notice_acts import NoticeActsService
from hub.services.notice_records import NoticeRecords
from hub.services.notice_rounds import NoticeRounds
from hub.services.notices import NoticesService
from hub.services.open_watches import OpenWatches
from hub.services.preparing import Preparing
from hub.services.proofs import Proofs
from hub.services.receipts import Receipts
from hub.services.records import EventRecords
from hub.services.review_decisions import ReviewDecisions
from hub.services.showing import Showing
from hub.services.standings import Standings
from hub.services.submissions import Submission
from hub.services.tail import Tail
from hub.services.verifiers import VerifierPool
from hub.services.watches import WatchService
from hub.store.certificates import StoredCertificate
from hub.store.database import Connection, Database
from hub.store.ledger import add_head
from hub.store.migrations import migrate
from hub.store.transaction import LedgerTransaction
from hub.store.tree import TreeReader
from hub.store.writer import LedgerWriter, UseCase, commit_alone
from tests.integration.drafts import Draft

FRANCE, BRAZIL, KENYA = AgencyId("FR-NCB"), AgencyId("BR-NCB"), AgencyId("KE-NCB")
HUB = AgencyId("ZZ-HUB")
LEDGER_KEY = generate_private_key(ED25519)
SIGNING_KEY = generate_private_key(ED25519)  # one for all members: nothing here is about keys


class Clock:
    """A clock that is set by hand, and else shows the time."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class PausingDatabase(Database):
    """Lets something happen right after what a reader has read, and before it goes on."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        async with super().read() as connection:
            yield connection
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()


class HubParts:
    """The services of one hub process. Only the ledger writer runs by itself, as `writing`."""

    writing: asyncio.Task[None]

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime],
        review: Callable[[Notice], ReviewTerms] = lambda _: NOT_REVIEWED,
    ) -> None:
        self.database = database
        self.clock = clock
        self.membership = Membership(database, monotonic=time.monotonic)
        signer = CheckpointSigner(LEDGER_KEY)
        self.tree = TreeReader(database)
        self.tail = Tail(database, signer=signer, tree=self.tree, membership=self.membership)
        self.writer = LedgerWriter(
            database, clock=clock, token_bytes=secrets.token_bytes, on_commit=self.tail.take_batch
        )
        self.proofs = Proofs(self.tree)
        standings = Standings(database)
        self.tail.add_listener(standings.take_events)
        self.entitlement = Entitlement(database, membership=self.membership, standings=standings)
        self.access = AccessService(self.writer)
        self.preparing = Preparing(
            hub_domain=DOMAIN,
            membership=self.membership,
            pool=VerifierPool(0, policy=builtin_policy()),
            policy=builtin_policy(),
        )
        self.acts = ActsService(
            preparing=self.preparing,
            membership=self.membership,
            writer=self.writer,
            receipts=Receipts(database, signer=signer, proofs=self.proofs),
            review=review,
            hub_agency=HUB,
        )
        self.decisions = ReviewDecisions(self.membership, hub_agency=HUB)
        self.rounds = NoticeRounds(database, writer=self.writer, clock=clock)
        showing = Showing(tail=self.tail, proofs=self.proofs, access=self.access)
        self.notice_acts = NoticeActsService(database, showing=showing, hub_agency=HUB)
        self.notices = NoticesService(
            database,
            records=NoticeRecords(database, hub_agency=HUB),
            showing=showing,
        )
        self.ledger = LedgerService(
            database,
            tail=self.tail,
            entitlement=self.entitlement,
            proofs=self.proofs,
            access=self.access,
            own_agency=HUB,
        )
        self.records = EventRecords(database)
        watches = WatchService(database, writer=self.writer)
        self.source = DeliverySource(
            database,
            tail=self.tail,
            membership=self.membership,
            entitlement=self.entitlement,
            records=self.records,
            proofs=self.proofs,
            access=self.access,
            watches=watches,
        )
        self.open_watches = OpenWatches(watches, source=self.source)

    def prepared(self, acts: Sequence[acts_pb2.Envelope]) -> Submission:
        """Acts of France's, verified and not yet committed."""
        request = acts_pb2.SubmitActsRequest(acts=acts).SerializeToString()
        return self.preparing.prepare_here(FRANCE, request)

    async def submit(
        self, acts: Sequence[acts_pb2.Envelope], *, of: AgencyId = FRANCE
    ) -> ledger_pb2.Receipt:
        """Takes an agency's acts as if they had come over the wire."""
        request = acts_pb2.SubmitActsRequest(acts=acts).SerializeToString()
        return (await self.acts.submit(caller(of), request)).receipt

    async def publish(self, *, to: acts_pb2.AddressingRule | None = None) -> int:
        """Publishes a notice of France's, to Brazil unless told otherwise; gives its entry."""
        draft = new_draft()
        draft.rule = to or draft.rule
        return (await self.submit(draft.acts())).entry_index


def new_draft() -> Draft:
    """A good submission of France's to Brazil."""
    return Draft([SIGNING_KEY])


def caller(agency: AgencyId, request_id: str = "request") -> Caller:
    """A member that calls with its certificate."""
    return Caller(agency, certificate_id(agency), request_id)


def certificate_id(agency: AgencyId) -> str:
    return f"certificate of {agency}"


async def settle() -> None:
    """Lets every task go as far as it can without waiting for time, disk or line."""
    for _ in range(20):
        await asyncio.sleep(0)


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'hub.sqlite'}"


async def begin(database: Database, *, members: Sequence[AgencyId] = (FRANCE, BRAZIL)) -> None:
    """Makes the tables and begins a ledger with some members."""
    await migrate(database)
    async with database.write() as connection:
        await add_head(connection, empty_head(DOMAIN))
    await commit(database, _begin, None)
    for agency in members:
        await admit(database, agency)


async def admit(database: Database, agency: AgencyId) -> None:
    """Enters a member, as the command line does beside a hub that serves."""
    membership = Membership(database, monotonic=time.monotonic)
    await membership.refresh()
    await commit(database, AdmissionService(membership).commit_many, _admittance(agency))


async def commit(database: Database, use_case: UseCase, item: object) -> object:
    return await commit_alone(
        database, use_case, item, clock=Clock(), token_bytes=secrets.token_bytes
    )


@asynccontextmanager
async def serving(
    database: Database,
    *,
    clock: Callable[[], datetime] | None = None,
    review: Callable[[Notice], ReviewTerms] = lambda _: NOT_REVIEWED,
) -> AsyncIterator[HubParts]:
    """The services over a ledger that was begun, with the writer at work."""
    parts = HubParts(database, clock=clock or Clock(), review=review)
    await parts.membership.refresh()
    await parts.tail.start()
    parts.writing = asyncio.create_task(parts.writer.run())
    try:
        yield parts
    finally:
        parts.writing.cancel()
        with suppress(asyncio.CancelledError):
            await parts.writing


async def _begin(transaction: LedgerTransaction, items: Sequence[object]) -> list[int]:
    return [await begin_ledger(transaction, DOMAIN) for _ in items]


def _admittance(agency: AgencyId) -> Admittance:
    application = agencies_pb2.Application(
        agency_id=agency, name=f"Sample {agency}", keys=[_key_message(SIGNING_KEY)]
    )
    digest = hashlib.sha256(application.SerializeToString()).digest()
    public = generate_tls_key().public_key()
    verified = VerifiedApplication(application, agency, public, digest)
    return Admittance(verified, StoredCertificate(certificate_id(agency), agency, "1", 0, 1))


def _key_message(key: PrivateKey) -> agencies_pb2.AgencyKey:
    return key_message(agencies_pb2.KEY_PURPOSE_SIGNING, key.public.algorithm, key.public.spki)
