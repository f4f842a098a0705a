"""Letting agencies in: what the hub's administrators and a country's lead agency do.

Called by the servicer for officers, and by the hub's command line for an administrator who has
logged in there, or in an emergency for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from comity.acts import envelope_from_message
from comity.consent import verify_consent
from comity.errors import LogInRequired, MalformedInput, NotPermitted, Violation
from comity.identity import AgencyId, parse_agency_id
from comity.invitation import code_digest, make_code, parse_code
from comity.times import microseconds_from, timestamp_from
from comity.v1 import agencies_pb2, membership_pb2
from comity.v1.officers_pb2 import ROLE_HUB_ADMINISTRATOR
from hub.services.approving import Approval, Approving, GivenConsent, Refusal, awaits_consent
from hub.services.calls import Caller
from hub.services.descriptions import description_violations
from hub.services.enrolling import Enrolling, Invitation
from hub.services.enrolment import Commit, HubIdentity
from hub.services.membership import Membership
from hub.services.roster_changes import is_member
from hub.store.database import Database
from hub.store.enrolments import StoredApproval, StoredEnrolment, list_applied, list_approvals

DEFAULT_VALID_HOURS = 168  # a week: a code goes by post, or waits for somebody's return
MAX_VALID_HOURS = 336
MAX_REASON_CHARS = 500  # every member keeps it

# In an emergency nobody logs in at the hub's machine. Inviting and approving there are two steps,
# each of which can be taken once; members see that no agency's administrator took it.
MACHINE_INVITES = StoredApproval("machine/invites", "")
MACHINE_APPROVES = StoredApproval("machine/approves", "")

_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")


def approver_from(caller: Caller, *, hub_agency: AgencyId) -> StoredApproval:
    """The administrator of the hub that calls.

    Raises: LogInRequired, NotPermitted.
    """
    if caller.officer is None:
        raise LogInRequired()
    if caller.agency != hub_agency or ROLE_HUB_ADMINISTRATOR not in caller.officer.roles:
        raise NotPermitted()
    return StoredApproval(caller.officer.officer_id, caller.agency)


class ApplicationsService:
    """InviteAgency, ListApplications, ApproveApplication, RefuseApplication, ConsentToAgency."""

    def __init__(
        self,
        hub: HubIdentity,
        *,
        database: Database,
        membership: Membership,
        approving: Approving,
        commit: Commit,
        clock: Callable[[], datetime],
        token_bytes: Callable[[int], bytes],
        on_admitted: Callable[[AgencyId], None] = lambda _: None,
    ) -> None:
        self._hub = hub
        self._database = database
        self._membership = membership
        self._enrolling = Enrolling(membership)
        self._approving = approving
        self._commit = commit
        self._clock = clock
        self._token_bytes = token_bytes
        self._on_admitted = on_admitted

    async def invite(
        self, by: StoredApproval, request: membership_pb2.InviteAgencyRequest
    ) -> membership_pb2.InviteAgencyResponse:
        """Invites an agency, and gives the code, which is kept nowhere.

        Raises: MalformedInput, AgencyExists, StoreUnavailable.
        """
        _require_invitable(request)
        hours = request.valid_hours or DEFAULT_VALID_HOURS
        expires_at = self._clock() + timedelta(hours=hours)
        code = make_code(self._token_bytes)
        invitation = Invitation(
            agency=request.agency,
            code_digest=code_digest(parse_code(code)),
            expires_at=microseconds_from(expires_at),
            by=by,
        )
        await self._commit(self._enrolling.invite_many, invitation)
        return membership_pb2.InviteAgencyResponse(
            code=code,
            hub_fingerprint=self._hub.fingerprint,
            expires_at=timestamp_from(expires_at),
        )

    async def list_applications(self) -> membership_pb2.ListApplicationsResponse:
        """What waits for approval, by agency.

        Raises: StoreUnavailable.
        """
        async with self._database.read() as connection:
            applied = await list_applied(connection)
            approvals = [await list_approvals(connection, one.agency_id) for one in applied]
        pending = [
            self._pending(one, len(given)) for one, given in zip(applied, approvals, strict=True)
        ]
        return membership_pb2.ListApplicationsResponse(applications=pending)

    def _pending(
        self, enrolment: StoredEnrolment, approvals: int
    ) -> membership_pb2.PendingApplication:
        roster = self._membership.roster
        pending = membership_pb2.PendingApplication(
            agency=agencies_pb2.Agency.FromString(enrolment.agency),
            application_digest=(enrolment.application_digest or b"").hex(),
            approvals=approvals,
            awaits_consent=awaits_consent(roster, enrolment),
            enrols_again=is_member(roster.agencies.get(enrolment.agency_id)),
        )
        pending.applied_at.FromMicroseconds(enrolment.applied_at or 0)
        return pending

    async def approve(
        self, by: StoredApproval, request: membership_pb2.ApproveApplicationRequest
    ) -> membership_pb2.ApproveApplicationResponse:
        """Approves an application that was compared by telephone.

        Raises: MalformedInput, NotFound, ApprovedAlready, ConsentMissing, StoreUnavailable;
        InternalError where the authority's key is not at hand.
        """
        digest = request.application_digest
        if not _HEX_DIGEST.fullmatch(digest):
            raise _malformed("application_digest", "is not 64 hexadecimal digits")
        approval = Approval(parse_agency_id(request.agency_id), bytes.fromhex(digest), by)
        admitted = await self._commit(self._approving.approve_many, approval)
        if admitted:
            self._on_admitted(approval.agency)
        return membership_pb2.ApproveApplicationResponse(admitted=admitted)

    async def refuse(
        self, by: StoredApproval, request: membership_pb2.RefuseApplicationRequest
    ) -> membership_pb2.RefuseApplicationResponse:
        """Refuses an application, or takes an invitation back.

        Raises: MalformedInput, NotFound, StoreUnavailable.
        """
        reason = require_reason(request.reason)
        refusal = Refusal(parse_agency_id(request.agency_id), reason, by)
        await self._commit(self._approving.refuse_many, refusal)
        return membership_pb2.RefuseApplicationResponse()

    async def consent(
        self, lead: AgencyId, request: membership_pb2.ConsentToAgencyRequest
    ) -> membership_pb2.ConsentToAgencyResponse:
        """Takes a lead agency's consent to another agency of its country.

        Raises: what `verify_consent` raises; NotPermitted, NotFound, StoreUnavailable.
        """
        verified = verify_consent(
            envelope_from_message(request.consent),
            hub_domain=self._hub.domain,
            lead=lead,
            keys=self._membership.roster.signing_keys(lead),
        )
        given = GivenConsent(verified, request.consent)
        await self._commit(self._approving.consent_many, given)
        return membership_pb2.ConsentToAgencyResponse()


def _require_invitable(request: membership_pb2.InviteAgencyRequest) -> None:
    parse_agency_id(request.agency.agency_id)
    violations = description_violations(request.agency)
    if request.valid_hours > MAX_VALID_HOURS:
        violations.append(Violation("valid_hours", f"are more than {MAX_VALID_HOURS}"))
    if violations:
        raise MalformedInput(violations=violations)


def require_reason(reason: str) -> str:
    """A reason that every member keeps: one line.

    Raises: MalformedInput.
    """
    if not reason.strip() or len(reason) > MAX_REASON_CHARS or not reason.isprintable():
        raise _malformed("reason", f"is missing, or not one line of {MAX_REASON_CHARS}")
    return reason


def _malformed(field: str, description: str) -> MalformedInput:
    return MalformedInput(violations=[Violation(field, description)])
