"""Access records whose time is over: erased from the disk too, and the ledger still verifies."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from comity.times import microseconds_from
from comity.v1.authorities_pb2 import CONTACT_TEST_METHOD_CALL
from comity.v1.ledger_pb2 import ACCESS_ACTION_READ_NOTICE, AccessRecord
from deploy.stage import DOMAIN
from directory.store.contact_tests import StoredContactTest, add_contact_test, get_contact_test
from hub.services import retention as retention_module
from hub.services.retention import Retention
from hub.store.access import StoredAccess, list_access_records
from hub.store.audit import audit_ledger
from hub.store.database import Database
from hub.store.tables import access_records
from tests.databases import new_database
from tests.integration.upkeep import START, HandClock, Upkeep
from tests.unit.hub_parts import (
    BRAZIL,
    FRANCE,
    Clock,
    HubParts,
    begin,
    caller,
    serving,
    sqlite_url,
)

KEEP_DAYS = 365
OLD = "request-of-long-ago"
NEW = "request-of-today"
NAMED = "Cleo Placeholder"  # stands in no entry


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = sqlite_url(tmp_path)
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    database = Database(url)
    await begin(database)
    yield database
    await database.dispose()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(sqlite_url(tmp_path))
    await begin(database)
    yield database
    await database.dispose()


async def read_often(parts: HubParts, request_id: str, *, times: int) -> None:
    for _ in range(times):
        await parts.access.record(
            caller(BRAZIL, request_id), ACCESS_ACTION_READ_NOTICE, entry_indices=[0]
        )


def retention_of(database: Database, clock: Clock) -> Retention:
    return Retention(database, keep_days=KEEP_DAYS, clock=clock)


async def stored_accesses(database: Database) -> list[StoredAccess]:
    async with database.read() as connection:
        rows = await connection.execute(
            select(access_records.c.entry_index).order_by(access_records.c.entry_index)
        )
        indices = list(rows.scalars())
        return [a for index in indices for a in await list_access_records(connection, index)]


def request_id_of(access: StoredAccess) -> str | None:
    return None if access.record is None else AccessRecord.FromString(access.record).request_id


def is_on_disk(folder: Path, text: str) -> bool:
    files = list(folder.glob("hub.sqlite*"))
    return any(text.encode() in file.read_bytes() for file in files)


async def test_old_records_and_salts_go_and_the_ledger_verifies(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "ERASE_BATCH_RECORDS", 2)
    clock = Clock()
    async with serving(database, clock=clock) as parts:
        await read_often(parts, OLD, times=5)
        clock.ahead = timedelta(days=KEEP_DAYS + 1)
        await read_often(parts, NEW, times=2)

    erasing = retention_of(database, clock)
    assert await erasing.erase_expired() == 5
    assert await erasing.erase_expired() == 0

    kept = await stored_accesses(database)
    assert [request_id_of(access) for access in kept] == [None] * 5 + [NEW] * 2
    assert all(a.salt is None and a.agency_id is None for a in kept[:5])
    report = await audit_ledger(database, hub_domain=DOMAIN)
    assert report.accesses == 7


async def test_nothing_is_erased_before_its_time(database: Database) -> None:
    clock = Clock()
    async with serving(database, clock=clock) as parts:
        await read_often(parts, OLD, times=1)
    clock.ahead = timedelta(days=KEEP_DAYS - 1)
    erasing = retention_of(database, clock)

    assert await erasing.erase_expired() == 0
    clock.ahead = timedelta(days=KEEP_DAYS + 1)
    assert await erasing.erase_expired() == 1


@pytest.mark.threat("T53")
async def test_what_was_erased_is_neither_in_the_file_nor_in_its_log(
    sqlite: Database, tmp_path: Path
) -> None:
    clock = Clock()
    async with serving(sqlite, clock=clock) as parts:
        await read_often(parts, OLD, times=20)
        assert is_on_disk(tmp_path, OLD)
        clock.ahead = timedelta(days=KEEP_DAYS + 1)
        await read_often(parts, NEW, times=1)

        await retention_of(sqlite, clock).erase_expired()

        assert not is_on_disk(tmp_path, OLD)
        assert is_on_disk(tmp_path, NEW)


async def test_what_somebody_still_reads_leaves_the_log_in_a_later_round(
    sqlite: Database, tmp_path: Path
) -> None:
    clock = Clock()
    async with serving(sqlite, clock=clock) as parts:
        await read_often(parts, OLD, times=20)
        clock.ahead = timedelta(days=KEEP_DAYS + 1)
        erasing = retention_of(sqlite, clock)
        with closing(sqlite3.connect(tmp_path / "hub.sqlite", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM access_records").fetchall()
            assert await erasing.erase_expired() == 20
            assert is_on_disk(tmp_path, OLD)

        assert await erasing.erase_expired() == 0

        assert not is_on_disk(tmp_path, OLD)


async def test_more_records_of_one_moment_than_a_batch_holds_are_erased(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "ERASE_BATCH_RECORDS", 2)
    moment = Clock()()
    async with serving(sqlite, clock=lambda: moment) as parts:
        await read_often(parts, OLD, times=5)
    clock = Clock()
    clock.ahead = timedelta(days=KEEP_DAYS + 1)

    assert await retention_of(sqlite, clock).erase_expired() == 5


async def enter_call(parts: HubParts, clock: HandClock, *, spoken_to: str) -> StoredContactTest:
    """A call that somebody took, on a new entry."""
    authority = await Upkeep(parts, clock).enter(BRAZIL)
    now = microseconds_from(clock())
    call = StoredContactTest(
        test_id=authority.authority_id,
        authority_id=authority.authority_id,
        version=1,
        method=CONTACT_TEST_METHOD_CALL,
        contact="+442079460000",
        agency_id=FRANCE,
        officer_id="first",
        asked_at=now,
        recorded_at=now,
        answered_at=now,
        spoken_to=spoken_to,
        note=f"{spoken_to} answers.",
    )
    async with parts.database.write() as connection:
        await add_contact_test(connection, call)
    return call


async def test_whom_a_contact_test_names_goes_after_a_year_and_the_test_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "ERASE_BATCH_RECORDS", 2)
    clock = HandClock()
    async with serving(database, clock=clock) as parts:
        old = [await enter_call(parts, clock, spoken_to="Ada Specimen") for _ in range(5)]
        clock.now += timedelta(days=1)
        new = await enter_call(parts, clock, spoken_to="Ben Specimen")
    erasing = Retention(database, keep_days=KEEP_DAYS, clock=clock)

    clock.now = START + retention_module.KEEP_CONTACT_WORDS
    assert await erasing.erase_expired() == 0
    clock.now += timedelta(hours=1)
    assert await erasing.erase_expired() == 5

    async with database.read() as connection:
        for call in old:
            kept = await get_contact_test(connection, call.test_id)
            assert kept == replace(call, spoken_to="", note="")
        assert new == await get_contact_test(connection, new.test_id)
    clock.now += timedelta(days=1)
    assert await erasing.erase_expired() == 1


@pytest.mark.threat("T53")
async def test_whom_a_contact_test_named_is_neither_in_the_file_nor_in_its_log(
    sqlite: Database, tmp_path: Path
) -> None:
    clock = HandClock()
    async with serving(sqlite, clock=clock) as parts:
        await enter_call(parts, clock, spoken_to=NAMED)
        assert is_on_disk(tmp_path, NAMED)
        clock.now += retention_module.KEEP_CONTACT_WORDS + timedelta(days=1)

        await Retention(sqlite, keep_days=KEEP_DAYS, clock=clock).erase_expired()

        assert not is_on_disk(tmp_path, NAMED)
