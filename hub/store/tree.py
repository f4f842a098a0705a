"""Reads the ledger's tree: hashes of perfect subtrees for proofs, through a cache of tiles.

A tile is 256 hashes of one stored level (0, 8, 16, …), read with one query; what lies between two
stored levels is recomputed from it. Never writes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping

from comity.merkle import NodeKey, node_hash
from hub.store.database import Connection, Database
from hub.store.ledger import list_leaf_hashes, list_nodes
from hub.store.transaction import STORED_LEVEL_STEP, CommittedBatch

TILE_WIDTH = 1 << STORED_LEVEL_STEP
MAX_CACHED_TILES = 1_024  # 8 KB of hashes each and up to as much again of what lies between

TileKey = tuple[int, int]


class _Tile:
    """Hashes of one stretch of a stored level, and the subtrees over them as far as asked for."""

    def __init__(self, hashes: list[bytes]) -> None:
        self.hashes = hashes
        self._nodes: dict[NodeKey, bytes] = {}

    def node(self, height: int, index: int) -> bytes:
        """The subtree `height` levels above the tile's own, counted from the tile's left."""
        if height == 0:
            return self.hashes[index]
        known = self._nodes.get((height, index))
        if known is None:
            known = node_hash(
                self.node(height - 1, 2 * index), self.node(height - 1, 2 * index + 1)
            )
            self._nodes[height, index] = known
        return known


class TreeReader:
    """Gives subtree hashes from the database, or from memory where they were read before."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tiles: OrderedDict[TileKey, _Tile] = OrderedDict()

    async def nodes(self, wanted: Collection[NodeKey]) -> dict[NodeKey, bytes]:
        """The hashes of perfect subtrees by (level, index). All of them must be complete.

        Holds on to the tiles that it needs: while it reads the ones that are missing, others may
        push those that are there out of the cache.
        """
        needed = _needed_tiles(wanted)
        tiles = self._kept_tiles(needed)
        missing = needed.keys() - tiles.keys()
        if missing:
            async with self._database.read() as connection:
                for key in sorted(missing):
                    tiles[key] = await _load_tile(connection, key)
                    self._keep(key, tiles[key])
        found = {key: _node(tiles, key) for key in wanted}
        while len(self._tiles) > MAX_CACHED_TILES:
            self._tiles.popitem(last=False)
        return found

    def add_batch(self, batch: CommittedBatch) -> None:
        """Takes the leaf hashes of a batch into the tile at the ledger's end, if that is cached."""
        for entry in batch.entries:
            tile_index, place = divmod(entry.entry_index, TILE_WIDTH)
            tile = self._tiles.get((0, tile_index))
            if tile is None and place == 0:
                tile = _Tile([])
                self._keep((0, tile_index), tile)
            if tile is not None and len(tile.hashes) == place:
                tile.hashes.append(entry.leaf_hash)

    def _kept_tiles(self, needed: Mapping[TileKey, int]) -> dict[TileKey, _Tile]:
        """The tiles in the cache that are as long as needed, by key."""
        kept = {}
        for key, count in needed.items():
            tile = self._tiles.get(key)
            if tile is not None and len(tile.hashes) >= count:
                kept[key] = tile
                self._tiles.move_to_end(key)
        return kept

    def _keep(self, key: TileKey, tile: _Tile) -> None:
        """Takes a tile into the cache, unless the one there has grown longer meanwhile."""
        kept = self._tiles.get(key)
        if kept is None or len(kept.hashes) < len(tile.hashes):
            self._tiles[key] = tile
        self._tiles.move_to_end(key)


def _needed_tiles(wanted: Collection[NodeKey]) -> dict[TileKey, int]:
    """The tiles that nodes lie in, each with how many of its hashes they need."""
    needed: dict[TileKey, int] = {}
    for level, index in wanted:
        height = level % STORED_LEVEL_STEP
        key = _tile_key((level, index))
        last = ((index + 1) << height) - key[1] * TILE_WIDTH
        needed[key] = max(needed.get(key, 0), last)
    return needed


def _node(tiles: Mapping[TileKey, _Tile], key: NodeKey) -> bytes:
    level, index = key
    height = level % STORED_LEVEL_STEP
    tile_key = _tile_key(key)
    first = tile_key[1] * TILE_WIDTH >> height
    return tiles[tile_key].node(height, index - first)


def _tile_key(key: NodeKey) -> TileKey:
    level, index = key
    height = level % STORED_LEVEL_STEP
    return (level - height, (index << height) // TILE_WIDTH)


async def _load_tile(connection: Connection, key: TileKey) -> _Tile:
    level, index = key
    first = index * TILE_WIDTH
    if level == 0:
        return _Tile(await list_leaf_hashes(connection, first, limit=TILE_WIDTH))
    return _Tile(await list_nodes(connection, level, first_index=first, limit=TILE_WIDTH))
