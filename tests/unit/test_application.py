"""Applying to a hub, and taking its answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from agency_client.application import NewKeys, join_hub, write_application
from agency_client.diagnosis import find_certificate_fault
from agency_client.profile import (
    APPLICATION,
    LEDGER_KEYS,
    SEALING_KEY,
    SIGNING_KEY,
    TLS_KEY,
    WITNESS_KEY,
    Profile,
)
from comity.application import VerifiedApplication, verify_application
from comity.checkpoint import LedgerKey, origin_line, verifier_key_text
from comity.envelope import envelope_from_json
from comity.errors import ApplicationInvalid, MalformedInput
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.v1 import agencies_pb2

DOMAIN = "hub.example"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PASSPHRASE = b"correct horse"


def make_profile(folder: Path) -> Profile:
    return Profile(folder, AgencyId("FR-NCB"), DOMAIN, "127.0.0.1:8443")


def apply(profile: Profile, new: NewKeys | None = None) -> VerifiedApplication:
    write_application(profile, name="Sample bureau", new=new or NewKeys(), now=NOW)
    envelope = envelope_from_json(profile.path(APPLICATION).read_text())
    return verify_application(envelope, hub_domain=DOMAIN)


@pytest.mark.parametrize(
    "new",
    [
        NewKeys(),
        NewKeys("ecdsa-p256"),
        NewKeys("ed25519", with_post_quantum=True),
        NewKeys(passphrase=PASSPHRASE),
    ],
)
def test_an_application_is_one_that_a_hub_takes(tmp_path: Path, new: NewKeys) -> None:
    profile = make_profile(tmp_path)
    verified = apply(profile, new)

    assert verified.agency == "FR-NCB"
    assert verified.application.name == "Sample bureau"
    assert profile.load_tls_key(new.passphrase).public_key() == verified.certificate_key
    assert len(profile.load_signing_keys(new.passphrase)) == 1 + new.with_post_quantum


def test_no_private_key_is_handed_over(tmp_path: Path) -> None:
    profile = make_profile(tmp_path)
    apply(profile)

    assert "PRIVATE" not in profile.path(APPLICATION).read_text()
    for name in (TLS_KEY, SIGNING_KEY, WITNESS_KEY, SEALING_KEY):
        assert profile.path(name).stat().st_mode & 0o077 == 0


def test_a_passphrase_encrypts_every_key(tmp_path: Path) -> None:
    profile = make_profile(tmp_path)
    apply(profile, NewKeys(passphrase=PASSPHRASE))

    for name in (TLS_KEY, SIGNING_KEY, WITNESS_KEY, SEALING_KEY):
        text = profile.path(name).read_text()
        assert text.count("PRIVATE KEY") == text.count("ENCRYPTED PRIVATE KEY")
    for passphrase in (None, b"wrong"):
        with pytest.raises(MalformedInput):
            profile.load_signing_keys(passphrase)
        with pytest.raises(MalformedInput):
            profile.load_tls_key(passphrase)


def test_keys_are_never_made_over_others(tmp_path: Path) -> None:
    profile = make_profile(tmp_path)
    apply(profile)

    with pytest.raises(MalformedInput, match="not written over"):
        apply(profile)


class Authority:
    """Signs certificates as a hub does."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Sample authority")])
        self.certificate = self._sign(self._name, self._key.public_key(), names=[])

    def issue(
        self, key: ec.EllipticCurvePublicKey, *, agency: str = "FR-NCB", domain: str = DOMAIN
    ) -> x509.Certificate:
        uri = x509.UniformResourceIdentifier(f"spiffe://{domain}/agency/{agency}")
        return self._sign(x509.Name([]), key, names=[uri])

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, names: list[x509.GeneralName]
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW)
            .not_valid_after(NOW + timedelta(days=90))
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
        return builder.sign(self._key, SHA256())


AUTHORITY = Authority()
LEDGER = generate_private_key(ED25519).public


def make_admission(verified: VerifiedApplication, *, epoch: int = 1) -> agencies_pb2.Admission:
    return agencies_pb2.Admission(
        hub_domain=DOMAIN,
        hub_address="127.0.0.1:8443",
        agency_id="FR-NCB",
        certificate=_pem(AUTHORITY.issue(verified.certificate_key)),
        ca_certificate=_pem(AUTHORITY.certificate),
        ledger_key=verifier_key_text(LedgerKey(origin_line(DOMAIN, epoch), LEDGER)),
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def test_a_hubs_answer_is_taken(tmp_path: Path) -> None:
    profile = make_profile(tmp_path)
    admission = make_admission(apply(profile))
    join_hub(profile, admission)
    join_hub(profile, admission)

    [key] = profile.load_ledger_keys()
    assert key.origin == origin_line(DOMAIN, 1)
    assert find_certificate_fault(profile, passphrase=None, now=NOW + timedelta(days=1)) is None


def _for_another_agency(admission: agencies_pb2.Admission) -> None:
    admission.agency_id = "DE-BKA"


def _of_another_hub(admission: agencies_pb2.Admission) -> None:
    admission.hub_domain = "other.example"


def _with_a_certificate_for_another_key(admission: agencies_pb2.Admission) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    admission.certificate = _pem(AUTHORITY.issue(key))


def _with_another_authority(admission: agencies_pb2.Admission) -> None:
    admission.ca_certificate = _pem(Authority().certificate)


def _with_garbage(admission: agencies_pb2.Admission) -> None:
    admission.certificate = "garbage"


def _with_another_hubs_ledger(admission: agencies_pb2.Admission) -> None:
    key = LedgerKey(origin_line("other.example", 1), LEDGER)
    admission.ledger_key = verifier_key_text(key)


def _without_ledger(admission: agencies_pb2.Admission) -> None:
    admission.ledger_key = ""


@pytest.mark.parametrize(
    ("lie", "field"),
    [
        (_for_another_agency, "agencyId"),
        (_of_another_hub, "hubDomain"),
        (_with_a_certificate_for_another_key, "certificate"),
        (_with_another_authority, "certificate"),
        (_with_garbage, "certificate"),
        (_with_another_hubs_ledger, "ledgerKey"),
        (_without_ledger, "ledgerKey"),
    ],
)
def test_an_answer_that_is_not_for_this_profile_is_refused(
    tmp_path: Path, lie: Callable[[agencies_pb2.Admission], None], field: str
) -> None:
    profile = make_profile(tmp_path)
    admission = make_admission(apply(profile))
    lie(admission)

    with pytest.raises(ApplicationInvalid) as refused:
        join_hub(profile, admission)

    assert [field] == [violation.field for violation in refused.value.violations]
    assert not profile.path(LEDGER_KEYS).exists()


def test_another_ledger_key_never_comes_with_a_new_certificate(tmp_path: Path) -> None:
    profile = make_profile(tmp_path)
    verified = apply(profile)
    join_hub(profile, make_admission(verified))

    with pytest.raises(ApplicationInvalid) as refused:
        join_hub(profile, make_admission(verified, epoch=2))
    assert "accept-epoch" in refused.value.violations[0].description


@pytest.mark.parametrize(
    ("after", "said"), [(timedelta(days=91), "expired on 2027-02-22"), (-timedelta(1), "clock")]
)
def test_what_is_wrong_with_the_certificate_is_said(
    tmp_path: Path, after: timedelta, said: str
) -> None:
    profile = make_profile(tmp_path)
    join_hub(profile, make_admission(apply(profile)))

    assert said in (find_certificate_fault(profile, passphrase=None, now=NOW + after) or "")
