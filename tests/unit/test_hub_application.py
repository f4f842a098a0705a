"""What a hub takes as an application, and what it refuses before anybody is admitted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from comity.applicant import (
    ApplicantKeys,
    apply_to_hub,
    generate_applicant_keys,
    request_certificate,
)
from comity.application import (
    MAX_APPLICATION_BYTES,
    MAX_KEYS,
    MAX_NAME_CHARS,
    PAYLOAD_TYPE,
    SEALING_KEY_BYTES,
    key_message,
    sign_application,
    verify_application,
)
from comity.envelope import Envelope, sign_payload
from comity.errors import ApplicationInvalid
from comity.identity import AgencyId
from comity.keys import ED25519, ML_DSA_65
from comity.v1 import agencies_pb2 as pb

DOMAIN = "hub.example"
FRANCE = AgencyId("FR-NCB")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEYS = generate_applicant_keys([ED25519, ML_DSA_65])


def applied(keys: ApplicantKeys = KEYS) -> Envelope:
    return apply_to_hub(keys, hub_domain=DOMAIN, agency=FRANCE, name="Sample bureau", now=NOW)


def changed(change: Callable[[pb.Application], None]) -> Envelope:
    """A signed application that says something else."""
    application = pb.Application.FromString(applied().payload)
    change(application)
    return sign_application(application, signing_keys=KEYS.signing, witness_key=KEYS.witness)


def faults_of(envelope: Envelope) -> dict[str, str]:
    with pytest.raises(ApplicationInvalid) as refused:
        verify_application(envelope, hub_domain=DOMAIN)
    return {violation.field: violation.description for violation in refused.value.violations}


def test_an_application_of_new_keys_is_taken() -> None:
    verified = verify_application(applied(), hub_domain=DOMAIN)

    assert verified.agency == FRANCE
    assert verified.certificate_key == KEYS.tls.public_key()
    assert [key.purpose for key in verified.application.keys] == [
        pb.KEY_PURPOSE_SIGNING,
        pb.KEY_PURPOSE_SIGNING,
        pb.KEY_PURPOSE_WITNESS,
        pb.KEY_PURPOSE_SEALING,
    ]


def with_sealing_keys(count: int) -> Envelope:
    def add(application: pb.Application) -> None:
        for number in range(count - len(application.keys)):
            raw = number.to_bytes(2, "big").ljust(SEALING_KEY_BYTES, b"\0")
            application.keys.append(
                key_message(pb.KEY_PURPOSE_SEALING, pb.KEY_ALGORITHM_MLKEM768_X25519, raw)
            )

    return changed(add)


def test_as_many_keys_as_are_allowed_are_taken() -> None:
    verified = verify_application(with_sealing_keys(MAX_KEYS), hub_domain=DOMAIN)

    assert len(verified.application.keys) == MAX_KEYS


def test_one_key_more_is_refused() -> None:
    assert faults_of(with_sealing_keys(MAX_KEYS + 1)) == {"keys": f"are more than {MAX_KEYS}"}


def test_a_large_application_is_refused_before_it_is_read() -> None:
    payload = b"\x0a" * (MAX_APPLICATION_BYTES + 1)
    envelope = sign_payload(payload, payload_type=PAYLOAD_TYPE, keys=KEYS.signing)

    with pytest.raises(ApplicationInvalid, match="at most"):
        verify_application(envelope, hub_domain=DOMAIN)


@pytest.mark.parametrize("place", ["application", "key"])
def test_a_field_that_is_not_known_is_refused(place: str) -> None:
    def add_unknown(application: pb.Application) -> None:
        unknown = b"\xfa\x3f\x06hidden"  # field 1023, six bytes
        (application if place == "application" else application.keys[0]).MergeFromString(unknown)

    with pytest.raises(ApplicationInvalid, match="does not know"):
        verify_application(changed(add_unknown), hub_domain=DOMAIN)


@pytest.mark.parametrize("name", ["", " ", "x" * (MAX_NAME_CHARS + 1), "a\nb", "a\u202eb"])
def test_a_name_that_is_no_line_of_a_list_is_refused(name: str) -> None:
    def rename(application: pb.Application) -> None:
        application.name = name

    assert list(faults_of(changed(rename))) == ["name"]


def test_the_longest_name_is_taken() -> None:
    def rename(application: pb.Application) -> None:
        application.name = "\U0001f6c3" * MAX_NAME_CHARS

    verify_application(changed(rename), hub_domain=DOMAIN)


def request_with(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    name = x509.UniformResourceIdentifier(f"spiffe://{DOMAIN}/agency/{FRANCE}")
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())
    )
    return request.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    "request_der",
    [
        b"",
        request_with(ec.generate_private_key(ec.SECP384R1())),
        request_with(ed25519.Ed25519PrivateKey.generate()),
        request_certificate(KEYS.tls, agency=AgencyId("BR-NCB"), hub_domain=DOMAIN),
        request_certificate(KEYS.tls, agency=FRANCE, hub_domain="other.example"),
    ],
    ids=["nothing", "P-384", "Ed25519", "another agency", "another hub"],
)
def test_a_request_for_another_certificate_is_refused(request_der: bytes) -> None:
    def replace(application: pb.Application) -> None:
        application.certificate_request = request_der

    assert list(faults_of(changed(replace))) == ["certificate_request"]


@given(st.integers(0, 399), st.binary(max_size=4), st.integers(0, 4))
def test_a_request_that_was_spoilt_anywhere_is_refused_with_our_error(
    place: int, inserted: bytes, removed: int
) -> None:
    request = request_certificate(KEYS.tls, agency=FRANCE, hub_domain=DOMAIN)
    spoilt = request[:place] + inserted + request[place + removed :]

    def replace(application: pb.Application) -> None:
        application.certificate_request = spoilt

    envelope = changed(replace)
    if spoilt == request:
        verify_application(envelope, hub_domain=DOMAIN)
    else:
        assert list(faults_of(envelope)) == ["certificate_request"]
