"""A hub whose ledger it cannot follow any longer ends, rather than serve on without knowing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.store.ledger import ROSTER_RECORD
from tests.stages import Stage

END_SECONDS = 30  # bounds a test that would never end; nothing here is timed


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    stage.start_hub()
    yield stage
    stage.stop_hub()


def damage_roster(stage: Stage) -> None:
    with closing(sqlite3.connect(stage.folder / "hub" / "hub.sqlite")) as connection, connection:
        [(size,)] = connection.execute("SELECT size FROM ledger_head")
        connection.execute(
            "INSERT INTO ledger_entries (entry_index, record, leaf_hash, entry) "
            "VALUES (?, ?, ?, ?)",
            (size, ROSTER_RECORD, b"\x00" * 32, b"\xff\xff"),
        )
        connection.execute("UPDATE ledger_head SET size = ?, roster_entry = ?", (size + 1, size))


async def test_a_hub_ends_when_a_job_of_it_fails(stage: Stage) -> None:
    hub = stage._hub
    assert hub is not None

    damage_roster(stage)

    assert await asyncio.to_thread(hub.wait, END_SECONDS) == 1
    log = (stage.folder / "hub.log").read_text(encoding="utf-8")
    assert "comity-hub: the job 'membership' failed" in log
    assert "Traceback" not in log
