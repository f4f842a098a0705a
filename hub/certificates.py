"""The hub's certificate authority: its own certificate, the hub's, its Keycloak's, the agencies'.

ECDSA P-256 throughout: gRPC's TLS takes no Ed25519. Never touches a disk; `folder.py` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from comity.errors import MalformedInput
from comity.identity import AgencyId, spiffe_id_from_agency
from hub.services.revocations import RevokedCertificate

CA_LIFE = timedelta(days=10 * 365)  # replaced with every member's trust file, hence seldom
HUB_LIFE = timedelta(days=397)  # of the hub's own server: replaced by hand, once a year
AGENCY_LIFE = timedelta(days=90)  # a stolen key is good no longer; clients renew at two thirds
REVOCATION_LIST_LIFE = timedelta(days=1)  # who reads no roster learns of a revocation by then
RENEW_DAYS = 30  # with fewer left, renewing is asked for: time for a holiday and a mistake
CLOCK_SKEW = timedelta(minutes=10)  # members' clocks may be behind the hub's


def generate_tls_key() -> ec.EllipticCurvePrivateKey:
    """A new TLS key."""
    return ec.generate_private_key(ec.SECP256R1())


def pem_from_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as unencrypted PKCS #8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem_from_certificate(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def certificate_id_of(certificate: x509.Certificate) -> str:
    """What a certificate is known by in the roster: the hex SHA-256 of its DER."""
    return certificate.fingerprint(SHA256()).hex()


def find_expiry_warning(certificate: x509.Certificate, *, what: str, now: datetime) -> str | None:
    """What to say of one of a hub's certificates that runs out soon."""
    days = (certificate.not_valid_after_utc - now).days
    if days >= RENEW_DAYS:
        return None
    ended = "has run out" if days < 0 else f"runs out in {days} days"
    return f"{what} {ended}: run 'comity-hub renew-certificate'."


def parse_pair(key_pem: bytes, certificate_pem: bytes) -> x509.Certificate:
    """The certificate of a key: the first in its file. Does not say whether it serves.

    Raises: MalformedInput where one of them is none, or they are not of one another.
    """
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        is_pair = key.public_key() == certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MalformedInput("They are not an unencrypted key and a certificate in PEM.") from error
    if not is_pair:
        raise MalformedInput("The certificate is for another key.")
    return certificate


def require_server_certificate(
    certificate: x509.Certificate, *, hub_domain: str, now: datetime
) -> None:
    """Refuses a certificate that no member would take from this hub now.

    Raises: MalformedInput.
    """
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except (ValueError, x509.ExtensionNotFound, x509.UnsupportedGeneralNameType) as error:
        raise MalformedInput("The hub's certificate has no readable names.") from error
    if hub_domain not in names:
        raise MalformedInput(f"The hub's certificate does not name {hub_domain}.")
    if now < certificate.not_valid_before_utc:
        raise MalformedInput("The hub's certificate is not valid yet; is the clock right?")
    if certificate.not_valid_after_utc <= now:
        raise MalformedInput(
            "The hub's certificate has run out: run 'comity-hub renew-certificate'."
        )


def make_ca_certificate(
    key: ec.EllipticCurvePrivateKey, *, hub_domain: str, now: datetime
) -> x509.Certificate:
    """A self-signed authority that may sign nothing but end certificates."""
    name = _name(f"Comity hub authority {hub_domain}"[:64])
    public_key = key.public_key()
    return (
        _builder(name, name, public_key=public_key, now=now, life=CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .sign(key, SHA256())
    )


class CertificateAuthority:
    """Signs certificates with the hub's authority key, as long as its own certificate is valid."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self._key = key

    def sign_hub(
        self, public_key: ec.EllipticCurvePublicKey, *, hub_domain: str, now: datetime
    ) -> x509.Certificate:
        """The certificate of the hub's own server, for its domain and for this machine."""
        names = x509.SubjectAlternativeName(
            [
                x509.DNSName(hub_domain),
                x509.DNSName("localhost"),
                x509.UniformResourceIdentifier(f"spiffe://{hub_domain}/hub"),
            ]
        )
        return self._sign(
            hub_domain,
            public_key,
            names,
            usage=ExtendedKeyUsageOID.SERVER_AUTH,
            now=now,
            life=HUB_LIFE,
        )

    def sign_host(
        self, public_key: ec.EllipticCurvePublicKey, *, host: str, now: datetime
    ) -> x509.Certificate:
        """The certificate of a server beside the hub, such as its Keycloak, by its host name."""
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        return self._sign(
            host,
            public_key,
            names,
            usage=ExtendedKeyUsageOID.SERVER_AUTH,
            now=now,
            life=HUB_LIFE,
        )

    def sign_agency(
        self,
        public_key: ec.EllipticCurvePublicKey,
        *,
        agency: AgencyId,
        hub_domain: str,
        now: datetime,
    ) -> x509.Certificate:
        """An agency's certificate: one URI SAN, its SPIFFE id, and nothing else that names it."""
        spiffe_id = spiffe_id_from_agency(agency, hub_domain=hub_domain)
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(spiffe_id)])
        return self._sign(
            agency,
            public_key,
            names,
            usage=ExtendedKeyUsageOID.CLIENT_AUTH,
            now=now,
            life=AGENCY_LIFE,
        )

    def sign_revocation_list(
        self, revoked: Sequence[RevokedCertificate], *, now: datetime
    ) -> bytes:
        """A revocation list (RFC 5280 section 5) in DER, numbered by its second."""
        issuer_key = self._key.public_key()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now)
            .next_update(now + REVOCATION_LIST_LIFE)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
            )
        )
        for one in revoked:
            builder = builder.add_revoked_certificate(_revoked(one))
        return builder.sign(self._key, SHA256()).public_bytes(serialization.Encoding.DER)

    def _sign(
        self,
        common_name: str,
        public_key: ec.EllipticCurvePublicKey,
        names: x509.SubjectAlternativeName,
        *,
        usage: x509.ObjectIdentifier,
        now: datetime,
        life: timedelta,
    ) -> x509.Certificate:
        if self.certificate.not_valid_after_utc <= now:
            raise MalformedInput("The authority's certificate has run out; nothing is signed.")
        issuer_key = self._key.public_key()
        builder = _builder(
            _name(common_name[:64]),
            self.certificate.subject,
            public_key=public_key,
            now=now,
            life=min(life, self.certificate.not_valid_after_utc - now),
        )
        return (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(names, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
            )
            .sign(self._key, SHA256())
        )


def _revoked(one: RevokedCertificate) -> x509.RevokedCertificate:
    return (
        x509.RevokedCertificateBuilder()
        .serial_number(one.serial_number)
        .revocation_date(one.revoked_at)
        .add_extension(x509.CRLReason(one.reason), critical=False)
        .build()
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    *,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
