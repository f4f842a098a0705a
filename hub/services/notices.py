"""Looking notices up: those that the caller originated or is addressed by, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from comity.errors import MalformedInput, NotFound, Violation
from comity.identifiers import is_uuid7
from comity.identity import AgencyId, is_agency_id
from comity.merkle import MAX_SIZE
from comity.v1 import events_pb2, ledger_pb2, notices_pb2
from hub.services.access import AccessService
from hub.services.calls import Caller
from hub.services.entitlement import Entitlement
from hub.services.proofs import Proofs
from hub.services.records import addressing_record, content_act, content_record
from hub.services.tail import Tail
from hub.services.watches import filter_violations, passes
from hub.store.acts import StoredAct, find_acts_at
from hub.store.database import Connection, Database
from hub.store.ledger import StoredEntry, find_entries
from hub.store.notices import (
    NoticeStanding,
    find_notices,
    list_notices_held_by,
    list_notices_visible_to,
)

MAX_PAGE_NOTICES = 64  # as in a watch's window: what one answer may bring of others' data
MAX_PAGE_BYTES = 2_097_152  # half of what a gRPC message holds by default
PAGE_STANDINGS = 512  # looked at per query where a filter passes few


class NoticesService:
    """GetNotice and ListNotices."""

    def __init__(
        self,
        database: Database,
        *,
        tail: Tail,
        entitlement: Entitlement,
        proofs: Proofs,
        access: AccessService,
    ) -> None:
        self._database = database
        self._tail = tail
        self._entitlement = entitlement
        self._proofs = proofs
        self._access = access

    async def get(
        self, caller: Caller, request: events_pb2.GetNoticeRequest
    ) -> events_pb2.GetNoticeResponse:
        """A notice as it stands.

        Raises: NotFound, also where it is not the caller's to see; StoreUnavailable.
        """
        if not is_uuid7(request.notice_id):
            raise NotFound()  # No notice has such an id, and not every text can be asked for.
        async with self._database.read() as connection:
            found = await find_notices(connection, [request.notice_id])
        standing = found.get((AgencyId(request.originator), request.notice_id))
        if standing is None or not await self._entitlement.may_read(
            caller.agency, originator=standing.originator, audience=standing.audience
        ):
            raise NotFound()
        [record] = await self._records(caller.agency, [standing])
        proof = await self._shown(
            caller,
            [record],
            action=ledger_pb2.ACCESS_ACTION_READ_NOTICE,
            known_size=request.known_size,
        )
        return events_pb2.GetNoticeResponse(notice=record, proof=proof)

    async def list_page(
        self, caller: Caller, request: events_pb2.ListNoticesRequest
    ) -> events_pb2.ListNoticesResponse:
        """A page of notices, in the order of their latest versions' entries.

        Raises: MalformedInput, StoreUnavailable.
        """
        violations = filter_violations(request.filter)
        if request.held_by and not is_agency_id(request.held_by):
            violations.append(Violation("held_by", "is not an agency id such as FR-NCB"))
        if violations:
            raise MalformedInput("The filter is malformed.", violations=violations)
        standings, next_index = await self._page(caller.agency, request)
        records = await self._records(caller.agency, standings)
        kept = _fitting(records)
        if len(kept) < len(records):
            next_index = standings[len(kept)].version_entry
        proof = await self._shown(
            caller,
            kept,
            action=ledger_pb2.ACCESS_ACTION_LIST_NOTICES,
            known_size=request.known_size,
        )
        return events_pb2.ListNoticesResponse(notices=kept, proof=proof, next_index=next_index)

    async def _shown(
        self,
        caller: Caller,
        records: Sequence[events_pb2.NoticeRecord],
        *,
        action: ledger_pb2.AccessAction.ValueType,
        known_size: int,
    ) -> ledger_pb2.LedgerProof:
        """Writes down that a caller is shown records, and gives the proof of their entries.

        An answer that shows nothing of anybody is no access to personal data.
        """
        indices = _indices(records)
        if indices:
            await self._tail.reach(indices[-1])
            await self._access.record(caller, action, entry_indices=indices)
        return await self._proofs.proof(
            indices, signed=self._tail.signed_head, known_size=known_size
        )

    async def _page(
        self, agency: AgencyId, request: events_pb2.ListNoticesRequest
    ) -> tuple[list[NoticeStanding], int]:
        """Standings that pass the filter, and where the next page starts (0: nowhere)."""
        limit = min(request.limit or MAX_PAGE_NOTICES, MAX_PAGE_NOTICES)
        async with self._database.read() as connection:
            seen = await _list_standings(connection, agency, request)
        wanted = [s for s in seen if passes(s, request.filter)]
        if len(wanted) > limit:
            return wanted[:limit], wanted[limit].version_entry
        if len(seen) == PAGE_STANDINGS:
            return wanted, seen[-1].version_entry + 1
        return wanted, 0

    async def _records(
        self, agency: AgencyId, standings: Sequence[NoticeStanding]
    ) -> list[events_pb2.NoticeRecord]:
        indices = sorted({index for s in standings for index in _entries_of(s)})
        async with self._database.read() as connection:
            entries = await find_entries(connection, indices)
            acts = await find_acts_at(connection, indices)
        return [_record(s, acts, entries, is_own=s.originator == agency) for s in standings]


async def _list_standings(
    connection: Connection, agency: AgencyId, request: events_pb2.ListNoticesRequest
) -> list[NoticeStanding]:
    traffic = request.traffic or notices_pb2.TRAFFIC_LIVE
    first_index = min(request.first_index, MAX_SIZE)
    if request.held_by:
        return await list_notices_held_by(
            connection,
            agency,
            AgencyId(request.held_by),
            traffic=traffic,
            first_index=first_index,
            limit=PAGE_STANDINGS,
        )
    return await list_notices_visible_to(
        connection, agency, traffic=traffic, first_index=first_index, limit=PAGE_STANDINGS
    )


def _entries_of(standing: NoticeStanding) -> list[int]:
    entries = [standing.version_entry, standing.addressing_entry]
    return entries if standing.withdrawal_entry is None else [*entries, standing.withdrawal_entry]


def _record(
    standing: NoticeStanding,
    acts: dict[int, list[StoredAct]],
    entries: dict[int, StoredEntry],
    *,
    is_own: bool,
) -> events_pb2.NoticeRecord:
    record = events_pb2.NoticeRecord(state=cast("events_pb2.NoticeState.ValueType", standing.state))
    version = content_act(acts[standing.version_entry])
    if version is not None:
        record.version.CopyFrom(content_record(version, entries[standing.version_entry]))
    if standing.withdrawal_entry is not None:
        withdrawal = content_act(acts[standing.withdrawal_entry])
        if withdrawal is not None:
            entry = entries[standing.withdrawal_entry]
            record.withdrawal.CopyFrom(content_record(withdrawal, entry))
    if is_own:
        for act in acts[standing.addressing_entry]:
            if act.kind == ledger_pb2.ACT_KIND_ADDRESSING:
                entry = entries[standing.addressing_entry]
                record.addressing.CopyFrom(addressing_record(act, entry))
    return record


def _fitting(records: Sequence[events_pb2.NoticeRecord]) -> list[events_pb2.NoticeRecord]:
    size = 0
    for count, record in enumerate(records):
        size += record.ByteSize()
        if count and size > MAX_PAGE_BYTES:
            return list(records[:count])
    return list(records)


def _indices(records: Sequence[events_pb2.NoticeRecord]) -> list[int]:
    indices = set()
    for record in records:
        for name in ("version", "withdrawal", "addressing"):
            if record.HasField(name):
                indices.add(getattr(record, name).leaf.entry_index)
    return sorted(indices)
