"""Renewing the agency's certificate, so that a cut-off at any moment leaves a profile that works.

1. A new key, in a private file of its own.
2. The request, with the certificate of before, and the answer verified.
3. The new certificate takes the old one's place: from here on `tls_pair.py` finds the new key.
4. The new key takes the old one's place.

Whoever starts again completes step 4, or asks again with the key that is there: the hub ends what
it has signed and nobody has used.
"""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agency_client.agency import Agency
from agency_client.application import certificate_violations
from agency_client.disk import take_place, write_whole, write_whole_secret
from agency_client.locks import KEYS_LOCK, held_alone
from agency_client.membership import renew_certificate
from agency_client.profile import CERTIFICATE, HUB_CA, TLS_KEY, Profile, load_tls_key_file
from agency_client.tls_pair import NEW_TLS_KEY, load_certificate
from comity.applicant import pem_from_key, request_certificate
from comity.errors import ApplicationInvalid

RENEW_AT = 2 / 3  # of a certificate's life: what is left outlasts a long outage


def renewal_time(certificate: x509.Certificate) -> datetime:
    """When a certificate is to be renewed (aware)."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return begins + (ends - begins) * RENEW_AT


def is_renewal_due(agency: Agency) -> bool:
    """Whether two thirds of the life of the agency's certificate are over.

    Raises: CertificateRefused where it cannot be read.
    """
    _, certificate = load_certificate(agency.profile)
    return agency.clock() >= renewal_time(certificate)


def finish_renewal(profile: Profile, passphrase: bytes | None) -> ec.EllipticCurvePrivateKey | None:
    """Completes what was cut off; gives a new key that has no certificate yet, if there is one.

    Raises: CertificateRefused, MalformedInput.
    """
    path = profile.path(NEW_TLS_KEY)
    if not path.exists():
        return None
    _, certificate = load_certificate(profile)
    key = load_tls_key_file(path, passphrase)
    if key.public_key() != certificate.public_key():
        return key
    take_place(path, profile.path(TLS_KEY))
    return None


async def renew(agency: Agency) -> x509.Certificate:
    """Renews the certificate now; the one of before stays good until it expires, or the next time.

    Raises: ApplicationInvalid where the answer is no certificate for this agency's new key by the
    pinned authority, and is not taken; MalformedInput where another process renews; AccessRefused,
    HubUnavailable.
    """
    profile, passphrase = agency.profile, agency.passphrase()
    with held_alone(profile, KEYS_LOCK):
        key = finish_renewal(profile, passphrase) or _make_key(profile, passphrase)  # 1
        request = request_certificate(key, agency=profile.agency, hub_domain=profile.hub_domain)
        pem = await renew_certificate(agency, request)  # 2
        _require_own(profile, pem, key)
        write_whole(profile.path(CERTIFICATE), pem)  # 3
        take_place(profile.path(NEW_TLS_KEY), profile.path(TLS_KEY))  # 4
    return load_certificate(profile)[1]


def _make_key(profile: Profile, passphrase: bytes | None) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = pem_from_key(key, passphrase).decode("ascii")
    write_whole_secret(profile.path(NEW_TLS_KEY), pem)
    return key


def _require_own(profile: Profile, pem: str, key: ec.EllipticCurvePrivateKey) -> None:
    authority = profile.path(HUB_CA).read_bytes()
    violations = certificate_violations(
        profile, pem.encode(), key=key.public_key(), authority=authority
    )
    if violations:
        raise ApplicationInvalid(
            "The hub's new certificate is not for this agency.", violations=violations
        )
