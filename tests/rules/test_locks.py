"""Did anyone change a dependency and forget the lock files, or lock without hashes?"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]

# Which extras a lock file holds, on top of the thin client.
LOCKS = {
    "client": [],
    "hub": ["hub"],
    "production": ["hub", "production"],
    "dev": ["desk", "hub", "production", "dev"],
}


def read_pins(lock: str) -> dict[str, str]:
    """The pinned version of every package in a lock file."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9][a-z0-9-]*)==([^ ]+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_every_requirement_within_its_bounds(lock: str) -> None:
    pins = read_pins(lock)
    wanted = [*PROJECT["dependencies"], *(item for extra in LOCKS[lock] for item in EXTRAS[extra])]

    for requirement in map(Requirement, wanted):
        if requirement.name != PROJECT["name"]:
            assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_hashes_every_package_and_names_no_index(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()

    for block in re.split(r"\n(?=[a-z0-9])", text)[1:]:
        assert "--hash=sha256:" in block
    assert "://" not in text


@pytest.mark.parametrize("lock", ["client", "hub", "production"])
def test_what_is_installed_is_what_was_tested(lock: str) -> None:
    assert read_pins(lock).items() <= read_pins("dev").items()


@pytest.mark.parametrize("lock", ["client", "hub"])
def test_default_install_holds_nothing_under_the_lgpl(lock: str) -> None:
    assert {"psycopg", "python-keycloak", "jwcrypto"}.isdisjoint(read_pins(lock))


def test_generator_is_no_newer_than_the_oldest_grpc_allowed() -> None:
    requirements = [*map(Requirement, PROJECT["dependencies"]), *map(Requirement, EXTRAS["dev"])]
    versions = {item.name: str(item.specifier).lstrip("=>") for item in requirements}

    assert versions["grpcio"] == versions["grpcio-tools"]
