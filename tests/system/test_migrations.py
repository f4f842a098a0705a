"""The schema: up, without drift, and down, on both databases; and what is refused on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text

from comity.errors import MalformedInput
from comity.identity import AgencyId
from comity.v1.ledger_pb2 import LedgerEntry
from hub.services.ledger_state import ENDED
from hub.store.audiences import audience_of, find_audiences
from hub.store.database import Connection, Database
from hub.store.migrations import (
    create_schema,
    current_revision,
    find_drift,
    find_revision,
    head_revision,
    is_downgrade,
    known_revisions,
    migrate,
    require_empty,
)
from hub.store.notices import list_to_erase
from hub.store.recalls import StoredRecall, find_recalls
from tests.databases import new_database
from tests.unit.authorities import sample_authority


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """An empty database."""
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    opened = Database(url)
    yield opened
    await opened.dispose()


async def test_the_schema_goes_up_without_drift_and_down(database: Database) -> None:
    await migrate(database)
    async with database.read() as connection:
        assert head_revision() == await current_revision(connection)
    drift = [
        change for change in await find_drift(database) if "alembic_version" not in str(change)
    ]
    assert drift == []
    await migrate(database, revision="base")
    assert await find_revision(database) is None


async def test_only_going_back_is_a_downgrade(database: Database) -> None:
    newest = head_revision()
    assert newest is not None
    for target in known_revisions():
        assert not await is_downgrade(database, target)

    await migrate(database)

    before = known_revisions()[: known_revisions().index(newest)]
    for target in known_revisions():
        assert (target in before) == await is_downgrade(database, target)


async def test_an_unknown_revision_is_refused(database: Database) -> None:
    for going in (migrate(database, revision="9999"), is_downgrade(database, "9999")):
        with pytest.raises(MalformedInput, match="knows no revision 9999"):
            await going


async def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    await migrate(database)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(MalformedInput, match="knows no revision 9999"):
        await migrate(database)


async def test_a_schema_is_made_in_an_empty_database_only(database: Database) -> None:
    await require_empty(database)
    await create_schema(database)

    for again in (require_empty(database), create_schema(database)):
        with pytest.raises(MalformedInput, match="holds a hub"):
            await again
    await migrate(database, revision="base")
    await create_schema(database)


async def test_what_postgresql_does_not_allow_is_said_in_one_line(postgres_url: str) -> None:
    url = new_database(postgres_url)
    mark = "&" if "?" in url else "?"
    database = Database(f"{url}{mark}nonsense=1")

    with pytest.raises(MalformedInput, match="nonsense"):
        await require_empty(database)

    await database.dispose()


async def fill_0005(database: Database) -> None:
    """One entry that was verified and one that never was, and a proposal."""
    authority = sample_authority()
    authority.confirm_every_days = 90
    entry = {
        "version": 1,
        "authority": authority.SerializeToString(),
        "keeper": b"",
        "country": "GB",
        "keeper_agency_id": "GB-SCA",
        "entry_index": 7,
    }
    version = {
        **dict.fromkeys(("agency_id", "officer_id", "approver_agency_id"), ""),
        **dict.fromkeys(("approver_officer_id",), ""),
        **dict.fromkeys(("call_back", "keeper", "salt"), b""),
        "authority": entry["authority"],
        "entry_index": 7,
    }
    proposal = {
        **{key: entry[key] for key in ("authority", "keeper", "keeper_agency_id")},
        **dict.fromkeys(("agency_id", "officer_id", "reason"), ""),
        "proposal_id": "p",
        "authority_id": "new",
        "base_version": 0,
        "proposed_at": 5,
        "status": 1,
    }
    async with database.write() as connection:
        for authority_id, verified_at in (("verified", 1_000), ("never", None)):
            row = {**entry, "authority_id": authority_id, "verified_at": verified_at}
            await insert(connection, "directory_authorities", row)
            for number, changed_at in ((1, 2_000), (2, 3_000)):
                row = {**version, "authority_id": authority_id, "version": number}
                await insert(connection, "directory_versions", {**row, "changed_at": changed_at})
        await insert(connection, "directory_proposals", proposal)


async def insert(connection: Connection, table: str, row: Mapping[str, object]) -> None:
    """Inserts a row as an older version of the schema has it."""
    names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    await connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), row)


async def test_entries_of_before_fall_due_by_their_verification_or_entry(
    database: Database,
) -> None:
    await migrate(database, revision="0005")
    await fill_0005(database)

    await migrate(database)

    async with database.read() as connection:
        due = await connection.execute(
            text("SELECT authority_id, due_at FROM directory_authorities ORDER BY authority_id")
        )
        country = await connection.execute(text("SELECT country FROM directory_proposals"))
        assert [tuple(row) for row in due] == [
            ("never", 2_000),
            ("verified", 1_000 + 90 * 86_400_000_000),
        ]
        assert country.scalar_one() == "GB"
    await migrate(database, revision="0005")
    async with database.read() as connection:
        kept = await connection.execute(text("SELECT count(*) FROM directory_authorities"))
        assert kept.scalar_one() == 2
    await migrate(database)


_NOTICE = {
    "notice_id": "n",
    "originator": "FR-NCB",
    "kind": 1,
    "traffic": 1,
    "urgency": 1,
    "state": 1,
    "version": 1,
    "version_digest": b"d",
    "version_entry": 3,
    "addressing_entry": 3,
    "audience": b"a",
}
_NEWER: dict[str, tuple[str, dict[str, object]]] = {
    "in review": ("notices", {**_NOTICE, "state": 3}),
    "a version waits": ("notices", {**_NOTICE, "version": 2, "published_version": 1}),
    "the hub's entry": (
        "ledger_entries",
        {"entry_index": 0, "record": 16, "leaf_hash": b"", "entry": b""},
    ),
    "a suspension": (
        "acts",
        {
            "act_id": "a",
            "originator": "FR-NCB",
            "kind": 4,
            "digest": b"",
            "envelope": b"",
            "entry_index": 0,
        },
    ),
}


@pytest.mark.parametrize("newer", _NEWER)
async def test_going_below_0009_is_refused_where_the_older_version_would_publish(
    database: Database, newer: str
) -> None:
    await migrate(database)
    async with database.write() as connection:
        await insert(connection, *_NEWER[newer])

    for revision in ("0008", "base"):
        with pytest.raises(MalformedInput, match="nobody reviewed"):
            await migrate(database, revision=revision)

    assert await find_revision(database) == head_revision()


@pytest.mark.parametrize("rule", [None, b"rule"], ids=["closed", "open"])
async def test_what_was_withdrawn_before_0009_is_recalled(
    database: Database, rule: bytes | None
) -> None:
    members = frozenset({AgencyId("BR-NCB"), AgencyId("KE-NCB")})
    audience = audience_of(members, rule)
    entry = LedgerEntry()
    entry.recorded_at.FromMicroseconds(5_000)
    row = {"entry_index": 9, "record": 10, "leaf_hash": b"", "entry": entry.SerializeToString()}
    notice = {**_NOTICE, "state": 2, "withdrawal_entry": 9, "audience": audience.key}
    await migrate(database, revision="0008")
    async with database.write() as connection:
        await insert(connection, "audiences", {"audience": audience.key, "open_rule": rule})
        for agency in members:
            member = {"audience": audience.key, "agency_id": agency}
            await insert(connection, "audience_members", member)
        await insert(connection, "ledger_entries", row)
        await insert(connection, "notices", notice)

    await migrate(database)

    async with database.read() as connection:
        found = await find_recalls(connection, [9])
        closed = audience_of(members)
        kept = await find_audiences(connection, [closed.key])
    assert found == {
        9: StoredRecall(9, 1, AgencyId("FR-NCB"), "n", closed.key, begun_at=5_000, open_count=2)
    }
    assert kept == {closed.key: closed}
    await migrate(database, revision="0008")
    await migrate(database)


async def test_what_is_to_erase_is_found_by_its_index(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    await migrate(database)
    said: list[str] = []

    def listen(*given: object) -> None:
        said.append(str(given[2]))

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        async with database.read() as connection:
            assert await list_to_erase(connection, ENDED, limit=100) == []
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
    statement = said[-1].replace("?", "100")
    async with database.read() as connection:
        plan = await connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))
        assert "ix_notices_to_erase" in str(plan.all())
    await database.dispose()
