"""What administrators of the hub, and a country's lead agency, ask of a hub over the network."""

from __future__ import annotations

from agency_client.agency import Agency
from comity.acts import message_from_envelope
from comity.consent import sign_consent
from comity.identity import AgencyId
from comity.v1.membership_pb2 import (
    ApproveApplicationRequest,
    ApproveApplicationResponse,
    ConsentToAgencyRequest,
    InviteAgencyRequest,
    InviteAgencyResponse,
    ListApplicationsRequest,
    ListApplicationsResponse,
    RefuseApplicationRequest,
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
