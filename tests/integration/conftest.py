"""Serving hubs on both databases, one of each for all tests here, and their members at work.

Tests share a hub: they know their own notices by their ids. What breaks a hub makes its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from agency_client.agency import Agency, open_agency
from agency_client.profile import load_profile
from deploy.stage import Stage
from tests.databases import new_database
from tests.integration.drafts import Draft

MEMBERS = ("FR-NCB", "BR-NCB", "KE-NCB")
DATABASES = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def hubs(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Stage]]:
    """The serving hub of a kind of database, started when it is first asked for."""
    started: dict[str, Stage] = {}

    def hub(kind: str) -> Stage:
        if kind not in started:
            url = None
            if kind == "postgresql":
                url = new_database(request.getfixturevalue("postgres_url"))
            stage = Stage(tmp_path_factory.mktemp(kind), database_url=url)
            for agency in MEMBERS:
                stage.admit(agency)
            stage.start_hub()
            started[kind] = stage
        return started[kind]

    yield hub
    for stage in started.values():
        stage.stop_hub()


@pytest.fixture(params=DATABASES)
def served(request: pytest.FixtureRequest, hubs: Callable[[str], Stage]) -> Stage:
    """A serving hub."""
    return hubs(request.param)


@pytest.fixture
async def france(served: Stage) -> AsyncIterator[Agency]:
    """The originator of most notices here."""
    async with open_agency(load_profile(served.folder / "agencies" / "FR-NCB")) as opened:
        yield opened


@pytest.fixture
async def brazil(served: Stage) -> AsyncIterator[Agency]:
    """Whom most notices here are addressed to."""
    async with open_agency(load_profile(served.folder / "agencies" / "BR-NCB")) as opened:
        yield opened


@pytest.fixture
async def kenya(served: Stage) -> AsyncIterator[Agency]:
    """A member that most notices here are not addressed to."""
    async with open_agency(load_profile(served.folder / "agencies" / "KE-NCB")) as opened:
        yield opened


@pytest.fixture
def draft(france: Agency) -> Draft:
    """A good submission of France's, addressed to Brazil."""
    return Draft(france.profile.load_signing_keys())
