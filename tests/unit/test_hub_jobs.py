"""The hub's jobs: the first that fails is told, and a start that fails leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from comity.identity import AgencyId
from comity.times import utc_now
from deploy.stage import DOMAIN
from hub import app as app_module
from hub.app import running_hub
from hub.folder import NewHub
from hub.making import init_hub
from hub.services.jobs import Jobs
from hub.services.verifiers import VerifierPool
from hub.settings import Settings, load_settings
from hub.store.database import Database
from hub.store.ledger import (
    ROSTER_RECORD,
    LedgerHead,
    StoredEntry,
    insert_entries,
    lock_head,
    update_head,
)
from tests.unit.hub_parts import settle

WAIT_SECONDS = 30  # bounds a test that would never end; nothing here is timed


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    new = NewHub(
        domain=DOMAIN,
        agency=AgencyId("ZZ-HUB"),
        listen="127.0.0.1:0",
        public_address="127.0.0.1:8443",
        database_url="sqlite:///hub.sqlite",
    )
    await init_hub(tmp_path / "hub", new, clock=utc_now)
    return load_settings(tmp_path / "hub")


async def go_on_for_ever() -> None:
    await asyncio.Event().wait()


async def return_at_once() -> None:
    return


async def fail() -> None:
    raise ValueError("a mistake of ours")


async def test_the_first_job_that_fails_is_told_and_logged_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    jobs = Jobs()
    jobs.start("faithful", go_on_for_ever())
    jobs.start("without work", return_at_once())
    await settle()
    assert not jobs.failed.done()

    jobs.start("unhappy", fail())

    assert await asyncio.wait_for(jobs.failed, WAIT_SECONDS) == "unhappy"
    [record] = [r for r in caplog.records if r.levelno == logging.CRITICAL]
    assert "unhappy" in record.getMessage()
    await jobs.stop()


async def test_a_job_that_is_stopped_has_not_failed() -> None:
    jobs = Jobs()
    jobs.start("faithful", go_on_for_ever())
    await settle()

    await jobs.stop()

    assert not jobs.failed.done()


async def test_a_hub_tells_that_it_has_to_end_when_its_roster_cannot_be_read(
    settings: Settings,
) -> None:
    async with running_hub(settings) as hub:
        await append_to_roster(settings, b"\xff\xff")

        assert await asyncio.wait_for(hub.failed, WAIT_SECONDS) == "membership"


async def append_to_roster(settings: Settings, entry: bytes) -> None:
    """Appends what is no roster entry, as a damaged disk or a later version would."""
    database = Database(settings.database_url)
    async with database.write() as connection:
        head = await lock_head(connection)
        stored = StoredEntry(head.size, ROSTER_RECORD, b"\x00" * 32, entry)
        await insert_entries(connection, [stored])
        await update_head(
            connection,
            LedgerHead(head.size + 1, head.edge, head.size, head.epoch, head.origin),
        )
    await database.dispose()


async def test_verifiers_that_were_started_end_when_the_start_of_others_fails(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools = []

    class FailingPool(VerifierPool):
        async def start(self) -> None:
            pools.append(self)
            await super().start()
            raise OSError("no more processes")

    monkeypatch.setattr(app_module, "VerifierPool", FailingPool)

    with pytest.raises(OSError, match="no more processes"):
        async with running_hub(settings):
            pass

    assert [pool.size for pool in pools] == [0]
