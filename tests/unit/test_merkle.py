"""The tree against published vectors and against the RFC's own definitions, written out below."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.errors import ComityError, ProofInvalid
from comity.merkle import (
    MAX_PATH_HASHES,
    MAX_SIZE,
    LeafRange,
    NodeKey,
    RightEdge,
    consistency_ranges,
    empty_root,
    inclusion_ranges,
    leaf_hash,
    members_ranges,
    needed_subtrees,
    node_hash,
    proof_hashes,
    root_from_leaf_hashes,
    verify_consistency,
    verify_inclusion,
    verify_members,
)
from tests.vectors import load_vectors

CT = load_vectors("merkle_ct")
CT_LEAVES = [leaf_hash(bytes.fromhex(entry)) for entry in CT["leaves"]]
CT_ROOTS = [bytes.fromhex(root) for root in CT["roots"]]

LEAVES = [leaf_hash(str(index).encode()) for index in range(300)]
EVERY_SHAPE = 40  # sizes up to this one are tried with every leaf and every older size
NODES = RightEdge().append(LEAVES)

hashes = st.binary(min_size=32, max_size=32)
loose_hashes = st.lists(hashes | st.binary(max_size=40), max_size=60)


# --- RFC 9162, word for word ---------------------------------------------------------------------


def split(size: int) -> int:
    return next(1 << k for k in range(64) if 1 << k < size <= 2 << k)


def mth(leaves: Sequence[bytes]) -> bytes:
    """§2.1.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else empty_root()
    k = split(len(leaves))
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """§2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], *, complete: bool = True) -> list[bytes]:
    """§2.1.4.1."""
    if m == len(leaves):
        return [] if complete else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], complete=complete), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], complete=False), mth(leaves[:k])]


def members(wanted: set[int], leaves: Sequence[bytes], start: int = 0) -> list[bytes]:
    """The hashes of the largest ranges of the same recursion that hold nothing wanted."""
    if not wanted & set(range(start, start + len(leaves))):
        return [mth(leaves)]
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    return members(wanted, leaves[:k], start) + members(wanted, leaves[k:], start + k)


def hashes_of(ranges: Iterable[LeafRange]) -> list[bytes]:
    """A proof as a store makes it: first what is needed, then the proof from exactly that."""
    ranges = list(ranges)
    return proof_hashes(ranges, {key: NODES[key] for key in needed_subtrees(ranges)})


# --- published vectors ---------------------------------------------------------------------------


def test_roots_are_those_of_the_reference_tree() -> None:
    for size, root in enumerate(CT_ROOTS):
        assert root == root_from_leaf_hashes(CT_LEAVES[:size])


@pytest.mark.parametrize("vector", CT["inclusion"])
def test_inclusion_paths_are_those_of_the_reference_tree(vector: dict[str, Any]) -> None:
    index, size = vector["index"], vector["size"]
    expected = [bytes.fromhex(value) for value in vector["path"]]
    nodes = RightEdge().append(CT_LEAVES)
    assert expected == proof_hashes(inclusion_ranges(index, size), nodes)
    verify_inclusion(CT_LEAVES[index], index=index, size=size, root=CT_ROOTS[size], path=expected)


@pytest.mark.parametrize("vector", CT["consistency"])
def test_consistency_paths_are_those_of_the_reference_tree(vector: dict[str, Any]) -> None:
    older, newer = vector["from_size"], vector["to_size"]
    expected = [bytes.fromhex(value) for value in vector["path"]]
    nodes = RightEdge().append(CT_LEAVES)
    assert expected == proof_hashes(consistency_ranges(older, newer), nodes)
    verify_consistency(
        from_size=older,
        from_root=CT_ROOTS[older],
        to_size=newer,
        to_root=CT_ROOTS[newer],
        path=expected,
    )


def test_an_entry_of_a_public_ledger_of_58_million_is_in_its_tree() -> None:
    vector = load_vectors("sumdb")["inclusion"]
    proof = [base64.b64decode(value) for value in vector["path"]]
    leaf, root = base64.b64decode(vector["leaf_hash"]), base64.b64decode(vector["root"])
    index, size = vector["index"], vector["size"]
    assert leaf == leaf_hash(vector["entry"].encode())
    verify_inclusion(leaf, index=index, size=size, root=root, path=proof)

    # The same hashes, put in the order of the leaves, prove it as one member.
    from_leaf_up = inclusion_ranges(index, size)
    by_range = dict(zip(from_leaf_up, proof, strict=True))
    ordered = [by_range[leaves] for leaves in members_ranges([index], size)]
    verify_members({index: leaf}, size=size, root=root, path=ordered)


# --- against the definitions, for every small shape ----------------------------------------------


@pytest.mark.parametrize("size", range(1, EVERY_SHAPE + 1))
def test_every_leaf_of_every_small_tree_is_proved(size: int) -> None:
    root = mth(LEAVES[:size])
    for index in range(size):
        proof = hashes_of(inclusion_ranges(index, size))
        assert path(index, LEAVES[:size]) == proof
        verify_inclusion(LEAVES[index], index=index, size=size, root=root, path=proof)


@pytest.mark.parametrize("size", range(1, EVERY_SHAPE + 1))
def test_every_older_size_of_every_small_tree_is_proved(size: int) -> None:
    for older in range(1, size + 1):
        proof = hashes_of(consistency_ranges(older, size))
        assert subproof(older, LEAVES[:size]) == proof
        verify_consistency(
            from_size=older,
            from_root=mth(LEAVES[:older]),
            to_size=size,
            to_root=mth(LEAVES[:size]),
            path=proof,
        )


@pytest.mark.parametrize("size", range(1, 9))
def test_every_set_of_leaves_of_every_tiny_tree_is_proved(size: int) -> None:
    root = mth(LEAVES[:size])
    for mask in range(2**size):
        wanted = [index for index in range(size) if mask >> index & 1]
        proof = hashes_of(members_ranges(wanted, size))
        assert members(set(wanted), LEAVES[:size]) == proof
        verify_members({i: LEAVES[i] for i in wanted}, size=size, root=root, path=proof)


def test_a_tree_without_leaves_has_no_members_and_the_hash_of_nothing() -> None:
    verify_members({}, size=0, root=CT_ROOTS[0], path=[])


# --- properties ----------------------------------------------------------------------------------

trees = st.integers(1, len(LEAVES))


@st.composite
def some_members(draw: st.DrawFn) -> tuple[list[int], int]:
    size = draw(trees)
    return sorted(draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=40))), size


@given(some_members())
def test_some_leaves_of_a_tree_are_proved(drawn: tuple[list[int], int]) -> None:
    wanted, size = drawn
    proof = hashes_of(members_ranges(wanted, size))
    assert members(set(wanted), LEAVES[:size]) == proof
    verify_members({i: LEAVES[i] for i in wanted}, size=size, root=mth(LEAVES[:size]), path=proof)


@given(st.integers(1, MAX_SIZE), st.data())
def test_one_member_is_proved_by_the_hashes_of_its_inclusion_path(size: int, data: Any) -> None:
    index = data.draw(st.integers(0, size - 1))
    assert sorted(inclusion_ranges(index, size)) == members_ranges([index], size)
    assert len(inclusion_ranges(index, size)) <= MAX_PATH_HASHES


def test_neighbours_cost_little_more_than_one() -> None:
    assert len(members_ranges(range(50_000, 50_064), 100_000)) <= 2 * 17


@given(some_members(), st.data())
def test_no_other_leaf_and_no_other_proof_passes(drawn: tuple[list[int], int], data: Any) -> None:
    wanted, size = drawn
    leaves = {i: LEAVES[i] for i in wanted}
    root = mth(LEAVES[:size])
    proof = hashes_of(members_ranges(wanted, size))
    changed = data.draw(st.sampled_from(wanted))
    wrong = [
        ({**leaves, changed: bytes(32)}, proof),
        (leaves, [*proof, root]),
        (leaves, [root, *proof]),
        (leaves, [*proof[:-1], bytes(32)]),
        ({i + 1: leaf for i, leaf in leaves.items()}, proof),
    ]
    if proof:
        wrong += [(leaves, proof[:-1]), (leaves, proof[1:])]
    for wrong_leaves, wrong_proof in wrong:
        with pytest.raises(ProofInvalid):
            verify_members(wrong_leaves, size=size, root=root, path=wrong_proof)


@given(trees, st.data())
def test_a_changed_path_proves_no_inclusion(size: int, data: Any) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, proof = mth(LEAVES[:size]), hashes_of(inclusion_ranges(index, size))
    wrong = [[*proof, root], [root, *proof], [*proof[:-1], bytes(32)]]
    for other in wrong + ([proof[:-1], proof[1:]] if proof else []):
        with pytest.raises(ProofInvalid):
            verify_inclusion(LEAVES[index], index=index, size=size, root=root, path=other)
    with pytest.raises(ProofInvalid):
        verify_inclusion(bytes(32), index=index, size=size, root=root, path=proof)


@given(trees, st.data())
def test_another_history_is_not_consistent(size: int, data: Any) -> None:
    older = data.draw(st.integers(1, size))
    proof = hashes_of(consistency_ranges(older, size))
    right = (mth(LEAVES[:older]), mth(LEAVES[:size]), proof)
    wrong = [
        (bytes(32), right[1], proof),
        (right[0], bytes(32), proof),
        (right[0], right[1], [*proof, bytes(32)]),
        (right[0], right[1], [bytes(32), *proof]),
    ]
    if proof:
        wrong.append((right[0], right[1], proof[:-1]))
    for from_root, to_root, other in wrong:
        with pytest.raises(ProofInvalid):
            verify_consistency(
                from_size=older, from_root=from_root, to_size=size, to_root=to_root, path=other
            )


@pytest.mark.parametrize("size", range(1, 17))
def test_a_path_of_another_height_proves_nothing(size: int) -> None:
    root = mth(LEAVES[:size])
    for claimed in range(1, 33):
        for index in range(min(size, claimed)):
            proof = hashes_of(inclusion_ranges(index, size))
            if len(proof) == len(inclusion_ranges(index, claimed)):
                continue
            with pytest.raises(ProofInvalid):
                verify_inclusion(LEAVES[index], index=index, size=claimed, root=root, path=proof)


@pytest.mark.parametrize("size", range(2, 17))
def test_a_consistency_path_of_another_height_proves_nothing(size: int) -> None:
    for older in range(1, size):
        with pytest.raises(ProofInvalid):
            verify_consistency(
                from_size=older,
                from_root=mth(LEAVES[:older]),
                to_size=4 * size,
                to_root=mth(LEAVES[:size]),
                path=hashes_of(consistency_ranges(older, size)),
            )


def test_moving_the_border_between_two_hashes_proves_nothing() -> None:
    root = node_hash(LEAVES[0], LEAVES[1])
    leaf, sibling = LEAVES[0] + LEAVES[1][:1], LEAVES[1][1:]
    assert root == node_hash(leaf, sibling)
    with pytest.raises(ProofInvalid):
        verify_inclusion(leaf, index=0, size=2, root=root, path=[sibling])
    with pytest.raises(ProofInvalid):
        verify_members({0: leaf}, size=2, root=root, path=[sibling])


# --- the right edge ------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 60), max_size=5))
def test_a_tree_that_grows_by_parts_is_the_tree_that_grew_at_once(parts: list[int]) -> None:
    edge = RightEdge()
    completed: dict[NodeKey, bytes] = {}
    for part in parts:
        edge = RightEdge.from_bytes(edge.to_bytes())
        completed |= edge.append(LEAVES[edge.size : edge.size + part])
    size = sum(parts)
    assert size == edge.size
    assert mth(LEAVES[:size]) == edge.root()
    assert {key: NODES[key] for key in completed} == completed
    assert {key: completed[key] for key in edge.nodes()} == edge.nodes()


@given(trees)
def test_every_completed_subtree_is_reported_once(size: int) -> None:
    completed = RightEdge().append(LEAVES[:size])
    expected = {(k, i) for k in range(9) for i in range(size >> k)}
    assert expected == set(completed)
    for level, index in completed:
        if level:
            left, right = completed[level - 1, 2 * index], completed[level - 1, 2 * index + 1]
            assert node_hash(left, right) == completed[level, index]


@given(st.binary(max_size=120))
def test_only_the_bytes_of_an_edge_make_an_edge(stored: bytes) -> None:
    with contextlib.suppress(ProofInvalid):
        assert stored == RightEdge.from_bytes(stored).to_bytes()


@pytest.mark.parametrize("change", [-32, -1, 1, 32])
def test_an_edge_of_another_length_is_refused(change: int) -> None:
    edge = RightEdge()
    edge.append(LEAVES[:7])
    stored = edge.to_bytes()
    with pytest.raises(ProofInvalid):
        RightEdge.from_bytes(stored[:change] if change < 0 else stored + bytes(change))


# --- whatever comes in ---------------------------------------------------------------------------

numbers = st.integers(-5, 70) | st.integers(-(2**70), 2**70)


@pytest.mark.parametrize(
    ("indices", "size"),
    [([1, 1], 3), ([2, 1], 3), ([3], 3), ([-1], 3), ([0], 0), ([], -1), ([], MAX_SIZE + 1)],
)
def test_leaves_that_are_not_there_or_do_not_rise_have_no_proof(
    indices: list[int], size: int
) -> None:
    with pytest.raises(ProofInvalid):
        members_ranges(indices, size)


@settings(max_examples=300)
@given(index=numbers, size=numbers, proof=loose_hashes, leaf=hashes, root=hashes)
def test_whatever_comes_in_only_our_errors_come_out(
    index: int, size: int, proof: list[bytes], leaf: bytes, root: bytes
) -> None:
    with contextlib.suppress(ComityError):
        inclusion_ranges(index, size)
    with contextlib.suppress(ComityError):
        consistency_ranges(index, size)
    with contextlib.suppress(ComityError):
        verify_consistency(from_size=index, from_root=leaf, to_size=size, to_root=root, path=proof)
    with pytest.raises(ComityError):
        verify_inclusion(leaf, index=index, size=size, root=root + b"\0", path=proof)


@settings(max_examples=300)
@given(st.dictionaries(numbers, hashes, max_size=8), numbers, loose_hashes)
def test_whatever_the_members_only_our_errors_come_out(
    leaves: dict[int, bytes], size: int, proof: list[bytes]
) -> None:
    with pytest.raises(ComityError):
        verify_members(leaves, size=size, root=b"no root", path=proof)


def test_a_hostile_proof_costs_no_more_than_a_high_tree() -> None:
    proof = [bytes(32)] * (MAX_PATH_HASHES + 1)
    with pytest.raises(ProofInvalid, match="too long"):
        verify_members({0: bytes(32)}, size=MAX_SIZE, root=bytes(32), path=proof)
