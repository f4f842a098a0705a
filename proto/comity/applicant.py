"""Whoever applies to a hub: the keys that are made for it, and the application they sign. No I/O.

Used by every agency's client, and by the hub for its own agency. Never verifies anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, x25519
from cryptography.hazmat.primitives.hashes import SHA256

from comity.application import key_message, make_application, sign_application
from comity.envelope import Envelope
from comity.errors import MalformedInput
from comity.identity import AgencyId, spiffe_id_from_agency
from comity.keys import ED25519, Algorithm, PrivateKey, generate_private_key
from comity.v1 import agencies_pb2 as pb

_ENCRYPTED_END = b"-----END ENCRYPTED PRIVATE KEY-----"
_PLAIN_END = b"-----END PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class SealingKey:
    """The two private keys, one post-quantum and one classical, that open what is sealed."""

    lattice: mlkem.MLKEM768PrivateKey
    curve: x25519.X25519PrivateKey

    def public_bytes(self) -> bytes:
        """The public halves, one after the other."""
        return (
            self.lattice.public_key().public_bytes_raw()
            + self.curve.public_key().public_bytes_raw()
        )

    def pem(self, passphrase: bytes | None = None) -> bytes:
        """Both as PKCS #8 PEM, one after the other; encrypted where a passphrase is given."""
        return pem_from_key(self.lattice, passphrase) + pem_from_key(self.curve, passphrase)


def load_sealing_key(pem: bytes, passphrase: bytes | None = None) -> SealingKey:
    """The sealing key in its two PEMs.

    Raises: MalformedInput where they are none, or the passphrase is wrong or missing.
    """
    first, mark, rest = pem.partition(_ENCRYPTED_END if _ENCRYPTED_END in pem else _PLAIN_END)
    try:
        lattice = serialization.load_pem_private_key(first + mark, passphrase)
        curve = serialization.load_pem_private_key(rest.strip(), passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MalformedInput("The sealing key cannot be read; is the passphrase right?") from error
    if not isinstance(lattice, mlkem.MLKEM768PrivateKey):
        raise MalformedInput("That is no sealing key.")
    if not isinstance(curve, x25519.X25519PrivateKey):
        raise MalformedInput("That is no sealing key.")
    return SealingKey(lattice, curve)


@dataclass(frozen=True, slots=True)
class ApplicantKeys:
    """The private keys of an agency that applies. They never leave it."""

    signing: Sequence[PrivateKey]
    witness: PrivateKey
    tls: ec.EllipticCurvePrivateKey
    sealing: SealingKey


def generate_applicant_keys(signing_algorithms: Sequence[Algorithm]) -> ApplicantKeys:
    """New keys: one signing key of each algorithm, and one of every other purpose.

    Raises: MalformedInput for an algorithm that signs nothing here.
    """
    return ApplicantKeys(
        signing=[generate_private_key(algorithm) for algorithm in signing_algorithms],
        witness=generate_private_key(ED25519),
        tls=ec.generate_private_key(ec.SECP256R1()),
        sealing=SealingKey(mlkem.MLKEM768PrivateKey.generate(), x25519.X25519PrivateKey.generate()),
    )


def pem_from_key(
    key: ec.EllipticCurvePrivateKey | mlkem.MLKEM768PrivateKey | x25519.X25519PrivateKey,
    passphrase: bytes | None = None,
) -> bytes:
    """A private key as PKCS #8 PEM, encrypted where a passphrase is given."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def apply_to_hub(
    keys: ApplicantKeys, *, hub_domain: str, agency: AgencyId, name: str, now: datetime
) -> Envelope:
    """An agency's application, signed. It holds no secret."""
    application = make_application(
        hub_domain=hub_domain,
        agency=agency,
        name=name,
        now=now,
        certificate_request=request_certificate(keys.tls, agency=agency, hub_domain=hub_domain),
        keys=agency_keys(keys),
    )
    return sign_application(application, signing_keys=keys.signing, witness_key=keys.witness)


def agency_keys(keys: ApplicantKeys) -> list[pb.AgencyKey]:
    """The public halves of the signing, witness and sealing keys."""
    return [
        *(_verifying_key(pb.KEY_PURPOSE_SIGNING, key) for key in keys.signing),
        _verifying_key(pb.KEY_PURPOSE_WITNESS, keys.witness),
        key_message(
            pb.KEY_PURPOSE_SEALING, pb.KEY_ALGORITHM_MLKEM768_X25519, keys.sealing.public_bytes()
        ),
    ]


def request_certificate(
    key: ec.EllipticCurvePrivateKey, *, agency: AgencyId, hub_domain: str
) -> bytes:
    """A certificate request (PKCS #10, DER) that names the agency and nothing else."""
    name = x509.UniformResourceIdentifier(spiffe_id_from_agency(agency, hub_domain=hub_domain))
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .sign(key, SHA256())
    )
    return request.public_bytes(serialization.Encoding.DER)


def _verifying_key(purpose: pb.KeyPurpose.ValueType, key: PrivateKey) -> pb.AgencyKey:
    return key_message(purpose, key.public.algorithm, key.public.spki)
