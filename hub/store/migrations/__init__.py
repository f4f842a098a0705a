"""The one lineage of migrations, run from code: no ini file, no path to configure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError, ProgrammingError

from comity.errors import MalformedInput
from directory.store.tables import metadata as directory_metadata
from hub.store import (
    enrolment_tables,  # noqa: F401 - its tables join the same metadata
    membership_tables,  # noqa: F401 - and so do these
)
from hub.store.database import Connection, Database


def config_for(connection: sqlalchemy.Connection | None) -> Config:
    """Alembic's configuration over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


async def require_empty(database: Database) -> None:
    """Refuses a database that holds tables of a hub.

    Raises: MalformedInput there, and where the database does not let it be read; StoreUnavailable.
    """
    with _refused_by_database():
        async with database.read() as connection:
            await connection.run_sync(_require_no_tables)


async def create_schema(database: Database) -> None:
    """Brings an empty database to this version's schema.

    Raises: MalformedInput where it holds tables of a hub, or does not let tables be made;
    StoreUnavailable.
    """
    with _refused_by_database():
        async with database.write() as connection:
            await connection.run_sync(_require_no_tables)
            await connection.run_sync(lambda sync: command.upgrade(config_for(sync), "head"))


async def migrate(database: Database, *, revision: str = "head") -> None:
    """Brings the schema up to a revision, or down where it lies before the present one.

    Raises: MalformedInput where this version does not know the revision, or the present one;
    StoreUnavailable.
    """
    with _refused_by_database():
        async with database.write() as connection:
            current = await current_revision(connection)
            step = command.downgrade if _is_before(revision, current) else command.upgrade
            await connection.run_sync(lambda sync: step(config_for(sync), revision))


async def is_downgrade(database: Database, revision: str) -> bool:
    """Whether going to a revision takes tables away, with what they hold.

    Raises: MalformedInput where this version does not know the revision, or the present one;
    StoreUnavailable.
    """
    return _is_before(revision, await find_revision(database))


async def find_revision(database: Database) -> str | None:
    """The revision that a database is at; None where there is no schema.

    Raises: MalformedInput where the database does not let it be read; StoreUnavailable.
    """
    with _refused_by_database():
        async with database.read() as connection:
            return await current_revision(connection)


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

    import hub.store.account_tables  # noqa: F401 - its tables are in the metadata too
    from hub.store.tables import metadata

    def compare(sync: sqlalchemy.Connection) -> list[Any]:
        both: Any = [metadata, directory_metadata]  # the stubs know of one
        return list(compare_metadata(MigrationContext.configure(sync), both))

    async with database.read() as connection:
        return await connection.run_sync(compare)


def known_revisions() -> list[str]:
    """What a database can be brought to, from nothing to the newest."""
    steps = list(ScriptDirectory.from_config(config_for(None)).walk_revisions())
    return ["base", *(step.revision for step in reversed(steps)), "head"]


def _is_before(revision: str, current: str | None) -> bool:
    return _place_of(revision) < _place_of(current or "base")


def _place_of(revision: str) -> int:
    known = known_revisions()
    if revision not in known:
        raise MalformedInput(f"This version knows no revision {revision}: {', '.join(known)}.")
    # The newest has a number as well, and is the same as head.
    return min(known.index(revision), len(known) - 2)


def _require_no_tables(sync: sqlalchemy.Connection) -> None:
    import hub.store.account_tables  # noqa: F401 - its tables are in the metadata too
    from hub.store.tables import metadata

    ours = metadata.tables.keys() | directory_metadata.tables.keys()
    if not ours.isdisjoint(sqlalchemy.inspect(sync).get_table_names()):
        raise MalformedInput("The database holds a hub already, or what an init left of one.")


@contextmanager
def _refused_by_database() -> Iterator[None]:
    """Says in one line what the database does not allow: a login, a new table, an option."""
    try:
        yield
    except (IntegrityError, ProgrammingError) as error:
        said = str(error.orig).strip().partition("\n")[0]
        raise MalformedInput(f"The database refuses: {said}") from error
