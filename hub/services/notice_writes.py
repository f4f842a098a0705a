"""What one transaction does to notices, collected and then written statement by table.

Used by every use case that changes where a notice stands: acts, reviews, the rounds of the
schedule. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from comity.identity import AgencyId
from comity.times import microseconds_from
from comity.v1 import events_pb2, ledger_pb2
from comity.v1.events_pb2 import EventKind, RecallKind
from hub.services.ledger_state import Announcement, RecallAnswer, ReviewStart
from hub.store.acts import StoredAct, insert_acts
from hub.store.audiences import Audience, insert_missing_audiences
from hub.store.events import StoredEvent
from hub.store.notices import NoticeKey, NoticeStanding, insert_notices, update_notices
from hub.store.recalls import (
    StoredAnswer,
    StoredRecall,
    insert_recalls,
    save_answers,
    save_custody,
)
from hub.store.reviews import StoredReview, end_reviews_of, insert_reviews
from hub.store.transaction import LedgerTransaction

HUB = AgencyId("")  # whose entries are told to everybody they are for


class NoticeWrites:
    """The changes of one transaction. `write` once, at the end."""

    def __init__(
        self,
        transaction: LedgerTransaction,
        *,
        known: Iterable[NoticeKey],
        kept_audiences: set[bytes],
    ) -> None:
        self._transaction = transaction
        self._known = set(known)
        self._kept_audiences = kept_audiences
        self._acts: list[StoredAct] = []
        self._audiences: list[Audience] = []
        self._standings: dict[NoticeKey, NoticeStanding] = {}
        self._recalls: list[StoredRecall] = []
        self._answers: list[StoredAnswer] = []
        self._custodies: dict[tuple[NoticeKey, AgencyId], int | None] = {}
        self._reviews: list[StoredReview] = []
        self._ended_reviews: set[NoticeKey] = set()

    def add_act(self, act: StoredAct) -> None:
        """An act of the transaction."""
        self._acts.append(act)

    def keep_audience(self, audience: Audience) -> None:
        """An audience that something refers to."""
        self._audiences.append(audience)

    def set_standing(self, standing: NoticeStanding) -> None:
        """Where a notice stands now."""
        self._standings[standing.key] = standing

    def add_event(
        self,
        entry_index: int,
        standing: NoticeStanding,
        event_kind: EventKind.ValueType,
        hearers: Audience,
        *,
        act_entry: int,
        actor: AgencyId,
        urgency: int | None = None,
    ) -> None:
        """What an entry is to whom it is for."""
        self.keep_audience(hearers)
        self._transaction.add_event(
            StoredEvent(
                entry_index=entry_index,
                kind=event_kind,
                originator=standing.originator,
                notice_id=standing.notice_id,
                notice_kind=standing.kind,
                traffic=standing.traffic,
                urgency=standing.urgency if urgency is None else urgency,
                audience=hearers.key,
                act_entry=act_entry,
                actor=actor,
            )
        )

    def announce(
        self,
        standing: NoticeStanding,
        announcement: Announcement,
        *,
        acts_entry: int,
        act_entry: int | None = None,
        **given: Any,
    ) -> int:
        """An entry of the hub about a notice, as an event; gives its index.

        `act_entry` is where the act lies that the event shows, None where it shows none.
        """
        entry = ledger_pb2.NoticeEntry(
            change=announcement.change,
            originator=standing.originator,
            notice_id=standing.notice_id,
            acts_entry=acts_entry,
            roster_entry=self._transaction.head.roster_entry or 0,
            **given,
        )
        index = self._transaction.append_notice(entry)
        self.add_event(
            index,
            standing,
            announcement.event_kind,
            announcement.hearers,
            act_entry=index if act_entry is None else act_entry,
            actor=HUB,
            urgency=announcement.urgency,
        )
        return index

    def begin_recall(
        self,
        kind: RecallKind.ValueType,
        standing: NoticeStanding,
        addressees: Audience,
        *,
        recall_entry: int,
    ) -> StoredRecall | None:
        """From an entry on, addressees owe an answer about their copies; None where nobody does."""
        if not addressees.members:
            return None
        self.keep_audience(addressees)
        recall = StoredRecall(
            recall_entry=recall_entry,
            kind=kind,
            originator=standing.originator,
            notice_id=standing.notice_id,
            audience=addressees.key,
            begun_at=microseconds_from(self._transaction.now),
            open_count=len(addressees.members),
        )
        self._recalls.append(recall)
        return recall

    def answer_recall(self, agency: AgencyId, answer: RecallAnswer, *, answer_entry: int) -> None:
        """An agency's answer."""
        self._answers.append(
            StoredAnswer(answer.recall_entry, agency, answer.outcome, answer_entry)
        )

    def set_custody(
        self, standing: NoticeStanding, agency: AgencyId, *, entry_index: int | None
    ) -> None:
        """An agency holds somebody on a notice since an entry; None: nobody any longer."""
        self._custodies[standing.key, agency] = entry_index

    def open_review(
        self, start: ReviewStart, standing: NoticeStanding, *, acts_entry: int
    ) -> StoredReview:
        """A review of what lies at an entry."""
        transaction = self._transaction
        review = StoredReview(
            review_id=transaction.new_id(),
            originator=standing.originator,
            notice_id=standing.notice_id,
            version=standing.version,
            acts_entry=acts_entry,
            kind=standing.kind,
            traffic=standing.traffic,
            urgency=standing.urgency,
            nationalities=",".join(start.nationalities),
            submitted_at=microseconds_from(transaction.now),
            due_at=microseconds_from(start.due_at),
            reviewers_needed=start.reviewers,
            is_after_publication=start.is_after_publication,
        )
        self._reviews.append(review)
        return review

    def end_reviews(self, standing: NoticeStanding) -> None:
        """The reviews of a notice have become pointless."""
        self._ended_reviews.add(standing.key)

    async def write(self) -> None:
        """Writes everything."""
        connection = self._transaction.connection
        await insert_missing_audiences(connection, self._audiences, known=self._kept_audiences)
        await insert_acts(connection, self._acts)
        standings = self._standings.values()
        await insert_notices(connection, [s for s in standings if s.key not in self._known])
        await update_notices(connection, [s for s in standings if s.key in self._known])
        await insert_recalls(connection, self._recalls)
        await save_answers(connection, self._answers)
        for (key, agency), entry_index in self._custodies.items():
            await save_custody(connection, key, agency, entry_index=entry_index)
        await insert_reviews(connection, self._reviews)
        await end_reviews_of(
            connection,
            self._ended_reviews,
            outcome=events_pb2.REVIEW_OUTCOME_WITHDRAWN,
            at=microseconds_from(self._transaction.now),
        )
