"""Receipts: an entry's bytes and salts, its inclusion path, and the checkpoint over it."""

from __future__ import annotations

from comity.errors import InternalError
from comity.v1.ledger_pb2 import ACT_KIND_ADDRESSING, Receipt
from hub.services.checkpoints import CheckpointSigner
from hub.services.proofs import Proofs
from hub.store.acts import find_acts_at
from hub.store.database import Database
from hub.store.ledger import find_entries
from hub.store.transaction import CommittedBatch


class Receipts:
    """Gives receipts, from memory for what was just committed, else from the store."""

    def __init__(self, database: Database, *, signer: CheckpointSigner, proofs: Proofs) -> None:
        self._database = database
        self._signer = signer
        self._proofs = proofs

    def receipt_of_new(
        self, entry_index: int, batch: CommittedBatch, salts: tuple[bytes, bytes]
    ) -> Receipt:
        """The receipt of an entry of a batch, given its content and addressing salts."""
        return Receipt(
            entry_index=entry_index,
            entry=batch.entries[entry_index - batch.first_index].entry,
            content_salt=salts[0],
            addressing_salt=salts[1],
            inclusion_path=batch.inclusion_path(entry_index),
            checkpoint=self._signer.sign(batch.head).note,
        )

    async def receipt_of_old(self, entry_index: int, batch: CommittedBatch) -> Receipt:
        """The receipt of an entry from before, in the tree as a batch left it.

        Raises: StoreUnavailable.
        """
        async with self._database.read() as connection:
            entries = await find_entries(connection, [entry_index])
            acts = (await find_acts_at(connection, [entry_index]))[entry_index]
        if entry_index not in entries:
            raise InternalError()
        salts = {act.kind == ACT_KIND_ADDRESSING: act.salt or b"" for act in acts}
        return Receipt(
            entry_index=entry_index,
            entry=entries[entry_index].entry,
            content_salt=salts.get(False, b""),
            addressing_salt=salts.get(True, b""),
            inclusion_path=await self._proofs.inclusion_path(entry_index, size=batch.head.size),
            checkpoint=self._signer.sign(batch.head).note,
        )
