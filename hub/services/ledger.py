"""What members may verify of the ledger: checkpoints, proofs, leaf hashes, entries of theirs."""

from __future__ import annotations

from collections.abc import Sequence

from comity.errors import MalformedInput, Violation
from comity.identity import AgencyId
from comity.v1 import ledger_pb2, roster_pb2
from hub.services.access import AccessService
from hub.services.calls import Caller
from hub.services.entitlement import Entitlement
from hub.services.proofs import Proofs
from hub.services.records import leaf_message
from hub.services.tail import Tail
from hub.store.database import Database
from hub.store.events import find_events
from hub.store.ledger import (
    ACTS_RECORD,
    DIRECTORY_RECORD,
    NOTICE_RECORD,
    OFFICER_RECORD,
    PUBLIC_RECORDS,
    StoredEntry,
    find_entries,
    list_entries,
    list_roster_entries,
)

MAX_PAGE_ENTRIES = 4_096  # 128 KB of hashes, and at most 1 MB of entries beside them
MAX_PAGE_ROSTER_ENTRIES = 256  # some 5 KB each with post-quantum keys
MAX_PAGE_ROSTER_BYTES = 2_097_152  # a quarter of what a client takes in one message


class LedgerService:
    """GetCheckpoint, ProveInclusion, ProveConsistency, ListEntries, ListAgencyKeys."""

    def __init__(
        self,
        database: Database,
        *,
        tail: Tail,
        entitlement: Entitlement,
        proofs: Proofs,
        access: AccessService,
        own_agency: AgencyId,
    ) -> None:
        self._database = database
        self._tail = tail
        self._entitlement = entitlement
        self._proofs = proofs
        self._access = access
        self._own_agency = own_agency

    def checkpoint(self) -> bytes:
        """The newest checkpoint, a signed note."""
        return self._tail.signed_head.note

    async def prove_inclusion(
        self, request: ledger_pb2.ProveInclusionRequest
    ) -> ledger_pb2.ProveInclusionResponse:
        """That an entry lies in the tree of a size.

        Raises: MalformedInput where there is no such entry or size.
        """
        size = self._require_size(request.ledger_size, "ledger_size")
        if request.entry_index >= size:
            raise MalformedInput(
                violations=[Violation("entry_index", f"the ledger has {size} entries there")]
            )
        async with self._database.read() as connection:
            entries = await find_entries(connection, [request.entry_index])
        path = await self._proofs.inclusion_path(request.entry_index, size=size)
        return ledger_pb2.ProveInclusionResponse(
            ledger_size=size,
            leaf_hash=entries[request.entry_index].leaf_hash,
            inclusion_path=path,
        )

    async def prove_entry(
        self, entry_index: int, *, known_size: int
    ) -> tuple[ledger_pb2.LedgerLeaf, ledger_pb2.LedgerProof] | None:
        """An entry that the caller may read, and that it lies in the newest signed tree; None where
        that ends before it.

        Raises: StoreUnavailable.
        """
        signed = self._tail.signed_head
        if entry_index >= signed.size:
            return None
        async with self._database.read() as connection:
            entries = await find_entries(connection, [entry_index])
        proof = await self._proofs.proof([entry_index], signed=signed, known_size=known_size)
        return leaf_message(entries[entry_index]), proof

    async def prove_consistency(
        self, request: ledger_pb2.ProveConsistencyRequest
    ) -> ledger_pb2.ProveConsistencyResponse:
        """That the tree of one size begins with the tree of another.

        Raises: MalformedInput.
        """
        signed = self._tail.signed_head
        to_size = self._require_size(request.to_size, "to_size")
        if not 1 <= request.from_size <= to_size:
            raise MalformedInput(
                violations=[Violation("from_size", f"is not between 1 and {to_size}")]
            )
        path = await self._proofs.consistency_path(request.from_size, to_size=to_size)
        is_current = request.to_size == 0 and to_size == signed.size
        return ledger_pb2.ProveConsistencyResponse(
            to_size=to_size,
            consistency_path=path,
            checkpoint=signed.note if is_current else b"",
        )

    async def list_entries(
        self, caller: Caller, request: ledger_pb2.ListEntriesRequest
    ) -> ledger_pb2.ListEntriesResponse:
        """Leaf hashes from an index on, and the bytes of the entries that the caller may read."""
        size = self._tail.size
        limit = min(request.limit or MAX_PAGE_ENTRIES, MAX_PAGE_ENTRIES)
        first_index = min(request.first_index, size)
        limit = min(limit, size - first_index)
        async with self._database.read() as connection:
            stored = await list_entries(connection, first_index, limit=limit)
        readable = await self._readable(caller.agency, stored)
        shown = [e.entry_index for e in readable if e.record == ACTS_RECORD]
        if shown:  # Else nothing of anybody is shown, and that is no access to personal data.
            await self._access.record(
                caller, ledger_pb2.ACCESS_ACTION_LIST_ENTRIES, entry_indices=shown
            )
        return ledger_pb2.ListEntriesResponse(
            first_index=request.first_index,
            leaf_hashes=b"".join(entry.leaf_hash for entry in stored),
            entries=[leaf_message(entry) for entry in readable],
        )

    async def list_agency_keys(
        self, request: roster_pb2.ListAgencyKeysRequest
    ) -> roster_pb2.ListAgencyKeysResponse:
        """Roster entries from an index on, with their proof."""
        signed = self._tail.signed_head
        limit = min(request.limit or MAX_PAGE_ROSTER_ENTRIES, MAX_PAGE_ROSTER_ENTRIES)
        async with self._database.read() as connection:
            first_index = min(request.first_index, signed.size)
            stored = await list_roster_entries(connection, first_index, limit=limit + 1)
        stored = [entry for entry in stored if entry.entry_index < signed.size]
        page = _fitting(stored[:limit])
        proof = await self._proofs.proof(
            [entry.entry_index for entry in page], signed=signed, known_size=request.known_size
        )
        return roster_pb2.ListAgencyKeysResponse(
            entries=[leaf_message(entry) for entry in page],
            proof=proof,
            more=len(stored) > len(page),
        )

    def _require_size(self, size: int, field: str) -> int:
        current = self._tail.size
        if size > current:
            raise MalformedInput(violations=[Violation(field, f"the ledger has {current} entries")])
        return size or current

    async def _readable(self, agency: AgencyId, stored: Sequence[StoredEntry]) -> list[StoredEntry]:
        """What all may read, acts that the agency sent or receives, entries on its officers, and of
        those on the directory what tells it something or everybody.

        The hub's own agency reads the entries on all officers: its administrators account for them.
        """
        of_acts = [entry for entry in stored if entry.record == ACTS_RECORD]
        of_notices = [entry for entry in stored if entry.record in (ACTS_RECORD, NOTICE_RECORD)]
        async with self._database.read() as connection:
            events = await find_events(connection, [entry.entry_index for entry in of_notices])
        received = await self._entitlement.is_for(agency, events)
        allowed = {event.entry_index for event in received}
        allowed |= {entry.entry_index for entry in of_acts if _originator(entry) == agency}
        allowed |= {
            entry.entry_index
            for entry in stored
            if entry.record == OFFICER_RECORD and agency in (self._own_agency, _agency(entry))
        }
        allowed |= {
            entry.entry_index
            for entry in stored
            if entry.record == DIRECTORY_RECORD and agency in (_recipients(entry) or [agency])
        }
        return [e for e in stored if e.record in PUBLIC_RECORDS or e.entry_index in allowed]


def _agency(stored: StoredEntry) -> str:
    """Whose officer an entry is about."""
    return ledger_pb2.LedgerEntry.FromString(stored.entry).officer.agency_id


def _recipients(stored: StoredEntry) -> Sequence[str]:
    """Whom alone an entry on the directory tells something; empty where all may read it."""
    return ledger_pb2.LedgerEntry.FromString(stored.entry).directory.recipients


def _originator(stored: StoredEntry) -> str:
    """Whose acts an entry is for, by its own bytes: the acts themselves are large."""
    return ledger_pb2.LedgerEntry.FromString(stored.entry).acts.originator


def _fitting(stored: Sequence[StoredEntry]) -> Sequence[StoredEntry]:
    """As many entries from the first on as fit a page; always one."""
    size = 0
    for count, entry in enumerate(stored):
        size += len(entry.entry)
        if count and size > MAX_PAGE_ROSTER_BYTES:
            return stored[:count]
    return stored
