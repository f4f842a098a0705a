"""A change of an agency's keys: what it says, and the whole of its verification. No I/O.

The agency's client signs one with its old signing key and its new ones, the hub verifies it before
it enters the new keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.message import DecodeError

from comity import envelope as dsse
from comity.acts import has_unknown_fields
from comity.application import MAX_APPLICATION_BYTES, key_violations
from comity.errors import (
    ComityError,
    MalformedInput,
    RotationInvalid,
    TooLarge,
    UnknownFields,
    Violation,
    WrongHub,
    WrongOriginator,
)
from comity.identity import AgencyId
from comity.keys import PrivateKey, PublicKey, parse_public_key
from comity.times import timestamp_from
from comity.v1 import agencies_pb2, membership_pb2

PAYLOAD_TYPE = "application/vnd.comity.key-rotation.v1+protobuf"


@dataclass(frozen=True, slots=True)
class VerifiedRotation:
    """A change of keys whose signatures were verified. Says nothing of what else is current."""

    agency: AgencyId
    keys_added: Sequence[agencies_pb2.AgencyKey]
    key_ids_ended: Sequence[str]
    digest: bytes


def sign_rotation(
    *,
    hub_domain: str,
    agency: AgencyId,
    keys_added: Sequence[agencies_pb2.AgencyKey],
    key_ids_ended: Sequence[str],
    now: datetime,
    old_keys: Sequence[PrivateKey],
    new_keys: Sequence[PrivateKey],
) -> dsse.Envelope:
    """The envelope of a change of keys; `new_keys` are the new signing and witness keys."""
    rotation = membership_pb2.KeyRotation(
        hub_domain=hub_domain,
        agency_id=agency,
        keys_added=keys_added,
        key_ids_ended=key_ids_ended,
        issued_at=timestamp_from(now),
    )
    payload = rotation.SerializeToString(deterministic=True)
    return dsse.sign_payload(payload, payload_type=PAYLOAD_TYPE, keys=[*old_keys, *new_keys])


def verify_rotation(
    envelope: dsse.Envelope,
    *,
    hub_domain: str,
    agency: AgencyId,
    signing_keys: Mapping[str, PublicKey],
) -> VerifiedRotation:
    """Verifies a change of keys and gives what it says.

    1. It is signed by a signing key that the agency has now.
    2. It parses, and holds nothing that this version does not know.
    3. It is for this hub and of this agency.
    4. What it adds are keys of known kinds, each under its own hash, and it adds or ends something.
    5. Each new signing and witness key has signed it.

    Raises: TooLarge, SignatureInvalid, SigningKeyUnknown, MalformedInput, UnknownFields, WrongHub,
    WrongOriginator; RotationInvalid with every violation found.
    """
    if len(envelope.payload) > MAX_APPLICATION_BYTES:
        raise TooLarge(f"A change of keys is at most {MAX_APPLICATION_BYTES:,} bytes.")
    dsse.verify_envelope(envelope, payload_type=PAYLOAD_TYPE, keys=signing_keys)  # 1
    rotation = _parse(envelope.payload)  # 2
    if rotation.hub_domain != hub_domain:  # 3
        raise WrongHub()
    if rotation.agency_id != agency:
        raise WrongOriginator()
    _require_keys(rotation)  # 4
    for key in rotation.keys_added:  # 5
        _require_signed_by(envelope, key)
    return VerifiedRotation(
        agency=agency,
        keys_added=rotation.keys_added,
        key_ids_ended=rotation.key_ids_ended,
        digest=hashlib.sha256(envelope.payload).digest(),
    )


def _parse(payload: bytes) -> membership_pb2.KeyRotation:
    try:
        rotation = membership_pb2.KeyRotation.FromString(payload)
    except DecodeError as error:
        raise MalformedInput("The change of keys does not parse.") from error
    if has_unknown_fields(rotation):
        raise UnknownFields()
    return rotation


def _require_keys(rotation: membership_pb2.KeyRotation) -> None:
    violations = key_violations(rotation.keys_added, field="keys_added")
    if not rotation.keys_added and not rotation.key_ids_ended:
        violations.append(Violation("keys_added", "nothing is added and nothing ended"))
    if len(set(rotation.key_ids_ended)) != len(rotation.key_ids_ended):
        violations.append(Violation("key_ids_ended", "has the same key twice"))
    if violations:
        raise RotationInvalid(violations=violations)


def _require_signed_by(envelope: dsse.Envelope, key: agencies_pb2.AgencyKey) -> None:
    if key.purpose == agencies_pb2.KEY_PURPOSE_SEALING:
        return
    public_key = parse_public_key(key.public_key)
    try:
        dsse.verify_envelope(envelope, payload_type=PAYLOAD_TYPE, keys={key.key_id: public_key})
    except ComityError as error:
        raise RotationInvalid(
            "A new key has not signed the change.",
            violations=[Violation("signatures", f"key {key.key_id[:16]}: {error.message}")],
        ) from error
