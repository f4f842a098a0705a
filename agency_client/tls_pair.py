"""The agency's certificate and the key that it is for, as they lie in the profile.

While a certificate is renewed there are two keys: the certificate says which of them is its own, so
that the pair changes in one step, with the certificate's file. Never touches the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agency_client.profile import CERTIFICATE, TLS_KEY, Profile, load_tls_key_file, new_file
from comity.errors import CertificateRefused, MalformedInput

NEW_TLS_KEY = new_file(TLS_KEY)

LOOKS = 3  # another process may put a new pair in place while this one reads it


@dataclass(frozen=True, slots=True)
class TlsPair:
    """A certificate (PEM) and its private key, with the file that the key is in."""

    certificate_pem: bytes
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    key_path: Path

    @property
    def fits(self) -> bool:
        """Whether the certificate is for the key."""
        return self.certificate.public_key() == self.key.public_key()


def load_tls_pair(profile: Profile, passphrase: bytes | None = None) -> TlsPair:
    """The certificate and its key; where no key is the certificate's, the profile's TLS key.

    Raises: CertificateRefused where it cannot be read; MalformedInput where the key cannot, or
    others can read it.
    """
    profile.require_private()
    for _ in range(LOOKS - 1):
        pair = _load_once(profile, passphrase)
        if pair.fits:
            return pair
    return _load_once(profile, passphrase)


def load_certificate(profile: Profile) -> tuple[bytes, x509.Certificate]:
    """The agency's certificate, as PEM and parsed.

    Raises: CertificateRefused where it cannot be read.
    """
    try:
        pem = profile.path(CERTIFICATE).read_bytes()
        return pem, x509.load_pem_x509_certificate(pem)
    except (OSError, ValueError) as error:
        raise CertificateRefused(f"The agency's certificate cannot be read: {error}.") from error


def _load_once(profile: Profile, passphrase: bytes | None) -> TlsPair:
    pem, certificate = load_certificate(profile)
    fitting = _find_new_key(profile, certificate, passphrase)
    if fitting is not None:
        return TlsPair(pem, certificate, fitting, profile.path(NEW_TLS_KEY))
    path = profile.path(TLS_KEY)
    return TlsPair(pem, certificate, load_tls_key_file(path, passphrase), path)


def _find_new_key(
    profile: Profile, certificate: x509.Certificate, passphrase: bytes | None
) -> ec.EllipticCurvePrivateKey | None:
    """The new key, where there is one and the certificate is for it already."""
    path = profile.path(NEW_TLS_KEY)
    if not path.exists():
        return None
    try:
        key = load_tls_key_file(path, passphrase)
    except MalformedInput:
        return None  # Moved this very moment, or of no use: whoever renews says so.
    return key if key.public_key() == certificate.public_key() else None
