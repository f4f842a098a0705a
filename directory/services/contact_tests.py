"""Contact tests: asking the keeper to answer, answering, and noting a call.

A test proves that somebody is there, not that the entry is right. Nobody is pestered
(`contact_limits`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from comity.errors import (
    ComityError,
    MalformedInput,
    NotFound,
    NotPermitted,
    Violation,
)
from comity.identity import AgencyId
from comity.times import datetime_from_timestamp, microseconds_from
from comity.v1 import authorities_pb2, ledger_pb2
from comity.v1 import directory_pb2 as pb
from directory.services.call_backs import called_at_violations, spoken_to_violations, telephones
from directory.services.calls import (
    Caller,
    Commit,
    RosterWithin,
    Transaction,
    decide_each,
    officer_of,
)
from directory.services.contact_limits import require_few
from directory.services.keepers import Keepers
from directory.services.limits import Limits
from directory.services.reasons import require_text
from directory.services.standing import contact_test_message
from directory.services.telling import keeper_of, tell
from directory.store.authorities import StoredAuthority, get_authority
from directory.store.contact_tests import (
    StoredContactTest,
    add_contact_test,
    answer_contact_test,
    get_contact_test,
)


@dataclass(frozen=True, slots=True)
class _Answer:
    test_id: str
    agency: AgencyId
    officer_id: str


class ContactTestService:
    """TestContact, AnswerContactTest, RecordContactCall."""

    def __init__(
        self,
        *,
        commit: Commit,
        roster_within: RosterWithin,
        hub_agency: AgencyId,
        limits: Limits,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._commit = commit
        self._roster_within = roster_within
        self._hub_agency = hub_agency
        self._limits = limits
        self._clock = clock
        self._new_id = new_id

    async def ask(self, caller: Caller, request: pb.TestContactRequest) -> pb.TestContactResponse:
        """Asks the keeper to answer.

        Raises: NotFound, MalformedInput, NotPermitted, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        test = self._new_test(caller, request.authority_id, request.contact)
        asked: StoredContactTest = await self._commit(self.ask_many, test)
        return pb.TestContactResponse(test=contact_test_message(asked))

    async def answer(
        self, caller: Caller, request: pb.AnswerContactTestRequest
    ) -> pb.AnswerContactTestResponse:
        """Takes the keeper's answer: somebody is there.

        Raises: NotFound, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        answer = _Answer(request.test_id, caller.agency, officer_of(caller).officer_id)
        answered: StoredContactTest = await self._commit(self.answer_many, answer)
        return pb.AnswerContactTestResponse(test=contact_test_message(answered))

    async def record_call(
        self, caller: Caller, request: pb.RecordContactCallRequest
    ) -> pb.RecordContactCallResponse:
        """Notes a call that the caller has made.

        Raises: NotFound, MalformedInput, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        _require_call(request, now=self._clock())
        test = self._new_test(caller, request.authority_id, request.number)
        called_at = datetime_from_timestamp(request.called_at)
        assert called_at is not None  # it was checked
        asked_at = microseconds_from(called_at)
        call = replace(
            test,
            method=authorities_pb2.CONTACT_TEST_METHOD_CALL,
            asked_at=asked_at,
            answered_at=asked_at if request.reached else None,
            spoken_to=request.spoken_to,
            note=request.note,
        )
        recorded: StoredContactTest = await self._commit(self.record_many, call)
        return pb.RecordContactCallResponse(test=contact_test_message(recorded))

    def _new_test(self, caller: Caller, authority_id: str, contact: str) -> StoredContactTest:
        now = microseconds_from(self._clock())
        return StoredContactTest(
            test_id=self._new_id(),
            authority_id=authority_id,
            version=0,
            method=authorities_pb2.CONTACT_TEST_METHOD_EXCHANGE,
            contact=contact,
            agency_id=caller.agency,
            officer_id=officer_of(caller).officer_id,
            asked_at=now,
            recorded_at=now,
        )

    # --- the commit halves -----------------------------------------------------------------------

    async def ask_many(
        self, transaction: Transaction, items: Sequence[StoredContactTest]
    ) -> list[StoredContactTest | ComityError]:
        """Enters questions."""
        return await decide_each(partial(self._ask, transaction), items)

    async def answer_many(
        self, transaction: Transaction, items: Sequence[_Answer]
    ) -> list[StoredContactTest | ComityError]:
        """Enters answers."""
        return await decide_each(partial(self._answer, transaction), items)

    async def record_many(
        self, transaction: Transaction, items: Sequence[StoredContactTest]
    ) -> list[StoredContactTest | ComityError]:
        """Enters calls."""
        return await decide_each(partial(self._record, transaction), items)

    async def _ask(self, transaction: Transaction, test: StoredContactTest) -> StoredContactTest:
        """1. The contact is the entry's. 2. Another agency keeps it. 3. Nobody is pestered."""
        current = await get_authority(transaction.connection, test.authority_id)
        if test.contact and test.contact not in _contacts(current.authority):  # 1
            raise MalformedInput(violations=[Violation("contact", "is none of the entry's")])
        keepers = Keepers(await self._roster_within(transaction), self._hub_agency)
        if keeper_of(current, keepers).agency_id == test.agency_id:  # 2
            raise NotPermitted("Your own agency keeps that entry. Call, and note the call.")
        await require_few(transaction, test)  # 3
        change = ledger_pb2.DIRECTORY_CHANGE_CONTACT_TEST_ASKED
        return await _enter(transaction, change, current, test, keepers=keepers)

    async def _record(self, transaction: Transaction, call: StoredContactTest) -> StoredContactTest:
        """1. The number is the entry's. 2. Nobody fills the ledger with calls. 3. Who keeps an
        entry does not test it; the hub keeps what others have to be called about."""
        current = await get_authority(transaction.connection, call.authority_id)
        if call.contact not in telephones(current.authority):  # 1
            said = "is no telephone number of the entry"
            raise MalformedInput(violations=[Violation("number", said)])
        await require_few(transaction, call)  # 2
        keepers = Keepers(await self._roster_within(transaction), self._hub_agency)
        keeper = keeper_of(current, keepers).agency_id
        if call.agency_id == keeper != self._hub_agency:  # 3
            raise NotPermitted("Your own agency keeps that entry: confirm it.")
        change = ledger_pb2.DIRECTORY_CHANGE_CONTACT_CALLED
        return await _enter(transaction, change, current, call, keepers=keepers)

    async def _answer(self, transaction: Transaction, item: _Answer) -> StoredContactTest:
        """1. The test is for the caller's agency to answer; another's is as if there were none.
        2. One that was answered stays as it is."""
        test = await get_contact_test(transaction.connection, item.test_id)
        current = await get_authority(transaction.connection, test.authority_id)
        keepers = Keepers(await self._roster_within(transaction), self._hub_agency)
        is_asked = test.method == authorities_pb2.CONTACT_TEST_METHOD_EXCHANGE
        if not is_asked or keeper_of(current, keepers).agency_id != item.agency:  # 1
            raise NotFound
        if test.answered_at is not None:  # 2
            return test
        index = tell(
            transaction,
            ledger_pb2.DIRECTORY_CHANGE_CONTACT_TEST_ANSWERED,
            current,
            keepers=keepers,
            recipients=[test.agency_id],
            contact_test_id=test.test_id,
        )
        now = microseconds_from(transaction.now)
        await answer_contact_test(
            transaction.connection,
            test.test_id,
            answered_at=now,
            officer_id=item.officer_id,
            entry_index=index,
        )
        return replace(test, answered_at=now, answered_by_officer_id=item.officer_id)


async def _enter(
    transaction: Transaction,
    change: ledger_pb2.DirectoryChange.ValueType,
    current: StoredAuthority,
    test: StoredContactTest,
    *,
    keepers: Keepers,
) -> StoredContactTest:
    """Enters a test and tells the keeper of it."""
    index = tell(
        transaction,
        change,
        current,
        keepers=keepers,
        recipients=[keeper_of(current, keepers).agency_id],
        contact_test_id=test.test_id,
    )
    entered = replace(test, version=current.version, entry_index=index)
    await add_contact_test(transaction.connection, entered)
    return entered


def _contacts(authority: authorities_pb2.Authority) -> set[str]:
    contacts = [*authority.contacts, *(c for p in authority.persons for c in p.contacts)]
    return {each.value for each in contacts}


def _require_call(request: pb.RecordContactCallRequest, *, now: datetime) -> None:
    violations = [
        *called_at_violations(request.called_at, "called_at", now=now),
        *_spoken_to_violations(request),
    ]
    if violations:
        raise MalformedInput(violations=violations)
    if request.note:
        require_text(request.note, "note")


def _spoken_to_violations(request: pb.RecordContactCallRequest) -> Iterator[Violation]:
    if request.reached:
        yield from spoken_to_violations(request.spoken_to, "spoken_to")
    elif request.spoken_to:
        yield Violation("spoken_to", "goes with a call that somebody took")
