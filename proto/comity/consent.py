"""A lead agency's signed consent to another agency of its country. No I/O.

The lead agency's client signs one, the hub verifies it before it admits the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.message import DecodeError

from comity import envelope as dsse
from comity.acts import has_unknown_fields
from comity.errors import MalformedInput, UnknownFields, WrongHub, WrongOriginator
from comity.identity import AgencyId, parse_agency_id
from comity.keys import PrivateKey, PublicKey
from comity.times import timestamp_from
from comity.v1 import membership_pb2 as pb

PAYLOAD_TYPE = "application/vnd.comity.agency-consent.v1+protobuf"


@dataclass(frozen=True, slots=True)
class VerifiedConsent:
    """A consent whose signature was verified. Says nothing about whether it is needed."""

    lead: AgencyId
    agency: AgencyId
    application_digest: bytes
    digest: bytes


def sign_consent(
    *,
    hub_domain: str,
    lead: AgencyId,
    agency: AgencyId,
    application_digest: bytes,
    now: datetime,
    keys: Sequence[PrivateKey],
) -> dsse.Envelope:
    """The envelope of a lead agency's consent."""
    consent = pb.AgencyConsent(
        hub_domain=hub_domain,
        lead_agency_id=lead,
        agency_id=agency,
        application_digest=application_digest,
        issued_at=timestamp_from(now),
    )
    payload = consent.SerializeToString(deterministic=True)
    return dsse.sign_payload(payload, payload_type=PAYLOAD_TYPE, keys=keys)


def verify_consent(
    envelope: dsse.Envelope,
    *,
    hub_domain: str,
    lead: AgencyId,
    keys: Mapping[str, PublicKey],
) -> VerifiedConsent:
    """Verifies a consent and gives what it says.

    1. It is signed by a signing key of the lead agency, as a consent and as nothing else.
    2. It parses, and holds nothing that this version does not know.
    3. It is for this hub and by this lead agency, and names an agency.

    Raises: SignatureInvalid, SigningKeyUnknown, MalformedInput, TooLarge, UnknownFields, WrongHub,
    WrongOriginator.
    """
    dsse.verify_envelope(envelope, payload_type=PAYLOAD_TYPE, keys=keys)  # 1
    try:  # 2
        consent = pb.AgencyConsent.FromString(envelope.payload)
    except DecodeError as error:
        raise MalformedInput("The consent does not parse.") from error
    if has_unknown_fields(consent):
        raise UnknownFields()
    if consent.hub_domain != hub_domain:  # 3
        raise WrongHub()
    if consent.lead_agency_id != lead:
        raise WrongOriginator()
    return VerifiedConsent(
        lead=lead,
        agency=parse_agency_id(consent.agency_id),
        application_digest=consent.application_digest,
        digest=hashlib.sha256(envelope.payload).digest(),
    )
