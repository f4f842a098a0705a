"""The database: what is committed, what is cancelled, and what its errors say."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, insert
from sqlalchemy.exc import IntegrityError

from comity.errors import StoreUnavailable
from hub.store.database import Database
from hub.store.ledger import LedgerHead, add_head
from hub.store.tables import audiences
from tests.databases import new_database
from tests.unit.hub_parts import begin, settle, sqlite_url

WAIT_SECONDS = 30  # bounds a test that would never end; nothing here is timed


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(sqlite_url(tmp_path))
    await begin(database)
    yield database
    await database.dispose()


async def add_audience(database: Database, key: bytes) -> None:
    async with database.write() as connection:
        await connection.execute(insert(audiences).values(audience=key))


def audiences_kept(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "hub.sqlite")) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM audiences")
    return int(count)


async def test_a_commit_under_way_is_waited_for_when_its_writer_is_cancelled(
    database: Database, tmp_path: Path
) -> None:
    committing, may_commit = threading.Event(), threading.Event()

    def hold(_connection: object) -> None:
        committing.set()
        may_commit.wait(WAIT_SECONDS)

    event.listen(Engine, "commit", hold)
    try:
        writing = asyncio.create_task(add_audience(database, b"first"))
        await asyncio.to_thread(committing.wait, WAIT_SECONDS)
        for _ in range(2):
            writing.cancel()
            await settle()
        assert not writing.done()
        may_commit.set()
        with pytest.raises(asyncio.CancelledError):
            await writing
    finally:
        may_commit.set()
        event.remove(Engine, "commit", hold)

    assert audiences_kept(tmp_path) == 1
    await add_audience(database, b"second")
    assert audiences_kept(tmp_path) == 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_an_error_says_nothing_of_what_was_to_be_stored(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = sqlite_url(tmp_path)
    if kind == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    database = Database(url)
    await begin(database)

    with pytest.raises(IntegrityError) as failed:
        async with database.write() as connection:
            await add_head(connection, LedgerHead(0, b"", None, 1, "a secret"))

    assert "secret" not in str(failed.value)
    await database.dispose()


async def test_a_log_is_not_truncated_while_an_older_state_is_read(
    database: Database, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "hub.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM audiences").fetchall()
        await add_audience(database, b"newer")
        assert not await database.truncate_log()

    assert await database.truncate_log()
    assert (tmp_path / "hub.sqlite-wal").stat().st_size == 0


async def test_a_log_that_cannot_be_truncated_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "hub.sqlite").write_bytes(b"no database" * 1_000)
    database = Database(sqlite_url(tmp_path))

    with pytest.raises(StoreUnavailable):
        await database.truncate_log()

    await database.dispose()
