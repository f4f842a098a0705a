"""The part of the story in which agencies enrol over the network. Everybody in it is invented.

The bureau of Sweden enrols and leads its country, and then consents to Sweden's customs. Kenya's
application for new keys is refused: nobody there had asked for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from agency_client.profile import CERTIFICATE, HUB_CA, LEDGER_KEYS, Profile
from comity.acts import message_from_envelope
from comity.applicant import ApplicantKeys, apply_to_hub, generate_applicant_keys
from comity.challenge import open_challenge
from comity.consent import sign_consent
from comity.identity import AgencyId
from comity.keys import ED25519
from comity.receipt import digest_of
from comity.v1 import agencies_pb2 as pb
from comity.v1 import enrolment_pb2, membership_pb2
from comity.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from comity.v1.membership_pb2_grpc import MembershipServiceStub
from comity.v1.officers_pb2 import ROLE_AGENCY_ADMINISTRATOR, ROLE_HUB_ADMINISTRATOR, Role
from docs.examples.generate.membership import change_members
from docs.examples.generate.recording import Recording, RecordingChannel
from docs.examples.generate.seeded import StoryClock
from hub.services.calls import Officer
from hub.settings import Settings

SWEDEN, CUSTOMS, KENYA = AgencyId("SE-NCB"), AgencyId("SE-CUSTOMS"), AgencyId("KE-NCB")
STEP_SECONDS = 600


class _Scene:
    """The hub's administrators on one channel, applicants on the other."""

    def __init__(
        self, recording: Recording, *, settings: Settings, clock: StoryClock, unknown: Any
    ) -> None:
        self.clock = clock
        self.settings = settings
        self._recording = recording
        self._unknown = EnrolmentServiceStub(unknown)

    def channel_of(self, agency: AgencyId, folder: Any, role: Role.ValueType) -> RecordingChannel:
        profile = Profile(folder, agency, self.settings.domain, self.settings.public_address)
        channel = RecordingChannel(
            profile, self._recording, address=self.settings.listen, clock=self.clock
        )
        channel.officer = Officer("EXAMPLE officer", frozenset({role}), "EXAMPLE session")
        return channel

    def channel_of_admitted(self, admitted: pb.Admission) -> RecordingChannel:
        """The channel of an agency's administrator, by what the agency was admitted with."""
        agency = AgencyId(admitted.agency_id)
        folder = self.settings.folder.parent / agency
        folder.mkdir(exist_ok=True)
        (folder / CERTIFICATE).write_text(admitted.certificate)
        (folder / HUB_CA).write_text(admitted.ca_certificate)
        (folder / LEDGER_KEYS).write_text(f"{admitted.ledger_key}\n")
        return self.channel_of(agency, folder, ROLE_AGENCY_ADMINISTRATOR)

    async def ask_unknown(self, name: str, request: Any) -> Any:
        """A call of somebody who is no member yet."""
        self.clock.advance(seconds=STEP_SECONDS)
        self._recording.keep(request)
        response = await getattr(self._unknown, name)(request)
        self._recording.keep(response)
        return response


async def enrol_others(recording: Recording, *, settings: Settings, clock: StoryClock) -> None:
    """Sweden's bureau and customs get in, Kenya's application is refused."""
    async with grpc.aio.insecure_channel(settings.enrol_listen) as unknown:
        scene = _Scene(recording, settings=settings, clock=clock, unknown=unknown)
        administrators = scene.channel_of(
            settings.agency, settings.folder / "agency", ROLE_HUB_ADMINISTRATOR
        )
        try:
            await _enrol_all(scene, administrators)
        finally:
            await administrators.close()


async def _enrol_all(scene: _Scene, administrators: RecordingChannel) -> None:
    bureau = pb.Agency(
        agency_id=SWEDEN, name="Sample bureau", kind=pb.AGENCY_KIND_NCB, leads_country=True
    )
    keys, digest, fetch = await _apply(scene, administrators, bureau)
    await _approve(administrators, SWEDEN, digest)
    admitted = await fetch()
    customs = pb.Agency(agency_id=CUSTOMS, name="Sample customs", kind=pb.AGENCY_KIND_CUSTOMS)
    _, customs_digest, fetch_customs = await _apply(scene, administrators, customs)
    await _apply(scene, administrators, pb.Agency(agency_id=KENYA))
    await administrators.call(
        lambda c: MembershipServiceStub(c).ListApplications,
        membership_pb2.ListApplicationsRequest(),
    )
    await _consent(scene, keys, customs_digest, admitted)
    await _approve(administrators, CUSTOMS, customs_digest)
    admitted_customs = await fetch_customs()
    refusal = membership_pb2.RefuseApplicationRequest(
        agency_id=KENYA, reason="Invented. The bureau had asked for no new keys."
    )
    await administrators.call(lambda c: MembershipServiceStub(c).RefuseApplication, refusal)
    calling = scene.channel_of_admitted(admitted)
    leaving = scene.channel_of_admitted(admitted_customs)
    try:
        await change_members(
            administrators,
            calling,
            leaving,
            keys=keys,
            agency=SWEDEN,
            hub_domain=scene.settings.domain,
            clock=scene.clock,
        )
    finally:
        await calling.close()
        await leaving.close()


async def _apply(
    scene: _Scene, administrators: RecordingChannel, agency: pb.Agency
) -> tuple[ApplicantKeys, bytes, Callable[[], Any]]:
    """From the invitation to an application that waits: its keys, its digest, and how it is asked
    after."""
    administrators.officer = Officer("EXAMPLE first", frozenset({ROLE_HUB_ADMINISTRATOR}), "-")
    invited: membership_pb2.InviteAgencyResponse = await administrators.call(
        lambda c: MembershipServiceStub(c).InviteAgency,
        membership_pb2.InviteAgencyRequest(agency=agency, valid_hours=72),
    )
    await scene.ask_unknown("DescribeHub", enrolment_pb2.DescribeHubRequest())
    keys, agency_id = generate_applicant_keys([ED25519]), AgencyId(agency.agency_id)
    envelope = apply_to_hub(
        keys,
        hub_domain=scene.settings.domain,
        agency=agency_id,
        name=agency.name or agency_id,
        now=scene.clock(),
    )
    request = enrolment_pb2.ApplyRequest(
        code=invited.code, application=message_from_envelope(envelope)
    )
    applied: enrolment_pb2.ApplyResponse = await scene.ask_unknown("Apply", request)
    digest = digest_of(envelope.payload)
    secret = open_challenge(applied.sealing_challenge, keys.sealing, application_digest=digest)
    fetch = enrolment_pb2.FetchAdmissionRequest(application_digest=digest, sealing_proof=secret)

    async def fetch_admission() -> pb.Admission:
        response: enrolment_pb2.FetchAdmissionResponse = await scene.ask_unknown(
            "FetchAdmission", fetch
        )
        return response.admission

    await fetch_admission()
    return keys, digest, fetch_admission


async def _approve(administrators: RecordingChannel, agency: AgencyId, digest: bytes) -> None:
    administrators.officer = Officer("EXAMPLE second", frozenset({ROLE_HUB_ADMINISTRATOR}), "-")
    request = membership_pb2.ApproveApplicationRequest(
        agency_id=agency, application_digest=digest.hex()
    )
    await administrators.call(lambda c: MembershipServiceStub(c).ApproveApplication, request)


async def _consent(
    scene: _Scene, keys: ApplicantKeys, digest: bytes, admitted: pb.Admission
) -> None:
    envelope = sign_consent(
        hub_domain=scene.settings.domain,
        lead=SWEDEN,
        agency=CUSTOMS,
        application_digest=digest,
        now=scene.clock(),
        keys=keys.signing,
    )
    channel = scene.channel_of_admitted(admitted)
    request = membership_pb2.ConsentToAgencyRequest(consent=message_from_envelope(envelope))
    try:
        await channel.call(lambda c: MembershipServiceStub(c).ConsentToAgency, request)
    finally:
        await channel.close()
