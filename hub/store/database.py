"""The database: SQLite by default, PostgreSQL by URL. Opens it, checks that it is durable.

Built by the wiring; used by the ledger writer (`write`) and by every reading store (`read`).
Never decides anything: it gives connections inside transactions.

On SQLite statements run on the event loop's own thread: each takes some ten microseconds, a hop to
another thread ten times that. Only COMMIT, which waits for the disk, is handed to a thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from types import TracebackType
from typing import Any, Protocol, TypeVar, cast

import sqlalchemy
from sqlalchemy import CursorResult, Dialect, Engine, Executable, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from comity.errors import StoreUnavailable

SQLITE_READERS = 8  # transactions that may be open at once; each holds a snapshot of the database
POSTGRES_CONNECTIONS = 8  # one writes, one listens, the others read
POOL_WAIT_SECONDS = 5.0  # longer than any query here; past it the database is as good as away
LOCK_WAIT_SECONDS = 5.0  # other hub processes and the command line hold it for milliseconds
LOCK_RETRY_SECONDS = 0.005
TRUNCATE_WAIT_SECONDS = 0.5  # for readers of older states; writers wait meanwhile
READ_LOCK_MILLISECONDS = 1_000  # readers meet a lock only while a log is being recovered

_SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    "synchronous=FULL",  # an acknowledgement means that the log was synced
    "secure_delete=ON",  # what is erased is overwritten
)

T = TypeVar("T")


class Connection(Protocol):
    """A connection inside a transaction, the same for both databases."""

    @property
    def dialect(self) -> Dialect:
        """Which database it is."""
        ...

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Runs a statement; its rows are read when the transaction ends at the latest."""
        ...

    async def run_sync(self, function: Callable[[sqlalchemy.Connection], T]) -> T:
        """Runs what only works on a synchronous connection."""
        ...


class InlineConnection:
    """A SQLite connection whose statements run where they are awaited."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """SQLite."""
        return self._connection.dialect

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Runs a statement."""
        return self._connection.execute(statement, parameters)

    def execute_driver_many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Hands rows to the driver as they are."""
        driver = self._connection.connection.driver_connection
        assert driver is not None
        driver.executemany(statement, rows).close()

    def execute_driver(self, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Hands a statement to the driver and gives its rows."""
        driver = self._connection.connection.driver_connection
        assert driver is not None
        rows: list[tuple[Any, ...]] = driver.execute(statement, parameters).fetchall()
        return rows

    async def run_sync(self, function: Callable[[sqlalchemy.Connection], T]) -> T:
        """Runs what works on the connection below."""
        return function(self._connection)


class NotDurable(Exception):
    """The database is set so that an acknowledged write could be lost. The hub does not start."""


class Database:
    """An open database. `dispose` it when done."""

    def __init__(self, url: str) -> None:
        self.url = _driver_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._writer = _sqlite_engine(self.url, pool_size=1, begin="BEGIN IMMEDIATE")
            self._reader = _sqlite_engine(self.url, pool_size=SQLITE_READERS, begin="BEGIN")
        else:
            self._postgres = _postgres_engine(self.url)
        self._writing = asyncio.Lock()
        self._readers = asyncio.Semaphore(SQLITE_READERS)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        """A connection in a writing transaction, committed on leaving, rolled back on an error.

        Raises: StoreUnavailable where the database is away, full, locked or read-only.
        """
        with _unavailable_on_failure():
            if self.is_sqlite:
                async with self._writing, self._write_sqlite() as connection:
                    yield connection
            else:
                async with self._postgres.begin() as postgres:
                    yield cast(Connection, postgres)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection in a reading transaction.

        Raises: StoreUnavailable.
        """
        with _unavailable_on_failure():
            if self.is_sqlite:
                async with self._readers:
                    with self._reader.connect() as connection:
                        yield InlineConnection(connection)
            else:
                async with self._postgres.connect() as postgres:
                    yield cast(Connection, postgres)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A connection in a reading transaction that sees nothing of what is committed meanwhile.

        On SQLite every reading transaction is one.

        Raises: StoreUnavailable.
        """
        if self.is_sqlite:
            async with self.read() as connection:
                yield connection
            return
        with _unavailable_on_failure():
            async with self._postgres.connect() as postgres:
                await postgres.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
                yield cast(Connection, postgres)

    @asynccontextmanager
    async def _write_sqlite(self) -> AsyncIterator[Connection]:
        with self._writer.connect() as connection:
            await _begin_immediate(connection)
            try:
                yield InlineConnection(connection)
            except BaseException:
                connection.rollback()
                raise
            await _run_to_its_end(connection.commit)

    async def require_durable(self) -> None:
        """Refuses a database that acknowledges what it could lose.

        Raises: NotDurable with the setting and what it has to be; StoreUnavailable.
        """
        async with self.read() as connection:
            if self.is_sqlite:
                await _require_sqlite_durable(connection)
            else:
                await _require_postgres_durable(connection)

    async def truncate_log(self) -> bool:
        """After erasing on SQLite: leaves nothing of what was erased in the write-ahead log.

        Gives False where somebody still reads an older state, whose pages therefore stay.

        Raises: StoreUnavailable.
        """
        if not self.is_sqlite or not self.url.database:
            return True
        try:
            return await asyncio.to_thread(_truncate_sqlite_log, self.url.database)
        except sqlite3.Error as error:
            raise StoreUnavailable() from error

    async def dispose(self) -> None:
        """Closes every connection."""
        if self.is_sqlite:
            self._writer.dispose()
            self._reader.dispose()
        else:
            await self._postgres.dispose()


class _unavailable_on_failure:
    """Turns a database failure into StoreUnavailable; its text could hold data, so it is dropped.

    What is wrong with a statement stays what it is: a mistake of ours.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if isinstance(error, IntegrityError | DataError | ProgrammingError):
            return
        if isinstance(error, DBAPIError | PoolTimeoutError | OSError | sqlite3.OperationalError):
            raise StoreUnavailable() from error


async def _begin_immediate(connection: sqlalchemy.Connection) -> None:
    """Takes the write lock, waiting without holding up the event loop.

    Raises: OperationalError where another process holds it for too long.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + LOCK_WAIT_SECONDS
    while True:
        try:
            connection.begin()
        except OperationalError as error:
            if "locked" not in str(error.orig) or loop.time() >= give_up_at:
                raise
            await asyncio.sleep(LOCK_RETRY_SECONDS)
        else:
            return


async def _run_to_its_end(function: Callable[[], None]) -> None:
    """Runs a function on another thread, and returns when it has.

    Whoever is cancelled meanwhile waits for it all the same: nobody else may touch what it works
    on. Not a task of its own, which a loop that is closing would cancel too.
    """
    running = asyncio.get_running_loop().run_in_executor(None, function)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        running.exception()  # What it failed with is nobody's any longer.
        raise cancelled
    running.result()


def _truncate_sqlite_log(path: str) -> bool:
    with closing(sqlite3.connect(path, timeout=TRUNCATE_WAIT_SECONDS)) as connection:
        [(is_busy, _, _)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return not is_busy


def _driver_url(url: str) -> URL:
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
    backend = parsed.get_backend_name()
    if backend not in drivers:
        raise ValueError(f"the database URL names {backend!r}; sqlite and postgresql are served")
    return parsed.set(drivername=drivers[backend])


def _sqlite_engine(url: URL, *, pool_size: int, begin: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        hide_parameters=True,  # an error's text goes to the log, what is stored does not
        # COMMIT runs on another thread than the statements, never at the same time.
        connect_args={"check_same_thread": False},
    )
    # The writer waits for the lock by itself, see _begin_immediate.
    busy = 0 if begin == "BEGIN IMMEDIATE" else READ_LOCK_MILLISECONDS

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # The driver's own transaction handling would begin too late to take the write lock.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={READ_LOCK_MILLISECONDS}").close()
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute(f"PRAGMA busy_timeout={busy}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgres_engine(url: URL) -> AsyncEngine:
    own_options = url.query.get("options", "")
    return create_async_engine(
        url,
        pool_size=POSTGRES_CONNECTIONS,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        # What is read after the head's row lock has to be what was committed before it.
        isolation_level="READ COMMITTED",
        connect_args={"options": f"{own_options} -c lock_timeout={LOCK_WAIT_SECONDS * 1000:.0f}"},
    )


async def _require_sqlite_durable(connection: Connection) -> None:
    synchronous = (await connection.execute(text("PRAGMA synchronous"))).scalar_one()
    if synchronous < 2:  # 2 is FULL, 3 is EXTRA
        raise NotDurable(f"SQLite's synchronous is {synchronous}; it has to be FULL (2).")


async def _require_postgres_durable(connection: Connection) -> None:
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
    except StoreUnavailable:
        return False
    return True
