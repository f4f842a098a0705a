from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stage import Stage
from tests.databases import new_database
from tests.system.keycloak_server import HOME, KeycloakServer


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A serving hub with three members."""
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path, database_url=url, reviews=False)
    for agency in ("FR-NCB", "BR-NCB", "KE-NCB"):
        made.admit(agency)
    made.start_hub()
    yield made
    made.stop_hub()


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeycloakServer]:
    """A real Keycloak that `comity-hub keycloak setup` has set up, and its hub's stage."""
    if not (HOME / ".built").exists():
        pytest.skip("`make keycloak` has to be run before")
    stage = Stage(tmp_path_factory.mktemp("keycloak-hub"), reviews=False)
    for agency in ("FR-NCB", "BR-NCB"):
        stage.admit(agency)
    server = KeycloakServer(stage, tmp_path_factory.mktemp("keycloak"))
    server.set_up()
    yield server
    server.stop()


@pytest.fixture
def new_name() -> str:
    """A name that no other test has."""
    return f"example.{time.time_ns()}"
