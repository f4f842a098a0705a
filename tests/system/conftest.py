from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stage import Stage
from tests.databases import new_database


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
