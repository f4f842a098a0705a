"""Keeping entries true: confirming them, and reports that one is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from comity.errors import ComityError, MalformedInput, NotFound, Violation
from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.identity import AgencyId
from comity.times import datetime_from_microseconds, microseconds_from, timestamp_from
from comity.v1 import authorities_pb2, ledger_pb2
from comity.v1 import directory_pb2 as pb
from directory.freshness import due_at
from directory.services.calls import (
    Caller,
    Commit,
    RosterWithin,
    Transaction,
    decide_each,
    officer_of,
)
from directory.services.entries import verification_from_stored
from directory.services.keepers import Keepers, require_keeper
from directory.services.limits import Limits
from directory.services.reasons import require_text
from directory.services.telling import keeper_of, tell
from directory.services.versions import enter_verification, verification_now
from directory.store.authorities import get_authority, require_newest
from directory.store.reports import (
    StoredReport,
    add_report,
    close_report,
    find_report,
)

MAX_FIELD_CHARS = 200  # a path such as persons[0].contacts[1].value


@dataclass(frozen=True, slots=True)
class _Confirmation:
    request: pb.ConfirmAuthorityRequest
    agency: AgencyId
    officer_id: str


@dataclass(frozen=True, slots=True)
class _Closing:
    request: pb.CloseReportRequest
    agency: AgencyId


class KeepingService:
    """ConfirmAuthority, ReportAuthority, CloseReport."""

    def __init__(
        self,
        *,
        commit: Commit,
        roster_within: RosterWithin,
        hub_agency: AgencyId,
        limits: Limits,
        clock: Callable[[], datetime],
        token_bytes: Callable[[int], bytes],
    ) -> None:
        self._commit = commit
        self._roster_within = roster_within
        self._hub_agency = hub_agency
        self._limits = limits
        self._clock = clock
        self._token_bytes = token_bytes

    async def confirm(
        self, caller: Caller, request: pb.ConfirmAuthorityRequest
    ) -> pb.ConfirmAuthorityResponse:
        """Takes the keeper's word that the newest version is right.

        Raises: NotFound, NotPermitted, AuthorityChanged, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_confirmation(caller)
        confirmation = _Confirmation(request, caller.agency, officer_of(caller).officer_id)
        answer: pb.ConfirmAuthorityResponse = await self._commit(self.confirm_many, confirmation)
        return answer

    async def report(
        self, caller: Caller, request: pb.ReportAuthorityRequest
    ) -> pb.ReportAuthorityResponse:
        """Takes anybody's word that an entry is wrong; the keeper is shown it.

        Raises: MalformedInput, NotFound, QuotaExceeded, StoreUnavailable.
        """
        require_text(request.text, "text")
        if len(request.field) > MAX_FIELD_CHARS or not request.field.isprintable():
            said = "is too long, or holds control characters"
            raise MalformedInput(violations=[Violation("field", said)])
        self._limits.count_report(caller)
        report = StoredReport(
            report_id=uuid7_from(self._clock(), self._token_bytes(UUID7_RANDOM_BYTES)),
            authority_id=request.authority_id,
            version=request.version,
            field=request.field,
            text=request.text,
            agency_id=caller.agency,
            officer_id=officer_of(caller).officer_id,
            reported_at=microseconds_from(self._clock()),
        )
        await self._commit(self.report_many, report)
        return pb.ReportAuthorityResponse(report=report_message(report))

    async def close_report(
        self, caller: Caller, request: pb.CloseReportRequest
    ) -> pb.CloseReportResponse:
        """Notes what the keeper did about a report.

        Raises: MalformedInput, NotFound, StoreUnavailable.
        """
        require_text(request.outcome, "outcome")
        closed: StoredReport = await self._commit(self.close_many, _Closing(request, caller.agency))
        return pb.CloseReportResponse(report=report_message(closed))

    # --- the commit halves -----------------------------------------------------------------------

    async def confirm_many(
        self, transaction: Transaction, items: Sequence[_Confirmation]
    ) -> list[pb.ConfirmAuthorityResponse | ComityError]:
        """Enters confirmations."""
        return await decide_each(partial(self._confirm, transaction), items)

    async def report_many(
        self, transaction: Transaction, items: Sequence[StoredReport]
    ) -> list[ComityError | None]:
        """Enters reports."""
        return await decide_each(partial(self._report, transaction), items)

    async def close_many(
        self, transaction: Transaction, items: Sequence[_Closing]
    ) -> list[StoredReport | ComityError]:
        """Closes reports."""
        return await decide_each(partial(self._close, transaction), items)

    async def _confirm(
        self, transaction: Transaction, item: _Confirmation
    ) -> pb.ConfirmAuthorityResponse:
        """1. The caller keeps the entry. 2. What was looked at is the newest version."""
        request, connection = item.request, transaction.connection
        current = await get_authority(transaction.connection, request.authority_id)
        keepers = Keepers(await self._roster_within(transaction), self._hub_agency)
        country = current.authority.country
        require_keeper(keepers.keeper_now(current.keeper, country), item.agency)  # 1
        await require_newest(connection, request.authority_id, request.version)  # 2
        verification = verification_now(
            transaction,
            version=current.version,
            agency_id=item.agency,
            officer_id=item.officer_id,
            method=authorities_pb2.VERIFICATION_METHOD_CONFIRMATION,
        )
        await enter_verification(transaction, current, verification, roster=keepers.roster)
        due = due_at(transaction.now, current.authority)
        assert due is not None  # it was verified now
        return pb.ConfirmAuthorityResponse(
            verification=verification_from_stored(verification),
            confirmation_due_at=timestamp_from(due),
        )

    async def _report(self, transaction: Transaction, report: StoredReport) -> None:
        """The keeper is told that there is one, and reads it by asking for it."""
        current = await get_authority(transaction.connection, report.authority_id)
        if not 0 < report.version <= current.version:
            said = f"is none of the entry's: the newest is {current.version}"
            raise MalformedInput(violations=[Violation("version", said)])
        keepers = Keepers(await self._roster_within(transaction), self._hub_agency)
        index = tell(
            transaction,
            ledger_pb2.DIRECTORY_CHANGE_REPORTED,
            current,
            keepers=keepers,
            recipients=[keeper_of(current, keepers).agency_id],
            report_id=report.report_id,
        )
        await add_report(transaction.connection, replace(report, entry_index=index))

    async def _close(self, transaction: Transaction, item: _Closing) -> StoredReport:
        """What is another's, or closed already, is as if there were none."""
        report = await find_report(transaction.connection, item.request.report_id)
        if report is None or report.closed_at is not None:
            raise NotFound
        current = await get_authority(transaction.connection, report.authority_id)
        keepers = Keepers(await self._roster_within(transaction), self._hub_agency)
        keeper = keepers.keeper_now(current.keeper, current.authority.country)
        if keeper.agency_id != item.agency:
            raise NotFound
        now, outcome = microseconds_from(transaction.now), item.request.outcome
        await close_report(transaction.connection, report.report_id, closed_at=now, outcome=outcome)
        return replace(report, closed_at=now, outcome=outcome)


def report_message(report: StoredReport) -> pb.AuthorityReport:
    """A report as it is shown."""
    message = pb.AuthorityReport(
        report_id=report.report_id,
        authority_id=report.authority_id,
        version=report.version,
        field=report.field,
        text=report.text,
        agency_id=report.agency_id,
        reported_at=timestamp_from(datetime_from_microseconds(report.reported_at)),
        outcome=report.outcome,
    )
    if report.closed_at is not None:
        closed_at = datetime_from_microseconds(report.closed_at)
        message.closed_at.CopyFrom(timestamp_from(closed_at))
    return message
