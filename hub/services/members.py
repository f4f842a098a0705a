"""Watching over members, and what a member changes of itself.

Called by the servicer for officers and agencies' systems, and by the hub's command line.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from comity.acts import envelope_from_message
from comity.application import verify_certificate_request
from comity.errors import MalformedInput, NotPermitted, Violation
from comity.identity import AgencyId, parse_agency_id
from comity.rotation import verify_rotation
from comity.v1 import agencies_pb2, membership_pb2
from comity.v1.officers_pb2 import ROLE_AGENCY_ADMINISTRATOR, ROLE_HUB_ADMINISTRATOR
from hub.services.applications import require_reason
from hub.services.calls import Caller
from hub.services.change_limits import ChangeLimits
from hub.services.descriptions import (
    HUB_FIELDS,
    OWN_FIELDS,
    description_violations,
    require_fields,
)
from hub.services.enrolment import Commit, HubIdentity
from hub.services.issued_certificates import stored_certificate
from hub.services.key_changes import KeyChanges, KeyEnding, Renewal, Rotation
from hub.services.member_changes import DescriptionChange, MemberChanges, StatusChange
from hub.services.membership import Membership
from hub.store.enrolments import StoredApproval

MAX_REQUEST_BYTES = 8_192  # a certificate request for a P-256 key has some 300
MAX_ENDED_KEYS = 64  # an agency has never so many that are current

# Signs and keeps the certificate of an agency's key.
Sign = Callable[[AgencyId, ec.EllipticCurvePublicKey], x509.Certificate]

_BY_ADMINISTRATORS = (
    agencies_pb2.AGENCY_STATUS_ACTIVE,
    agencies_pb2.AGENCY_STATUS_SUSPENDED,
    agencies_pb2.AGENCY_STATUS_REVOKED,
)


class MembersService:
    """ChangeAgencyStatus, DescribeAgency, LeaveHub, EndKeys, RenewCertificate, RotateKeys."""

    def __init__(
        self,
        hub: HubIdentity,
        *,
        membership: Membership,
        changes: MemberChanges,
        keys: KeyChanges,
        limits: ChangeLimits,
        sign: Sign,
        commit: Commit,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._hub = hub
        self._membership = membership
        self._changes = changes
        self._keys = keys
        self._limits = limits
        self._sign = sign
        self._commit = commit
        self._refresh = refresh  # so that this process acts by a change when it answers

    async def change_status(
        self, by: StoredApproval, request: membership_pb2.ChangeAgencyStatusRequest
    ) -> membership_pb2.ChangeAgencyStatusResponse:
        """Suspends, reinstates or revokes an agency. The caller is the hub's administrator.

        Raises: MalformedInput, NotFound, WrongStatus, StoreUnavailable.
        """
        agency = parse_agency_id(request.agency_id)
        if request.status not in _BY_ADMINISTRATORS:
            said = "is neither active nor suspended nor revoked"
            raise MalformedInput(violations=[Violation("status", said)])
        change = StatusChange(agency, request.status, require_reason(request.reason), by)
        index = await self._changed_status(change)
        return membership_pb2.ChangeAgencyStatusResponse(entry_index=index)

    async def leave(
        self, caller: Caller, request: membership_pb2.LeaveHubRequest
    ) -> membership_pb2.LeaveHubResponse:
        """Takes the caller's agency out, for good, by its own wish.

        Raises: MalformedInput, WrongStatus, StoreUnavailable.
        """
        reason = require_reason(request.reason)
        left = agencies_pb2.AGENCY_STATUS_LEFT
        change = StatusChange(caller.agency, left, reason, _by_officer(caller))
        return membership_pb2.LeaveHubResponse(entry_index=await self._changed_status(change))

    async def _changed_status(self, change: StatusChange) -> int:
        index: int = await self._commit(self._changes.change_status_many, change)
        await self._refresh()
        return index

    async def describe(
        self, caller: Caller, request: membership_pb2.DescribeAgencyRequest
    ) -> membership_pb2.DescribeAgencyResponse:
        """Changes how an agency is described: any by the hub's administrators, its own, as far as
        it is its own, by an agency's.

        Raises: NotPermitted, MalformedInput, NotFound, WrongStatus, QuotaExceeded,
        StoreUnavailable.
        """
        agency = parse_agency_id(request.agency.agency_id)
        if self._is_hub_administrator(caller):
            return await self.describe_any(_by_officer(caller), request)
        _require_own(caller, agency)
        self._limits.count(agency)
        return await self._describe(_by_officer(caller), request, may=OWN_FIELDS)

    async def describe_any(
        self, by: StoredApproval, request: membership_pb2.DescribeAgencyRequest
    ) -> membership_pb2.DescribeAgencyResponse:
        """The same by the hub's administrators."""
        return await self._describe(by, request, may=HUB_FIELDS)

    async def _describe(
        self,
        by: StoredApproval,
        request: membership_pb2.DescribeAgencyRequest,
        *,
        may: frozenset[str],
    ) -> membership_pb2.DescribeAgencyResponse:
        parse_agency_id(request.agency.agency_id)
        fields = list(request.fields.paths)
        require_fields(fields, may=may)
        violations = description_violations(request.agency)
        if violations:
            raise MalformedInput(violations=violations)
        reason = require_reason(request.reason)
        change = DescriptionChange(request.agency, fields, reason, by)
        index: int = await self._commit(self._changes.describe_many, change)
        return membership_pb2.DescribeAgencyResponse(entry_index=index)

    async def end_keys(
        self, caller: Caller, request: membership_pb2.EndKeysRequest
    ) -> membership_pb2.EndKeysResponse:
        """Ends keys and certificates: any by the hub's administrators, its own by an agency's.

        Raises: NotPermitted, MalformedInput, NotFound, WrongStatus, StoreUnavailable.
        """
        if not self._is_hub_administrator(caller):
            _require_own(caller, parse_agency_id(request.agency_id))
        return await self.end_any_keys(_by_officer(caller), request)

    async def end_any_keys(
        self, by: StoredApproval, request: membership_pb2.EndKeysRequest
    ) -> membership_pb2.EndKeysResponse:
        """The same by the hub's administrators."""
        agency, key_ids = parse_agency_id(request.agency_id), request.key_ids
        if not 1 <= len(key_ids) <= MAX_ENDED_KEYS or len(set(key_ids)) != len(key_ids):
            said = f"are not 1 to {MAX_ENDED_KEYS} different keys"
            raise MalformedInput(violations=[Violation("key_ids", said)])
        ending = KeyEnding(agency, tuple(key_ids), require_reason(request.reason), by)
        index: int = await self._commit(self._keys.end_many, ending)
        await self._refresh()
        return membership_pb2.EndKeysResponse(entry_index=index)

    async def renew(
        self, caller: Caller, request: membership_pb2.RenewCertificateRequest
    ) -> membership_pb2.RenewCertificateResponse:
        """Signs the calling agency a certificate for a new key.

        It is signed before it is entered: until then it opens nothing.

        Raises: ApplicationInvalid, QuotaExceeded, CertificateRefused, AgencyNotActive,
        StoreUnavailable; InternalError where the authority's key is not at hand.
        """
        csr = request.certificate_request
        if len(csr) > MAX_REQUEST_BYTES:
            raise MalformedInput(violations=[Violation("certificate_request", "is too long")])
        key = verify_certificate_request(csr, agency=caller.agency, hub_domain=self._hub.domain)
        self._limits.count(caller.agency)
        certificate = self._sign(caller.agency, key)
        renewal = Renewal(
            caller.agency,
            caller.certificate_id,
            stored_certificate(certificate, agency=caller.agency),
        )
        index: int = await self._commit(self._keys.renew_many, renewal)
        await self._refresh()
        pem = certificate.public_bytes(Encoding.PEM).decode()
        return membership_pb2.RenewCertificateResponse(certificate=pem, entry_index=index)

    async def rotate(
        self, caller: Caller, request: membership_pb2.RotateKeysRequest
    ) -> membership_pb2.RotateKeysResponse:
        """Enters the calling agency's change of keys.

        Raises: what `verify_rotation` raises; QuotaExceeded, RotationInvalid, AgencyNotActive,
        StoreUnavailable.
        """
        roster = self._membership.roster
        # Those from before as well: the same again comes after they have ended. Whether a key is
        # current is judged where nothing can come between.
        verified = verify_rotation(
            envelope_from_message(request.rotation),
            hub_domain=self._hub.domain,
            agency=caller.agency,
            signing_keys=roster.every_signing_key(caller.agency),
        )
        self._limits.count(caller.agency)
        index: int = await self._commit(
            self._keys.rotate_many, Rotation(verified, request.rotation)
        )
        await self._refresh()
        return membership_pb2.RotateKeysResponse(entry_index=index)

    def _is_hub_administrator(self, caller: Caller) -> bool:
        officer = caller.officer
        is_hub = caller.agency == self._hub.agency
        return is_hub and officer is not None and ROLE_HUB_ADMINISTRATOR in officer.roles


def _by_officer(caller: Caller) -> StoredApproval:
    assert caller.officer is not None  # the table asks for an officer
    return StoredApproval(caller.officer.officer_id, caller.agency)


def _require_own(caller: Caller, agency: AgencyId) -> None:
    """Requires an administrator of that very agency.

    Raises: NotPermitted.
    """
    officer = caller.officer
    if officer is None or ROLE_AGENCY_ADMINISTRATOR not in officer.roles:
        raise NotPermitted()
    if caller.agency != agency:
        raise NotPermitted("That is another agency's.")
