"""The exchange of notices: acts in, notices looked up, reviews, and what time does to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from comity.minimum.policy import Policy
from hub.rpc.acts import ActServicer
from hub.rpc.notices import NoticeServicer
from hub.rpc.reviews import ReviewServicer
from hub.services.acts import ActsService
from hub.services.bulk import BulkService
from hub.services.entitlement import Entitlement
from hub.services.membership import Membership
from hub.services.notice_acts import NoticeActsService
from hub.services.notice_records import NoticeRecords
from hub.services.notice_rounds import NoticeRounds
from hub.services.notices import NoticesService
from hub.services.preparing import Preparing
from hub.services.receipts import Receipts
from hub.services.review_decisions import ReviewDecisions
from hub.services.reviews import ReviewService
from hub.services.showing import Showing
from hub.services.verifiers import VerifierPool
from hub.settings import Settings
from hub.store.database import Database
from hub.store.writer import LedgerWriter


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the hub serves of notices, and its rounds beside that."""

    acts: ActServicer
    notices: NoticeServicer
    reviews: ReviewServicer
    run_round: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ground:
    """What the exchange stands on."""

    database: Database
    membership: Membership
    pool: VerifierPool
    writer: LedgerWriter
    entitlement: Entitlement
    receipts: Receipts
    showing: Showing


def make_exchange(
    settings: Settings, ground: Ground, *, policy: Policy, clock: Callable[[], datetime]
) -> Exchange:
    """Wires it; starts nothing."""
    database, membership = ground.database, ground.membership
    preparing = Preparing(
        hub_domain=settings.domain, membership=membership, pool=ground.pool, policy=policy
    )
    acts = ActsService(
        preparing=preparing,
        membership=membership,
        writer=ground.writer,
        receipts=ground.receipts,
        review=policy.review,
        hub_agency=settings.agency,
    )
    bulk = BulkService(acts, preparing=preparing, membership=membership)
    records = NoticeRecords(database, hub_agency=settings.agency)
    notices = NoticesService(database, records=records, showing=ground.showing)
    notice_acts = NoticeActsService(database, showing=ground.showing, hub_agency=settings.agency)
    reviews = ReviewService(
        database,
        writer=ground.writer,
        decisions=ReviewDecisions(membership, hub_agency=settings.agency),
        showing=ground.showing,
        policy=policy,
        hub_agency=settings.agency,
        clock=clock,
    )
    rounds = NoticeRounds(database, writer=ground.writer, clock=clock)
    return Exchange(
        acts=ActServicer(acts, bulk),
        notices=NoticeServicer(notices, notice_acts, policy=policy),
        reviews=ReviewServicer(reviews),
        run_round=rounds.run_round,
    )
