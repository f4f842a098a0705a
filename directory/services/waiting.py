"""What waits for the caller's agency: proposals, reports, contact tests, entries that fall due.

By who keeps an entry now: what a member that was suspended kept waits for who leads its country.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

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
from directory.services.pages import end_by_bytes, find_page
from directory.services.standing import add_standing, contact_test_message
from directory.services.telling import escalated_to, keeper_of
from directory.services.withholding import may_see_persons, withhold_call, withhold_persons
from directory.store.authorities import StoredAuthority, find_authority
from directory.store.contact_tests import TestedAuthority, list_contact_tests
from directory.store.proposals import StoredProposal, list_waiting
from directory.store.reminders import list_due
from directory.store.reports import ReportedAuthority, list_open_reports

# At once; where they are large, a page ends by its bytes before (`pages`).
MAX_PROPOSALS = 20
MAX_REPORTS = 50
MAX_TESTS = 50
MAX_DUE = 20


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
            found, next_after = await find_page(
                lambda after, rows: list_waiting(
                    connection, country, after=after, import_id=request.import_id, limit=rows
                ),
                is_for,
                lambda proposal: proposal.proposal_id,
                start=request.after_proposal_id,
                limit=limit,
            )
            bases = [await find_authority(connection, p.authority.authority_id) for p in found]
        messages = [
            proposal_message(proposal, None if base is None else base.authority)
            for proposal, base in zip(found, bases, strict=True)
        ]
        shown, next_after = end_by_bytes(messages, lambda each: each.proposal_id, next_after)
        await self._account(caller, {b.entry_index for b in bases[: len(shown)] if b is not None})
        return pb.ListProposalsResponse(
            proposals=shown, more=bool(next_after), next_after_proposal_id=next_after
        )

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
            found, next_after = await find_page(
                lambda after, rows: list_open_reports(connection, country, after=after, limit=rows),
                is_for,
                lambda reported: reported.report.report_id,
                start=request.after_report_id,
                limit=limit,
            )
        messages = [report_message(each.report) for each in found]
        shown, next_after = end_by_bytes(messages, lambda each: each.report_id, next_after)
        await self._account(caller, {each.newest_entry for each in found[: len(shown)]})
        return pb.ListReportsResponse(
            reports=shown, more=bool(next_after), next_after_report_id=next_after
        )

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
            found, next_before = await find_page(
                lambda before, rows: list_contact_tests(
                    connection, country, agency_id=caller.agency, before=before, limit=rows
                ),
                is_for,
                lambda tested: tested.test.test_id,
                start=request.before_test_id,
                limit=limit,
            )
        messages = [contact_test_message(each.test) for each in found]
        shown, next_before = end_by_bytes(messages, lambda each: each.test_id, next_before)
        await self._account(caller, {each.newest_entry for each in found[: len(shown)]})
        return pb.ListContactTestsResponse(
            tests=shown, more=bool(next_before), next_before_test_id=next_before
        )

    async def list_due(
        self, caller: Caller, request: pb.ListDueAuthoritiesRequest
    ) -> pb.ListDueAuthoritiesResponse:
        """Entries that have to be confirmed by the caller's agency, or that were escalated to it.

        Raises: QuotaExceeded, StoreUnavailable.
        """
        limit = min(request.limit or MAX_DUE, MAX_DUE)
        self._limits.count_call(caller)
        due_before = microseconds_from(self._clock() + DUE_BEFORE) + 1
        country = self._country(caller)
        async with self._database.read() as connection:
            found, next_after = await find_page(
                lambda after, rows: list_due(
                    connection, country, due_before=due_before, after=after, limit=rows
                ),
                lambda stored: self._is_due_for(caller.agency, stored),
                lambda stored: stored.authority.authority_id,
                start=request.after_authority_id,
                limit=limit,
            )
            due = [self._due_message(each) for each in found]
            await add_standing(connection, [each.record for each in due])
        for stored, message in zip(found, due, strict=True):
            self._withhold(caller, stored, message.record)
        shown, next_after = end_by_bytes(
            due, lambda each: each.record.authority.authority_id, next_after
        )
        await self._account(caller, {each.entry_index for each in found[: len(shown)]})
        return pb.ListDueAuthoritiesResponse(authorities=shown, next_after_authority_id=next_after)

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
