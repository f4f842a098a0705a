"""Accepting a new epoch: going on with a hub that was restored from a backup."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from agency_client.agency import Agency
from agency_client.submission import Outcome, Submitting
from agency_client.trust import SeenCheckpoint, open_note, parse_entry, require_going_on
from comity.checkpoint import LedgerKey, parse_origin
from comity.errors import ComityError, LedgerForked, MalformedInput
from comity.merkle import leaf_hash, verify_inclusion
from comity.v1 import ledger_pb2

PAGE_ENTRIES = 4_096  # what the hub gives at most; the epoch began not long ago


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What accepting an epoch came to.

    `compared_size` is where old and new tree were compared; 0 where this agency remembers nothing
    of what was restored. `warnings` are what the hub's administrators should hear of.
    """

    previous_origin: str
    origin: str
    restored_size: int
    compared_size: int
    sent_again: Sequence[Outcome]
    warnings: Sequence[str]


async def accept_epoch(agency: Agency, new_key: LedgerKey) -> EpochReport:
    """Goes on under a new origin, whose key the hub's administrators told out of band.

    1. The key is of a later epoch of the same hub.
    2. The hub's checkpoint is signed with it, and the entries that begin this epoch, and each one
       since the accepted, lie in its tree and follow one another. What all of them have kept is
       what was restored.
    3. The newest remembered checkpoint that is no larger than what was restored is the beginning of
       the new tree: what was restored is what this agency has seen.
    4. What the inbox holds is divided there, then the key is accepted: where that is broken off,
       the same call does both again.
    5. Receipted acts that the hub has lost are sent again, byte for byte.

    Raises: MalformedInput, CheckpointInvalid, ProofInvalid, LedgerForked; nothing has changed then.
    HubUnavailable in the last step: the acts are kept, and sent with the next ones.
    """
    trust = agency.trust
    previous, newest = trust.ledger_keys[-1], trust.checkpoint
    _require_later(previous, new_key)  # 1
    checkpoint = open_note(await agency.client.get_checkpoint_note(), new_key)  # 2
    first_after = (await _fetch_epochs(agency, checkpoint, previous.origin))[-1]
    restored_size = first_after.restored_size  # Each later one lies, and so has kept, beyond it.
    compared_size = await _compare(agency, previous.origin, checkpoint, restored_size)  # 3
    agency.inbox.begin_epoch(  # 4
        previous_origin=previous.origin, origin=new_key.origin, restored_size=restored_size
    )
    _go_on(agency, new_key, checkpoint)
    await agency.client.refresh_roster()
    agency.inbox.save_trust(trust)
    sent_again = await Submitting(agency).send_kept()  # 5
    warnings = _warnings(previous, newest, first_after)
    return EpochReport(
        previous.origin, new_key.origin, restored_size, compared_size, sent_again, warnings
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


async def _fetch_epochs(
    agency: Agency, checkpoint: SeenCheckpoint, accepted_origin: str
) -> list[ledger_pb2.EpochEntry]:
    """The entries that begin the epochs since the accepted one, from the newest back."""
    epochs: list[ledger_pb2.EpochEntry] = []
    origin = checkpoint.origin
    async for leaf, epoch in _epoch_entries(agency, checkpoint.size):
        if epoch.origin != origin:
            break
        await _require_in_tree(agency, leaf, checkpoint)
        epochs.append(_require_beginning(leaf.entry_index, epoch))
        origin = epoch.previous_origin
        if origin == accepted_origin:
            return epochs
    raise LedgerForked(
        f"The hub's ledger does not record the beginning of {origin} after {accepted_origin}."
    )


async def _epoch_entries(
    agency: Agency, size: int
) -> AsyncIterator[tuple[ledger_pb2.LedgerLeaf, ledger_pb2.EpochEntry]]:
    """What the hub shows as beginnings of epochs, from the ledger's end back to its first entry."""
    end = size
    while end > 0:
        first = max(0, end - PAGE_ENTRIES)
        page = await agency.client.list_entries(first, limit=end - first)
        for leaf in reversed(page.entries):
            entry = parse_entry(leaf.entry)
            if entry.HasField("epoch"):
                yield leaf, entry.epoch
        end = first


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


def _warnings(
    previous: LedgerKey, newest: SeenCheckpoint | None, epoch: ledger_pb2.EpochEntry
) -> list[str]:
    """What the checkpoint that members presented to the hub says beside this agency's own.

    Nothing of it is refused: the lost part of the ledger cannot be proven any longer, and its acts
    are sent again.
    """
    if newest is None or not epoch.highest_presented_checkpoint:
        return []
    try:
        presented = open_note(epoch.highest_presented_checkpoint, previous)
    except ComityError as error:
        return [f"The checkpoint that members presented to the hub does not verify: {error}"]
    if presented.size == newest.size and presented.root != newest.root:
        return [
            f"Another member was shown other {presented.size:,} entries than this agency before "
            "the hub was restored. Keep the inbox as it is and ask other members."
        ]
    if presented.size < newest.size:
        return [
            f"This agency has seen {newest.size:,} entries before the hub was restored, and its "
            f"administrators knew of {presented.size:,}: more was lost than they said. Tell them."
        ]
    return []
