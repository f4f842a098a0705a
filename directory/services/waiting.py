"""What waits for the caller's agency: proposals, reports, contact tests, entries that fall due.

By who keeps an entry now: what a member that was suspended kept waits for who leads its country.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from comity.identity import AgencyId, country_from_agency_id
from comity.roster import Roster
from comity.times import datetime_from_microseconds, microseconds_from, timestamp_from
from comity.v1 import authorities_pb2, ledger_pb2
from comity.v1 import directory_pb2 as pb
from directory.freshness import DUE_BEFORE, days_left, is_escalated
from directory.services.calls import Caller, Database, RecordLookUp
from directory.services.changes import proposal_message
from directory.services.entries import known_from_stored
from directory.services.keepers import Keepers
from directory.services.keeping import report_message
from directory.services.limits import Limits
from directory.services.standing import add_standing, contact_test_message
from directory.services.telling import escalated_to, keeper_of
from directory.services.withholding import may_see_persons, withhold_call, withhold_persons
from directory.store.authorities import StoredAuthority, find_authority
from directory.store.connection import Connection
from directory.store.contact_tests import TestedAuthority, list_contact_tests
from directory.store.proposals import StoredProposal, list_waiting
from directory.store.reminders import list_due
from directory.store.reports import ReportedAuthority, list_open_reports

MAX_PROPOSALS = 20  # of 128 KiB each, below gRPC's 4 MiB
MAX_REPORTS = 50  # at once; each is a page of text at most
MAX_TESTS = 50  # likewise
MAX_DUE = 20  # entries as large as those of proposals
PAGE_ROWS = 100  # read at once while looking for whose the caller's are
MAX_PAGES = 10  # looked through in a call; the caller goes on where it ended

Item = TypeVar("Item")


class WaitingService:
    """ListProposals, ListReports, ListContactTests, ListDueAuthorities."""

    def __init__(
        self,
        *,
        database: Database,
        roster: Callable[[], Roster],
        hub_agency: AgencyId,
        record: RecordLookUp,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._roster = roster
        self._hub_agency = hub_agency
        self._record = record
        self._limits = limits
        self._clock = clock

    async def list_proposals(
        self, caller: Caller, request: pb.ListProposalsRequest
    ) -> pb.ListProposalsResponse:
        """What waits for the caller's agency, the oldest first.

        Raises: QuotaExceeded, StoreUnavailable.
        """
        limit = min(request.limit or MAX_PROPOSALS, MAX_PROPOSALS)
        self._limits.count_call(caller)
        country, keepers = self._country(caller), self._keepers()

        def is_for(proposal: StoredProposal) -> bool:
            keeper = keepers.keeper_now(proposal.keeper, proposal.authority.country)
            return keeper.agency_id == caller.agency

        async with self._database.read() as connection:
            found = await _find_wanted(
                lambda last: list_waiting(
                    connection,
                    country,
                    after=request.after_proposal_id if last is None else last.proposal_id,
                    import_id=request.import_id,
                    limit=PAGE_ROWS,
                ),
                is_for,
                limit=limit + 1,
            )
            shown, indices = [], set()
            for proposal in found[:limit]:
                base = await find_authority(connection, proposal.authority.authority_id)
                shown.append(proposal_message(proposal, None if base is None else base.authority))
                indices |= set() if base is None else {base.entry_index}
        await self._account(caller, indices)
        return pb.ListProposalsResponse(proposals=shown, more=len(found) > limit)

    async def list_reports(
        self, caller: Caller, request: pb.ListReportsRequest
    ) -> pb.ListReportsResponse:
        """The open reports on the entries that the caller's agency keeps, the oldest first.

        Raises: QuotaExceeded, StoreUnavailable.
        """
        limit = min(request.limit or MAX_REPORTS, MAX_REPORTS)
        self._limits.count_call(caller)
        country, keepers = self._country(caller), self._keepers()

        def is_for(reported: ReportedAuthority) -> bool:
            keeper = keepers.keeper_now(reported.keeper, reported.country)
            return keeper.agency_id == caller.agency

        async with self._database.read() as connection:
            found = await _find_wanted(
                lambda last: list_open_reports(
                    connection,
                    country,
                    after=request.after_report_id if last is None else last.report.report_id,
                    limit=PAGE_ROWS,
                ),
                is_for,
                limit=limit + 1,
            )
        await self._account(caller, {each.newest_entry for each in found[:limit]})
        reports = [report_message(each.report) for each in found[:limit]]
        return pb.ListReportsResponse(reports=reports, more=len(found) > limit)

    async def list_contact_tests(
        self, caller: Caller, request: pb.ListContactTestsRequest
    ) -> pb.ListContactTestsResponse:
        """Those that the caller's agency may answer, or that it asked for; the newest first.

        Raises: QuotaExceeded, StoreUnavailable.
        """
        limit = min(request.limit or MAX_TESTS, MAX_TESTS)
        self._limits.count_call(caller)
        country, keepers = self._country(caller), self._keepers()

        def is_for(tested: TestedAuthority) -> bool:
            keeper = keepers.keeper_now(tested.keeper, tested.country)
            return caller.agency in (keeper.agency_id, tested.test.agency_id)

        async with self._database.read() as connection:
            found = await _find_wanted(
                lambda last: list_contact_tests(
                    connection,
                    country,
                    agency_id=caller.agency,
                    before=request.before_test_id if last is None else last.test.test_id,
                    limit=PAGE_ROWS,
                ),
                is_for,
                limit=limit + 1,
            )
        await self._account(caller, {each.newest_entry for each in found[:limit]})
        tests = [contact_test_message(each.test) for each in found[:limit]]
        return pb.ListContactTestsResponse(tests=tests, more=len(found) > limit)

    async def list_due(
        self, caller: Caller, request: pb.ListDueAuthoritiesRequest
    ) -> pb.ListDueAuthoritiesResponse:
        """Entries that have to be confirmed by the caller's agency, or that were escalated to it.

        Raises: QuotaExceeded, StoreUnavailable.
        """
        limit = min(request.limit or MAX_DUE, MAX_DUE)
        self._limits.count_call(caller)
        async with self._database.read() as connection:
            found, next_after = await self._find_due(
                connection, caller, after=request.after_authority_id, limit=limit
            )
            due = [self._due_message(each) for each in found]
            await add_standing(connection, [each.record for each in due])
        for stored, message in zip(found, due, strict=True):
            self._withhold(caller, stored, message.record)
        await self._account(caller, {each.entry_index for each in found})
        return pb.ListDueAuthoritiesResponse(authorities=due, next_after_authority_id=next_after)

    async def _find_due(
        self, connection: Connection, caller: Caller, *, after: str, limit: int
    ) -> tuple[list[StoredAuthority], str]:
        """A page of the caller's, and what it ended with where there may be more."""
        found: list[StoredAuthority] = []
        before = microseconds_from(self._clock() + DUE_BEFORE) + 1
        for _ in range(MAX_PAGES):
            page = await list_due(
                connection, self._country(caller), due_before=before, after=after, limit=PAGE_ROWS
            )
            for stored in page:
                after = stored.authority.authority_id
                found += [stored] if self._is_due_for(caller.agency, stored) else []
                if len(found) == limit:
                    return found, after
            if len(page) < PAGE_ROWS:
                return found, ""
        return found, after

    def _is_due_for(self, agency: AgencyId, stored: StoredAuthority) -> bool:
        keepers = self._keepers()
        if keeper_of(stored, keepers).agency_id == agency:
            return True
        due = datetime_from_microseconds(stored.due_at)
        return is_escalated(self._clock(), due) and agency in escalated_to(stored, keepers)

    def _due_message(self, stored: StoredAuthority) -> pb.DueAuthority:
        now, due = self._clock(), datetime_from_microseconds(stored.due_at)
        record = known_from_stored(stored).record(now)
        record.keeper.CopyFrom(keeper_of(stored, self._keepers()))
        return pb.DueAuthority(
            record=record,
            due_at=timestamp_from(due),
            days_left=days_left(now, due),
            escalated=is_escalated(now, due),
            alternates=[each for each in stored.authority.persons if each.alternate],
        )

    def _withhold(
        self, caller: Caller, stored: StoredAuthority, record: authorities_pb2.AuthorityRecord
    ) -> None:
        """The alternate contacts are shown all the same: they are whom the caller has to call."""
        keeper = AgencyId(keeper_of(stored, self._keepers()).agency_id)
        if not may_see_persons(caller, keeper):
            withhold_persons(record)
        withhold_call(record, caller, keeper)

    async def _account(self, caller: Caller, entry_indices: set[int]) -> None:
        await self._record(caller, ledger_pb2.LOOK_UP_PURPOSE_KEEPING, sorted(entry_indices))

    def _keepers(self) -> Keepers:
        return Keepers(self._roster(), self._hub_agency)

    def _country(self, caller: Caller) -> str | None:
        """Whose entries alone a member may keep; the hub's own agency any, for which it is None."""
        is_hub = caller.agency == self._hub_agency
        return None if is_hub else country_from_agency_id(caller.agency)


async def _find_wanted(
    fetch: Callable[[Item | None], Awaitable[Sequence[Item]]],
    is_wanted: Callable[[Item], bool],
    *,
    limit: int,
) -> list[Item]:
    """The first items that are wanted. `fetch` gives the page behind an item, or the first."""
    found: list[Item] = []
    last: Item | None = None
    while len(found) < limit:
        page = await fetch(last)
        found += [each for each in page if is_wanted(each)]
        if len(page) < PAGE_ROWS:
            break
        last = page[-1]
    return found[:limit]
