"""Looking notices up: those that the caller originated or may read, and no others."""

from __future__ import annotations

from collections.abc import Sequence

from comity.errors import MalformedInput, NotFound, Violation
from comity.identifiers import is_uuid7
from comity.identity import AgencyId, is_agency_id
from comity.merkle import MAX_SIZE
from comity.v1 import events_pb2, ledger_pb2, notices_pb2
from hub.services.calls import Caller
from hub.services.notice_records import NoticeRecords, entries_shown
from hub.services.showing import Showing
from hub.services.watches import filter_violations, passes
from hub.store.database import Connection, Database
from hub.store.notices import (
    NoticeStanding,
    find_visible_notice,
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
        records: NoticeRecords,
        showing: Showing,
    ) -> None:
        self._database = database
        self._records = records
        self._showing = showing

    async def get(
        self, caller: Caller, request: events_pb2.GetNoticeRequest
    ) -> events_pb2.GetNoticeResponse:
        """A notice as it stands.

        Raises: NotFound, also where it is not the caller's to see; StoreUnavailable.
        """
        standing = await self._find(caller.agency, request.originator, request.notice_id)
        [record] = await self._records.load(caller.agency, [standing])
        proof = await self._showing.prove(
            caller,
            _indices([record]),
            action=ledger_pb2.ACCESS_ACTION_READ_NOTICE,
            known_size=request.known_size,
        )
        return events_pb2.GetNoticeResponse(notice=record, proof=proof)

    async def _find(self, agency: AgencyId, originator: str, notice_id: str) -> NoticeStanding:
        """The same statements and the same answer, whether it is not there or not the agency's."""
        if not is_uuid7(notice_id) or not is_agency_id(originator):
            raise NotFound()  # No notice has such an id, and not every text can be asked for.
        async with self._database.read() as connection:
            standing = await find_visible_notice(
                connection, agency, originator=originator, notice_id=notice_id
            )
        if standing is None:
            raise NotFound()
        return standing

    async def list_page(
        self, caller: Caller, request: events_pb2.ListNoticesRequest
    ) -> events_pb2.ListNoticesResponse:
        """A page of notices, in the order of their listed entries.

        Raises: MalformedInput, StoreUnavailable.
        """
        violations = filter_violations(request.filter)
        if request.held_by and not is_agency_id(request.held_by):
            violations.append(Violation("held_by", "is not an agency id such as FR-NCB"))
        if violations:
            raise MalformedInput("The filter is malformed.", violations=violations)
        standings, next_index = await self._page(caller.agency, request)
        records = await self._records.load(caller.agency, standings)
        kept = _fitting(records)
        if len(kept) < len(records):
            next_index = standings[len(kept)].listed_entry
        proof = await self._showing.prove(
            caller,
            _indices(kept),
            action=ledger_pb2.ACCESS_ACTION_LIST_NOTICES,
            known_size=request.known_size,
        )
        return events_pb2.ListNoticesResponse(notices=kept, proof=proof, next_index=next_index)

    async def _page(
        self, agency: AgencyId, request: events_pb2.ListNoticesRequest
    ) -> tuple[list[NoticeStanding], int]:
        """Standings that pass the filter, and where the next page starts (0: nowhere)."""
        limit = min(request.limit or MAX_PAGE_NOTICES, MAX_PAGE_NOTICES)
        async with self._database.read() as connection:
            seen = await _list_standings(connection, agency, request)
        wanted = [s for s in seen if passes(s, request.filter)]
        if len(wanted) > limit:
            return wanted[:limit], wanted[limit].listed_entry
        if len(seen) == PAGE_STANDINGS:
            return wanted, seen[-1].listed_entry + 1
        return wanted, 0


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


def _fitting(records: Sequence[events_pb2.NoticeRecord]) -> list[events_pb2.NoticeRecord]:
    size = 0
    for count, record in enumerate(records):
        size += record.ByteSize()
        if count and size > MAX_PAGE_BYTES:
            return list(records[:count])
    return list(records)


def _indices(records: Sequence[events_pb2.NoticeRecord]) -> list[int]:
    return sorted({index for record in records for index in entries_shown(record)})
