"""Proofs over the ledger's tree, from the hashes that the store gives."""

from __future__ import annotations

from collections.abc import Sequence

from comity.merkle import (
    LeafRange,
    consistency_ranges,
    inclusion_ranges,
    members_ranges,
    needed_subtrees,
    proof_hashes,
)
from comity.v1.ledger_pb2 import LedgerProof
from hub.services.checkpoints import SignedHead
from hub.store.tree import TreeReader


class Proofs:
    """Makes proofs. Signs nothing: checkpoints come signed."""

    def __init__(self, tree: TreeReader) -> None:
        self._tree = tree

    async def proof(
        self, indices: Sequence[int], *, signed: SignedHead, known_size: int
    ) -> LedgerProof:
        """That entries lie in a signed tree, and that it goes on from a size that the reader knows.

        A known size that the ledger has not reached, or 0, brings no consistency path: the reader
        sees by the checkpoint alone that something is wrong, or is new here.

        Raises: StoreUnavailable.
        """
        members = members_ranges(indices, signed.size) if indices else []
        is_known = 0 < known_size < signed.size
        consistency = consistency_ranges(known_size, signed.size) if is_known else []
        hashes = await self._hashes([*members, *consistency])
        return LedgerProof(
            checkpoint=signed.note,
            members_path=hashes[: len(members)],
            consistent_from=known_size if is_known else 0,
            consistency_path=hashes[len(members) :],
        )

    async def inclusion_path(self, index: int, *, size: int) -> list[bytes]:
        """The inclusion path of RFC 9162 §2.1.3."""
        return await self._hashes(inclusion_ranges(index, size))

    async def consistency_path(self, from_size: int, *, to_size: int) -> list[bytes]:
        """The consistency path of RFC 9162 §2.1.4."""
        return await self._hashes(consistency_ranges(from_size, to_size))

    async def _hashes(self, ranges: Sequence[LeafRange]) -> list[bytes]:
        return proof_hashes(ranges, await self._tree.nodes(needed_subtrees(ranges)))
