"""Accepting a new epoch: going on with a hub that was restored from a backup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agency_client.agency import Agency
from agency_client.submission import Outcome, Submitting
from agency_client.trust import SeenCheckpoint, open_note, parse_entry, require_going_on
from comity.checkpoint import LedgerKey, parse_origin
from comity.errors import LedgerForked, MalformedInput
from comity.merkle import leaf_hash, verify_inclusion
from comity.v1 import ledger_pb2

PAGE_ENTRIES = 4_096  # what the hub gives at most; the epoch began not long ago


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What accepting an epoch came to. `compared_size` is where old and new tree were compared."""

    previous_origin: str
    origin: str
    restored_size: int
    compared_size: int
    sent_again: Sequence[Outcome]


async def accept_epoch(agency: Agency, new_key: LedgerKey) -> EpochReport:
    """Goes on under a new origin, whose key the hub's administrators told out of band.

    1. The key is of a later epoch of the same hub.
    2. The hub's checkpoint is signed with it, and the entry that begins the epoch lies in its tree.
    3. The newest remembered checkpoint that is no larger than what was restored is the beginning of
       the new tree: what was restored is what this agency has seen.
    4. What the inbox holds is divided there, then the key is accepted: where that is broken off,
       the same call does both again.
    5. Receipted acts that the hub has lost are sent again, byte for byte.

    Raises: MalformedInput, CheckpointInvalid, ProofInvalid, LedgerForked; nothing has changed then.
    HubUnavailable in the last step: the acts are kept, and sent with the next ones.
    """
    trust = agency.trust
    previous = trust.ledger_keys[-1]
    _require_later(previous, new_key)  # 1
    checkpoint = open_note(await agency.client.get_checkpoint_note(), new_key)  # 2
    epoch = await _fetch_epoch_entry(agency, checkpoint)
    compared_size = await _compare(agency, previous.origin, checkpoint, epoch.restored_size)  # 3
    agency.inbox.begin_epoch(  # 4
        previous_origin=previous.origin,
        origin=new_key.origin,
        restored_size=epoch.restored_size,
    )
    _go_on(agency, new_key, checkpoint)
    await agency.client.refresh_roster()
    agency.inbox.save_trust(trust)
    sent_again = await Submitting(agency).send_kept()  # 5
    return EpochReport(
        previous.origin, new_key.origin, epoch.restored_size, compared_size, sent_again
    )


def _require_later(previous: LedgerKey, new_key: LedgerKey) -> None:
    domain, epoch = parse_origin(previous.origin)
    new_domain, new_epoch = parse_origin(new_key.origin)
    if new_key.origin == previous.origin:
        raise MalformedInput(f"{new_key.origin} is accepted already.")
    if new_domain != domain or new_epoch <= epoch:
        raise MalformedInput(f"{new_key.origin} is no later epoch of {previous.origin}.")


async def _compare(
    agency: Agency, previous_origin: str, checkpoint: SeenCheckpoint, restored_size: int
) -> int:
    remembered = agency.inbox.memory.find_checkpoint(previous_origin, at_most=restored_size)
    if remembered is None or remembered.size == 0:
        return 0
    proof = await agency.client.prove_consistency(remembered.size, to_size=checkpoint.size)
    require_going_on(remembered, checkpoint, proof.consistency_path)
    return remembered.size


def _go_on(agency: Agency, new_key: LedgerKey, checkpoint: SeenCheckpoint) -> None:
    agency.trust.begin_epoch(new_key, checkpoint, agency.inbox.memory.list_roster_leaves())
    agency.inbox.save_trust(agency.trust)
    agency.profile.add_ledger_key(new_key)


async def _fetch_epoch_entry(agency: Agency, checkpoint: SeenCheckpoint) -> ledger_pb2.EpochEntry:
    """The entry that begins the epoch, looked for from the ledger's end."""
    end = checkpoint.size
    while end > 0:
        first = max(0, end - PAGE_ENTRIES)
        page = await agency.client.list_entries(first, limit=end - first)
        for leaf in reversed(page.entries):
            entry = parse_entry(leaf.entry)
            if entry.HasField("epoch") and entry.epoch.origin == checkpoint.origin:
                await _require_in_tree(agency, leaf, checkpoint)
                return _require_beginning(leaf.entry_index, entry.epoch)
        end = first
    raise LedgerForked("The hub's ledger does not record the beginning of its epoch.")


async def _require_in_tree(
    agency: Agency, leaf: ledger_pb2.LedgerLeaf, checkpoint: SeenCheckpoint
) -> None:
    proof = await agency.client.prove_inclusion(leaf.entry_index, ledger_size=checkpoint.size)
    verify_inclusion(
        leaf_hash(leaf.entry),
        index=leaf.entry_index,
        size=checkpoint.size,
        root=checkpoint.root,
        path=list(proof.inclusion_path),
    )


def _require_beginning(index: int, entry: ledger_pb2.EpochEntry) -> ledger_pb2.EpochEntry:
    if entry.restored_size != index:
        raise LedgerForked("The entry that begins the epoch lies elsewhere than it says.")
    return entry
