"""The one lineage of migrations, run from code: no ini file, no path to configure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from hub.store.database import Connection, Database


def config_for(connection: sqlalchemy.Connection | None) -> Config:
    """Alembic's configuration over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


async def migrate(database: Database, *, revision: str = "head") -> None:
    """Brings the schema up to a revision, or down where it lies before the present one."""
    async with database.write() as connection:
        current = await current_revision(connection)
        down = revision == "base" or (current is not None and _is_before(revision, current))
        step = command.downgrade if down else command.upgrade
        await connection.run_sync(lambda sync: step(config_for(sync), revision))


async def current_revision(connection: Connection) -> str | None:
    """The revision that the schema is at; None where there is no schema."""

    def read(sync: sqlalchemy.Connection) -> str | None:
        return MigrationContext.configure(sync).get_current_revision()

    return await connection.run_sync(read)


def head_revision() -> str | None:
    """The revision that this version of the hub works with."""
    return ScriptDirectory.from_config(config_for(None)).get_current_head()


async def find_drift(database: Database) -> list[Any]:
    """What differs between the tables in code and the schema in the database."""
    from alembic.autogenerate import compare_metadata

    from hub.store.tables import metadata

    def compare(sync: sqlalchemy.Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(sync), metadata))

    async with database.read() as connection:
        return await connection.run_sync(compare)


def _is_before(revision: str, current: str) -> bool:
    script = ScriptDirectory.from_config(config_for(None))
    if revision == "head":
        return False
    ancestors = {step.revision for step in script.iterate_revisions(current, "base")}
    return revision in ancestors and revision != current
