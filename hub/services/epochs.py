"""Epochs: the beginning of a ledger, and its going on after it was restored from a backup."""

from __future__ import annotations

from dataclasses import dataclass

from comity.checkpoint import origin_line, parse_origin, parse_unverified
from comity.merkle import RightEdge
from comity.v1 import ledger_pb2
from hub.store.ledger import LedgerHead
from hub.store.transaction import LedgerTransaction
from hub.store.watches import reset_cursors_beyond


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """A restored ledger that is to go on. `highest_presented` is the signed note of the highest
    checkpoint of the epoch before that members present; empty where none was presented."""

    hub_domain: str
    highest_presented: bytes


async def begin_ledger(transaction: LedgerTransaction, hub_domain: str) -> int:
    """Appends the first entry of a new ledger."""
    entry = ledger_pb2.EpochEntry(epoch=1, origin=origin_line(hub_domain, 1))
    return transaction.append_epoch(entry)


def empty_head(hub_domain: str) -> LedgerHead:
    """The head of a ledger without entries."""
    return LedgerHead(
        size=0,
        edge=RightEdge().to_bytes(),
        roster_entry=None,
        epoch=1,
        origin=origin_line(hub_domain, 1),
    )


async def begin_epoch(transaction: LedgerTransaction, new: NewEpoch) -> int:
    """Appends the entry that begins the next epoch; cursors beyond the ledger's end go back.

    What was restored may be older than an epoch that members have accepted meanwhile: they show so
    by the checkpoint that they present, and no epoch's origin is ever used for another tree.
    """
    head = transaction.head
    previous_origin, previous = head.origin, head.epoch
    if new.highest_presented:
        presented = parse_unverified(new.highest_presented).origin
        if parse_origin(presented)[1] > previous:
            previous_origin, previous = presented, parse_origin(presented)[1]
    await reset_cursors_beyond(transaction.connection, head.size)
    return transaction.append_epoch(
        ledger_pb2.EpochEntry(
            epoch=previous + 1,
            origin=origin_line(new.hub_domain, previous + 1),
            previous_origin=previous_origin,
            restored_size=head.size,
            highest_presented_checkpoint=new.highest_presented,
        )
    )
