"""An agency's application to a hub: what it holds, and the whole of its verification. No I/O.

`applicant.py` makes one, the hub verifies it before it admits anybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message import DecodeError

from comity import envelope as dsse
from comity.acts import has_unknown_fields
from comity.errors import ApplicationInvalid, ComityError, Violation
from comity.identity import AgencyId, parse_agency_id, spiffe_id_from_agency
from comity.keys import PrivateKey, PublicKey, parse_public_key
from comity.times import timestamp_from
from comity.v1 import agencies_pb2 as pb

PAYLOAD_TYPE = "application/vnd.comity.application.v1+protobuf"
MAX_NAME_CHARS = 200  # fits one line of a list of members
MAX_KEYS = 8  # two of a kind while keys change; every member keeps the roster entry that lists them
MAX_APPLICATION_BYTES = 32_768  # twice as much as eight of the largest keys
NEEDED_PURPOSES = (pb.KEY_PURPOSE_SIGNING, pb.KEY_PURPOSE_SEALING, pb.KEY_PURPOSE_WITNESS)
SEALING_KEY_BYTES = 1_184 + 32  # an ML-KEM-768 encapsulation key and an X25519 key


@dataclass(frozen=True, slots=True)
class VerifiedApplication:
    """An application whose keys were proven. Says nothing about who handed it over."""

    application: pb.Application
    agency: AgencyId
    certificate_key: ec.EllipticCurvePublicKey
    digest: bytes


def key_message(
    purpose: pb.KeyPurpose.ValueType, algorithm: pb.KeyAlgorithm.ValueType, public_key: bytes
) -> pb.AgencyKey:
    """A public key as the contract has it, under the hash of its bytes."""
    return pb.AgencyKey(
        key_id=hashlib.sha256(public_key).hexdigest(),
        purpose=purpose,
        algorithm=algorithm,
        public_key=public_key,
    )


def sign_application(
    application: pb.Application, *, signing_keys: Sequence[PrivateKey], witness_key: PrivateKey
) -> dsse.Envelope:
    """The envelope of an application, signed by the signing keys and the witness key."""
    payload = application.SerializeToString(deterministic=True)
    return dsse.sign_payload(payload, payload_type=PAYLOAD_TYPE, keys=[*signing_keys, witness_key])


def make_application(
    *,
    hub_domain: str,
    agency: AgencyId,
    name: str,
    now: datetime,
    certificate_request: bytes,
    keys: Sequence[pb.AgencyKey],
) -> pb.Application:
    """An application that has still to be signed."""
    return pb.Application(
        hub_domain=hub_domain,
        agency_id=agency,
        name=name,
        issued_at=timestamp_from(now),
        certificate_request=certificate_request,
        keys=keys,
    )


def verify_application(envelope: dsse.Envelope, *, hub_domain: str) -> VerifiedApplication:
    """Verifies an application and gives what it says.

    1. It parses, holds nothing that this version does not know, is for this hub, and names an
       agency by a well-formed id and a name.
    2. It brings signing, witness and sealing keys of known kinds, each under its own hash, and no
       more of them than every member can be asked to keep.
    3. Each signing and witness key has signed it: possession is proven, and the signing key binds
       the sealing key.
    4. The certificate request is signed by its own ECDSA P-256 key and names this agency's SPIFFE
       id and nothing else.

    Raises: ApplicationInvalid with every violation found.
    """
    application = _parse(envelope)  # 1
    violations = _naming_violations(application, hub_domain) + _key_violations(application)  # 2
    if violations:
        raise ApplicationInvalid(violations=violations)
    agency = AgencyId(application.agency_id)
    _require_signatures(envelope, application)  # 3
    certificate_key = verify_certificate_request(  # 4
        application.certificate_request, agency=agency, hub_domain=hub_domain
    )
    digest = hashlib.sha256(envelope.payload).digest()
    return VerifiedApplication(application, agency, certificate_key, digest)


def _parse(envelope: dsse.Envelope) -> pb.Application:
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ApplicationInvalid("The file holds no application.")
    if len(envelope.payload) > MAX_APPLICATION_BYTES:
        raise ApplicationInvalid(f"An application is at most {MAX_APPLICATION_BYTES:,} bytes.")
    try:
        application = pb.Application.FromString(envelope.payload)
    except DecodeError as error:
        raise ApplicationInvalid("The application does not parse.") from error
    if has_unknown_fields(application):
        raise ApplicationInvalid("The application holds fields that this version does not know.")
    return application


def _naming_violations(application: pb.Application, hub_domain: str) -> list[Violation]:
    violations = []
    if application.hub_domain != hub_domain:
        violations.append(Violation("hub_domain", f"is not {hub_domain}"))
    try:
        parse_agency_id(application.agency_id)
    except ComityError:
        violations.append(Violation("agency_id", "is not an agency id such as FR-NCB"))
    name = application.name
    if not name.strip() or len(name) > MAX_NAME_CHARS or not name.isprintable():
        violations.append(Violation("name", "is missing, too long, or holds control characters"))
    return violations


def _key_violations(application: pb.Application) -> list[Violation]:
    missing = [
        Violation("keys", f"lacks a {pb.KeyPurpose.Name(purpose)}")
        for purpose in NEEDED_PURPOSES
        if not any(key.purpose == purpose for key in application.keys)
    ]
    return missing + key_violations(application.keys, field="keys")


def key_violations(keys: Sequence[pb.AgencyKey], *, field: str) -> list[Violation]:
    """What is wrong with public keys that an agency brings, whichever they are."""
    if len(keys) > MAX_KEYS:
        return [Violation(field, f"are more than {MAX_KEYS}")]
    violations = []
    if len({key.key_id for key in keys}) != len(keys):
        violations.append(Violation(field, "has the same key twice"))
    for number, key in enumerate(keys):
        violations += _one_key_violations(key, f"{field}[{number}]")
    return violations


def _one_key_violations(key: pb.AgencyKey, field: str) -> list[Violation]:
    if key.key_id != hashlib.sha256(key.public_key).hexdigest():
        return [Violation(f"{field}.key_id", "is not the hash of the key")]
    if key.purpose == pb.KEY_PURPOSE_SEALING:
        right = key.algorithm == pb.KEY_ALGORITHM_MLKEM768_X25519
        if not right or len(key.public_key) != SEALING_KEY_BYTES:
            return [Violation(field, "is no ML-KEM-768 and X25519 key")]
        return []
    if key.purpose not in (pb.KEY_PURPOSE_SIGNING, pb.KEY_PURPOSE_WITNESS):
        return [Violation(f"{field}.purpose", "is neither signing nor sealing nor witness")]
    try:
        parsed = parse_public_key(key.public_key)
    except ComityError as error:
        return [Violation(f"{field}.public_key", error.message)]
    if key.algorithm != parsed.algorithm:
        return [Violation(f"{field}.algorithm", "is not that of the key")]
    if key.purpose == pb.KEY_PURPOSE_WITNESS and parsed.algorithm != pb.KEY_ALGORITHM_ED25519:
        return [Violation(f"{field}.algorithm", "a witness key is Ed25519")]
    return []


def _require_signatures(envelope: dsse.Envelope, application: pb.Application) -> None:
    for key in application.keys:
        if key.purpose == pb.KEY_PURPOSE_SEALING:
            continue
        public_key: PublicKey = parse_public_key(key.public_key)
        try:
            dsse.verify_envelope(envelope, payload_type=PAYLOAD_TYPE, keys={key.key_id: public_key})
        except ComityError as error:
            raise ApplicationInvalid(
                "A key of the application has not signed it.",
                violations=[Violation("signatures", f"key {key.key_id[:16]}: {error.message}")],
            ) from error


def verify_certificate_request(
    certificate_request: bytes, *, agency: AgencyId, hub_domain: str
) -> ec.EllipticCurvePublicKey:
    """Verifies a certificate request (PKCS #10, DER) and gives the key that it is for.

    It is signed by that key, an ECDSA P-256 one, and names the agency's SPIFFE id and nothing else.

    Raises: ApplicationInvalid.
    """
    try:
        request = x509.load_der_x509_csr(certificate_request)
        is_signed = request.is_signature_valid
        key = request.public_key()
        names = list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (
        ValueError,
        TypeError,
        InvalidSignature,
        UnsupportedAlgorithm,
        x509.ExtensionNotFound,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise _request_invalid("is no PKCS #10 request with one URI SAN") from error
    if not is_signed:
        raise _request_invalid("is not signed by its own key")
    expected = x509.UniformResourceIdentifier(spiffe_id_from_agency(agency, hub_domain=hub_domain))
    if names != [expected]:
        raise _request_invalid(f"has to name {expected.value} and nothing else")
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise _request_invalid("is for a key other than ECDSA P-256")
    return key


def _request_invalid(what: str) -> ApplicationInvalid:
    return ApplicationInvalid(violations=[Violation("certificate_request", what)])
