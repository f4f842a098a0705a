"""The database: SQLite by default, PostgreSQL by URL. Opens it, checks that it is durable.

Built by the wiring; used by the ledger writer (`write`) and by every reading store (`read`).
Never decides anything: it gives connections inside transactions.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from comity.errors import StoreUnavailable

SQLITE_READERS = 4  # reads wait for the disk, not for cores; each reader is a thread
POSTGRES_CONNECTIONS = 8  # one writes, one listens, the others read
POOL_WAIT_SECONDS = 5.0  # longer than any query here; past it the database is as good as away
BUSY_TIMEOUT_MILLISECONDS = 5_000  # the hub's command line holds the write lock for milliseconds

_SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
    "foreign_keys=ON",
    "synchronous=FULL",  # an acknowledgement means that the log was synced
    "secure_delete=ON",  # what is erased is overwritten
)


class NotDurable(Exception):
    """The database is set so that an acknowledged write could be lost. The hub does not start."""


class Database:
    """An open database. `dispose` it, or its threads keep the process alive."""

    def __init__(self, url: str) -> None:
        self.url = _async_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._writer = _sqlite_engine(self.url, pool_size=1, begin="BEGIN IMMEDIATE")
            self._reader = _sqlite_engine(self.url, pool_size=SQLITE_READERS, begin="BEGIN")
        else:
            self._writer = self._reader = _postgres_engine(self.url)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a writing transaction, committed on leaving, rolled back on an error.

        Raises: StoreUnavailable where the database is away, full, locked or read-only.
        """
        with _unavailable_on_failure():
            async with self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a reading transaction.

        Raises: StoreUnavailable.
        """
        with _unavailable_on_failure():
            async with self._reader.connect() as connection:
                yield connection

    async def require_durable(self) -> None:
        """Refuses a database that acknowledges what it could lose.

        Raises: NotDurable with the setting and what it has to be.
        """
        async with self.write() as connection:
            if self.is_sqlite:
                await _require_sqlite_durable(connection)
            else:
                await _require_postgres_durable(connection)

    async def truncate_log(self) -> None:
        """After erasing on SQLite: leaves nothing of what was erased in the write-ahead log."""
        if self.is_sqlite and self.url.database:
            await asyncio.to_thread(_truncate_sqlite_log, self.url.database)

    async def dispose(self) -> None:
        """Closes every connection."""
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


class _unavailable_on_failure:
    """Turns a database failure into StoreUnavailable; its text could hold data, so it is dropped."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, DBAPIError | PoolTimeoutError | OSError):
            raise StoreUnavailable() from error


def _truncate_sqlite_log(path: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _async_url(url: str) -> URL:
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    backend = parsed.get_backend_name()
    if backend not in drivers:
        raise ValueError(f"the database URL names {backend!r}; sqlite and postgresql are served")
    return parsed.set(drivername=drivers[backend])


def _sqlite_engine(url: URL, *, pool_size: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=0, pool_timeout=POOL_WAIT_SECONDS
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # The driver's own transaction handling would begin too late to take the write lock.
        connection.isolation_level = None
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgres_engine(url: URL) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=POSTGRES_CONNECTIONS,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        # What is read after the head's row lock has to be what was committed before it.
        isolation_level="READ COMMITTED",
    )


async def _require_sqlite_durable(connection: AsyncConnection) -> None:
    synchronous = (await connection.execute(text("PRAGMA synchronous"))).scalar_one()
    if synchronous < 2:  # 2 is FULL, 3 is EXTRA
        raise NotDurable(f"SQLite's synchronous is {synchronous}; it has to be FULL (2).")


async def _require_postgres_durable(connection: AsyncConnection) -> None:
    fsync = (await connection.execute(text("SHOW fsync"))).scalar_one()
    if fsync != "on":
        raise NotDurable(f"PostgreSQL's fsync is {fsync}; it has to be on.")
    commit = (await connection.execute(text("SHOW synchronous_commit"))).scalar_one()
    if commit == "off":
        raise NotDurable("PostgreSQL's synchronous_commit is off; it has to be at least local.")


async def is_reachable(database: Database) -> bool:
    """Whether the database answers."""
    try:
        async with database.read() as connection:
            await connection.execute(text("SELECT 1"))
    except (StoreUnavailable, SQLAlchemyError):
        return False
    return True
