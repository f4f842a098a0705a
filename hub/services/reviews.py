"""ReviewService: the queue of the hub's reviewers, what they read, what they decide, and figures.

The queue shows nothing of what notices say; who may not decide over a notice does not read it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from comity.acts import ADDRESSING, VERSION
from comity.errors import MalformedInput, NotFound, NotPermitted, ReviewerBarred, Violation
from comity.identifiers import is_uuid7
from comity.identity import AgencyId
from comity.minimum.policy import Policy
from comity.times import datetime_from_microseconds, microseconds_from, timestamp_from
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2, reviews_pb2
from hub.services.calls import Caller
from hub.services.notice_records import review_standing
from hub.services.records import addressing_record, content_record
from hub.services.review_decisions import Decision, ReviewDecisions
from hub.services.reviewing import bar_of, count_eligible, verify_findings
from hub.services.showing import Showing
from hub.store.acts import find_acts_at
from hub.store.database import Connection, Database
from hub.store.events import list_addenda
from hub.store.ledger import find_entries
from hub.store.notices import NoticeStanding, find_notices
from hub.store.officers import StoredOfficer, list_reviewers
from hub.store.reviews import (
    StoredReview,
    StoredStep,
    Tally,
    find_reviews,
    find_steps,
    list_reviews,
    tally_reviews,
)
from hub.store.writer import LedgerWriter

MAX_PAGE_REVIEWS = 64
MIN_CELL = 5  # fewer are not told apart

_COUNTED = (events_pb2.REVIEW_OUTCOME_RETURN, events_pb2.REVIEW_OUTCOME_REFUSE)


class ReviewService:
    """ListReviews, GetReview, TakeReview, DecideReview, GetReviewStatistics."""

    def __init__(
        self,
        database: Database,
        *,
        writer: LedgerWriter,
        decisions: ReviewDecisions,
        showing: Showing,
        policy: Policy,
        hub_agency: AgencyId,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._writer = writer
        self._decisions = decisions
        self._showing = showing
        self._policy = policy
        self._hub_agency = hub_agency
        self._clock = clock

    async def list_page(
        self, caller: Caller, request: reviews_pb2.ListReviewsRequest
    ) -> reviews_pb2.ListReviewsResponse:
        """A page of the queue, in the order of submission.

        Raises: NotPermitted, MalformedInput, StoreUnavailable.
        """
        if request.after_review_id and not is_uuid7(request.after_review_id):
            violation = Violation("after_review_id", "is not a UUIDv7 in lower case")
            raise MalformedInput(violations=[violation])
        async with self._database.read() as connection:
            reviewers = await self._reviewers(connection)
            officer = _caller_among(reviewers, caller)
            found = await list_reviews(
                connection,
                traffic=request.traffic or notices_pb2.TRAFFIC_LIVE,
                with_decided=request.with_decided,
                after=request.after_review_id,
                limit=MAX_PAGE_REVIEWS + 1,
            )
            steps = await find_steps(connection, [review.review_id for review in found])
        page = found[:MAX_PAGE_REVIEWS]
        return reviews_pb2.ListReviewsResponse(
            reviews=[_message(r, steps[r.review_id], reviewers, officer) for r in page],
            more=len(found) > len(page),
        )

    async def get(
        self, caller: Caller, request: reviews_pb2.GetReviewRequest
    ) -> reviews_pb2.GetReviewResponse:
        """A review with its notice; who may not decide over it is not shown it.

        Raises: NotFound, NotPermitted, ReviewerBarred, StoreUnavailable.
        """
        async with self._database.read() as connection:
            reviewers = await self._reviewers(connection)
            officer = _caller_among(reviewers, caller)
            review = await _find(connection, request.review_id)
            steps = (await find_steps(connection, [review.review_id]))[review.review_id]
            bar = bar_of(officer, review, steps)
            if bar not in (
                reviews_pb2.REVIEW_BAR_UNSPECIFIED,
                reviews_pb2.REVIEW_BAR_DECIDED_ALREADY,
            ):
                raise ReviewerBarred()
            shown = await _load_shown(connection, review)
        response = reviews_pb2.GetReviewResponse(
            review=_message(review, steps, reviewers, officer), addenda=shown.addenda
        )
        if shown.version is not None:
            response.version.CopyFrom(shown.version)
            response.questions.extend(self._questions(shown.version))
        if shown.addressing is not None:
            response.addressing.CopyFrom(shown.addressing)
        proof = await self._showing.prove(
            caller,
            shown.entries(),
            action=ledger_pb2.ACCESS_ACTION_REVIEW_NOTICE,
            known_size=request.known_size,
        )
        response.proof.CopyFrom(proof)
        return response

    def _questions(self, version: events_pb2.ActRecord) -> list[events_pb2.ReviewElement]:
        """What no program can judge, and what the legal minimum warns of."""
        notice = acts_pb2.Act.FromString(version.envelope.payload).version.notice
        asked = [
            events_pb2.ReviewElement(field=question.field, description=question.description)
            for question in self._policy.questions(notice)
        ]
        return asked + [
            events_pb2.ReviewElement(field=finding.field, description=finding.description)
            for finding in self._policy.findings(notice)
        ]

    async def take(
        self, caller: Caller, request: reviews_pb2.TakeReviewRequest
    ) -> reviews_pb2.TakeReviewResponse:
        """Says that the caller looks at it.

        Raises: NotFound, ReviewEnded, ReviewerBarred, StoreUnavailable.
        """
        await self._commit(caller, request.review_id, None)
        return reviews_pb2.TakeReviewResponse(review=await self._reread(caller, request.review_id))

    async def decide(
        self, caller: Caller, request: reviews_pb2.DecideReviewRequest
    ) -> reviews_pb2.DecideReviewResponse:
        """Decides.

        Raises: MalformedInput, NotFound, ReviewEnded, ReviewerBarred, NoticeNotInForce,
        NoticeExpired, StoreUnavailable.
        """
        verify_findings(request.findings)
        await self._commit(caller, request.review_id, request.findings)
        return reviews_pb2.DecideReviewResponse(
            review=await self._reread(caller, request.review_id)
        )

    async def _commit(
        self, caller: Caller, review_id: str, findings: events_pb2.ReviewFindings | None
    ) -> None:
        if not is_uuid7(review_id):
            raise NotFound()
        if caller.officer is None:
            raise NotPermitted()
        decision = Decision(review_id, caller.officer.officer_id, findings)
        await self._writer.commit(self._decisions.decide_many, decision)

    async def _reread(self, caller: Caller, review_id: str) -> reviews_pb2.Review:
        async with self._database.read() as connection:
            reviewers = await self._reviewers(connection)
            officer = _caller_among(reviewers, caller)
            review = await _find(connection, review_id)
            steps = (await find_steps(connection, [review_id]))[review_id]
        return _message(review, steps, reviewers, officer)

    async def statistics(self) -> reviews_pb2.GetReviewStatisticsResponse:
        """Refusals and returns of the last four quarters that are over; cells under 5 are merged.

        Of no other time: the difference of two times would tell single cases.

        Raises: StoreUnavailable.
        """
        since, until = closed_year(self._clock())
        async with self._database.read() as connection:
            tallies = await tally_reviews(
                connection,
                since=microseconds_from(since),
                before=microseconds_from(until),
                outcomes=_COUNTED,
            )
        counts, merged = counted(tallies)
        return reviews_pb2.GetReviewStatisticsResponse(
            counts=counts,
            merged=merged,
            since=timestamp_from(since),
            until=timestamp_from(until),
        )

    async def _reviewers(self, connection: Connection) -> list[StoredOfficer]:
        return await list_reviewers(connection, self._hub_agency)


def _caller_among(reviewers: Iterable[StoredOfficer], caller: Caller) -> StoredOfficer:
    for officer in reviewers:
        if caller.officer is not None and officer.officer_id == caller.officer.officer_id:
            return officer
    raise NotPermitted()


async def _find(connection: Connection, review_id: str) -> StoredReview:
    found = await find_reviews(connection, [review_id]) if is_uuid7(review_id) else {}
    if review_id not in found:
        raise NotFound()
    return found[review_id]


class _Shown:
    """The acts that a reviewer is shown."""

    def __init__(self) -> None:
        self.version: events_pb2.ActRecord | None = None
        self.addressing: events_pb2.ActRecord | None = None
        self.addenda: list[events_pb2.ActRecord] = []

    def entries(self) -> list[int]:
        records = [self.version, self.addressing, *self.addenda]
        return sorted({record.leaf.entry_index for record in records if record is not None})


async def _load_shown(connection: Connection, review: StoredReview) -> _Shown:
    """The version that is reviewed, or that is in force with its addenda, and whom it is for."""
    key = (review.originator, review.notice_id)
    standing = (await find_notices(connection, [review.notice_id]))[key]
    version_entry, addressing_entry = _entries(review, standing)
    addenda = [
        entry
        for entry in (await list_addenda(connection, [key])).get(key, [])
        if review.is_after_publication and entry > version_entry
    ]
    indices = sorted({version_entry, addressing_entry, *addenda})
    entries = await find_entries(connection, indices)
    acts = await find_acts_at(connection, indices)
    shown = _Shown()
    for index in indices:
        for act in acts[index]:
            if not act.envelope:
                continue
            if act.kind == VERSION and index == version_entry:
                shown.version = content_record(act, entries[index])
            elif act.kind == ADDRESSING and index == addressing_entry:
                shown.addressing = addressing_record(act, entries[index])
            elif index in addenda:
                shown.addenda.append(content_record(act, entries[index]))
    return shown


def _entries(review: StoredReview, standing: NoticeStanding) -> tuple[int, int]:
    if not review.is_after_publication:
        waiting = standing.submitted_addressing_entry
        return review.acts_entry, standing.addressing_entry if waiting is None else waiting
    published = standing.published_entry
    return (review.acts_entry if published is None else published), standing.addressing_entry


def _message(
    review: StoredReview,
    steps: Sequence[StoredStep],
    reviewers: Sequence[StoredOfficer],
    officer: StoredOfficer,
) -> reviews_pb2.Review:
    names = {each.officer_id: each.display_name for each in reviewers}
    standing = review_standing(review, steps, reviewers)
    return reviews_pb2.Review(
        review_id=review.review_id,
        originator=review.originator,
        notice_id=review.notice_id,
        version=review.version,
        kind=cast("notices_pb2.NoticeKind.ValueType", review.kind),
        urgency=cast("notices_pb2.Urgency.ValueType", review.urgency),
        traffic=cast("notices_pb2.Traffic.ValueType", review.traffic),
        standing=standing,
        takings=[
            reviews_pb2.ReviewTaking(
                officer_id=step.officer_id,
                display_name=names.get(step.officer_id, ""),
                taken_at=timestamp_from(datetime_from_microseconds(step.taken_at)),
            )
            for step in steps
        ],
        eligible_reviewers=count_eligible(reviewers, review),
        bar=bar_of(officer, review, steps),
    )


def closed_year(now: datetime) -> tuple[datetime, datetime]:
    """The four calendar quarters before the one that a time (UTC) lies in."""
    month = (now.month - 1) // 3 * 3 + 1
    until = datetime(now.year, month, 1, tzinfo=UTC)
    return until.replace(year=now.year - 1), until


def counted(tallies: Sequence[Tally]) -> tuple[list[reviews_pb2.ReviewCount], int]:
    """The rows that may be told, and how many of an agency's are left out of its table, merged.

    For each outcome: in all, by ground, by kind, by agency. A cell of fewer than five is left out;
    where what is left out would be fewer than five together, the smallest other cell goes with it,
    since the sum is known.
    """
    rows: list[reviews_pb2.ReviewCount] = []
    merged = 0
    for outcome in _COUNTED:
        ours = [tally for tally in tallies if tally.outcome == outcome]
        total = sum(tally.count for tally in ours)
        if total < MIN_CELL:
            continue
        rows.append(reviews_pb2.ReviewCount(outcome=outcome, count=total))
        for name in ("ground", "kind", "originator"):
            cells: dict[int | str, int] = defaultdict(int)
            for tally in ours:
                cells[getattr(tally, name)] += tally.count
            kept = _large_enough(cells)
            rows += [
                reviews_pb2.ReviewCount(outcome=outcome, count=count, **{name: cell})  # type: ignore[arg-type]
                for cell, count in sorted(kept.items(), key=lambda one: (-one[1], str(one[0])))
                if cell
            ]
            if name == "originator":
                merged += total - sum(kept.values())
    return rows, merged


def _large_enough(cells: dict[int | str, int]) -> dict[int | str, int]:
    kept = {cell: count for cell, count in cells.items() if count >= MIN_CELL}
    left_out = sum(cells.values()) - sum(kept.values())
    if 0 < left_out < MIN_CELL and kept:
        smallest = min(kept, key=lambda cell: (kept[cell], str(cell)))
        del kept[smallest]
    return kept
