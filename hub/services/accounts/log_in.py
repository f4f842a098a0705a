"""Log-in, and changing a password: wherever a password is judged.

Known and unknown names take the same path: the same statements, one argon2 computation, the same
words. Never writes a name or a password to a record or a log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from comity.errors import ComityError, LogInRefused, MalformedInput, PasswordRefused, Violation
from comity.identity import AgencyId
from comity.times import microseconds_from
from comity.v1 import sessions_pb2
from comity.v1.ledger_pb2 import ACCESS_ACTION_REFUSED_LOG_IN, AccessRecord
from comity.v1.officers_pb2 import OFFICER_STATUS_ACTIVE
from hub.services.accounts.delays import FORGET_AFTER, name_hash, one_more, require_no_delay
from hub.services.accounts.messages import officer_message
from hub.services.accounts.passwords import MAX_CHARS, PasswordHashing, password_violations
from hub.services.accounts.roles import ADMINISTRATORS
from hub.services.accounts.second_factor import find_step
from hub.services.accounts.sessions import NewTokens, new_session, tokens_message
from hub.services.accounts.tokens import TokenBytes, recovery_hash
from hub.services.calls import Caller, OfficersKept
from hub.store.credentials import (
    ONE_TIME_PASSWORD,
    OWN_PASSWORD,
    USED_ONE_TIME_PASSWORD,
    WHOLE_AGENCY,
    StoredCredentials,
    StoredFailures,
    find_credentials,
    find_failures,
    forget_failures_before,
    forget_failures_of,
    put_failures,
    put_password,
    use_factor_step,
    use_one_time_password,
    use_recovery_code,
)
from hub.store.database import Connection, Database
from hub.store.officers import (
    StoredOfficer,
    advance_officer_version,
    find_officer,
    find_officer_by_name,
)
from hub.store.sessions import StoredSession, end_other_sessions, erase_ended, insert_session
from hub.store.transaction import LedgerTransaction
from hub.store.writer import LedgerWriter

MAX_USER_NAME_CHARS = 64
MAX_FACTOR_CHARS = 64  # a recovery code, however it is grouped


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A password that was judged, and what is to become of it."""

    caller: Caller
    user_name: str
    # What the password was judged against; None where there was nothing.
    password_hash: str | None
    is_right: bool


@dataclass(frozen=True, slots=True)
class _LogIn:
    attempt: _Attempt
    second_factor: str
    tokens: NewTokens


@dataclass(frozen=True, slots=True)
class _Change:
    attempt: _Attempt
    new_hash: str
    session_id: str


@dataclass(frozen=True, slots=True)
class _LoggedIn:
    session: StoredSession
    officer: StoredOfficer
    credentials: StoredCredentials


class LogInService:
    """LogIn and ChangePassword."""

    def __init__(
        self,
        database: Database,
        *,
        writer: LedgerWriter,
        hashing: PasswordHashing,
        identities: OfficersKept,
        hub_domain: str,
        clock: Callable[[], datetime],
        token_bytes: TokenBytes,
    ) -> None:
        self._database = database
        self._writer = writer
        self._hashing = hashing
        self._identities = identities
        self._hub_domain = hub_domain
        self._clock = clock
        self._token_bytes = token_bytes

    async def log_in(
        self, caller: Caller, request: sessions_pb2.LogInRequest
    ) -> sessions_pb2.LogInResponse:
        """Begins a session.

        1. Whoever comes too soon after failures is told so, before and behind the queue.
        2. One password of an agency is judged at a time.
        3. What came of it is decided and written under the ledger's lock.

        Raises: LogInRefused, in the same words whatever is wrong; LogInDelayed; MalformedInput;
        StoreUnavailable.
        """
        _require_sizes(request)
        await self._require_no_delay(caller.agency, request.user_name)  # 1
        async with self._hashing.slot(caller.agency):  # 2
            attempt = await self._judge(caller, request.user_name, request.password)
            tokens = NewTokens.drawn(self._token_bytes)
            item = _LogIn(attempt, request.second_factor, tokens)
            committed = await self._writer.commit(self.log_in_many, item)  # 3
        done: _LoggedIn = committed.result
        return _response(done, tokens, now=self._clock())

    async def change_password(
        self, caller: Caller, request: sessions_pb2.ChangePasswordRequest
    ) -> None:
        """Sets the officer's own password, and ends every other session.

        Raises: PasswordRefused with everything at fault; LogInRefused where the present one is
        wrong; LogInDelayed; StoreUnavailable.
        """
        assert caller.officer is not None  # the table asks for an officer
        officer = await self._officer(caller.officer.officer_id)
        await self._require_good(officer, request)
        await self._require_no_delay(caller.agency, officer.user_name)
        async with self._hashing.slot(caller.agency):
            attempt = await self._judge(caller, officer.user_name, request.password)
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

    async def _require_no_delay(self, agency: AgencyId, user_name: str) -> None:
        async with self._database.read() as connection:
            found = await find_failures(connection, agency, name_hash(user_name))
        require_no_delay(found, now=microseconds_from(self._clock()))

    async def _judge(self, caller: Caller, user_name: str, password: str) -> _Attempt:
        await self._require_no_delay(caller.agency, user_name)
        async with self._database.read() as connection:
            known = await find_credentials(connection, caller.agency, user_name)
        password_hash = None if known is None else known.password_hash
        is_right = await self._hashing.is_right(password, password_hash=password_hash)
        return _Attempt(caller, user_name, password_hash, is_right)

    async def log_in_many(
        self, transaction: LedgerTransaction, items: Sequence[_LogIn]
    ) -> list[_LoggedIn | ComityError]:
        """The commit half of logging in."""
        now = microseconds_from(transaction.now)
        await forget_failures_before(transaction.connection, now - FORGET_AFTER)
        await erase_ended(transaction.connection, now)
        return [await self._log_in_one(transaction, item) for item in items]

    async def _log_in_one(
        self, transaction: LedgerTransaction, item: _LogIn
    ) -> _LoggedIn | ComityError:
        found = await _find_right(transaction.connection, item.attempt)
        if found is None or not await _uses_up(transaction, item, found[1]):
            return await _refused(transaction, item.attempt)
        officer, credentials = found
        session = new_session(
            officer.officer_id,
            agency=officer.agency_id,
            certificate_id=item.attempt.caller.certificate_id,
            tokens=item.tokens,
            now=transaction.now,
            token_bytes=self._token_bytes,
        )
        await insert_session(transaction.connection, session)
        key = name_hash(officer.user_name)
        await forget_failures_of(transaction.connection, officer.agency_id, key)
        return _LoggedIn(session, officer, credentials)

    async def change_many(
        self, transaction: LedgerTransaction, items: Sequence[_Change]
    ) -> list[ComityError | None]:
        """The commit half of changing a password."""
        return [await self._change_one(transaction, item) for item in items]

    async def _change_one(
        self, transaction: LedgerTransaction, item: _Change
    ) -> ComityError | None:
        connection = transaction.connection
        found = await _find_right(connection, item.attempt)
        if found is None:
            return await _refused(transaction, item.attempt)
        officer_id = found[0].officer_id
        await put_password(
            connection, officer_id, password_hash=item.new_hash, one_time=OWN_PASSWORD
        )
        await end_other_sessions(connection, officer_id, keep=item.session_id)
        await advance_officer_version(connection)
        return None


def _require_sizes(request: sessions_pb2.LogInRequest) -> None:
    limits = {
        "user_name": MAX_USER_NAME_CHARS,
        "password": MAX_CHARS,
        "second_factor": MAX_FACTOR_CHARS,
    }
    violations = [
        Violation(field, f"has more than {limit} characters")
        for field, limit in limits.items()
        if len(getattr(request, field)) > limit
    ]
    if violations:
        raise MalformedInput("The log-in is malformed.", violations=violations)


async def _find_right(
    connection: Connection, attempt: _Attempt
) -> tuple[StoredOfficer, StoredCredentials] | None:
    """Officer and credentials, if the password was right and is the one that stands now."""
    agency = attempt.caller.agency
    officer = await find_officer_by_name(connection, agency, attempt.user_name)
    credentials = await find_credentials(connection, agency, attempt.user_name)
    if officer is None or credentials is None or not attempt.is_right:
        return None
    if credentials.password_hash != attempt.password_hash:
        return None  # Changed or reset while the password was judged.
    return (officer, credentials) if officer.status == OFFICER_STATUS_ACTIVE else None


async def _uses_up(
    transaction: LedgerTransaction, item: _LogIn, credentials: StoredCredentials
) -> bool:
    """Whether the rest is right too, a code or a one-time password, which is thereby used."""
    connection, officer_id = transaction.connection, credentials.officer_id
    if credentials.one_time == USED_ONE_TIME_PASSWORD:
        return False
    if credentials.factor_key is not None:
        step = find_step(credentials.factor_key, item.second_factor, now=transaction.now)
        is_right = (
            await use_factor_step(connection, officer_id, step)
            if step is not None
            else await use_recovery_code(connection, officer_id, recovery_hash(item.second_factor))
        )
        if not is_right:
            return False
    if credentials.one_time == ONE_TIME_PASSWORD:
        return await use_one_time_password(connection, officer_id)
    return True


async def _refused(transaction: LedgerTransaction, attempt: _Attempt) -> LogInRefused:
    """Counts a failure and records it; the record names nobody."""
    agency, key = attempt.caller.agency, name_hash(attempt.user_name)
    now = microseconds_from(transaction.now)
    before: Mapping[bytes, StoredFailures] = await find_failures(
        transaction.connection, agency, key
    )
    for each in (key, WHOLE_AGENCY):
        failures = one_more(before.get(each), now=now)
        await put_failures(transaction.connection, agency, each, failures)
    transaction.add_access(
        AccessRecord(
            agency_id=agency,
            action=ACCESS_ACTION_REFUSED_LOG_IN,
            request_id=attempt.caller.request_id,
        )
    )
    return LogInRefused()


def _response(done: _LoggedIn, tokens: NewTokens, *, now: datetime) -> sessions_pb2.LogInResponse:
    is_administrator = bool(done.officer.roles & ADMINISTRATORS)
    return sessions_pb2.LogInResponse(
        tokens=tokens_message(done.session, tokens, now=now),
        officer=officer_message(done.officer),
        must_change_password=done.credentials.one_time != OWN_PASSWORD,
        must_add_second_factor=is_administrator and done.credentials.factor_key is None,
    )
