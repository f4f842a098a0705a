"""Taking signed acts into the ledger: SubmitActs and, item by item, SubmitBulk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from comity.acts import ADDENDUM, VERSION, ParsedAct
from comity.commitment import addressing_commitment, content_commitment
from comity.errors import ComityError, HubUnavailable
from comity.identity import AgencyId
from comity.minimum.policy import ReviewTerms
from comity.roster import Roster
from comity.v1 import acts_pb2, events_pb2, ledger_pb2
from comity.v1.notices_pb2 import Notice
from hub.services.calls import Caller
from hub.services.judgement import judge
from hub.services.ledger_state import Accepted, LedgerState, Repeated, Terms, recalled_from
from hub.services.loading_state import load_state
from hub.services.membership import Membership
from hub.services.notice_writes import NoticeWrites
from hub.services.preparing import INLINE_BELOW, Preparing
from hub.services.receipts import Receipts
from hub.services.roster_changes import roster_within
from hub.services.submissions import Submission
from hub.store.acts import StoredAct
from hub.store.notices import NoticeStanding
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
        review: Callable[[Notice], ReviewTerms],
        hub_agency: AgencyId,
    ) -> None:
        self._preparing = preparing
        self._review = review
        self._hub_agency = hub_agency
        self._on_their_way = 0
        self._kept_audiences: set[bytes] = set()
        self._membership = membership
        self._writer = writer
        self._receipts = receipts

    async def submit(self, caller: Caller, request: bytes) -> acts_pb2.SubmitActsResponse:
        """Commits the acts that belong together, a serialized request, and gives their receipt.

        Raises: what `prepare_submission` and `judge` raise; StoreUnavailable.
        """
        agency, officer = caller.agency, caller.officer
        self._on_their_way += 1
        try:
            if self._on_their_way < INLINE_BELOW:
                submission = self._preparing.prepare_here(agency, request)
            else:
                submission = await self._preparing.prepare(agency, request)
            if officer is not None:
                submission = replace(submission, roles=officer.roles)
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
        terms = {
            agency: Terms(roster.publishable_kinds(agency), roster.find_copied_lead(agency))
            for agency in {s.originator for s in submissions}
        }
        return await load_state(
            transaction,
            submissions,
            members=roster.active_agencies(),
            terms=terms,
            review=self._review,
            hub_agency=self._hub_agency,
        )


class _BatchOfActs:
    """What the accepted submissions of one transaction come to."""

    def __init__(
        self,
        transaction: LedgerTransaction,
        state: LedgerState,
        *,
        kept_audiences: set[bytes],
    ) -> None:
        self._transaction = transaction
        self._state = state
        self._writes = NoticeWrites(transaction, known=state.notices, kept_audiences=kept_audiences)
        self._is_empty = True

    def take(self, submission: Submission) -> TakenActs:
        """Judges a submission and, where accepted, appends its entry."""
        verdict = judge(submission, self._state, entry_index=self._transaction.next_index)
        if isinstance(verdict, Repeated):
            return TakenActs(verdict.entry_index, None)
        self._is_empty = False
        return self._append(submission, verdict)

    def _append(self, submission: Submission, accepted: Accepted) -> TakenActs:
        salts = {act.act_id: self._transaction.new_salt() for act in submission.acts}
        entry = _entry(submission, accepted, salts)
        entry.roster_entry = self._transaction.head.roster_entry or 0
        index = self._transaction.append_acts(entry)
        for act in submission.acts:
            stored = _stored_act(act, entry_index=index, salt=salts[act.act_id])
            self._writes.add_act(stored)
            self._state.acts[stored.originator, stored.act_id] = stored
        self._keep(submission, accepted, index)
        content, addressing = submission.content, submission.addressing
        return TakenActs(
            index,
            (
                salts[content.act_id] if content is not None else b"",
                salts[addressing.act_id] if addressing is not None else b"",
            ),
        )

    def _keep(self, submission: Submission, accepted: Accepted, index: int) -> None:
        """What becomes of the notice, and who hears of it."""
        standing = accepted.standing
        if accepted.ends_review and standing.review_id is not None:
            self._writes.end_reviews(standing)
        if accepted.review is not None:
            review = self._writes.open_review(accepted.review, standing, acts_entry=index)
            standing = replace(standing, review_id=review.review_id)
            if accepted.review.is_after_publication:
                self._state.looked_at.add(standing.key)
        self._writes.set_standing(standing)
        self._state.notices[standing.key] = standing
        content, addressing = submission.content, submission.addressing
        if accepted.act_kind == ADDENDUM:
            self._state.addenda[standing.key] = self._state.addenda.get(standing.key, 0) + 1
        if addressing is not None:
            self._state.rules[standing.key] = addressing.act.addressing.rule
        if content is not None and content.kind == VERSION and standing.published_entry == index:
            self._state.sources[standing.key] = content.act.version.notice
        for audience in (accepted.addressees, accepted.hearers, *accepted.also_kept):
            self._writes.keep_audience(audience)
            self._state.audiences[audience.key] = audience
        self._writes.add_event(
            index,
            standing,
            accepted.event_kind,
            accepted.hearers,
            act_entry=accepted.act_entry,
            actor=submission.originator,
            urgency=accepted.event_urgency,
        )
        self._keep_consequences(submission, accepted, standing, index)

    def _keep_consequences(
        self, submission: Submission, accepted: Accepted, standing: NoticeStanding, index: int
    ) -> None:
        writes, state = self._writes, self._state
        if accepted.recall is not None:
            addressees = accepted.recall.addressees
            began = index
            if accepted.recall.kind == events_pb2.RECALL_KIND_NARROWED:
                began = writes.announce(standing, recalled_from(addressees), acts_entry=index)
            recall = writes.begin_recall(
                accepted.recall.kind, standing, addressees, recall_entry=began
            )
            if recall is not None:
                state.recalls[began] = recall
                state.audiences[recall.audience] = accepted.recall.addressees
        if accepted.answer is not None:
            recall = state.recalls[accepted.answer.recall_entry]
            recall.answers[submission.originator] = accepted.answer.outcome
            writes.answer_recall(submission.originator, accepted.answer, answer_entry=index)
        if accepted.is_held is not None:
            held = state.held.get(standing.key, frozenset()) - {submission.originator}
            state.held[standing.key] = held | {submission.originator} if accepted.is_held else held
            writes.set_custody(
                standing, submission.originator, entry_index=index if accepted.is_held else None
            )
        for announcement in accepted.announcements:
            state.audiences[announcement.hearers.key] = announcement.hearers
            writes.announce(standing, announcement, acts_entry=index)

    async def write(self) -> None:
        """Writes everything taken."""
        if not self._is_empty:
            await self._writes.write()


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
