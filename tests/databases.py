"""Empty databases on a PostgreSQL that is running."""

from __future__ import annotations

import uuid


def new_database(url: str) -> str:
    """Makes an empty database on the server of a URL, and gives its own URL."""
    import psycopg

    name = f"hub_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    head, _, query = url.partition("?")
    base = head.rpartition("/")[0]
    return f"{base}/{name}" + (f"?{query}" if query else "")
