"""The Merkle tree of RFC 9162 (SHA-256): roots, inclusion, consistency, and several leaves at once.

Proofs are made in two steps, so that a store can fetch what they need in one go: first the ranges
of leaves whose hashes they consist of, then, from the hashes of perfect subtrees, the proof itself.
A perfect subtree is named by (level, index): 2**level leaves, counted from the left. Never reads
anything by itself.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from comity.errors import ProofInvalid

HASH_BYTES = 32
MAX_SIZE = 1 << 48  # far beyond any ledger; bounds the work that a foreign proof can ask for
MAX_PATH_HASHES = 48  # a path is no longer than the tree is high

NodeKey = tuple[int, int]
LeafRange = tuple[int, int]

_sha256 = hashlib.sha256


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf. Source: RFC 9162 §2.1.1."""
    return _sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node. Source: RFC 9162 §2.1.1."""
    return _sha256(b"\x01" + left + right).digest()


def empty_root() -> bytes:
    """The root of a tree without leaves."""
    return _sha256(b"").digest()


def root_from_leaf_hashes(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in order. Source: RFC 9162 §2.1.1."""
    edge = RightEdge()
    edge.append(leaves)
    return edge.root()


class RightEdge:
    """A growing tree, of which only the perfect subtrees along its right edge are kept."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)

    @classmethod
    def from_bytes(cls, stored: bytes) -> RightEdge:
        """The edge that `to_bytes` wrote.

        Raises: ProofInvalid.
        """
        size = int.from_bytes(stored[:8], "big")
        hashes = [stored[i : i + HASH_BYTES] for i in range(8, len(stored), HASH_BYTES)]
        if len(stored) != 8 + HASH_BYTES * size.bit_count():
            raise ProofInvalid("The right edge is of another size than it says.")
        return cls(size, hashes)

    def to_bytes(self) -> bytes:
        """8 bytes of size, big-endian, then the hashes from left to right."""
        return self.size.to_bytes(8, "big") + b"".join(self._hashes)

    def nodes(self) -> dict[NodeKey, bytes]:
        """The hashes of the edge by (level, index)."""
        return dict(zip(perfect_subtrees((0, self.size)), self._hashes, strict=True))

    def append(self, leaves: Iterable[bytes]) -> dict[NodeKey, bytes]:
        """Appends leaf hashes; gives them and every subtree that they complete."""
        completed: dict[NodeKey, bytes] = {}
        for leaf in leaves:
            level, index, value = 0, self.size, leaf
            completed[0, index] = leaf
            while index & 1:
                value = node_hash(self._hashes.pop(), value)
                level, index = level + 1, index >> 1
                completed[level, index] = value
            self._hashes.append(value)
            self.size += 1
        return completed

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        return _folded(self._hashes) if self._hashes else empty_root()


def _folded(hashes: Sequence[bytes]) -> bytes:
    """The hash over perfect subtrees of falling size."""
    value = hashes[-1]
    for left in reversed(hashes[:-1]):
        value = node_hash(left, value)
    return value


def perfect_subtrees(leaves: LeafRange) -> list[NodeKey]:
    """The perfect subtrees that a range of the recursion consists of, from left to right."""
    low, high = leaves
    keys = []
    while low < high:
        level = (high - low).bit_length() - 1
        keys.append((level, low >> level))
        low += 1 << level
    return keys


def needed_subtrees(ranges: Iterable[LeafRange]) -> set[NodeKey]:
    """The perfect subtrees whose hashes a proof of these ranges needs."""
    return {key for leaves in ranges for key in perfect_subtrees(leaves)}


def proof_hashes(ranges: Iterable[LeafRange], nodes: Mapping[NodeKey, bytes]) -> list[bytes]:
    """The proof that consists of these ranges, in their order."""
    return [_folded([nodes[key] for key in perfect_subtrees(leaves)]) for leaves in ranges]


def _split(low: int, high: int) -> int:
    """Where the recursion divides a range: after the largest power of two below its length."""
    return low + (1 << ((high - low - 1).bit_length() - 1))


def inclusion_ranges(index: int, size: int) -> list[LeafRange]:
    """The ranges of an inclusion path, from the leaf up. Source: RFC 9162 §2.1.3.1.

    Raises: ProofInvalid where the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofInvalid("The tree has no such leaf.")
    low, high, ranges = 0, size, []
    while high - low > 1:
        middle = _split(low, high)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def consistency_ranges(from_size: int, to_size: int) -> list[LeafRange]:
    """The ranges of a consistency path. Source: RFC 9162 §2.1.4.1.

    Raises: ProofInvalid where the sizes are not 0 < from <= to.
    """
    if not 0 < from_size <= to_size:
        raise ProofInvalid("The sizes of a consistency proof have to grow.")
    low, high, ranges = 0, to_size, []
    while from_size != high:
        middle = _split(low, high)
        if from_size <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low:
        ranges.append((low, high))
    return ranges[::-1]


def members_ranges(indices: Sequence[int], size: int) -> list[LeafRange]:
    """The largest ranges of the recursion that hold none of some leaves, from left to right.

    `indices` rise strictly. For one leaf these are the ranges of its inclusion path. Without any
    leaf it is the one range of the whole tree.

    Raises: ProofInvalid where the tree has no such leaves.
    """
    _require_rising(indices, size)
    ranges: list[LeafRange] = []
    waiting = [(0, size, 0, len(indices))] if size else []
    while waiting:
        low, high, first, last = waiting.pop()
        if first == last:
            ranges.append((low, high))
        elif high - low > 1:
            middle = _split(low, high)
            cut = bisect_left(indices, middle, first, last)
            waiting.append((middle, high, cut, last))
            waiting.append((low, middle, first, cut))
    return ranges


def _require_rising(indices: Sequence[int], size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise ProofInvalid("The tree's size is out of range.")
    if any(a >= b for a, b in pairwise(indices)):
        raise ProofInvalid("The leaves of a proof have to rise.")
    if indices and not (indices[0] >= 0 and indices[-1] < size):
        raise ProofInvalid("The tree has no such leaf.")


def verify_members(
    leaves: Mapping[int, bytes], *, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """Verifies that leaf hashes lie at their indices in the tree of a root.

    Raises: ProofInvalid.
    """
    indices = sorted(leaves)
    _require_rising(indices, size)
    _require_hashes([*path, *leaves.values()])
    if len(path) > max(1, len(indices)) * MAX_PATH_HASHES:
        raise ProofInvalid("The proof is too long.")
    hashes = iter(path)
    computed = _root_over(leaves, indices, size, hashes) if size else empty_root()
    if next(hashes, None) is not None or computed != root:
        raise ProofInvalid("The entries are not in the tree of this checkpoint.")


def _root_over(
    leaves: Mapping[int, bytes], indices: Sequence[int], size: int, hashes: Iterator[bytes]
) -> bytes:
    def over(low: int, high: int, first: int, last: int) -> bytes:
        if first == last:
            value = next(hashes, None)
            if value is None:
                raise ProofInvalid("The proof is too short.")
            return value
        if high - low == 1:
            return leaves[low]
        middle = _split(low, high)
        cut = bisect_left(indices, middle, first, last)
        left = over(low, middle, first, cut)
        return node_hash(left, over(middle, high, cut, last))

    return over(0, size, 0, len(indices))


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """Verifies an inclusion path. Source: RFC 9162 §2.1.3.2.

    Raises: ProofInvalid.
    """
    _require_hashes([leaf, *path])
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofInvalid("The tree has no such leaf.")
    first, second, value = index, size - 1, leaf
    for sibling in path:
        if second == 0:
            raise ProofInvalid("The proof is too long.")
        if first & 1 or first == second:
            value = node_hash(sibling, value)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            value = node_hash(value, sibling)
        first, second = first >> 1, second >> 1
    if second != 0 or value != root:
        raise ProofInvalid("The entry is not in the tree of this checkpoint.")


def verify_consistency(
    *,
    from_size: int,
    from_root: bytes,
    to_size: int,
    to_root: bytes,
    path: Sequence[bytes],
) -> None:
    """Verifies that one tree begins with another. Source: RFC 9162 §2.1.4.2.

    Raises: ProofInvalid.
    """
    _require_hashes(path)
    if not 0 < from_size <= to_size <= MAX_SIZE:
        raise ProofInvalid("The sizes of a consistency proof have to grow.")
    if from_size == to_size:
        if path or from_root != to_root:
            raise ProofInvalid("The same size has another root.")
        return
    hashes = list(path)
    if from_size & (from_size - 1) == 0:
        hashes.insert(0, from_root)
    if not hashes:
        raise ProofInvalid("The proof is too short.")
    _require_both_roots(hashes, from_size, from_root, to_size, to_root)


def _require_both_roots(
    hashes: Sequence[bytes], from_size: int, from_root: bytes, to_size: int, to_root: bytes
) -> None:
    first, second = from_size - 1, to_size - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    older = newer = hashes[0]
    for sibling in hashes[1:]:
        if second == 0:
            raise ProofInvalid("The proof is too long.")
        if first & 1 or first == second:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            newer = node_hash(newer, sibling)
        first, second = first >> 1, second >> 1
    if second != 0 or older != from_root or newer != to_root:
        raise ProofInvalid("The newer tree does not begin with the older one.")


def _require_hashes(values: Sequence[bytes]) -> None:
    if any(len(value) != HASH_BYTES for value in values):
        raise ProofInvalid("A hash has 32 bytes.")
