"""What agencies are let in, watched over and taken out by."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from comity.identity import AgencyId
from hub.issuing import issue_untold, load_identity, sign_revocations_untold
from hub.rpc.membership import MembershipServicer
from hub.services.applications import ApplicationsService
from hub.services.approving import Approving
from hub.services.calls import OfficersKept
from hub.services.change_limits import ChangeLimits
from hub.services.enrolment import EnrolmentService
from hub.services.key_changes import KeyChanges
from hub.services.member_changes import MemberChanges
from hub.services.members import MembersService
from hub.services.membership import Membership
from hub.services.revocations import Revocations
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
    identities: OfficersKept,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
    on_admitted: Callable[[AgencyId], None],
) -> Members:
    """Letting agencies in over the network.

    Raises: MalformedInput where the authority's certificate or the ledger's key cannot be read.
    """
    identity = load_identity(settings)

    async def refresh() -> None:
        await membership.refresh()
        await identities.refresh()

    def sign(agency: AgencyId, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
        return issue_untold(settings, agency, key, now=clock())

    applications = ApplicationsService(
        identity,
        database=database,
        membership=membership,
        approving=Approving(
            membership,
            hub_domain=settings.domain,
            issue=lambda verified: sign(verified.agency, verified.certificate_key),
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
    members = MembersService(
        identity,
        membership=membership,
        changes=MemberChanges(membership, own_agency=settings.agency),
        keys=KeyChanges(membership, hub_domain=settings.domain),
        limits=ChangeLimits(monotonic=monotonic),
        sign=sign,
        commit=writer.commit_result,
        refresh=refresh,
    )
    revocations = Revocations(
        database,
        membership=membership,
        sign=lambda revoked, now: sign_revocations_untold(settings, revoked, now=now),
        clock=clock,
    )
    servicer = MembershipServicer(applications, members, revocations, hub_agency=settings.agency)
    return Members(servicer, enrolment)
