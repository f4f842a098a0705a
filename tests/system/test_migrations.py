"""The schema: up, without drift, and down, on both databases; and what is refused on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from comity.errors import MalformedInput
from hub.store.database import Database
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
from tests.databases import new_database


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
