"""The files that operators start a hub with: do they parse, and keep what they promise?"""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.fixture(scope="module")
def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((DEPLOY / "comity-hub.service").read_text(encoding="utf-8"))
    return parser


# --- systemd ------------------------------------------------------------------------------------


def test_the_service_runs_as_a_user_of_its_own_without_privileges(
    unit: configparser.ConfigParser,
) -> None:
    service = unit["Service"]

    assert (
        service["User"],
        service["NoNewPrivileges"],
        service["CapabilityBoundingSet"],
    ) == ("comity", "yes", "")
    hardened = [name for name in service if re.match("Protect|Private|Restrict|Lock", name)]
    assert {"yes", "strict", "invisible", "AF_INET AF_INET6 AF_UNIX"} == {
        service[name] for name in hardened
    }


def test_the_service_checks_first_and_serves_the_folder_that_it_may_write(
    unit: configparser.ConfigParser,
) -> None:
    service = unit["Service"]

    assert service["ReadWritePaths"] == "/var/lib/" + service["StateDirectory"]
    for command in (service["ExecStartPre"], service["ExecStart"]):
        assert command.endswith(f"--folder {service['ReadWritePaths']}")


# --- compose ------------------------------------------------------------------------------------


def test_everything_that_a_service_names_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        assert set(service.get("depends_on", ())) <= SERVICES.keys()
        for volume in service["volumes"]:
            name = volume["source"] if isinstance(volume, dict) else volume.partition(":")[0]
            assert name in COMPOSE["volumes"]
        assert ("image" in service) != ("build" in service)


def test_databases_are_reached_from_inside_only() -> None:
    for name in ("hub-database", "keycloak-database"):
        assert "ports" not in SERVICES[name]
        assert all(
            COMPOSE["networks"][network]["internal"] for network in SERVICES[name]["networks"]
        )


def test_no_password_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("/run/secrets/")


def test_keycloak_sees_nothing_of_the_hubs_folder_but_its_own() -> None:
    [volume] = SERVICES["keycloak"]["volumes"]

    assert (volume["volume"]["subpath"], volume["read_only"]) == ("hub/keycloak", True)


def test_what_the_hubs_image_copies_is_there() -> None:
    build = SERVICES["hub"]["build"]
    context = (DEPLOY / build["context"]).resolve()
    text = (context / build["dockerfile"]).read_text(encoding="utf-8")

    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (context / source).exists(), source


def test_the_images_keycloak_is_the_one_that_was_tried() -> None:
    makefile = (DEPLOY.parent / "Makefile").read_text(encoding="utf-8")
    [version] = re.findall(r"^KEYCLOAK_VERSION := (.+)$", makefile, re.MULTILINE)

    assert SERVICES["keycloak"]["image"] == f"keycloak/keycloak:{version}"
