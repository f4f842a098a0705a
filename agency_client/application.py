"""Applying to a hub: an agency's keys, made here and never leaving, and what is handed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from agency_client.disk import write_secret, write_whole
from agency_client.profile import (
    APPLICATION,
    CERTIFICATE,
    HUB_CA,
    LEDGER_KEYS,
    POST_QUANTUM_SIGNING_KEY,
    SEALING_KEY,
    SIGNING_KEY,
    TLS_KEY,
    WITNESS_KEY,
    Profile,
)
from comity.applicant import (
    ApplicantKeys,
    apply_to_hub,
    generate_applicant_keys,
    pem_from_key,
)
from comity.checkpoint import parse_origin, parse_verifier_key, verifier_key_text
from comity.envelope import json_from_envelope
from comity.errors import ApplicationInvalid, ComityError, Violation
from comity.identity import agency_id_from_certificate
from comity.keys import ECDSA_P256, ED25519, ML_DSA_65, pem_from_private_key
from comity.receipt import digest_of
from comity.v1 import agencies_pb2 as pb

SIGNING_ALGORITHMS = {"ed25519": ED25519, "ecdsa-p256": ECDSA_P256}


@dataclass(frozen=True, slots=True)
class NewKeys:
    """Which keys are made. `passphrase` encrypts their files."""

    signing_algorithm: str = "ed25519"
    with_post_quantum: bool = False
    passphrase: bytes | None = None


def write_application(profile: Profile, *, name: str, new: NewKeys, now: datetime) -> bytes:
    """Makes an agency's keys in its profile and writes the application to hand over.

    Gives the application's SHA-256, 32 bytes: what the hub records, and what both sides compare by
    another way than the file took.

    Raises: MalformedInput where a key file is there already, or the passphrase is of no use.
    """
    algorithms = [SIGNING_ALGORITHMS[new.signing_algorithm]]
    if new.with_post_quantum:
        algorithms.append(ML_DSA_65)
    keys = generate_applicant_keys(algorithms)
    for file, pem in key_files(keys, new.passphrase).items():
        write_secret(profile.path(file), pem)
    envelope = apply_to_hub(
        keys, hub_domain=profile.hub_domain, agency=profile.agency, name=name, now=now
    )
    write_whole(profile.path(APPLICATION), json_from_envelope(envelope) + "\n")
    return digest_of(envelope.payload)


def key_files(keys: ApplicantKeys, passphrase: bytes | None) -> dict[str, bytes]:
    """What the files of the private keys hold."""
    signing = zip((SIGNING_KEY, POST_QUANTUM_SIGNING_KEY), keys.signing, strict=False)
    return {
        **{file: pem_from_private_key(key, passphrase) for file, key in signing},
        WITNESS_KEY: pem_from_private_key(keys.witness, passphrase),
        TLS_KEY: pem_from_key(keys.tls, passphrase),
        SEALING_KEY: keys.sealing.pem(passphrase),
    }


def join_hub(profile: Profile, admission: pb.Admission, passphrase: bytes | None = None) -> None:
    """Takes what the hub handed back into the profile.

    1. It is for this agency and this hub.
    2. The certificate names the agency, is for the profile's own TLS key, and is signed by the
       authority that comes with it.
    3. The ledger's key is of this hub's ledger, and where the profile has joined before, one of
       those that it accepts: a new epoch is accepted by itself, never with a new certificate.
    4. Where the profile has joined before, the authority is the pinned one.

    What comes here is trusted from now on: it has to come from the hub's administrators.

    Raises: ApplicationInvalid with everything at fault; MalformedInput.
    """
    _require_for(profile, admission, passphrase, also=_authority_violations(profile, admission))
    _pin(profile, admission)


def join_hub_of_new_authority(
    profile: Profile, admission: pb.Admission, passphrase: bytes | None = None
) -> None:
    """The same where the hub has made itself another authority, as its administrators have said.

    Raises: ApplicationInvalid with everything at fault; MalformedInput.
    """
    _require_for(profile, admission, passphrase)
    _pin(profile, admission)


def authority_fingerprint(pem: str) -> str:
    """What an authority's certificate is compared by: the lower-case hex SHA-256 of its DER.

    Raises: ValueError where it is none.
    """
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(SHA256()).hex()


def _require_for(
    profile: Profile,
    admission: pb.Admission,
    passphrase: bytes | None,
    *,
    also: Sequence[Violation] = (),
) -> None:
    violations = _naming_violations(profile, admission)  # 1
    violations += _own_certificate_violations(profile, admission, passphrase)  # 2
    violations += _ledger_key_violations(profile, admission)  # 3
    violations += also  # 4
    if violations:
        raise ApplicationInvalid("The hub's answer is not for this profile.", violations=violations)


def _pin(profile: Profile, admission: pb.Admission) -> None:
    write_whole(profile.path(HUB_CA), admission.ca_certificate)
    profile.add_ledger_key(parse_verifier_key(admission.ledger_key))
    write_whole(profile.path(CERTIFICATE), admission.certificate)


def _authority_violations(profile: Profile, admission: pb.Admission) -> list[Violation]:
    path = profile.path(HUB_CA)
    if not path.exists():
        return []
    try:
        pinned = authority_fingerprint(path.read_text(encoding="utf-8"))
        handed = authority_fingerprint(admission.ca_certificate)
    except (OSError, ValueError) as error:
        return [Violation("caCertificate", f"cannot be compared with the pinned one: {error}")]
    if handed == pinned:
        return []
    said = f"is {handed}, and pinned is {pinned}; if that is meant, --replace-authority"
    return [Violation("caCertificate", said)]


def _naming_violations(profile: Profile, admission: pb.Admission) -> list[Violation]:
    violations = []
    if admission.agency_id != profile.agency:
        violations.append(Violation("agencyId", f"is not {profile.agency}"))
    if admission.hub_domain != profile.hub_domain:
        violations.append(Violation("hubDomain", f"is not {profile.hub_domain}"))
    return violations


def _own_certificate_violations(
    profile: Profile, admission: pb.Admission, passphrase: bytes | None
) -> list[Violation]:
    try:
        key = profile.load_tls_key(passphrase)
    except ComityError as error:
        return [Violation("certificate", error.message)]
    return certificate_violations(
        profile,
        admission.certificate.encode(),
        key=key.public_key(),
        authority=admission.ca_certificate.encode(),
    )


def certificate_violations(
    profile: Profile, pem: bytes, *, key: ec.EllipticCurvePublicKey, authority: bytes
) -> list[Violation]:
    """What is wrong with a certificate that has to be for this agency, a key of its own, and by an
    authority. Both PEM."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
        named = agency_id_from_certificate(certificate, hub_domain=profile.hub_domain)
    except ComityError as error:
        return [Violation("certificate", error.message)]
    except Exception as error:
        return [Violation("certificate", f"cannot be verified: {type(error).__name__}")]
    if named != profile.agency or key != certificate.public_key():
        return [Violation("certificate", "is for another agency or key")]
    return []


def _ledger_key_violations(profile: Profile, admission: pb.Admission) -> list[Violation]:
    try:
        key = parse_verifier_key(admission.ledger_key)
        domain, _ = parse_origin(key.origin)
        accepted = profile.load_ledger_keys() if profile.path(LEDGER_KEYS).exists() else [key]
    except ComityError as error:
        return [Violation("ledgerKey", error.message)]
    if domain != profile.hub_domain:
        return [Violation("ledgerKey", f"is of the ledger of {domain}")]
    if verifier_key_text(key) not in {verifier_key_text(known) for known in accepted}:
        return [Violation("ledgerKey", "is not accepted here; see 'comity ledger accept-epoch'")]
    return []
