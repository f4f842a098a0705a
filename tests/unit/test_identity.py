"""Agency ids, hub domains, SPIFFE ids, and the one name in a certificate."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtensionOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from comity.errors import CertificateRefused, ComityError, MalformedInput
from comity.identity import (
    AgencyId,
    agency_id_from_certificate,
    agency_id_from_spiffe,
    country_from_agency_id,
    is_country_code,
    parse_agency_id,
    parse_hub_domain,
    spiffe_id_from_agency,
)

HUB = "hub.example"
FRANCE = AgencyId("FR-NCB")
KEY = ec.generate_private_key(ec.SECP256R1())
agency_ids = st.from_regex(r"(FR|XK|ZZ|CI)-[A-Z0-9]{2,16}", fullmatch=True).map(parse_agency_id)


@pytest.mark.parametrize("text", ["FR-NCB", "XK-01", "ZZ-EXAMPLE", "CI-A0B1C2D3E4F5G6H7"])
def test_an_agency_id_is_parsed(text: str) -> None:
    assert text == parse_agency_id(text)
    assert text[:2] == country_from_agency_id(AgencyId(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FR",
        "FR-",
        "FR-N",
        "fr-NCB",
        "FR-ncb",
        "FR_NCB",
        "FR-NCB\n",
        " FR-NCB",
        "FR-NCB-2",
        "QQ-NCB",
        "EU-NCB",
        "UK-NCB",
        "F1-NCB",
        "FR-\u0130CB",
        "FR-\u0661\u0662",
        "FR-" + "A" * 17,
    ],
)
def test_anything_else_is_no_agency_id(text: str) -> None:
    with pytest.raises(MalformedInput):
        parse_agency_id(text)


def test_every_assigned_country_and_two_more_have_agencies() -> None:
    codes = [f"{a}{b}" for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    assert 249 + len({"XK", "ZZ"}) == sum(is_country_code(code) for code in codes)


@pytest.mark.parametrize("text", ["hub.example", "localhost", "a-b.c1.test", "xn--bcher-kva.test"])
def test_a_hub_domain_is_parsed(text: str) -> None:
    assert text == parse_hub_domain(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "Hub.example",
        "hub.example.",
        "-hub.example",
        "hub-.example",
        "hub..example",
        "hub_1.example",
        "hub.example\n",
        "hub.example/x",
        "bücher.test",
        "a" * 64,
        "a." * 127 + "a",
    ],
)
def test_anything_else_is_no_hub_domain(text: str) -> None:
    with pytest.raises(MalformedInput):
        parse_hub_domain(text)


@given(agency_ids)
def test_an_agency_survives_its_spiffe_id(agency: AgencyId) -> None:
    assert agency == agency_id_from_spiffe(
        spiffe_id_from_agency(agency, hub_domain=HUB), hub_domain=HUB
    )


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://other.example/agency/FR-NCB",
        "spiffe://hub.example/officer/FR-NCB",
        "spiffe://hub.example.other.test/agency/FR-NCB",
        "https://hub.example/agency/FR-NCB",
        "spiffe://hub.example/agency/",
        "spiffe://hub.example/agency/FR-NCB/x",
        "SPIFFE://hub.example/agency/FR-NCB",
        "spiffe://hub.example/agency/FR-NCB?x",
        "FR-NCB",
    ],
)
def test_another_spiffe_id_is_refused(uri: str) -> None:
    with pytest.raises(CertificateRefused):
        agency_id_from_spiffe(uri, hub_domain=HUB)


def certificate(*extensions: x509.ExtensionType, common_name: str = "DE-OTHER") -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, SHA256())


URI = x509.UniformResourceIdentifier("spiffe://hub.example/agency/FR-NCB")


def test_a_certificate_names_its_agency_by_its_uri_whatever_its_common_name() -> None:
    found = agency_id_from_certificate(
        certificate(x509.SubjectAlternativeName([URI])), hub_domain=HUB
    )
    assert found == FRANCE


@pytest.mark.parametrize(
    "names",
    [
        [],
        [URI, URI],
        [URI, x509.DNSName("hub.example")],
        [x509.DNSName("FR-NCB")],
        [URI, x509.UniformResourceIdentifier("spiffe://other.example/agency/FR-NCB")],
        [x509.UniformResourceIdentifier("spiffe://other.example/agency/FR-NCB")],
    ],
    ids=["none", "twice", "and a host", "a host", "and another hub's", "another hub's"],
)
def test_a_certificate_with_other_names_is_refused(names: list[x509.GeneralName]) -> None:
    with pytest.raises(CertificateRefused):
        agency_id_from_certificate(certificate(x509.SubjectAlternativeName(names)), hub_domain=HUB)


def test_a_certificate_without_names_is_refused_whatever_its_common_name() -> None:
    with pytest.raises(CertificateRefused):
        agency_id_from_certificate(certificate(common_name="FR-NCB"), hub_domain=HUB)


# An x400Address, which the library cannot read; a URI that is not ASCII; not DER at all.
@pytest.mark.parametrize("value", [b"\x30\x02\xa3\x00", b"\x30\x03\x86\x01\xff", b"\xff", b""])
def test_a_certificate_with_unreadable_names_is_refused(value: bytes) -> None:
    names = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, value)
    with pytest.raises(CertificateRefused):
        agency_id_from_certificate(certificate(names), hub_domain=HUB)


@given(st.text(max_size=40))
def test_whatever_the_text_only_our_errors_come_out(text: str) -> None:
    for parse in (parse_agency_id, parse_hub_domain):
        with contextlib.suppress(ComityError):
            assert text == parse(text)
    with pytest.raises(CertificateRefused):
        agency_id_from_spiffe("spiffe://" + text, hub_domain=HUB)


@given(st.binary(max_size=60))
def test_whatever_the_names_of_a_certificate_only_our_errors_come_out(value: bytes) -> None:
    names = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, value)
    with pytest.raises(ComityError):
        agency_id_from_certificate(certificate(names), hub_domain=HUB)
