"""The schema: up, without drift, and down, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.store.database import Database
from hub.store.migrations import current_revision, find_drift, head_revision, migrate
from tests.databases import new_database


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_schema_goes_up_without_drift_and_down(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    if kind == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    database = Database(url)

    await migrate(database)
    async with database.read() as connection:
        assert head_revision() == await current_revision(connection)
    drift = [
        change for change in await find_drift(database) if "alembic_version" not in str(change)
    ]
    assert drift == []
    await migrate(database, revision="base")
    async with database.read() as connection:
        assert await current_revision(connection) is None

    await database.dispose()
