"""OfficerService of the contract: what an agency's administrator does over the network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from comity.identity import AgencyId
from comity.v1 import officers_pb2
from hub.services.accounts.messages import officer_message
from hub.services.accounts.officer_forms import parse_change, parse_new_officer
from hub.services.accounts.officers import (
    NewOfficer,
    OfficerCommits,
    OfficerReset,
)
from hub.services.accounts.passwords import PasswordHashing
from hub.services.accounts.tokens import TokenBytes, new_one_time_password
from hub.services.calls import Caller, OfficersKept
from hub.store.database import Database
from hub.store.officers import list_officers
from hub.store.writer import LedgerWriter

MAX_PAGE_OFFICERS = 256  # some 100 KB


class OfficerService:
    """AddOfficer, ListOfficers, ChangeOfficer, ResetOfficer."""

    def __init__(
        self,
        database: Database,
        *,
        writer: LedgerWriter,
        commits: OfficerCommits,
        hashing: PasswordHashing,
        identities: OfficersKept,
        own_agency: AgencyId,
        clock: Callable[[], datetime],
        token_bytes: TokenBytes,
    ) -> None:
        self._database = database
        self._writer = writer
        self._commits = commits
        self._hashing = hashing
        self._identities = identities
        self._own_agency = own_agency
        self._clock = clock
        self._token_bytes = token_bytes

    async def add(
        self, caller: Caller, request: officers_pb2.AddOfficerRequest
    ) -> officers_pb2.AddOfficerResponse:
        """Adds an officer to the caller's agency, with a one-time password.

        Raises: MalformedInput, OfficerExists, NotPermitted, AgencyNotActive, StoreUnavailable.
        """
        officer = parse_new_officer(
            request,
            agency=caller.agency,
            own_agency=self._own_agency,
            now=self._clock(),
            token_bytes=self._token_bytes,
        )
        password = new_one_time_password(self._token_bytes)
        item = NewOfficer(officer, await self._hashing.hash(password), caller)
        committed = await self._writer.commit(self._commits.add_many, item)
        return officers_pb2.AddOfficerResponse(
            officer=officer_message(committed.result), one_time_password=password
        )

    async def list_page(
        self, caller: Caller, request: officers_pb2.ListOfficersRequest
    ) -> officers_pb2.ListOfficersResponse:
        """The officers of the caller's agency.

        Raises: StoreUnavailable.
        """
        limit = min(request.limit or MAX_PAGE_OFFICERS, MAX_PAGE_OFFICERS)
        async with self._database.read() as connection:
            found = await list_officers(
                connection,
                caller.agency,
                after_officer_id=request.after_officer_id,
                limit=limit + 1,
            )
        return officers_pb2.ListOfficersResponse(
            officers=[officer_message(officer) for officer in found[:limit]],
            more=len(found) > limit,
        )

    async def change(
        self, caller: Caller, request: officers_pb2.ChangeOfficerRequest
    ) -> officers_pb2.ChangeOfficerResponse:
        """Changes an officer of the caller's agency; who is locked has no session any longer.

        Raises: MalformedInput, NotFound, LastAdministrator, NotPermitted, StoreUnavailable.
        """
        item = parse_change(request, by=caller, own_agency=self._own_agency)
        committed = await self._writer.commit(self._commits.change_many, item)
        await self._identities.refresh()
        return officers_pb2.ChangeOfficerResponse(officer=officer_message(committed.result))

    async def reset(
        self, caller: Caller, request: officers_pb2.ResetOfficerRequest
    ) -> officers_pb2.ResetOfficerResponse:
        """Gives an officer of the caller's agency a new one-time password.

        Raises: NotFound, NotPermitted, StoreUnavailable.
        """
        password = new_one_time_password(self._token_bytes)
        hashed = await self._hashing.hash(password)
        item = OfficerReset(caller.agency, request.officer_id, hashed, caller)
        await self._writer.commit(self._commits.reset_many, item)
        await self._identities.refresh()
        return officers_pb2.ResetOfficerResponse(one_time_password=password)
