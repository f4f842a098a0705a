"""A database that is locked, full or read-only: UNAVAILABLE, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import psycopg
import pytest
from sqlalchemy import delete

from agency_client.agency import Agency, open_agency
from agency_client.profile import load_profile
from comity.errors import StoreUnavailable
from comity.receipt import digest_of
from comity.statuses import error_from_rpc
from comity.v1 import acts_pb2, acts_pb2_grpc
from hub.store.database import Database
from hub.store.migrations import migrate
from hub.store.tables import ledger_head
from tests.databases import new_database
from tests.integration.drafts import Acts, Draft
from tests.stages import Stage

CALL_SECONDS = 25.0  # the hub waits five seconds for a lock before it gives up
NOBODY = 65534

Trouble = Callable[[Stage], AbstractContextManager[None]]


def database_of(stage: Stage) -> Path:
    return stage.folder / "hub" / "hub.sqlite"


@contextmanager
def locked_sqlite(stage: Stage) -> Iterator[None]:
    with closing(sqlite3.connect(database_of(stage), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def full_sqlite(stage: Stage) -> Iterator[None]:
    """No file of the hub's may grow any further, as on a disk that is full."""
    pid = stage.hub_pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    log = database_of(stage).with_name("hub.sqlite-wal")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def postgres_trouble(stage: Stage, begin: str, end: str) -> Iterator[None]:
    url = stage.database_url
    assert url is not None
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(begin)
        yield
        connection.execute(end)


def locked_postgresql(stage: Stage) -> AbstractContextManager[None]:
    """As by another hub process that hangs in the middle of its transaction."""
    return postgres_trouble(stage, "BEGIN; SELECT * FROM ledger_head FOR UPDATE", "ROLLBACK")


@contextmanager
def read_only_postgresql(stage: Stage) -> Iterator[None]:
    """As after a failover to a replica: every connection is new, and may only read."""
    url = stage.database_url
    assert url is not None
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    hang_up = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        connection.execute(hang_up)
        yield
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        connection.execute(hang_up)


@pytest.fixture(scope="module")
def sqlite_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    yield from serving(Stage(tmp_path_factory.mktemp("sqlite")))


@pytest.fixture(scope="module")
def postgresql_hub(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Stage]:
    url = new_database(postgres_url)
    yield from serving(Stage(tmp_path_factory.mktemp("postgresql"), database_url=url))


def serving(stage: Stage) -> Iterator[Stage]:
    for agency in ("FR-NCB", "BR-NCB"):
        stage.admit(agency)
    stage.start_hub()
    yield stage
    stage.stop_hub()


@pytest.fixture
async def agency(request: pytest.FixtureRequest) -> AsyncIterator[Agency]:
    stage: Stage = request.getfixturevalue(request.param)
    async with open_agency(load_profile(stage.folder / "agencies" / "FR-NCB")) as opened:
        yield opened


async def submit_once(agency: Agency, acts: Acts) -> None:
    """One call as it is, without the client's further tries."""
    channel = agency.client.channel._build()
    async with channel:
        stub = acts_pb2_grpc.ActServiceStub(channel)
        try:
            await stub.SubmitActs(acts_pb2.SubmitActsRequest(acts=acts), timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from error


@pytest.mark.parametrize(
    ("agency", "trouble"),
    [
        ("sqlite_hub", locked_sqlite),
        ("sqlite_hub", full_sqlite),
        ("postgresql_hub", locked_postgresql),
        ("postgresql_hub", read_only_postgresql),
    ],
    indirect=["agency"],
    ids=["sqlite locked", "sqlite full", "postgresql locked", "postgresql read-only"],
)
async def test_a_database_in_trouble_is_unavailable_and_loses_nothing_acknowledged(
    agency: Agency, trouble: Trouble, request: pytest.FixtureRequest
) -> None:
    stage: Stage = request.getfixturevalue(request.node.callspec.params["agency"])
    keys = agency.profile.load_signing_keys()
    acknowledged, refused = Draft(keys), Draft(keys)
    await agency.client.submit_acts(acknowledged.acts())

    with trouble(stage), pytest.raises(StoreUnavailable):
        await submit_once(agency, refused.acts())

    record = await agency.client.get_notice("FR-NCB", acknowledged.notice.notice_id)
    assert acknowledged.digest == digest_of(record.version.envelope.payload)
    answer = await agency.client.submit_acts(refused.acts())
    assert not answer.duplicate  # what was refused had left nothing behind
    await agency.client.get_checkpoint()


async def test_a_database_that_may_only_be_read_is_unavailable_to_writers() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hub.sqlite"
        database = Database(f"sqlite:///{path}")
        await migrate(database)
        await database.dispose()
        make_read_only(path)

        with as_somebody_else():
            database = Database(f"sqlite:///{path}")
            with pytest.raises(StoreUnavailable):
                async with database.write() as connection:
                    await connection.execute(delete(ledger_head))
            await database.dispose()


def make_read_only(path: Path) -> None:
    path.chmod(0o444)
    path.parent.chmod(0o555)


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root may write everything: what is inside is done as a user who may not."""
    user = os.geteuid()
    os.seteuid(NOBODY if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)
