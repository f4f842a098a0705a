from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from comity.errors import MalformedInput
from hub.settings import SETTINGS_FILE, Settings, load_settings, parse_settings

EXAMPLE = Path(__file__).parents[2] / "deploy" / "hub.toml"
KEYS = [field for field in fields(Settings) if field.name != "folder"]
OPTIONAL = {field.name: field.default for field in KEYS if field.default is not MISSING}


def with_optional_keys(text: str) -> str:
    """The text with the keys that are commented out put in force."""
    return re.sub(r"^# (?=[a-z_]+ = |\[)", "", text, flags=re.MULTILINE)


def example() -> dict[str, Any]:
    return tomllib.loads(with_optional_keys(EXAMPLE.read_text(encoding="utf-8")))


def faults_of(values: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(MalformedInput) as refused:
        parse_settings(values, folder=EXAMPLE.parent)
    return {violation.field: violation.description for violation in refused.value.violations}


# --- the shipped example ------------------------------------------------------------------------


def test_example_loads_as_it_is_shipped() -> None:
    settings = load_settings(EXAMPLE)

    assert settings.domain == "hub.example"
    assert settings.ledger_key == EXAMPLE.parent / "ledger-key.pem"
    assert {name: getattr(settings, name) for name in OPTIONAL} == OPTIONAL


def test_example_shows_every_key_and_no_other() -> None:
    assert {field.name for field in KEYS} == example().keys()


def test_example_loads_with_its_optional_keys_in_force(tmp_path: Path) -> None:
    text = with_optional_keys(EXAMPLE.read_text(encoding="utf-8"))
    (tmp_path / SETTINGS_FILE).write_text(text, encoding="utf-8")

    settings = load_settings(tmp_path)

    assert example()["verifiers"] == settings.verifiers
    assert settings.access_keep_days == OPTIONAL["access_keep_days"]
    assert settings.reflection == OPTIONAL["reflection"]


def test_example_leaves_out_no_key_that_is_needed() -> None:
    in_force = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))

    assert {field.name for field in KEYS} - OPTIONAL.keys() == in_force.keys()


def test_example_explains_every_key_right_before_it() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()

    for field in KEYS:
        shown = rf"(# )?({field.name} = |\[{field.name}\])"
        [place] = [n for n, line in enumerate(lines) if re.match(shown, line)]
        assert re.match(r"# .*[.:]$", lines[place - 1]), field.name


# --- what is refused ----------------------------------------------------------------------------


def test_every_unknown_missing_and_wrong_key_is_named_at_once() -> None:
    values = example() | {"databse_url": "sqlite:///hub.sqlite", "colour": 3, "verifiers": "two"}
    del values["database_url"], values["listen"]

    faults = faults_of(values)

    assert {"databse_url", "colour", "verifiers", "database_url", "listen"} == faults.keys()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("domain", "HUB.example"),
        ("agency", "HUB"),
        ("listen", 8443),
        ("reflection", "false"),
        ("reflection", 1),
        ("access_keep_days", 30.5),
        ("access_keep_days", True),
        ("verifiers", "2"),
        ("ca_key", ["ca-key.pem"]),
    ],
)
def test_value_of_another_kind_is_refused_by_its_key(key: str, value: object) -> None:
    assert [key] == list(faults_of(example() | {key: value}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("listen", "nonsense"),
        ("listen", ":8443"),
        ("listen", "hub.example:"),
        ("listen", "hub.example:65536"),
        ("listen", "::1:8443"),
        ("listen", "unix:/run/hub.sock"),
        ("public_address", "https://hub.example:8443"),
        ("public_address", "hub.example:0"),
        ("public_address", "hub.example"),
        ("access_keep_days", -1),
        ("access_keep_days", 0),
        ("access_keep_days", 36_501),
        ("verifiers", -3),
        ("verifiers", 65),
        ("database_url", "hub.sqlite"),
        ("database_url", "sqlite:hub.sqlite"),
        ("database_url", "sqlite:///"),
        ("database_url", "sqlite:///hub.sqlite?nolock=1"),
        ("database_url", "mysql://db.example/comity"),
        ("database_url", "postgresql+asyncpg://db.example/comity"),
        ("database_url", "postgresql://db.example:port/comity"),
        ("database_url", "postgresql://[db.example/comity"),
        ("tls_key", ""),
        ("tls_key", "tls\0.pem"),
    ],
)
def test_value_that_cannot_serve_is_refused_by_its_key(key: str, value: object) -> None:
    assert [key] == list(faults_of(example() | {key: value}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("listen", "127.0.0.1:0"),
        ("listen", "[::]:8443"),
        ("public_address", "[2001:db8::1]:8443"),
        ("access_keep_days", 1),
        ("access_keep_days", 36_500),
        ("verifiers", 0),
        ("verifiers", 64),
        ("database_url", "postgresql:///comity?host=/run/postgresql"),
    ],
)
def test_value_at_a_bound_is_taken(key: str, value: object) -> None:
    settings = parse_settings(example() | {key: value}, folder=EXAMPLE.parent)

    assert value == getattr(settings, key)


def test_unknown_key_is_named_once_whatever_its_kind() -> None:
    with pytest.raises(MalformedInput) as refused:
        parse_settings(example() | {"colour": 3}, folder=EXAMPLE.parent)

    assert [violation.field for violation in refused.value.violations] == ["colour"]


def test_another_address_to_serve_on_is_checked_like_that_of_the_file() -> None:
    settings = load_settings(EXAMPLE)

    assert settings.listening_on("127.0.0.1:0").listen == "127.0.0.1:0"
    with pytest.raises(MalformedInput):
        settings.listening_on("nonsense")


def test_section_is_refused_as_an_unknown_key() -> None:
    faults = faults_of(example() | {"server": {"listen": "0.0.0.0:8443"}})

    assert list(faults) == ["server"]


def test_file_that_is_not_toml_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text("domain = hub.example")

    with pytest.raises(MalformedInput, match=r"hub\.toml is not TOML"):
        load_settings(tmp_path)


def test_file_in_another_encoding_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_bytes("# Clé".encode("latin-1"))

    with pytest.raises(MalformedInput, match=r"hub\.toml is not TOML"):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    "url", ["postgresql://comity:sample@db.example/c", "postgresql://db.example/c?password=sample"]
)
def test_file_with_a_password_that_others_can_read_is_refused(tmp_path: Path, url: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace("sqlite:///hub.sqlite", url)
    file = tmp_path / SETTINGS_FILE
    file.write_text(text, encoding="utf-8")
    tmp_path.chmod(0o755)

    file.chmod(0o644)
    with pytest.raises(MalformedInput, match="chmod 600"):
        load_settings(tmp_path)
    file.chmod(0o600)
    assert url == load_settings(tmp_path).database_url


def test_folder_without_a_hub_is_named_with_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="holds no hub"):
        load_settings(tmp_path)


# --- what becomes of values ---------------------------------------------------------------------


def test_relative_paths_are_resolved_against_the_folder_of_the_file() -> None:
    values = example() | {"tls_key": "keys/tls.pem", "ca_key": "/etc/comity/ca-key.pem"}

    settings = parse_settings(values, folder=Path("/srv/hub"))

    assert Path("/srv/hub/keys/tls.pem") == settings.tls_key
    assert Path("/etc/comity/ca-key.pem") == settings.ca_key


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("sqlite:///hub.sqlite", "sqlite:////srv/hub/hub.sqlite"),
        ("sqlite:////var/lib/hub.sqlite", "sqlite:////var/lib/hub.sqlite"),
        ("postgresql://comity@db.example/comity", "postgresql://comity@db.example/comity"),
    ],
)
def test_database_file_is_resolved_and_an_address_is_left_alone(
    written: str, resolved: str
) -> None:
    settings = parse_settings(example() | {"database_url": written}, folder=Path("/srv/hub"))

    assert resolved == settings.database_url


# --- where officers log in ----------------------------------------------------------------------

REALM = {"issuer": "https://keycloak.example:8443/realms/comity"}


def test_a_realm_is_known_by_its_issuer() -> None:
    settings = parse_settings(example() | {"keycloak": REALM}, folder=EXAMPLE.parent)

    assert settings.keycloak is not None
    assert settings.keycloak.server_url == "https://keycloak.example:8443"
    assert settings.keycloak.name == "comity"
    assert settings.keycloak.secret == EXAMPLE.parent / "keycloak-secret"


def test_every_fault_of_the_realm_is_named_beside_the_others() -> None:
    realm = {"audience": 3, "secret": "", "algorithms": ["none"], "password": "x"}

    faults = faults_of(example() | {"keycloak": realm, "verifiers": "two"})

    assert faults.keys() == {
        "verifiers",
        "keycloak.audience",
        "keycloak.algorithms",
        "keycloak.issuer",
        "keycloak.password",
        "keycloak.secret",
    }


@pytest.mark.parametrize(
    "issuer",
    [
        "http://keycloak.example/realms/comity",
        "https://keycloak.example/comity",
        "https://keycloak.example/realms/",
        "https:///realms/comity",
        "https://admin@keycloak.example/realms/comity",
        "https://keycloak.example/realms/comity?x",
        "https://[/realms/comity",
    ],
)
def test_an_issuer_that_is_none_is_refused(issuer: str) -> None:
    assert faults_of(example() | {"keycloak": {"issuer": issuer}}).keys() == {"keycloak.issuer"}


@pytest.mark.parametrize("algorithms", [[], ["HS256"], ["none"], ["ES256", "HS512"], "ES256"])
def test_algorithms_with_which_a_checker_could_sign_are_refused(algorithms: object) -> None:
    realm = REALM | {"algorithms": algorithms}

    assert faults_of(example() | {"keycloak": realm}).keys() == {"keycloak.algorithms"}


def test_a_realm_that_is_no_table_is_refused() -> None:
    assert faults_of(example() | {"keycloak": "yes"}) == {"keycloak": "is not a table"}


@pytest.mark.parametrize("enrol_listen", ["127.0.0.1:8443", "[::]:8443", "0.0.0.0:08443"])
def test_one_port_for_members_and_for_enrolment_is_refused_naming_both(enrol_listen: str) -> None:
    values = {**example(), "listen": "0.0.0.0:8443", "enrol_listen": enrol_listen}

    faults = faults_of(values)

    assert {"listen", "enrol_listen"} == faults.keys()
    assert "port 8443" in faults["listen"]


def test_ports_that_the_system_chooses_are_not_taken_for_one() -> None:
    values = {**example(), "listen": "127.0.0.1:0", "enrol_listen": "127.0.0.1:0"}

    assert parse_settings(values, folder=EXAMPLE.parent).enrol_listen == "127.0.0.1:0"


def test_an_address_given_at_the_start_cannot_have_the_port_of_enrolment() -> None:
    settings = parse_settings({**example(), "enrol_listen": "0.0.0.0:8444"}, folder=EXAMPLE.parent)

    with pytest.raises(MalformedInput) as refused:
        settings.listening_on("127.0.0.1:8444")

    assert {"listen", "enrol_listen"} == {v.field for v in refused.value.violations}
