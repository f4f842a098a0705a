"""Taking signed acts into the ledger: SubmitActs and, item by item, SubmitBulk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from comity.acts import ParsedAct
from comity.commitment import addressing_commitment, content_commitment
from comity.errors import ComityError, HubUnavailable
from comity.identity import AgencyId
from comity.roster import Roster
from comity.v1 import acts_pb2, ledger_pb2
from hub.services.judgement import Accepted, LedgerState, Repeated, Terms, judge
from hub.services.membership import Membership
from hub.services.preparing import INLINE_BELOW, Preparing
from hub.services.receipts import Receipts
from hub.services.roster_changes import roster_within
from hub.services.submissions import Submission
from hub.store.acts import StoredAct, find_acts, insert_acts
from hub.store.audiences import Audience, find_audiences, insert_missing_audiences
from hub.store.events import StoredEvent
from hub.store.notices import NoticeStanding, find_notices, insert_notices, update_notices
from hub.store.transaction import LedgerTransaction
from hub.store.writer import LedgerWriter


@dataclass(frozen=True, slots=True)
class TakenActs:
    """The entry of accepted acts, with the content and addressing salts where it is a new one."""

    entry_index: int
    salts: tuple[bytes, bytes] | None


Decision = TakenActs | ComityError


class ActsService:
    """Verifies submissions, commits them, gives receipts."""

    def __init__(
        self,
        *,
        preparing: Preparing,
        membership: Membership,
        writer: LedgerWriter,
        receipts: Receipts,
    ) -> None:
        self._preparing = preparing
        self._on_their_way = 0
        self._kept_audiences: set[bytes] = set()
        self._membership = membership
        self._writer = writer
        self._receipts = receipts

    async def submit(self, agency: AgencyId, request: bytes) -> acts_pb2.SubmitActsResponse:
        """Commits the acts that belong together, a serialized request, and gives their receipt.

        Raises: what `prepare_submission` and `judge` raise; StoreUnavailable.
        """
        self._on_their_way += 1
        try:
            if self._on_their_way < INLINE_BELOW:
                submission = self._preparing.prepare_here(agency, request)
            else:
                submission = await self._preparing.prepare(agency, request)
            return await self.commit(submission)
        finally:
            self._on_their_way -= 1

    async def commit(self, submission: Submission) -> acts_pb2.SubmitActsResponse:
        """Commits a prepared submission and gives its receipt."""
        committed = await self._writer.commit(self.commit_many, submission)
        taken: TakenActs = committed.result
        if taken.salts is not None:
            receipt = self._receipts.receipt_of_new(taken.entry_index, committed.batch, taken.salts)
            return acts_pb2.SubmitActsResponse(receipt=receipt)
        receipt = await self._receipts.receipt_of_old(taken.entry_index, committed.batch)
        return acts_pb2.SubmitActsResponse(receipt=receipt, duplicate=True)

    async def commit_each(
        self, prepared: Sequence[Submission | ComityError]
    ) -> list[acts_pb2.SubmitActsResponse | ComityError]:
        """Commits prepared submissions in their order, each with an outcome of its own.

        Once one finds the hub unable, so do all after it: they may follow on it, and would be
        refused for good where it was told to come back.
        """
        outage: list[HubUnavailable] = []
        tasks = [
            submission
            if isinstance(submission, ComityError)
            else asyncio.create_task(self._commit_or_error(submission, outage))
            for submission in prepared
        ]
        return [task if isinstance(task, ComityError) else await task for task in tasks]

    async def _commit_or_error(
        self, submission: Submission, outage: list[HubUnavailable]
    ) -> acts_pb2.SubmitActsResponse | ComityError:
        if outage:
            return outage[0]
        try:
            return await self.commit(submission)
        except HubUnavailable as error:
            outage.append(error)
            return error
        except ComityError as error:
            return error

    async def commit_many(
        self, transaction: LedgerTransaction, submissions: Sequence[Submission]
    ) -> list[Decision]:
        """The commit half: decides over a batch in order and writes what was accepted.

        By the roster as it is at these entries: one that was changed earlier in the transaction
        holds for what comes after.
        """
        roster = await roster_within(transaction, self._membership)
        state = await self._load_state(transaction, submissions, roster)
        batch = _BatchOfActs(transaction, state, kept_audiences=self._kept_audiences)
        decisions = [self._decide(batch, submission, roster) for submission in submissions]
        await batch.write()
        return decisions

    def _decide(self, batch: _BatchOfActs, submission: Submission, roster: Roster) -> Decision:
        try:
            self._require_verified_by(roster, submission)
            return batch.take(submission)
        except ComityError as error:
            return error

    def _require_verified_by(self, roster: Roster, submission: Submission) -> None:
        """Verifies again what was verified by an older roster."""
        if submission.roster_entry != roster.last_entry:
            request = acts_pb2.SubmitActsRequest(acts=[act.envelope for act in submission.acts])
            self._preparing.prepare_by(roster, submission.originator, request.SerializeToString())

    async def _load_state(
        self, transaction: LedgerTransaction, submissions: Sequence[Submission], roster: Roster
    ) -> LedgerState:
        connection = transaction.connection
        acts = await find_acts(connection, {a.act_id for s in submissions for a in s.acts})
        notices = await find_notices(connection, {s.notice_id for s in submissions})
        audiences = await find_audiences(connection, {n.audience for n in notices.values()})
        members = roster.active_agencies()
        terms = {
            agency: Terms(roster.publishable_kinds(agency), roster.find_copied_lead(agency))
            for agency in {s.originator for s in submissions}
        }
        return LedgerState(transaction.now, members, acts, notices, terms, audiences)


class _BatchOfActs:
    """What the accepted submissions of one transaction write, statement by table."""

    def __init__(
        self,
        transaction: LedgerTransaction,
        state: LedgerState,
        *,
        kept_audiences: set[bytes],
    ) -> None:
        self._transaction = transaction
        self._kept_audiences = kept_audiences
        self._state = state
        self._known = set(state.notices)
        self._acts: list[StoredAct] = []
        self._audiences: list[Audience] = []
        self._standings: dict[tuple[AgencyId, str], NoticeStanding] = {}

    def take(self, submission: Submission) -> TakenActs:
        """Judges a submission and, where accepted, appends its entry."""
        verdict = judge(submission, self._state, entry_index=self._transaction.next_index)
        if isinstance(verdict, Repeated):
            return TakenActs(verdict.entry_index, None)
        return self._append(submission, verdict)

    def _append(self, submission: Submission, accepted: Accepted) -> TakenActs:
        salts = {act.act_id: self._transaction.new_salt() for act in submission.acts}
        entry = _entry(submission, accepted, salts)
        entry.roster_entry = self._transaction.head.roster_entry or 0
        index = self._transaction.append_acts(entry)
        for act in submission.acts:
            stored = _stored_act(act, entry_index=index, salt=salts[act.act_id])
            self._acts.append(stored)
            self._state.acts[stored.originator, stored.act_id] = stored
        standing = accepted.standing
        self._standings[standing.key] = self._state.notices[standing.key] = standing
        for audience in (accepted.addressees, accepted.hearers):
            self._audiences.append(audience)
            self._state.audiences[audience.key] = audience
        self._transaction.add_event(_event(index, accepted))
        content, addressing = submission.content, submission.addressing
        return TakenActs(
            index,
            (
                salts[content.act_id] if content is not None else b"",
                salts[addressing.act_id] if addressing is not None else b"",
            ),
        )

    async def write(self) -> None:
        """Writes everything taken."""
        if not self._acts:
            return
        connection = self._transaction.connection
        await insert_missing_audiences(connection, self._audiences, known=self._kept_audiences)
        await insert_acts(connection, self._acts)
        standings = self._standings.values()
        await insert_notices(connection, [s for s in standings if s.key not in self._known])
        await update_notices(connection, [s for s in standings if s.key in self._known])


def _entry(
    submission: Submission, accepted: Accepted, salts: dict[str, bytes]
) -> ledger_pb2.ActsEntry:
    entry = ledger_pb2.ActsEntry(originator=submission.originator, kind=accepted.act_kind)
    content, addressing = submission.content, submission.addressing
    if content is not None:
        entry.content_commitment = content_commitment(content.digest, salts[content.act_id])
    if addressing is not None:
        entry.addressing_commitment = addressing_commitment(
            addressing.digest, salts[addressing.act_id]
        )
    return entry


def _stored_act(act: ParsedAct, *, entry_index: int, salt: bytes) -> StoredAct:
    return StoredAct(
        originator=act.originator,
        act_id=act.act_id,
        kind=act.kind,
        digest=act.digest,
        envelope=act.envelope.SerializeToString(),
        entry_index=entry_index,
        salt=salt,
    )


def _event(entry_index: int, accepted: Accepted) -> StoredEvent:
    standing = accepted.standing
    return StoredEvent(
        entry_index=entry_index,
        kind=accepted.event_kind,
        originator=standing.originator,
        notice_id=standing.notice_id,
        notice_kind=standing.kind,
        traffic=standing.traffic,
        urgency=standing.urgency,
        audience=accepted.hearers.key,
        act_entry=accepted.act_entry,
    )
