"""What the setup writes for Keycloak's start, and what it refuses before it asks anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from comity.errors import MalformedInput
from comity.identity import AgencyId
from hub.certificates import parse_pair
from hub.folder import NewHub, make_keys, settings_for
from hub.identity.keycloak.options import TRUST_STORE_PASSWORD
from hub.identity.keycloak.realm import Realm
from hub.keycloak_files import keycloak_line, load_service_secret, write_start_options
from hub.settings import Settings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NEW = NewHub("hub.example", AgencyId("ZZ-HUB"), "127.0.0.1:0", "hub.example:1", "sqlite:///a")


def settings_in(folder: Path, host: str = "keycloak.example") -> Settings:
    settings = settings_for(folder, NEW)
    if not settings.ca_key.exists():
        make_keys(settings, now=NOW)
    issuer = f"https://{host}:8444/realms/comity"
    return replace(settings, keycloak=Realm(issuer, settings.ca_certificate, folder / "secret"))


def test_keycloak_asks_for_certificates_of_the_hubs_authority(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)

    configuration = write_start_options(settings, now=NOW)

    lines = configuration.read_text().splitlines()
    store = configuration.parent / "agencies.p12"
    trusted = pkcs12.load_pkcs12(store.read_bytes(), TRUST_STORE_PASSWORD).additional_certs
    authority = x509.load_pem_x509_certificate(settings.ca_certificate.read_bytes())
    assert [authority] == [entry.certificate for entry in trusted]
    assert {
        "https-client-auth=request",
        f"https-trust-store-file={store}",
        "http-enabled=false",
        "hostname=https://keycloak.example:8444",
    } <= set(lines)


def test_keycloaks_certificate_is_for_its_own_host_and_its_key_is_private(tmp_path: Path) -> None:
    folder = write_start_options(settings_in(tmp_path), now=NOW).parent

    certificate = parse_pair(
        (folder / "tls-key.pem").read_bytes(), (folder / "tls.pem").read_bytes()
    )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [x509.DNSName("keycloak.example")] == list(names)
    assert (folder / "tls-key.pem").stat().st_mode & 0o777 == 0o600


def test_what_an_operator_has_changed_stays(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    configuration = write_start_options(settings, now=NOW)
    configuration.write_text("db=postgres\n")
    key = (configuration.parent / "tls-key.pem").read_bytes()

    write_start_options(settings, now=NOW)

    assert configuration.read_text() == "db=postgres\n"
    assert key == (configuration.parent / "tls-key.pem").read_bytes()


def test_without_the_authoritys_key_a_certificate_has_to_come_from_elsewhere(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path)
    settings.ca_key.unlink()

    folder = write_start_options(settings, now=NOW).parent

    assert not (folder / "tls.pem").exists()


def test_keycloak_gets_no_certificate_with_which_it_could_pass_for_the_hub(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="a host name of its own"):
        write_start_options(settings_in(tmp_path, host="hub.example"), now=NOW)


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    (tmp_path / "secret").write_text("a secret\n")
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(MalformedInput, match="chmod 600"):
        load_service_secret(settings)

    (tmp_path / "secret").chmod(0o600)

    assert load_service_secret(settings) == "a secret"


def test_a_hub_without_a_realm_says_so(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path), keycloak=None)

    for refused in (
        lambda: write_start_options(settings, now=NOW),
        lambda: keycloak_line(settings),
    ):
        with pytest.raises(MalformedInput, match="no \\[keycloak\\] table"):
            refused()
