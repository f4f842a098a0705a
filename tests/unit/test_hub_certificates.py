"""The hub's certificates: which pair serves, which does not, and when renewing is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from comity.errors import MalformedInput
from comity.identity import AgencyId
from hub.certificates import (
    CA_LIFE,
    CLOCK_SKEW,
    HUB_LIFE,
    RENEW_DAYS,
    CertificateAuthority,
    find_expiry_warning,
    generate_tls_key,
    make_ca_certificate,
    parse_pair,
    pem_from_certificate,
    pem_from_key,
    require_server_certificate,
)

DOMAIN = "hub.example"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CA_KEY, KEY = generate_tls_key(), generate_tls_key()
AUTHORITY = CertificateAuthority(make_ca_certificate(CA_KEY, hub_domain=DOMAIN, now=NOW), CA_KEY)


def signed(domain: str = DOMAIN) -> x509.Certificate:
    return AUTHORITY.sign_hub(KEY.public_key(), hub_domain=domain, now=NOW)


def agency_certificate() -> x509.Certificate:
    return AUTHORITY.sign_agency(
        KEY.public_key(), agency=AgencyId("FR-NCB"), hub_domain=DOMAIN, now=NOW
    )


def test_a_pair_is_taken() -> None:
    certificate = signed()

    assert certificate == parse_pair(pem_from_key(KEY), pem_from_certificate(certificate))


ENCRYPTED = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(b"sample"),
)


@pytest.mark.parametrize(
    ("key", "certificate"),
    [
        (pem_from_key(CA_KEY), pem_from_certificate(signed())),
        (b"junk", pem_from_certificate(signed())),
        (pem_from_key(KEY), b"junk"),
        (pem_from_key(KEY), b""),
        (ENCRYPTED, pem_from_certificate(signed())),
    ],
    ids=["another key", "no key", "no certificate", "empty", "encrypted"],
)
def test_what_is_no_pair_is_refused(key: bytes, certificate: bytes) -> None:
    with pytest.raises(MalformedInput):
        parse_pair(key, certificate)


@pytest.mark.parametrize(
    ("certificate", "now", "fault"),
    [
        (signed("other.example"), NOW, "does not name"),
        (agency_certificate(), NOW, "does not name"),
        (AUTHORITY.certificate, NOW, "no readable names"),
        (signed(), NOW + HUB_LIFE, "renew-certificate"),
        (signed(), NOW - CLOCK_SKEW - timedelta(seconds=1), "not valid yet"),
    ],
)
def test_a_certificate_that_members_would_refuse_is_refused(
    certificate: x509.Certificate, now: datetime, fault: str
) -> None:
    with pytest.raises(MalformedInput, match=fault):
        require_server_certificate(certificate, hub_domain=DOMAIN, now=now)


def test_a_certificate_serves_up_to_its_last_second() -> None:
    last = NOW + HUB_LIFE - timedelta(seconds=1)

    require_server_certificate(signed(), hub_domain=DOMAIN, now=last)


def test_renewing_is_asked_for_when_a_month_is_left() -> None:
    runs_out = NOW + HUB_LIFE
    month, second = timedelta(days=RENEW_DAYS), timedelta(seconds=1)

    assert find_expiry_warning(signed(), what="It", now=runs_out - month) is None
    warning = find_expiry_warning(signed(), what="It", now=runs_out - month + second)
    assert warning is not None
    assert "29 days" in warning


def test_an_authority_that_has_run_out_signs_nothing() -> None:
    with pytest.raises(MalformedInput, match="run out"):
        AUTHORITY.sign_hub(KEY.public_key(), hub_domain=DOMAIN, now=NOW + CA_LIFE)


def test_a_certificate_ends_with_its_authority() -> None:
    almost = NOW + CA_LIFE - timedelta(days=1)

    certificate = AUTHORITY.sign_hub(KEY.public_key(), hub_domain=DOMAIN, now=almost)

    assert AUTHORITY.certificate.not_valid_after_utc == certificate.not_valid_after_utc
