"""The hub's own agency: a member like the others, with keys that lie in the hub's folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
from cryptography.hazmat.primitives.hashes import SHA256

from comity.application import (
    VerifiedApplication,
    key_message,
    make_application,
    sign_application,
    verify_application,
)
from comity.identity import AgencyId, spiffe_id_from_agency
from comity.keys import PrivateKey, generate_private_key, pem_from_private_key
from comity.v1 import agencies_pb2 as pb
from hub.certificates import generate_tls_key, pem_from_key
from hub.folder import write_private

OWN_AGENCY_FOLDER = "agency"


def make_own_agency(
    folder: Path, *, agency: AgencyId, hub_domain: str, now: datetime
) -> VerifiedApplication:
    """Makes the keys of the hub's own agency in its folder and gives the verified application."""
    home = folder / OWN_AGENCY_FOLDER
    home.mkdir(mode=0o700)
    signing = _new_key(home / "signing-key.pem")
    witness = _new_key(home / "witness-key.pem")
    application = make_application(
        hub_domain=hub_domain,
        agency=agency,
        name=f"Hub {hub_domain}",
        now=now,
        certificate_request=_new_request(home / "tls-key.pem", agency, hub_domain),
        keys=[
            key_message(pb.KEY_PURPOSE_SIGNING, signing.public.algorithm, signing.public.spki),
            key_message(pb.KEY_PURPOSE_WITNESS, witness.public.algorithm, witness.public.spki),
            key_message(
                pb.KEY_PURPOSE_SEALING,
                pb.KEY_ALGORITHM_MLKEM768_X25519,
                _new_sealing_key(home / "sealing-key.pem"),
            ),
        ],
    )
    envelope = sign_application(application, signing_keys=[signing], witness_key=witness)
    return verify_application(envelope, hub_domain=hub_domain)


def _new_key(path: Path) -> PrivateKey:
    key = generate_private_key(pb.KEY_ALGORITHM_ED25519)
    write_private(path, pem_from_private_key(key))
    return key


def _new_request(path: Path, agency: AgencyId, hub_domain: str) -> bytes:
    key = generate_tls_key()
    write_private(path, pem_from_key(key))
    name = x509.UniformResourceIdentifier(spiffe_id_from_agency(agency, hub_domain=hub_domain))
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .sign(key, SHA256())
    )
    return request.public_bytes(serialization.Encoding.DER)


def _new_sealing_key(path: Path) -> bytes:
    """Writes both private halves as PEM and gives the public halves, one after the other."""
    lattice, curve = mlkem.MLKEM768PrivateKey.generate(), x25519.X25519PrivateKey.generate()
    pem = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private(path, lattice.private_bytes(*pem) + curve.private_bytes(*pem))
    return lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
