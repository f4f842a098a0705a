"""Access records: written before the answer that they are about leaves."""

from __future__ import annotations

from collections.abc import Sequence

from comity.v1.ledger_pb2 import (
    LOOK_UP_PURPOSE_UNSPECIFIED,
    AccessAction,
    AccessRecord,
    LookUpPurpose,
)
from hub.services.calls import Caller
from hub.store.transaction import LedgerTransaction
from hub.store.writer import LedgerWriter


class AccessService:
    """Records who was shown what."""

    def __init__(self, writer: LedgerWriter) -> None:
        self._writer = writer

    async def record(
        self,
        caller: Caller,
        action: AccessAction.ValueType,
        *,
        entry_indices: Sequence[int],
        purpose: LookUpPurpose.ValueType = LOOK_UP_PURPOSE_UNSPECIFIED,
        case_reference: str = "",
    ) -> None:
        """Returns when the record is on disk.

        Raises: StoreUnavailable, and then nothing may be shown.
        """
        record = AccessRecord(
            agency_id=caller.agency,
            action=action,
            request_id=caller.request_id,
            entry_indices=entry_indices,
            officer_id="" if caller.officer is None else caller.officer.officer_id,
            purpose=purpose,
            case_reference=case_reference,
        )
        await self._writer.commit(self.commit_many, record)

    async def commit_many(
        self, transaction: LedgerTransaction, records: Sequence[AccessRecord]
    ) -> list[None]:
        """The commit half."""
        for record in records:
            transaction.add_access(record)
        return [None] * len(records)
