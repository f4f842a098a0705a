"""Serving hubs on both databases, one of each for all tests here, and their members at work.

Tests share a hub: they know their own notices by their ids. What breaks a hub makes its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import argon2
import pytest

from agency_client.agency import Agency, open_agency
from agency_client.profile import load_profile
from hub.services.accounts import passwords
from tests.databases import new_database
from tests.integration.drafts import Draft
from tests.stages import Stage

MEMBERS = ("FR-NCB", "BR-NCB", "KE-NCB")
DATABASES = ["sqlite", "postgresql"]
ABOUT_PASSWORDS = frozenset({"test_accounts.py", "test_credentials.py"})


@pytest.fixture(autouse=True)
def cheap_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Officers of hubs in this process log in at a thousandth of the price, where a test is not of
    passwords: half a dozen hashes for each officer would be most of what these tests take."""
    if request.path.name not in ABOUT_PASSWORDS:
        monkeypatch.setattr(passwords, "PARAMETERS", argon2.profiles.CHEAPEST)


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
