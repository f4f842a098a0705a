"""What is asked of a hub about members: by its administrators, by lead agencies, by members."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from agency_client.agency import Agency
from agency_client.profile import HUB_CA
from comity.acts import message_from_envelope
from comity.consent import sign_consent
from comity.envelope import Envelope
from comity.errors import HubNotVerified
from comity.identity import AgencyId
from comity.v1.agencies_pb2 import AgencyStatus
from comity.v1.membership_pb2 import (
    ApproveApplicationRequest,
    ApproveApplicationResponse,
    ChangeAgencyStatusRequest,
    ConsentToAgencyRequest,
    DescribeAgencyRequest,
    EndKeysRequest,
    GetRevocationListRequest,
    InviteAgencyRequest,
    InviteAgencyResponse,
    LeaveHubRequest,
    ListApplicationsRequest,
    ListApplicationsResponse,
    RefuseApplicationRequest,
    RenewCertificateRequest,
    RotateKeysRequest,
)
from comity.v1.membership_pb2_grpc import MembershipServiceStub


async def invite_agency(agency: Agency, request: InviteAgencyRequest) -> InviteAgencyResponse:
    """Invites an agency; the answer holds its code. Called twice, it voids the first code."""
    channel = agency.client.channel
    return await channel.call(lambda c: MembershipServiceStub(c).InviteAgency, request)


async def list_applications(agency: Agency) -> ListApplicationsResponse:
    """What waits for approval."""
    channel, request = agency.client.channel, ListApplicationsRequest()
    return await channel.call(lambda c: MembershipServiceStub(c).ListApplications, request)


async def approve_application(
    agency: Agency, applicant: AgencyId, application_digest: str
) -> ApproveApplicationResponse:
    """Approves an application by its digest in hex."""
    channel = agency.client.channel
    request = ApproveApplicationRequest(agency_id=applicant, application_digest=application_digest)
    return await channel.call(lambda c: MembershipServiceStub(c).ApproveApplication, request)


async def refuse_application(agency: Agency, applicant: AgencyId, reason: str) -> None:
    """Refuses an application, or takes an invitation back."""
    channel = agency.client.channel
    request = RefuseApplicationRequest(agency_id=applicant, reason=reason)
    await channel.call(lambda c: MembershipServiceStub(c).RefuseApplication, request)


async def consent_to_agency(agency: Agency, applicant: AgencyId, application_digest: bytes) -> None:
    """Signs the lead agency's consent and hands it over."""
    envelope = sign_consent(
        hub_domain=agency.profile.hub_domain,
        lead=agency.profile.agency,
        agency=applicant,
        application_digest=application_digest,
        now=agency.clock(),
        keys=agency.profile.load_signing_keys(agency.passphrase()),
    )
    channel = agency.client.channel
    request = ConsentToAgencyRequest(consent=message_from_envelope(envelope))
    await channel.call(lambda c: MembershipServiceStub(c).ConsentToAgency, request)


async def change_status(
    agency: Agency, member: AgencyId, status: AgencyStatus.ValueType, reason: str
) -> int:
    """Suspends, reinstates or revokes an agency; gives the entry of the change."""
    channel = agency.client.channel
    request = ChangeAgencyStatusRequest(agency_id=member, status=status, reason=reason)
    response = await channel.call_once(
        lambda c: MembershipServiceStub(c).ChangeAgencyStatus, request
    )
    return response.entry_index


async def describe_agency(agency: Agency, request: DescribeAgencyRequest) -> int:
    """Changes how an agency is described, in what the mask names; gives the entry of the change."""
    channel = agency.client.channel
    response = await channel.call_once(lambda c: MembershipServiceStub(c).DescribeAgency, request)
    return response.entry_index


async def end_keys(agency: Agency, member: AgencyId, key_ids: Sequence[str], *, reason: str) -> int:
    """Ends keys and certificates, for good; gives the entry of the change."""
    channel = agency.client.channel
    request = EndKeysRequest(agency_id=member, key_ids=key_ids, reason=reason)
    response = await channel.call_once(lambda c: MembershipServiceStub(c).EndKeys, request)
    return response.entry_index


async def leave_hub(agency: Agency, reason: str) -> int:
    """Takes the agency out of the hub, for good; gives the entry of the change."""
    channel, request = agency.client.channel, LeaveHubRequest(reason=reason)
    response = await channel.call_once(lambda c: MembershipServiceStub(c).LeaveHub, request)
    return response.entry_index


async def fetch_revocation_list(agency: Agency) -> bytes:
    """The certificates that were taken back (X.509 CRL, DER), by the pinned authority.

    Raises: HubNotVerified where somebody else has signed it.
    """
    channel, request = agency.client.channel, GetRevocationListRequest()
    response = await channel.call(lambda c: MembershipServiceStub(c).GetRevocationList, request)
    authority = x509.load_pem_x509_certificate(agency.profile.path(HUB_CA).read_bytes())
    try:
        found = x509.load_der_x509_crl(response.revocation_list)
        is_signed = found.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise HubNotVerified("The hub's revocation list cannot be read.") from error
    if not is_signed:
        raise HubNotVerified("The revocation list is not signed by the pinned authority.")
    return response.revocation_list


async def renew_certificate(agency: Agency, certificate_request: bytes) -> str:
    """A new certificate (PEM) for a new key, by the certificate of now, whoever is logged in."""
    channel = agency.client.channel
    request = RenewCertificateRequest(certificate_request=certificate_request)
    response = await channel.call_as_agency(
        lambda c: MembershipServiceStub(c).RenewCertificate, request
    )
    return response.certificate


async def rotate_keys(agency: Agency, rotation: Envelope) -> int:
    """Hands a signed change of keys over; gives its entry. The same again has the same entry."""
    channel = agency.client.channel
    request = RotateKeysRequest(rotation=message_from_envelope(rotation))
    response = await channel.call_as_agency(lambda c: MembershipServiceStub(c).RotateKeys, request)
    return response.entry_index
