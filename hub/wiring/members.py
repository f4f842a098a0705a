"""What agencies are let in, watched over and taken out by."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from comity.identity import AgencyId
from hub.issuing import issue_untold, load_identity
from hub.rpc.membership import MembershipServicer
from hub.services.applications import ApplicationsService
from hub.services.approving import Approving
from hub.services.enrolment import EnrolmentService
from hub.services.membership import Membership
from hub.settings import Settings
from hub.store.database import Database
from hub.store.writer import LedgerWriter


@dataclass(frozen=True, slots=True)
class Members:
    """What members and administrators call, and what agencies enrol with."""

    servicer: MembershipServicer
    enrolment: EnrolmentService


def make_members(
    settings: Settings,
    database: Database,
    *,
    membership: Membership,
    writer: LedgerWriter,
    clock: Callable[[], datetime],
    on_admitted: Callable[[AgencyId], None],
) -> Members:
    """Letting agencies in over the network.

    Raises: MalformedInput where the authority's certificate or the ledger's key cannot be read.
    """
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
        on_admitted=on_admitted,
    )
    enrolment = EnrolmentService(
        identity,
        database=database,
        membership=membership,
        commit=writer.commit_result,
        clock=clock,
        token_bytes=secrets.token_bytes,
    )
    return Members(MembershipServicer(applications, hub_agency=settings.agency), enrolment)
