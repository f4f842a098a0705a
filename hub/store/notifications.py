"""Word from other hub processes on the same PostgreSQL that the ledger has grown.

Only a wake-up: whoever misses one looks a little later. On SQLite there is nothing to listen to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy import text

from hub.store.database import Connection, Database

CHANNEL = "comity_ledger"
RECONNECT_SECONDS = 1.0  # looking goes on meanwhile


async def notify(connection: Connection) -> None:
    """Tells the other processes, when the transaction commits."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"NOTIFY {CHANNEL}"))


async def listen(database: Database, *, on_notification: Callable[[], None]) -> None:
    """Calls back at every notification until cancelled; connects again when the line breaks."""
    if database.is_sqlite:
        return
    import psycopg

    conninfo = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
            async with connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                on_notification()
                async for _ in connection.notifies():
                    on_notification()
        except (psycopg.Error, OSError):
            await asyncio.sleep(RECONNECT_SECONDS)
