"""Rows by the many: the hot statements of every commit.

On SQLite they go to the driver as text that never changes: building a statement takes longer than
running it. On PostgreSQL the wire takes longer still, and they go the ordinary way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Column, Table, insert, select
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from hub.store.database import Connection, InlineConnection


async def insert_rows(connection: Connection, table: Table, rows: Sequence[Any]) -> None:
    """Inserts rows whose attributes are named as the table's columns: numbers, texts and bytes."""
    if not rows:
        return
    values = _values_of(table)
    if isinstance(connection, InlineConnection):
        connection.execute_driver_many(_insert_text(table), [values(row) for row in rows])
        return
    names = [column.name for column in table.columns]
    await connection.execute(
        insert(table), [dict(zip(names, values(row), strict=True)) for row in rows]
    )


@lru_cache
def _values_of(table: Table) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*(column.name for column in table.columns))


@lru_cache
def _insert_text(table: Table) -> str:
    return str(insert(table).compile(dialect=sqlite_dialect()))


async def select_by_text(
    connection: Connection, table: Table, column: Column[Any], values: Collection[str]
) -> list[tuple[Any, ...]]:
    """The rows whose text column has one of some values, each with the table's columns in order."""
    if not values:
        return []
    if isinstance(connection, InlineConnection):
        return connection.execute_driver(_select_text(table, column), (json.dumps(list(values)),))
    rows = await connection.execute(select(table).where(column.in_(values)))
    return [tuple(row) for row in rows]


@lru_cache
def _select_text(table: Table, column: Column[Any]) -> str:
    names = ", ".join(known.name for known in table.columns)
    # Names of our own tables; the values come as one parameter.
    return (
        f"SELECT {names} FROM {table.name} "  # noqa: S608
        f"WHERE {column.name} IN (SELECT value FROM json_each(?))"
    )
