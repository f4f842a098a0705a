"""What must hold of a ledger and its followers, proven from what the agencies were told."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from agency_client.client import HubClient
from comity.merkle import HASH_BYTES, leaf_hash, verify_consistency
from comity.receipt import verify_receipt
from comity.v1.events_pb2 import Event
from comity.v1.ledger_pb2 import Receipt
from tests.system.publications import Delivered, Publication

AT_ONCE = 16


def received_in(inbox_path: Path) -> list[Delivered]:
    """The notices on a follower's disk as they came: entry indices, and what was signed."""
    with closing(sqlite3.connect(inbox_path)) as connection:
        rows = connection.execute(
            "SELECT entry_index, event FROM events WHERE notice_id != '' ORDER BY rowid"
        ).fetchall()
    return [(index, Event.FromString(event).act.envelope.payload) for index, event in rows]


async def fetch_leaves(client: HubClient) -> list[bytes]:
    """The hash of every entry."""
    size = (await client.get_checkpoint()).size
    hashes = b""
    while len(hashes) < size * HASH_BYTES:
        hashes += (await client.list_entries(len(hashes) // HASH_BYTES)).leaf_hashes
    return [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]


def require_in_ledger(
    receipts: Iterable[Receipt],
    *,
    leaves: Sequence[bytes],
    publications: Mapping[int, Publication],
    client: HubClient,
) -> None:
    """Requires of each receipt that it verifies offline and that its entry is where it says."""
    for receipt in receipts:
        acts = publications[receipt.entry_index].acts
        verify_receipt(receipt, acts=acts, ledger_keys=client.trust.ledger_keys)
        assert leaf_hash(receipt.entry) == leaves[receipt.entry_index]


async def require_consistent(notes: Iterable[bytes], client: HubClient) -> None:
    """Requires that the ledger as it is now goes on from every checkpoint handed out."""
    final = await client.get_checkpoint()
    known = {client.trust.open_note(note) for note in notes}
    roots = {(checkpoint.size, checkpoint.root) for checkpoint in known}
    assert len({size for size, _ in roots}) == len(roots)
    at_once = asyncio.Semaphore(AT_ONCE)

    async def require(size: int, root: bytes) -> None:
        async with at_once:
            response = await client.prove_consistency(size, to_size=final.size)
        verify_consistency(
            from_size=size,
            from_root=root,
            to_size=final.size,
            to_root=final.root,
            path=response.consistency_path,
        )

    async with asyncio.TaskGroup() as group:
        for size, root in roots:
            group.create_task(require(size, root))
