"""The cache of the ledger's tree, while others use it too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from comity.v1.ledger_pb2 import ActsEntry
from hub.store import tree as tree_module
from hub.store.transaction import LedgerTransaction
from hub.store.tree import TILE_WIDTH, TreeReader
from tests.unit.hub_parts import PausingDatabase, begin, commit, sqlite_url


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[PausingDatabase]:
    """A ledger that fills three tiles of leaves."""
    database = PausingDatabase(sqlite_url(tmp_path))
    await begin(database)
    await commit(database, append_many, 3 * TILE_WIDTH)
    yield database
    await database.dispose()


async def append_many(transaction: LedgerTransaction, counts: Sequence[int]) -> list[None]:
    for _ in range(sum(counts)):
        transaction.append_acts(ActsEntry())
    return [None] * len(counts)


async def test_a_tile_stays_with_its_reader_when_another_pushes_it_out_of_the_cache(
    database: PausingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_module, "MAX_CACHED_TILES", 1)
    tree = TreeReader(database)
    wanted = {(0, 0), (0, TILE_WIDTH)}
    expected = await TreeReader(database).nodes(wanted)
    await tree.nodes({(0, 0)})

    database.meanwhile = lambda: tree.nodes({(0, 2 * TILE_WIDTH)})

    assert expected == await tree.nodes(wanted)
