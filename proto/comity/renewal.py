"""An agency's signed wish for a new certificate: what it says, and its verification. No I/O.

The agency's client signs one with its signing key, the hub verifies it before it signs a
certificate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message import DecodeError

from comity import envelope as dsse
from comity.acts import has_unknown_fields
from comity.application import verify_certificate_request
from comity.errors import (
    IssuedInFuture,
    IssuedTooLongAgo,
    MalformedInput,
    TooLarge,
    UnknownFields,
    WrongHub,
    WrongOriginator,
)
from comity.identity import AgencyId
from comity.keys import PrivateKey, PublicKey
from comity.times import datetime_from_timestamp, timestamp_from
from comity.v1 import membership_pb2 as pb

PAYLOAD_TYPE = "application/vnd.comity.certificate-renewal.v1+protobuf"
MAX_RENEWAL_BYTES = 8_192  # a certificate request for a P-256 key has some 300
MAX_AHEAD = timedelta(minutes=10)  # as of acts: clocks of members differ
MAX_AGE = timedelta(hours=1)  # asked for and answered at once, or signed anew


@dataclass(frozen=True, slots=True)
class VerifiedRenewal:
    """A renewal whose signature was verified, and the key that the certificate is for."""

    agency: AgencyId
    certificate_key: ec.EllipticCurvePublicKey


def sign_renewal(
    certificate_request: bytes,
    *,
    hub_domain: str,
    agency: AgencyId,
    now: datetime,
    keys: Sequence[PrivateKey],
) -> dsse.Envelope:
    """The envelope of a wish for a certificate."""
    renewal = pb.CertificateRenewal(
        hub_domain=hub_domain,
        agency_id=agency,
        certificate_request=certificate_request,
        issued_at=timestamp_from(now),
    )
    payload = renewal.SerializeToString(deterministic=True)
    return dsse.sign_payload(payload, payload_type=PAYLOAD_TYPE, keys=keys)


def verify_renewal(
    envelope: dsse.Envelope,
    *,
    hub_domain: str,
    agency: AgencyId,
    signing_keys: Mapping[str, PublicKey],
    now: datetime,
) -> VerifiedRenewal:
    """Verifies a wish for a certificate and gives what it says.

    1. It is signed by a signing key that the agency has now.
    2. It parses, and holds nothing that this version does not know.
    3. It is for this hub, of this agency, and of about now.
    4. The request is signed by its own key and names the agency and nothing else.

    Raises: TooLarge, SignatureInvalid, SigningKeyUnknown, MalformedInput, UnknownFields, WrongHub,
    WrongOriginator, IssuedInFuture, IssuedTooLongAgo, ApplicationInvalid.
    """
    if len(envelope.payload) > MAX_RENEWAL_BYTES:
        raise TooLarge(f"A renewal is at most {MAX_RENEWAL_BYTES:,} bytes.")
    dsse.verify_envelope(envelope, payload_type=PAYLOAD_TYPE, keys=signing_keys)  # 1
    try:  # 2
        renewal = pb.CertificateRenewal.FromString(envelope.payload)
    except DecodeError as error:
        raise MalformedInput("The renewal does not parse.") from error
    if has_unknown_fields(renewal):
        raise UnknownFields()
    if renewal.hub_domain != hub_domain:  # 3
        raise WrongHub()
    if renewal.agency_id != agency:
        raise WrongOriginator()
    issued_at = datetime_from_timestamp(renewal.issued_at)
    if issued_at is None or issued_at > now + MAX_AHEAD:
        raise IssuedInFuture()
    if issued_at < now - MAX_AGE:
        raise IssuedTooLongAgo()
    key = verify_certificate_request(  # 4
        renewal.certificate_request, agency=agency, hub_domain=hub_domain
    )
    return VerifiedRenewal(agency, key)
