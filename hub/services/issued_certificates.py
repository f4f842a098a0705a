"""What is kept of a certificate that was signed for an agency."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from comity.identity import AgencyId
from comity.times import microseconds_from
from comity.v1 import agencies_pb2
from hub.store.certificates import StoredCertificate


def stored_certificate(certificate: x509.Certificate, *, agency: AgencyId) -> StoredCertificate:
    """A certificate as the store has it, under the hex SHA-256 of its DER."""
    return StoredCertificate(
        certificate_id=certificate.fingerprint(SHA256()).hex(),
        agency_id=agency,
        serial_number=f"{certificate.serial_number:x}",
        signed_at=microseconds_from(certificate.not_valid_before_utc),
        expires_at=microseconds_from(certificate.not_valid_after_utc),
    )


def key_of_certificate(certificate: StoredCertificate) -> agencies_pb2.AgencyKey:
    """A certificate as the roster lists it among an agency's keys."""
    return agencies_pb2.AgencyKey(
        key_id=certificate.certificate_id,
        purpose=agencies_pb2.KEY_PURPOSE_TLS,
        algorithm=agencies_pb2.KEY_ALGORITHM_ECDSA_P256_SHA256,
    )
