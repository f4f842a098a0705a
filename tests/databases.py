"""Empty databases on a PostgreSQL that is running."""

from __future__ import annotations

import uuid

import psycopg


def new_database(url: str) -> str:
    """Makes an empty database on the server of a URL, and gives its own URL."""
    return _make(url, from_template="")


def copy_of(url: str) -> str:
    """Copies a database that nobody is connected to, and gives the copy's URL."""
    return _make(_beside(url, "postgres"), from_template=f" TEMPLATE {_name(url)}")


def _make(url: str, *, from_template: str) -> str:
    name = f"hub_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{from_template}".encode())
    return _beside(url, name)


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _beside(url: str, name: str) -> str:
    head, mark, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{mark}{query}"
