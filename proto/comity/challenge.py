"""The challenge of an enrolment: a secret sealed to the applicant's sealing key. No I/O.

Whoever opens it has the private sealing key, which signs nothing and so proves itself in no other
way. HPKE (RFC 9180, base mode) with ML-KEM-768 + X25519, HKDF-SHA256 and AES-256-GCM.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from comity.applicant import SealingKey
from comity.errors import ApplicationInvalid, MalformedInput, Violation

SECRET_BYTES = 32
_LATTICE_BYTES = 1_184  # an ML-KEM-768 encapsulation key; the X25519 key follows it
_INFO_LABEL = b"comity/v1/enrolment-challenge\0"
_PROOF_LABEL = b"comity/v1/enrolment-proof\0"
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def seal_challenge(secret: bytes, public_key: bytes, *, application_digest: bytes) -> bytes:
    """A secret that only the holder of a sealing key can open, bound to its application.

    Raises: ApplicationInvalid where the key's bytes are no key.
    """
    try:
        key = hpke.MLKEM768X25519PublicKey(
            mlkem.MLKEM768PublicKey.from_public_bytes(public_key[:_LATTICE_BYTES]),
            x25519.X25519PublicKey.from_public_bytes(public_key[_LATTICE_BYTES:]),
        )
        return _SUITE.encrypt(secret, key, info=_INFO_LABEL + application_digest)
    except ValueError as error:
        raise ApplicationInvalid(
            violations=[Violation("keys", "the sealing key is none that can be sealed to")]
        ) from error


def open_challenge(challenge: bytes, key: SealingKey, *, application_digest: bytes) -> bytes:
    """The secret in a challenge.

    Raises: MalformedInput where it was not sealed to this key for this application.
    """
    private = hpke.MLKEM768X25519PrivateKey(key.lattice, key.curve)
    try:
        return _SUITE.decrypt(challenge, private, info=_INFO_LABEL + application_digest)
    except (InvalidTag, ValueError) as error:
        raise MalformedInput("The hub's challenge is not for this agency's sealing key.") from error


def proof_digest(secret: bytes) -> bytes:
    """What the hub keeps of the secret: 32 bytes."""
    return hashlib.sha256(_PROOF_LABEL + secret).digest()
