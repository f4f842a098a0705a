"""Notices as their readers get them: what stands of each, and no more than the reader may see.

An addressee is shown the version only while it stands: not while it is suspended, and not after
the end. The originator is shown its own as long as it is not erased, and what is in review.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from comity.identity import AgencyId
from comity.times import datetime_from_microseconds, timestamp_from
from comity.v1 import events_pb2, ledger_pb2
from comity.v1.acts_pb2 import Act
from comity.v1.events_pb2 import NoticeRecord, ReviewFindings, ReviewStanding
from hub.services.ledger_state import CANCELLED, EXPIRED, PUBLISHED, SUSPENDED, WITHDRAWN
from hub.services.records import addressing_record, content_record, leaf_message
from hub.services.reviewing import lacks_reviewers
from hub.store.acts import StoredAct, find_acts_at
from hub.store.database import Connection, Database
from hub.store.events import list_addenda
from hub.store.ledger import StoredEntry, find_entries
from hub.store.notices import NoticeStanding
from hub.store.officers import StoredOfficer, list_reviewers
from hub.store.reviews import StoredReview, StoredStep, find_reviews, find_steps

_ENDED_BY_HUB = frozenset({CANCELLED, EXPIRED})


class NoticeRecords:
    """Reads what is shown of notices."""

    def __init__(self, database: Database, *, hub_agency: AgencyId) -> None:
        self._database = database
        self._hub_agency = hub_agency

    async def load(
        self, agency: AgencyId, standings: Sequence[NoticeStanding]
    ) -> list[NoticeRecord]:
        """The records of notices that an agency may see, as it may see them.

        Raises: StoreUnavailable.
        """
        async with self._database.read() as connection:
            addenda = await list_addenda(connection, [s.key for s in standings])
            views = [
                _View(s, addenda.get(s.key, ()), is_own=s.originator == agency) for s in standings
            ]
            indices = sorted({index for view in views for index in view.entries()})
            entries = await find_entries(connection, indices)
            acts = await find_acts_at(connection, indices)
            own = [view.standing for view in views if view.is_own]
            reviews = await self._reviews(connection, own)
        return [view.record(acts, entries, reviews) for view in views]

    async def _reviews(
        self, connection: Connection, standings: Sequence[NoticeStanding]
    ) -> dict[str, ReviewStanding]:
        found = await find_reviews(connection, {s.review_id for s in standings if s.review_id})
        steps = await find_steps(connection, found)
        is_any_open = any(not review.outcome for review in found.values())
        reviewers = await list_reviewers(connection, self._hub_agency) if is_any_open else []
        return {
            review_id: review_standing(review, steps[review_id], reviewers)
            for review_id, review in found.items()
        }


class _View:
    """What a reader sees of one notice."""

    def __init__(self, standing: NoticeStanding, addenda: Sequence[int], *, is_own: bool) -> None:
        self.standing = standing
        self.is_own = is_own
        self._is_shown = standing.state == PUBLISHED or is_own
        self._addenda = [entry for entry in addenda if entry > (standing.published_entry or 0)]

    def _acts(self) -> Iterator[tuple[str, int | None]]:
        """The acts that are shown, by the names of the record's fields."""
        standing = self.standing
        if self._is_shown:
            shown = standing.published_entry
            yield "version", standing.version_entry if shown is None else shown
            yield "extension", standing.extension_entry
            yield from (("addenda", entry) for entry in self._addenda)
        if standing.state == SUSPENDED:
            yield "suspension", standing.suspension_entry
        if standing.state == WITHDRAWN:
            yield "withdrawal", standing.withdrawal_entry
        if self.is_own and standing.is_published and standing.has_waiting_version:
            yield "submitted", standing.version_entry

    def _decision(self) -> int | None:
        """The hub's entry; addressees are shown only how the notice ended."""
        if self.is_own or self.standing.state in _ENDED_BY_HUB:
            return self.standing.decision_entry
        return None

    def _addressing(self) -> int | None:
        return self.standing.addressing_entry if self.is_own else None

    def entries(self) -> Iterator[int]:
        """Every entry that is asked for."""
        for entry in (*(entry for _, entry in self._acts()), self._decision(), self._addressing()):
            if entry is not None:
                yield entry

    def record(
        self,
        acts: Mapping[int, Sequence[StoredAct]],
        entries: Mapping[int, StoredEntry],
        reviews: Mapping[str, ReviewStanding],
    ) -> NoticeRecord:
        """The record, without what is erased."""
        standing = self.standing
        record = NoticeRecord(
            state=cast("events_pb2.NoticeState.ValueType", standing.state),
            originator=standing.originator,
            notice_id=standing.notice_id,
        )
        if standing.is_published:
            expires_at = datetime_from_microseconds(standing.expires_at)
            record.expires_at.CopyFrom(timestamp_from(expires_at))
        self._add_acts(record, acts, entries)
        decision, addressing = self._decision(), self._addressing()
        if decision is not None:
            record.decision.CopyFrom(leaf_message(entries[decision]))
        if addressing is not None:
            for act in acts[addressing]:
                if act.kind == ledger_pb2.ACT_KIND_ADDRESSING and act.envelope:
                    record.addressing.CopyFrom(addressing_record(act, entries[addressing]))
        if self.is_own and standing.review_id is not None and standing.review_id in reviews:
            record.review.CopyFrom(reviews[standing.review_id])
        return record

    def _add_acts(
        self,
        record: NoticeRecord,
        acts: Mapping[int, Sequence[StoredAct]],
        entries: Mapping[int, StoredEntry],
    ) -> None:
        for name, entry in self._acts():
            shown = None if entry is None else _content(acts[entry], entries[entry])
            if shown is None:
                continue
            if name != "addenda":
                getattr(record, name).CopyFrom(shown)
            elif _adds_to(shown, self.standing.published_digest):
                record.addenda.append(shown)


def _adds_to(addendum: events_pb2.ActRecord, version_digest: bytes) -> bool:
    """Whether an addendum is to the version in force, and not to one before it."""
    act = Act.FromString(addendum.envelope.payload)
    return act.addendum.version_digest == version_digest


def _content(acts: Sequence[StoredAct], entry: StoredEntry) -> events_pb2.ActRecord | None:
    for act in acts:
        if act.kind != ledger_pb2.ACT_KIND_ADDRESSING and act.envelope:
            return content_record(act, entry)
    return None


def review_standing(
    review: StoredReview, steps: Sequence[StoredStep], reviewers: Sequence[StoredOfficer]
) -> ReviewStanding:
    """Where a review stands, as its originator and the reviewers see it."""
    standing = ReviewStanding(
        submitted_at=timestamp_from(datetime_from_microseconds(review.submitted_at)),
        due_at=timestamp_from(datetime_from_microseconds(review.due_at)),
        reviewers_needed=review.reviewers_needed,
        reviewers_decided=sum(1 for step in steps if step.outcome),
        is_after_publication=review.is_after_publication,
    )
    if not review.outcome:
        standing.lacks_reviewers = lacks_reviewers(review, steps, reviewers)
    if review.findings is not None:
        standing.findings.CopyFrom(ReviewFindings.FromString(review.findings))
        standing.findings_salt = review.findings_salt or b""
    elif review.outcome:
        standing.findings.outcome = cast("events_pb2.ReviewOutcome.ValueType", review.outcome)
    if review.decided_at is not None:
        decided_at = datetime_from_microseconds(review.decided_at)
        standing.decided_at.CopyFrom(timestamp_from(decided_at))
    return standing


def entries_shown(record: NoticeRecord) -> Iterator[int]:
    """Every entry that a record shows."""
    for name in ("version", "withdrawal", "addressing", "suspension", "extension", "submitted"):
        if record.HasField(name):
            yield getattr(record, name).leaf.entry_index
    yield from (addendum.leaf.entry_index for addendum in record.addenda)
    if record.HasField("decision"):
        yield record.decision.entry_index
