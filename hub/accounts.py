"""Officers at the hub's own machine, of any agency: added, listed, locked, reset; and the hub's
administrators, known there by a log-in.

For those who can read the database anyway; every change leaves its entry in the ledger. Called by
`hub.cli`, and by `init` for the first administrators. One-time passwords are given, never taken.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable
from datetime import datetime

from comity.errors import NotFound
from comity.identity import AgencyId
from comity.v1 import officers_pb2, sessions_pb2
from comity.v1.officers_pb2 import OfficerStatus
from hub.services.accounts.administrators import Administrators
from hub.services.accounts.attempts import Attempts
from hub.services.accounts.officer_forms import parse_new_officer
from hub.services.accounts.officers import (
    NewOfficer,
    OfficerChange,
    OfficerCommits,
    OfficerReset,
)
from hub.services.accounts.passwords import PasswordHashing
from hub.services.accounts.tokens import new_one_time_password
from hub.services.calls import Caller
from hub.services.membership import Membership
from hub.settings import Settings
from hub.store.database import Database
from hub.store.enrolments import StoredApproval
from hub.store.officers import StoredOfficer, find_officer_by_name, list_officers
from hub.store.writer import UseCase, commit_alone

PAGE_OFFICERS = 256


class Accounts:
    """The officers of a hub's database, opened for one command."""

    def __init__(
        self, settings: Settings, database: Database, *, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._hashing = PasswordHashing()
        membership = Membership(database, monotonic=time.monotonic)
        self._commits = OfficerCommits(membership, own_agency=settings.agency)

    async def add(self, agency: AgencyId, request: officers_pb2.AddOfficerRequest) -> str:
        """Adds an officer and gives the one-time password.

        Raises: MalformedInput, OfficerExists, NotFound where there is no such agency;
        StoreUnavailable.
        """
        officer = parse_new_officer(
            request,
            agency=agency,
            own_agency=self._settings.agency,
            now=self._clock(),
            token_bytes=secrets.token_bytes,
        )
        password = new_one_time_password(secrets.token_bytes)
        hashed = await self._hashing.hash(password)
        await self._commit(self._commits.add_many, NewOfficer(officer, hashed, by=None))
        return password

    async def list_all(self, agency: AgencyId) -> list[StoredOfficer]:
        """An agency's officers.

        Raises: StoreUnavailable.
        """
        found: list[StoredOfficer] = []
        after = ""
        async with self._database.read() as connection:
            while page := await list_officers(
                connection, agency, after_officer_id=after, limit=PAGE_OFFICERS
            ):
                found += page
                after = page[-1].officer_id
        return found

    async def set_status(
        self, agency: AgencyId, user_name: str, status: OfficerStatus.ValueType
    ) -> None:
        """Locks or unlocks an officer; who is locked has no session any longer.

        Raises: NotFound, LastAdministrator, StoreUnavailable.
        """
        officer = await self._require(agency, user_name)
        change = OfficerChange(agency, officer.officer_id, by=None, status=status)
        await self._commit(self._commits.change_many, change)

    async def reset(self, agency: AgencyId, user_name: str) -> str:
        """Gives an officer a one-time password in the place of password and second factor.

        Raises: NotFound, StoreUnavailable.
        """
        officer = await self._require(agency, user_name)
        password = new_one_time_password(secrets.token_bytes)
        hashed = await self._hashing.hash(password)
        item = OfficerReset(agency, officer.officer_id, hashed, by=None)
        await self._commit(self._commits.reset_many, item)
        return password

    async def identify_administrator(self, request: sessions_pb2.LogInRequest) -> StoredApproval:
        """The administrator of the hub who logs in; no session is made.

        Raises: what `Administrators.identify` raises.
        """
        attempts = Attempts(self._database, hashing=self._hashing, clock=self._clock)
        administrators = Administrators(attempts, commit=self._commit)
        # No channel and no certificate here: the record of a refusal names the hub's own agency.
        caller = Caller(self._settings.agency, certificate_id="", request_id=uuid.uuid4().hex)
        return await administrators.identify(caller, request)

    async def _require(self, agency: AgencyId, user_name: str) -> StoredOfficer:
        async with self._database.read() as connection:
            officer = await find_officer_by_name(connection, agency, user_name)
        if officer is None:
            raise NotFound(f"{agency} has no officer {user_name}.")
        return officer

    async def _commit(self, use_case: UseCase, item: object) -> object:
        return await commit_alone(
            self._database,
            use_case,
            item,
            clock=self._clock,
            token_bytes=secrets.token_bytes,
        )
