"""Looking authorities up: found, resolved, shown, compared.

Each answer leaves only when the access record is on disk, and within what an officer and an agency
may see in a day. Never writes anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from comity.identity import AgencyId, country_from_agency_id
from comity.roster import Roster
from comity.times import datetime_from_microseconds, timestamp_from
from comity.v1 import authorities_pb2, ledger_pb2
from comity.v1 import directory_pb2 as pb
from directory.differences import differences
from directory.known import KnownAuthority
from directory.resolving import Facts, resolve
from directory.services.calls import Caller, Database, RecordLookUp
from directory.services.enquiries import purpose_of, require_enquiry, require_facts
from directory.services.entries import Entries
from directory.services.keepers import Keepers
from directory.services.limits import Limits
from directory.services.withholding import (
    may_see_persons,
    withhold_persons,
    withhold_persons_of_version,
    without_persons,
)
from directory.store.authorities import StoredVersion, get_version, list_versions
from directory.store.reports import count_open_reports

MAX_VERSIONS = 50  # of an entry's history at once; each may be 128 KiB


class LookUpService:
    """FindAuthorities, ResolveAuthority, GetAuthority, ListAuthorityVersions, CompareVersions."""

    def __init__(
        self,
        entries: Entries,
        *,
        database: Database,
        roster: Callable[[], Roster],
        hub_agency: AgencyId,
        record: RecordLookUp,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._entries = entries
        self._database = database
        self._roster = roster
        self._hub_agency = hub_agency
        self._record = record
        self._limits = limits
        self._clock = clock

    async def find(
        self, caller: Caller, request: pb.FindAuthoritiesRequest
    ) -> pb.FindAuthoritiesResponse:
        """A page of what matches, with why each did.

        Raises: MalformedInput, CursorInvalid, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        require_enquiry(request)
        await self._entries.refresh()
        now = self._clock()
        page = self._entries.finder.find(
            request.filter, now=now, limit=request.limit, cursor=request.cursor
        )
        matches = [
            pb.AuthorityMatch(record=each.known.record(now), reasons=each.reasons, score=each.score)
            for each in page.found
        ]
        known = [each.known for each in page.found]
        await self.complete(caller, request.purpose, [each.record for each in matches], known)
        return pb.FindAuthoritiesResponse(matches=matches, next_cursor=page.next_cursor)

    async def resolve(
        self, caller: Caller, request: pb.ResolveAuthorityRequest
    ) -> pb.ResolveAuthorityResponse:
        """Who handles it, under each instrument that both countries share.

        Raises: MalformedInput, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        require_facts(request)
        await self._entries.refresh()
        finder = self._entries.finder
        country = country_from_agency_id(caller.agency)
        facts = Facts(request, country, finder.named_instruments(country), self._clock())
        resolutions = resolve(finder.competent_in(request.country, request.competence), facts)
        records = [each.record for each in resolutions]
        records += [each.fallback for each in resolutions if each.HasField("fallback")]
        known = [self._entries.get(each.authority.authority_id) for each in records]
        await self.complete(caller, request.purpose, records, known)
        return pb.ResolveAuthorityResponse(resolutions=resolutions)

    async def get(self, caller: Caller, request: pb.GetAuthorityRequest) -> pb.GetAuthorityResponse:
        """One entry, as it is now or as it was.

        Raises: NotFound, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        await self._entries.refresh()
        known = self._entries.get(request.authority_id)
        record = known.record(self._clock())
        if request.version and request.version != known.version:
            async with self._database.read() as connection:
                stored = await get_version(connection, request.authority_id, request.version)
            record = authorities_pb2.AuthorityRecord(
                authority=stored.authority, version=stored.version, keeper=stored.keeper
            )
        await self.complete(caller, request.purpose, [record], [known])
        return pb.GetAuthorityResponse(record=record)

    async def list_versions(
        self, caller: Caller, request: pb.ListAuthorityVersionsRequest
    ) -> pb.ListAuthorityVersionsResponse:
        """Who changed what, and when; the newest first.

        Raises: NotFound, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        await self._entries.refresh()
        known = self._entries.get(request.authority_id)
        limit = min(request.limit or MAX_VERSIONS, MAX_VERSIONS)
        async with self._database.read() as connection:
            found = await list_versions(
                connection, request.authority_id, before=request.before_version, limit=limit + 1
            )
        page = [version_message(each) for each in found[:limit]]
        if not self._may_see_persons(caller, known):
            for version in page:
                withhold_persons_of_version(version)
        await self._account(caller, request.purpose, [v.entry_index for v in page])
        return pb.ListAuthorityVersionsResponse(versions=page, more=len(found) > limit)

    async def compare(
        self, caller: Caller, request: pb.CompareVersionsRequest
    ) -> pb.CompareVersionsResponse:
        """What two versions of an entry do not share.

        Raises: NotFound, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        await self._entries.refresh()
        known = self._entries.get(request.authority_id)
        async with self._database.read() as connection:
            both = [
                await get_version(connection, request.authority_id, version)
                for version in (request.from_version, request.to_version)
            ]
        shown = [each.authority for each in both]
        if not self._may_see_persons(caller, known):
            shown = [without_persons(each) for each in shown]
        await self._account(caller, request.purpose, [each.entry_index for each in both])
        return pb.CompareVersionsResponse(differences=differences(*shown))

    async def complete(
        self,
        caller: Caller,
        purpose: ledger_pb2.LookUpPurpose.ValueType,
        records: Sequence[authorities_pb2.AuthorityRecord],
        known: Sequence[KnownAuthority],
        *,
        case_reference: str = "",
    ) -> None:
        """Adds open reports, leaves out what the caller does not need, and accounts for it.

        Raises: QuotaExceeded, StoreUnavailable, and then nothing may be shown.
        """
        ids = {each.authority.authority_id for each in records}
        async with self._database.read() as connection:
            open_reports = await count_open_reports(connection, ids) if ids else {}
        for record, entry in zip(records, known, strict=True):
            reports = open_reports.get(record.authority.authority_id)
            if reports is not None:
                record.open_reports = reports.count
                oldest = datetime_from_microseconds(reports.oldest_at)
                record.oldest_report_at.CopyFrom(timestamp_from(oldest))
            if not self._may_see_persons(caller, entry):
                withhold_persons(record)
        indices = (each.entry_index for each in known)
        await self._account(caller, purpose, indices, case_reference)

    async def _account(
        self,
        caller: Caller,
        purpose: ledger_pb2.LookUpPurpose.ValueType,
        entry_indices: Iterable[int],
        case_reference: str = "",
    ) -> None:
        """Counts what is shown, and writes who is shown it and why."""
        shown = sorted(set(entry_indices))
        self._limits.count_entries(caller, len(shown))
        await self._record(
            caller, purpose_of(caller, purpose), shown, case_reference=case_reference
        )

    def _may_see_persons(self, caller: Caller, entry: KnownAuthority) -> bool:
        keepers = Keepers(self._roster(), self._hub_agency)
        keeper = keepers.keeper_now(entry.keeper, entry.authority.country)
        return may_see_persons(caller, AgencyId(keeper.agency_id))


def version_message(stored: StoredVersion) -> authorities_pb2.AuthorityVersion:
    """A version as it is shown to who may see all of it."""
    return authorities_pb2.AuthorityVersion(
        authority_id=stored.authority.authority_id,
        version=stored.version,
        authority=stored.authority,
        agency_id=stored.agency_id,
        officer_id=stored.officer_id,
        approver_agency_id=stored.approver_agency_id,
        approver_officer_id=stored.approver_officer_id,
        changed_at=timestamp_from(datetime_from_microseconds(stored.changed_at)),
        entry_index=stored.entry_index,
        call_back=stored.call_back,
        keeper=stored.keeper,
        salt=stored.salt,
    )
