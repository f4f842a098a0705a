"""`init` that fails half-way, on both databases: nothing is left of it, and it can be repeated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from comity.errors import MalformedInput, StoreUnavailable
from comity.identity import AgencyId
from hub.administration import Administration
from hub.folder import NewHub
from hub.making import init_hub
from hub.settings import load_settings
from hub.store.audit import audit_ledger
from tests.databases import new_database

DOMAIN = "hub.example"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(params=["sqlite", "sqlite elsewhere", "postgresql"])
def new(request: pytest.FixtureRequest, tmp_path: Path) -> NewHub:
    url = "sqlite:///hub.sqlite"
    if request.param == "sqlite elsewhere":
        url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    return NewHub(DOMAIN, AgencyId("ZZ-HUB"), "127.0.0.1:0", f"{DOMAIN}:8443", url)


async def require_complete(folder: Path) -> None:
    async with Administration(load_settings(folder), clock=now) as opened:
        await opened.require_ledger()
        assert [agency.agency_id for agency in await opened.members()] == ["ZZ-HUB"]
        await audit_ledger(opened.database, hub_domain=DOMAIN)


@pytest.mark.parametrize(
    "step",
    [
        "making.make_keys",
        "administration.add_head",
        "making.make_own_agency",
        "making.write_settings",
    ],
)
async def test_a_step_that_fails_leaves_nothing_and_can_be_repeated(
    new: NewHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    folder = tmp_path / "hub"

    def fail(*_arguments: object, **_named: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as failing, pytest.raises(StoreUnavailable):
        failing.setattr(f"hub.{step}", fail)
        await init_hub(folder, new, clock=now)

    assert not folder.exists()
    await init_hub(folder, new, clock=now)
    await require_complete(folder)


async def test_the_database_of_another_hub_is_left_alone(new: NewHub, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    await init_hub(first, new, clock=now)
    url = load_settings(first).database_url

    with pytest.raises(MalformedInput, match="holds a hub already"):
        await init_hub(
            second, NewHub(DOMAIN, new.agency, new.listen, new.public_address, url), clock=now
        )

    assert not second.exists()
    await require_complete(first)
