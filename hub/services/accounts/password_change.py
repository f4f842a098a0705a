"""Changing a password: the present one is judged as at a log-in, the new one by how easily it is
guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comity.errors import ComityError, LogInRefused, PasswordRefused, Violation
from comity.v1 import sessions_pb2
from hub.services.accounts.attempts import Attempt, Attempts, find_right, refused
from hub.services.accounts.passwords import PasswordHashing, password_violations
from hub.services.calls import Caller, OfficersKept
from hub.store.credentials import OWN_PASSWORD, put_password
from hub.store.database import Database
from hub.store.officers import StoredOfficer, advance_officer_version, find_officer
from hub.store.sessions import end_other_sessions
from hub.store.transaction import LedgerTransaction
from hub.store.writer import LedgerWriter


@dataclass(frozen=True, slots=True)
class _Change:
    attempt: Attempt
    new_hash: str
    session_id: str


class PasswordChangeService:
    """ChangePassword."""

    def __init__(
        self,
        attempts: Attempts,
        *,
        database: Database,
        writer: LedgerWriter,
        hashing: PasswordHashing,
        identities: OfficersKept,
        hub_domain: str,
    ) -> None:
        self._attempts = attempts
        self._database = database
        self._writer = writer
        self._hashing = hashing
        self._identities = identities
        self._hub_domain = hub_domain

    async def change(self, caller: Caller, request: sessions_pb2.ChangePasswordRequest) -> None:
        """Sets the officer's own password, and ends every other session.

        Raises: PasswordRefused with everything at fault; LogInRefused where the present one is
        wrong; LogInDelayed; StoreUnavailable.
        """
        assert caller.officer is not None  # the table asks for an officer
        officer = await self._officer(caller.officer.officer_id)
        await self._require_good(officer, request)
        async with self._attempts.judged(caller, officer.user_name, request.password) as attempt:
            new_hash = await self._hashing.hash(request.new_password)
            item = _Change(attempt, new_hash, caller.officer.session_id)
            await self._writer.commit(self.change_many, item)
        await self._identities.refresh()

    async def _officer(self, officer_id: str) -> StoredOfficer:
        async with self._database.read() as connection:
            officer = await find_officer(connection, officer_id)
        if officer is None:
            raise LogInRefused()
        return officer

    async def _require_good(
        self, officer: StoredOfficer, request: sessions_pb2.ChangePasswordRequest
    ) -> None:
        words = {
            officer.user_name: "the user name",
            officer.agency_id: "the agency's id",
            self._hub_domain: "the hub's domain",
            self._hub_domain.partition(".")[0]: "the hub's name",
            "comity": "the name of this system",
        }
        words |= dict.fromkeys(officer.display_name.split(), "a part of the officer's name")
        violations = await password_violations(request.new_password, obvious_words=words)
        if request.new_password == request.password:
            violations.append(Violation("new_password", "is the present one"))
        if violations:
            raise PasswordRefused(violations=violations)

    async def change_many(
        self, transaction: LedgerTransaction, items: Sequence[_Change]
    ) -> list[ComityError | None]:
        """The commit half of changing a password."""
        return [await _change_one(transaction, item) for item in items]


async def _change_one(transaction: LedgerTransaction, item: _Change) -> ComityError | None:
    connection = transaction.connection
    known = await find_right(connection, item.attempt)
    if known is None:
        return await refused(transaction, item.attempt)
    officer_id = known.officer.officer_id
    await put_password(connection, officer_id, password_hash=item.new_hash, one_time=OWN_PASSWORD)
    await end_other_sessions(connection, officer_id, keep=item.session_id)
    await advance_officer_version(connection)
    return None
