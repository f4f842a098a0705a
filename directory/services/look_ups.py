"""Looking authorities up: found, resolved, shown, compared.

Each answer leaves only when the access record is on disk, and within what an officer and an agency
may see in a day. Never writes anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from comity.authorities import without_persons
from comity.commitment import functional_salt
from comity.identity import AgencyId, country_from_agency_id
from comity.roster import Roster
from comity.times import datetime_from_microseconds, timestamp_from
from comity.v1 import authorities_pb2, ledger_pb2
from comity.v1 import directory_pb2 as pb
from directory.cards import Reader, record_card, resolution_card
from directory.catalogue.names import country_name
from directory.differences import differences
from directory.known import KnownAuthority
from directory.rendering import title_of
from directory.resolving import Facts, resolve
from directory.services.calls import Caller, Database, ProveEntry, RecordLookUp
from directory.services.enquiries import (
    purpose_of,
    require_enquiry,
    require_facts,
    require_reader,
)
from directory.services.entries import Entries
from directory.services.keepers import Keepers
from directory.services.limits import Limits
from directory.services.pages import count_fitting
from directory.services.standing import add_standing
from directory.services.withholding import (
    may_see_persons,
    withhold_call,
    withhold_persons,
    withhold_persons_of_version,
)
from directory.store.authorities import StoredVersion, get_version, list_versions

MAX_VERSIONS = 50  # of an entry's history at once; where they are large, a page ends by its bytes

# A record of an answer, and the entry that it shows.
Shown: TypeAlias = tuple[authorities_pb2.AuthorityRecord, KnownAuthority]


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
        prove: ProveEntry,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._entries = entries
        self._database = database
        self._roster = roster
        self._hub_agency = hub_agency
        self._record = record
        self._prove = prove
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
        require_reader(request.language)
        async with self._database.read() as connection:
            await self._entries.refresh_on(connection)
            answer, shown = self._found(request)
            await add_standing(connection, [record for record, _ in shown])
        await self._release(caller, request.purpose, shown)
        return answer

    def _found(
        self, request: pb.FindAuthoritiesRequest
    ) -> tuple[pb.FindAuthoritiesResponse, list[Shown]]:
        now = self._clock()
        page = self._entries.finder.find(
            request.filter, now=now, limit=request.limit, cursor=request.cursor
        )
        answer = pb.FindAuthoritiesResponse(next_cursor=page.next_cursor)
        for found in page.found:
            match = answer.matches.add(reasons=found.reasons, score=found.score)
            found.known.fill(match.record, now)
            if request.language:
                authority = match.record.authority
                match.title = title_of(authority, request.language)
                match.country_name = country_name(authority.country, request.language)
        records = (match.record for match in answer.matches)
        return answer, list(zip(records, (each.known for each in page.found), strict=True))

    async def resolve(
        self, caller: Caller, request: pb.ResolveAuthorityRequest
    ) -> pb.ResolveAuthorityResponse:
        """Who handles it, under each instrument that both countries share.

        Raises: MalformedInput, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        require_facts(request)
        require_reader(request.language, request.time_zone)
        async with self._database.read() as connection:
            await self._entries.refresh_on(connection)
            answer = self._resolved(caller, request)
            records = [each.record for each in answer.resolutions]
            records += [each.fallback for each in answer.resolutions if each.HasField("fallback")]
            shown = [(each, self._entries.get(each.authority.authority_id)) for each in records]
            await add_standing(connection, [record for record, _ in shown])
        await self._release(caller, request.purpose, shown)
        if request.language:
            reader = Reader(request.language, request.time_zone)
            for each in answer.resolutions:
                each.card.extend(resolution_card(each, reader))
        return answer

    def _resolved(
        self, caller: Caller, request: pb.ResolveAuthorityRequest
    ) -> pb.ResolveAuthorityResponse:
        finder = self._entries.finder
        country = country_from_agency_id(caller.agency)
        facts = Facts(request, country, finder.named_instruments(country), self._clock())
        answer = pb.ResolveAuthorityResponse()
        competent = finder.competent_in(request.country, request.competence)
        resolve(competent, finder.standings, facts, answer)
        return answer

    async def get(self, caller: Caller, request: pb.GetAuthorityRequest) -> pb.GetAuthorityResponse:
        """One entry, as it is now or as it was.

        Raises: MalformedInput, NotFound, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        require_reader(request.language, request.time_zone)
        async with self._database.read() as connection:
            await self._entries.refresh_on(connection)
            known = self._entries.get(request.authority_id)
            answer = pb.GetAuthorityResponse()
            if request.version and request.version != known.version:
                stored = await get_version(connection, request.authority_id, request.version)
                answer.record.authority.CopyFrom(stored.authority)
                answer.record.version = stored.version
                answer.record.keeper.CopyFrom(stored.keeper)
            else:
                known.fill(answer.record, self._clock())
            await add_standing(connection, [answer.record])
        if request.with_proof:
            await self._add_proof(answer, known_size=request.known_size)
        await self._release(caller, request.purpose, [(answer.record, known)])
        if answer.record.contacts_withheld:
            answer.proof.ClearField("salt")
        if request.language:
            reader = Reader(request.language, request.time_zone)
            answer.card.extend(record_card(answer.record, reader))
        return answer

    async def _add_proof(self, answer: pb.GetAuthorityResponse, *, known_size: int) -> None:
        """That the ledger has the version: none where another process has only just entered it."""
        record = answer.record
        async with self._database.read() as connection:
            version = await get_version(connection, record.authority.authority_id, record.version)
        proven = await self._prove(version.entry_index, known_size=known_size)
        if proven is not None:
            leaf, proof = proven
            answer.proof.leaf.CopyFrom(leaf)
            answer.proof.proof.CopyFrom(proof)
            answer.proof.salt = version.salt
            answer.proof.functional_salt = functional_salt(version.salt)

    async def list_versions(
        self, caller: Caller, request: pb.ListAuthorityVersionsRequest
    ) -> pb.ListAuthorityVersionsResponse:
        """Who changed what, and when; the newest first.

        Raises: NotFound, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        limit = min(request.limit or MAX_VERSIONS, MAX_VERSIONS)
        async with self._database.read() as connection:
            await self._entries.refresh_on(connection)
            known = self._entries.get(request.authority_id)
            found = await list_versions(
                connection, request.authority_id, before=request.before_version, limit=limit + 1
            )
        page = [version_message(each) for each in found[:limit]]
        if not self._may_see_persons(caller, known):
            for version in page:
                withhold_persons_of_version(version)
        shown = page[: count_fitting(page)]
        await self._account(caller, request.purpose, [v.entry_index for v in shown])
        return pb.ListAuthorityVersionsResponse(versions=shown, more=len(found) > len(shown))

    async def compare(
        self, caller: Caller, request: pb.CompareVersionsRequest
    ) -> pb.CompareVersionsResponse:
        """What two versions of an entry do not share.

        Raises: NotFound, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        async with self._database.read() as connection:
            await self._entries.refresh_on(connection)
            known = self._entries.get(request.authority_id)
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
        shown: Sequence[Shown],
        *,
        case_reference: str,
    ) -> None:
        """Adds what stands beside entries that are exported, and releases them for a case.

        Raises: QuotaExceeded, StoreUnavailable, and then nothing may be shown.
        """
        async with self._database.read() as connection:
            await add_standing(connection, [record for record, _ in shown])
        await self._release(caller, purpose, shown, case_reference=case_reference)

    async def _release(
        self,
        caller: Caller,
        purpose: ledger_pb2.LookUpPurpose.ValueType,
        shown: Sequence[Shown],
        *,
        case_reference: str = "",
    ) -> None:
        """Says who keeps entries now, leaves out what the caller does not need, and accounts for
        the rest."""
        keepers = self._keepers()
        for record, known in shown:
            keeper = keepers.keeper_now(known.keeper, known.authority.country)
            if record.version == known.version:
                record.keeper.CopyFrom(keeper)
            if not may_see_persons(caller, AgencyId(keeper.agency_id)):
                withhold_persons(record)
            withhold_call(record, caller, AgencyId(keeper.agency_id))
        indices = (known.entry_index for _, known in shown)
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
        keeper = self._keepers().keeper_now(entry.keeper, entry.authority.country)
        return may_see_persons(caller, AgencyId(keeper.agency_id))

    def _keepers(self) -> Keepers:
        return Keepers(self._roster(), self._hub_agency)


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
