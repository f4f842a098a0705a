"""Salted commitments: what ledger entries hold instead of content.

A commitment hides what it is over as long as its salt is secret, and binds to it once the salt is
shown. Erasing the salt erases the link for good.
"""

from __future__ import annotations

import hashlib
import hmac

from comity.errors import ProofInvalid

SALT_BYTES = 32  # as long as the hash, so that guessing the salt is no easier than inverting it

_CONTENT = b"comity.content-commitment.v1\x00"
_ADDRESSING = b"comity.addressing-commitment.v1\x00"
_ACCESS = b"comity.access-commitment.v1\x00"
_OFFICER = b"comity.officer-commitment.v1\x00"
_AUTHORITY = b"comity.authority-commitment.v1\x00"
_FUNCTIONAL = b"comity.functional-commitment.v1\x00"
_FUNCTIONAL_SALT = b"comity.functional-salt.v1\x00"
_FINDINGS = b"comity.findings-commitment.v1\x00"


def content_commitment(payload_digest: bytes, salt: bytes) -> bytes:
    """The commitment to a version's or withdrawal's payload digest, 32 bytes."""
    return _commitment(_CONTENT, payload_digest, salt)


def addressing_commitment(payload_digest: bytes, salt: bytes) -> bytes:
    """The commitment to an addressing's payload digest, 32 bytes."""
    return _commitment(_ADDRESSING, payload_digest, salt)


def access_commitment(record: bytes, salt: bytes) -> bytes:
    """The commitment to a serialized access record, 32 bytes."""
    return _commitment(_ACCESS, hashlib.sha256(record).digest(), salt)


def officer_commitment(officer_id: str, salt: bytes) -> bytes:
    """The commitment to an officer's id, 32 bytes."""
    return _commitment(_OFFICER, hashlib.sha256(officer_id.encode()).digest(), salt)


def authority_commitment(authority_digest: bytes, salt: bytes) -> bytes:
    """The commitment to an entry of the directory, by its digest, 32 bytes."""
    return _commitment(_AUTHORITY, authority_digest, salt)


def functional_salt(salt: bytes) -> bytes:
    """The salt of the commitment to an entry without personal contact details.

    Follows from the salt over the whole, and is erased with it; that one does not follow from this.
    """
    return hashlib.sha256(_FUNCTIONAL_SALT + salt).digest()


def functional_commitment(functional_digest: bytes, salt: bytes) -> bytes:
    """The commitment to an entry without personal contact details, 32 bytes."""
    return _commitment(_FUNCTIONAL, functional_digest, salt)


def findings_commitment(findings_digest: bytes, salt: bytes) -> bytes:
    """The commitment to what reviewers found, by SHA-256 of the serialized findings, 32 bytes."""
    return _commitment(_FINDINGS, findings_digest, salt)


def verify_content_commitment(commitment: bytes, *, payload_digest: bytes, salt: bytes) -> None:
    """Verifies that a commitment is to a payload.

    Raises: ProofInvalid.
    """
    _require_equal(commitment, content_commitment(payload_digest, salt))


def verify_addressing_commitment(commitment: bytes, *, payload_digest: bytes, salt: bytes) -> None:
    """Verifies that a commitment is to an addressing's payload.

    Raises: ProofInvalid.
    """
    _require_equal(commitment, addressing_commitment(payload_digest, salt))


def verify_access_commitment(commitment: bytes, *, record: bytes, salt: bytes) -> None:
    """Verifies that a commitment is to an access record.

    Raises: ProofInvalid.
    """
    _require_equal(commitment, access_commitment(record, salt))


def verify_officer_commitment(commitment: bytes, *, officer_id: str, salt: bytes) -> None:
    """Verifies that a commitment is to an officer.

    Raises: ProofInvalid.
    """
    _require_equal(commitment, officer_commitment(officer_id, salt))


def verify_authority_commitment(commitment: bytes, *, authority_digest: bytes, salt: bytes) -> None:
    """Verifies that a commitment is to an entry of the directory.

    Raises: ProofInvalid.
    """
    _require_equal(commitment, authority_commitment(authority_digest, salt))


def verify_functional_commitment(
    commitment: bytes, *, functional_digest: bytes, salt: bytes
) -> None:
    """Verifies that a commitment is to an entry without personal contact details.

    Raises: ProofInvalid.
    """
    _require_equal(commitment, functional_commitment(functional_digest, salt))


def verify_findings_commitment(commitment: bytes, *, findings_digest: bytes, salt: bytes) -> None:
    """Verifies that a commitment is to a review's findings.

    Raises: ProofInvalid.
    """
    _require_equal(commitment, findings_commitment(findings_digest, salt))


def _commitment(label: bytes, digest: bytes, salt: bytes) -> bytes:
    if len(salt) != SALT_BYTES or len(digest) != hashlib.sha256().digest_size:
        raise ProofInvalid("A commitment takes a salt and a digest of 32 bytes each.")
    return hashlib.sha256(label + salt + digest).digest()


def _require_equal(given: bytes, computed: bytes) -> None:
    if not hmac.compare_digest(given, computed):
        raise ProofInvalid("The commitment is to something else.")
