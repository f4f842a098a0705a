"""Inserting many rows at once: the hot half of every commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from hub.store.database import Connection, InlineConnection


async def insert_rows(connection: Connection, table: Table, rows: Sequence[Any]) -> None:
    """Inserts rows whose attributes are named as the table's columns.

    On SQLite the driver gets the rows as they are: columns here hold numbers, texts and bytes only,
    and preparing each row otherwise takes longer than inserting it.
    """
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
