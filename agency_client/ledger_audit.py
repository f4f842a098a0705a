"""`comity ledger verify`: the ledger's root from every leaf hash, and one's own entries in it.

Believes nothing but the ledger's key: not the hub's proofs, and not what earlier calls verified. A
page at a time, so that a ledger of any size fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from agency_client.agency import Agency
from agency_client.trust import SeenCheckpoint, parse_entry
from comity.errors import LedgerForked
from comity.merkle import HASH_BYTES, RightEdge, leaf_hash
from comity.roster import Roster
from comity.v1 import ledger_pb2

PAGE_ENTRIES = 4_096  # what the hub gives at most


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What was verified."""

    origin: str
    size: int
    root: bytes
    readable: int
    received: int
    receipts: int
    checkpoints: int
    agencies: int


@dataclass(slots=True)
class _Audit:
    """How far it is, and what has been found."""

    agency: Agency
    remembered: dict[int, SeenCheckpoint]
    edge: RightEdge = field(default_factory=RightEdge)
    roster: Roster = field(default_factory=Roster)
    readable: int = 0
    received: int = 0
    receipts: int = 0
    checkpoints: int = 0


async def verify_ledger(
    agency: Agency, *, on_progress: Callable[[int, int], None] = lambda _done, _total: None
) -> LedgerReport:
    """Verifies the whole ledger from this agency's side.

    1. The root over every leaf hash that the hub gives is that of its newest checkpoint, which goes
       on from the one that is remembered; so are the roots at every other remembered size.
    2. Every entry whose bytes the hub shows hashes to its leaf.
    3. The roster entries form one chain without a gap, and it is the roster that is known.
    4. Every event in the inbox and every receipt lies where it was said to lie.

    Raises: LedgerForked with what does not verify; LedgerRolledBack, EpochChanged.
    """
    checkpoint = await agency.client.get_checkpoint()
    await agency.client.refresh_roster()
    known = agency.inbox.memory.list_checkpoints(checkpoint.origin)
    audit = _Audit(agency, {one.size: one for one in known if one.size <= checkpoint.size})
    while audit.edge.size < checkpoint.size:
        await _take_page(audit, checkpoint.size)
        on_progress(audit.edge.size, checkpoint.size)
    if audit.edge.root() != checkpoint.root:  # 1
        raise LedgerForked("The root over all entries is not that of the newest checkpoint.")
    _require_known_roster(audit, checkpoint.size)  # 3
    return LedgerReport(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root,
        readable=audit.readable,
        received=audit.received,
        receipts=audit.receipts,
        checkpoints=audit.checkpoints,
        agencies=len(audit.roster.agencies),
    )


async def _take_page(audit: _Audit, size: int) -> None:
    first = audit.edge.size
    page = await audit.agency.client.list_entries(first, limit=min(PAGE_ENTRIES, size - first))
    hashes = page.leaf_hashes
    leaves = [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]
    leaves = leaves[: size - first]
    if not leaves or len(leaves[-1]) != HASH_BYTES:
        raise LedgerForked(f"The hub does not give the hash of entry {first}.")
    for leaf in page.entries:
        _take_entry(audit, leaf, leaves, first)  # 2, 3
    audit.received += _require_received(audit.agency, leaves, first)  # 4
    audit.receipts += _require_receipts(audit.agency, leaves, first)
    _grow(audit, leaves)  # 1


def _grow(audit: _Audit, leaves: list[bytes]) -> None:
    """Appends leaves, and compares the root wherever a checkpoint is remembered."""
    for leaf in leaves:
        audit.edge.append([leaf])
        remembered = audit.remembered.get(audit.edge.size)
        if remembered is None:
            continue
        if remembered.root != audit.edge.root():
            raise LedgerForked(
                f"The first {remembered.size:,} entries are not those that were shown before."
            )
        audit.checkpoints += 1


def _take_entry(
    audit: _Audit, leaf: ledger_pb2.LedgerLeaf, leaves: list[bytes], first: int
) -> None:
    place = leaf.entry_index - first
    if not 0 <= place < len(leaves) or leaf_hash(leaf.entry) != leaves[place]:
        raise LedgerForked(f"Entry {leaf.entry_index} does not hash to its leaf.")
    entry = parse_entry(leaf.entry)
    if entry.HasField("roster"):
        audit.roster.add_entry(leaf.entry_index, entry.roster)
    elif entry.HasField("acts") and entry.acts.roster_entry != audit.roster.last_entry:
        raise LedgerForked(f"Entry {leaf.entry_index} was judged by another roster than is shown.")
    audit.readable += 1


def _require_known_roster(audit: _Audit, size: int) -> None:
    known = [index for index in audit.agency.trust.roster_leaves if index < size]
    if audit.roster.last_entry != max(known, default=None):
        raise LedgerForked("The ledger's roster entries are not those that the hub has shown.")


def _require_received(agency: Agency, leaves: list[bytes], first: int) -> int:
    received = agency.inbox.received.list_event_leaves(
        agency.trust.origin, first_index=first, end_index=first + len(leaves)
    )
    _require_at(((leaf.entry_index, leaf.entry) for leaf in received), leaves, first)
    return len(received)


def _require_receipts(agency: Agency, leaves: list[bytes], first: int) -> int:
    sent = agency.inbox.sent.list_receipted(first_index=first, end_index=first + len(leaves))
    receipts = [s.receipted.receipt for s in sent if s.receipted is not None]
    _require_at(((r.entry_index, r.entry) for r in receipts), leaves, first)
    return len(receipts)


def _require_at(entries: Iterable[tuple[int, bytes]], leaves: list[bytes], first: int) -> None:
    for index, entry in entries:
        if leaf_hash(entry) != leaves[index - first]:
            raise LedgerForked(f"Entry {index}, which the hub has shown before, is another now.")
