"""Showing entries of the ledger to somebody: on record before the answer leaves, and proven."""

from __future__ import annotations

from collections.abc import Sequence

from comity.v1 import ledger_pb2
from hub.services.access import AccessService
from hub.services.calls import Caller
from hub.services.proofs import Proofs
from hub.services.tail import Tail


class Showing:
    """What every answer with entries in it goes through."""

    def __init__(self, *, tail: Tail, proofs: Proofs, access: AccessService) -> None:
        self._tail = tail
        self._proofs = proofs
        self._access = access

    async def prove(
        self,
        caller: Caller,
        indices: Sequence[int],
        *,
        action: ledger_pb2.AccessAction.ValueType,
        known_size: int,
    ) -> ledger_pb2.LedgerProof:
        """Writes down that a caller is shown entries, in order, and gives their proof.

        An answer that shows nothing of anybody is no access to personal data.

        Raises: StoreUnavailable, and then nothing may be shown.
        """
        if indices:
            await self._tail.reach(indices[-1])
            await self._access.record(caller, action, entry_indices=indices)
        return await self._proofs.proof(
            indices, signed=self._tail.signed_head, known_size=known_size
        )
