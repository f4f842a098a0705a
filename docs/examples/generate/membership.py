"""The part of the story in which members are watched over and change their keys.

Sweden's bureau is described anew, suspended by mistake and reinstated; it renews its certificate,
rotates its witness key and ends its old certificate. Its customs leave. Everything is invented.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from comity.acts import message_from_envelope
from comity.applicant import ApplicantKeys, request_certificate
from comity.application import key_message
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.rotation import sign_rotation
from comity.v1 import agencies_pb2 as pb
from comity.v1 import membership_pb2
from comity.v1.membership_pb2_grpc import MembershipServiceStub
from comity.v1.notices_pb2 import NOTICE_KIND_RED, NOTICE_KIND_YELLOW, LocalizedText
from docs.examples.generate.recording import RecordingChannel
from docs.examples.generate.seeded import StoryClock


async def change_members(
    administrators: RecordingChannel,
    bureau: RecordingChannel,
    customs: RecordingChannel,
    *,
    keys: ApplicantKeys,
    agency: AgencyId,
    hub_domain: str,
    clock: StoryClock,
) -> None:
    """Everything that members and administrators change of membership, once."""
    await _watch_over(administrators, agency)
    await _ask(bureau, "GetRevocationList", membership_pb2.GetRevocationListRequest())
    key = ec.generate_private_key(ec.SECP256R1())
    csr = request_certificate(key, agency=agency, hub_domain=hub_domain)
    renewal = membership_pb2.RenewCertificateRequest(certificate_request=csr)
    await _ask(bureau, "RenewCertificate", renewal)
    witness = generate_private_key(ED25519)
    envelope = sign_rotation(
        hub_domain=hub_domain,
        agency=agency,
        keys_added=[
            key_message(pb.KEY_PURPOSE_WITNESS, witness.public.algorithm, witness.public.spki)
        ],
        key_ids_ended=[keys.witness.public.key_id],
        now=clock(),
        old_keys=keys.signing,
        new_keys=[witness],
    )
    rotation = membership_pb2.RotateKeysRequest(rotation=message_from_envelope(envelope))
    await _ask(bureau, "RotateKeys", rotation)
    ending = membership_pb2.EndKeysRequest(
        agency_id=agency,
        key_ids=[witness.public.key_id],
        reason="Invented. The machine that held the key was sold.",
    )
    await _ask(administrators, "EndKeys", ending)
    leaving = membership_pb2.LeaveHubRequest(
        reason="Invented. The customs' tasks go to the bureau."
    )
    await _ask(customs, "LeaveHub", leaving)


async def _watch_over(administrators: RecordingChannel, agency: AgencyId) -> None:
    described = pb.Agency(
        agency_id=agency,
        names=[LocalizedText(language="sv", text="Exempelbyrån", original=True)],
        contact="bureau@bureau.example",
        duty_line="+12025550142",
        scopes=pb.AgencyScopes(publishes=[NOTICE_KIND_RED, NOTICE_KIND_YELLOW], searches=True),
        outgoing_policy=pb.OUTGOING_POLICY_COPIED,
    )
    fields = ["names", "contact", "duty_line", "scopes", "outgoing_policy"]
    change = membership_pb2.DescribeAgencyRequest(
        agency=described,
        fields=FieldMask(paths=fields),
        reason="Invented. The bureau has written what it is.",
    )
    await _ask(administrators, "DescribeAgency", change)
    for status, reason in (
        (pb.AGENCY_STATUS_SUSPENDED, "Invented. Its certificate was said to be stolen."),
        (pb.AGENCY_STATUS_ACTIVE, "Invented. It was another agency's."),
    ):
        request = membership_pb2.ChangeAgencyStatusRequest(
            agency_id=agency, status=status, reason=reason
        )
        await _ask(administrators, "ChangeAgencyStatus", request)


async def _ask(channel: RecordingChannel, name: str, request: Message) -> Any:
    return await channel.call_once(lambda c: getattr(MembershipServiceStub(c), name), request)
