"""Deciding over a notice in review: the commit half, under the writer's lock.

Called by `reviews.py`. Two reviewers who decide at once are decided over one after the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from comity import acts
from comity.commitment import findings_commitment
from comity.errors import (
    ComityError,
    NotFound,
    NoticeExpired,
    NoticeNotInForce,
    ReviewEnded,
    ReviewerBarred,
)
from comity.identity import AgencyId
from comity.times import microseconds_from
from comity.v1 import acts_pb2, events_pb2, ledger_pb2
from comity.v1.events_pb2 import ReviewFindings
from comity.v1.ledger_pb2 import NoticeChange
from comity.v1.notices_pb2 import Notice
from comity.v1.officers_pb2 import OFFICER_STATUS_ACTIVE, ROLE_HUB_REVIEWER
from hub.services.ledger_state import (
    CANCELLED,
    INCOMPLETE,
    REFUSED,
    STANDING,
    Announcement,
    LedgerState,
    only,
)
from hub.services.loading_state import add_sources
from hub.services.membership import Membership
from hub.services.notice_endings import end_notice
from hub.services.notice_writes import NoticeWrites
from hub.services.release_judgement import require_released
from hub.services.reviewing import bar_of, outcome_of
from hub.services.roster_changes import roster_within
from hub.services.version_judgement import publish
from hub.store.acts import find_acts_at
from hub.store.audiences import audience_of, find_audiences
from hub.store.notices import NoticeStanding, find_notices
from hub.store.officers import StoredOfficer, find_officer
from hub.store.recalls import find_holders
from hub.store.reviews import (
    StoredReview,
    StoredStep,
    find_reviews,
    find_steps,
    save_step,
    update_review,
)
from hub.store.transaction import LedgerTransaction


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reviewer does: decides, or (findings None) only takes the review."""

    review_id: str
    officer_id: str
    findings: ReviewFindings | None


Outcome = StoredReview | ComityError


class ReviewDecisions:
    """The commit half of TakeReview and DecideReview."""

    def __init__(self, membership: Membership, *, hub_agency: AgencyId) -> None:
        self._membership = membership
        self._hub_agency = hub_agency

    async def decide_many(
        self, transaction: LedgerTransaction, decisions: Sequence[Decision]
    ) -> list[Outcome]:
        """Decides one by one; each sees what those before it have done."""
        results: list[Outcome] = []
        for decision in decisions:
            try:
                results.append(await self._decide(transaction, decision))
            except ComityError as error:
                results.append(error)
        return results

    async def _decide(self, transaction: LedgerTransaction, decision: Decision) -> StoredReview:
        """1. The review is open, and the officer may review it.
        2. What the officer does is noted.
        3. Where that makes an outcome, it takes effect.
        """
        connection = transaction.connection
        review = (await find_reviews(connection, [decision.review_id])).get(decision.review_id)
        if review is None:  # 1
            raise NotFound()
        if review.outcome:
            raise ReviewEnded()
        officer = await find_officer(connection, decision.officer_id)
        steps = (await find_steps(connection, [review.review_id]))[review.review_id]
        self._require_reviewer(officer, review, steps)
        step = _step(transaction, decision, steps)
        others = [s for s in steps if s.officer_id != decision.officer_id]
        outcome = outcome_of(review, [*others, step])
        ended = review
        if decision.findings is not None and outcome:  # 3
            effect = _Effect(transaction, review, decision.findings, outcome)
            roster = await roster_within(transaction, self._membership)
            ended = await effect.take(roster.active_agencies())
        await save_step(connection, step, is_new=len(others) == len(steps))  # 2
        return ended

    def _require_reviewer(
        self, officer: StoredOfficer | None, review: StoredReview, steps: Sequence[StoredStep]
    ) -> None:
        if (
            officer is None
            or officer.agency_id != self._hub_agency
            or officer.status != OFFICER_STATUS_ACTIVE
            or ROLE_HUB_REVIEWER not in officer.roles
            or bar_of(officer, review, steps)
        ):
            raise ReviewerBarred()


def _step(
    transaction: LedgerTransaction, decision: Decision, steps: Sequence[StoredStep]
) -> StoredStep:
    now = microseconds_from(transaction.now)
    known = next((s for s in steps if s.officer_id == decision.officer_id), None)
    step = known or StoredStep(decision.review_id, decision.officer_id, now)
    if decision.findings is None:
        return step
    return replace(
        step,
        outcome=decision.findings.outcome,
        ground=decision.findings.ground,
        findings=decision.findings.SerializeToString(deterministic=True),
        decided_at=now,
    )


class _Effect:
    """What an outcome makes of the notice."""

    def __init__(
        self,
        transaction: LedgerTransaction,
        review: StoredReview,
        findings: ReviewFindings,
        outcome: events_pb2.ReviewOutcome.ValueType,
    ) -> None:
        self._transaction = transaction
        self._review = review
        self._findings = findings
        self._outcome = outcome
        self._salt = transaction.new_salt()
        key = (review.originator, review.notice_id)
        self._writes = NoticeWrites(transaction, known=[key], kept_audiences=set())

    async def take(self, members: frozenset[AgencyId]) -> StoredReview:
        """Writes everything, and gives the review as it has ended.

        Raises: ReviewEnded where the notice is no longer what was reviewed; NoticeNotInForce;
        NoticeExpired; NoticeInvalid, ReleaseRequired where what it draws on no longer allows it.
        """
        review = self._review
        key = (review.originator, review.notice_id)
        standing = (await find_notices(self._transaction.connection, [review.notice_id]))[key]
        if self._outcome == events_pb2.REVIEW_OUTCOME_PUBLISH and review.originator not in members:
            raise NoticeNotInForce("The originator is no active member; nothing of it is let out.")
        if review.is_after_publication:
            await self._afterwards(standing)
        else:
            await self._before(standing, members)
        ended = replace(
            review,
            outcome=self._outcome,
            ground=self._findings.ground,
            decided_at=microseconds_from(self._transaction.now),
            findings=self._findings.SerializeToString(deterministic=True),
            findings_salt=self._salt,
        )
        await self._writes.write()
        await update_review(self._transaction.connection, ended)
        return ended

    async def _before(self, standing: NoticeStanding, members: frozenset[AgencyId]) -> None:
        """What waited is let out, returned, or refused."""
        if (
            standing.version_entry != self._review.acts_entry
            or standing.submitted_audience is None
            or standing.submitted_addressing_entry is None
        ):
            raise ReviewEnded()
        if self._outcome == events_pb2.REVIEW_OUTCOME_PUBLISH:
            await self._publish(
                standing,
                standing.submitted_audience,
                addressing_entry=standing.submitted_addressing_entry,
                members=members,
            )
            return
        is_returned = self._outcome == events_pb2.REVIEW_OUTCOME_RETURN
        entry = self._tell_originator(
            standing,
            ledger_pb2.NOTICE_CHANGE_RETURNED if is_returned else ledger_pb2.NOTICE_CHANGE_REFUSED,
            events_pb2.EVENT_KIND_RETURNED if is_returned else events_pb2.EVENT_KIND_REFUSED,
        )
        state = standing.state
        if not standing.is_published:
            state = INCOMPLETE if is_returned else REFUSED
        self._writes.set_standing(
            replace(
                standing,
                state=state,
                decision_entry=entry,
                review_id=self._review.review_id,
                submitted_audience=None,
                submitted_addressing_entry=None,
            )
        )

    async def _publish(
        self,
        standing: NoticeStanding,
        audience_key: bytes,
        *,
        addressing_entry: int,
        members: frozenset[AgencyId],
    ) -> None:
        connection = self._transaction.connection
        now = microseconds_from(self._transaction.now)
        notice = await _reviewed_notice(self._transaction, standing)
        if notice.expires_at.ToMicroseconds() <= now:
            raise NoticeExpired()
        audience = (await find_audiences(connection, [audience_key]))[audience_key]
        # What it draws on may have been withdrawn or taken back since it was submitted.
        state = LedgerState(self._transaction.now, members, {}, {}, {})
        await add_sources(self._transaction, state, [notice])
        require_released(notice, standing.originator, audience, state)
        told = audience_of(audience.members | {standing.originator}, audience.open_rule)
        is_first = not standing.is_published
        announcement = Announcement(
            ledger_pb2.NOTICE_CHANGE_PUBLISHED,
            events_pb2.EVENT_KIND_PUBLISHED if is_first else events_pb2.EVENT_KIND_NEW_VERSION,
            told,
            urgency=notice.urgency,
        )
        entry = self._writes.announce(
            standing,
            announcement,
            acts_entry=standing.version_entry,
            act_entry=standing.version_entry,
            findings_commitment=self._commitment(),
        )
        after = publish(
            standing,
            notice,
            digest=standing.version_digest,
            entry=standing.version_entry,
            audience=audience_key,
            addressing_entry=addressing_entry,
            now=now,
        )
        self._writes.set_standing(
            replace(after, decision_entry=entry, review_id=self._review.review_id)
        )

    async def _afterwards(self, standing: NoticeStanding) -> None:
        """What was published already is upheld, commented on, or cancelled."""
        if standing.state not in STANDING:
            raise ReviewEnded()
        if self._outcome == events_pb2.REVIEW_OUTCOME_REFUSE:
            connection = self._transaction.connection
            audiences = await find_audiences(connection, [standing.audience])
            holders = await find_holders(connection, [standing.key])
            end_notice(
                self._writes,
                replace(standing, review_id=self._review.review_id),
                CANCELLED,
                audience=audiences[standing.audience],
                holders=holders.get(standing.key, frozenset()),
                ground=self._findings.ground,
                findings_commitment=self._commitment(),
            )
            return
        is_returned = self._outcome == events_pb2.REVIEW_OUTCOME_RETURN
        entry = self._tell_originator(
            standing,
            ledger_pb2.NOTICE_CHANGE_RETURNED if is_returned else ledger_pb2.NOTICE_CHANGE_UPHELD,
            events_pb2.EVENT_KIND_RETURNED if is_returned else events_pb2.EVENT_KIND_UPHELD,
        )
        self._writes.set_standing(
            replace(standing, decision_entry=entry, review_id=self._review.review_id)
        )

    def _tell_originator(
        self,
        standing: NoticeStanding,
        change: NoticeChange.ValueType,
        event_kind: events_pb2.EventKind.ValueType,
    ) -> int:
        return self._writes.announce(
            standing,
            Announcement(change, event_kind, only(standing.originator)),
            acts_entry=self._review.acts_entry,
            ground=self._findings.ground,
            findings_commitment=self._commitment(),
        )

    def _commitment(self) -> bytes:
        digest = hashlib.sha256(self._findings.SerializeToString(deterministic=True)).digest()
        return findings_commitment(digest, self._salt)


async def _reviewed_notice(transaction: LedgerTransaction, standing: NoticeStanding) -> Notice:
    """The version that waits."""
    found = await find_acts_at(transaction.connection, [standing.version_entry])
    for stored in found[standing.version_entry]:
        if stored.kind == acts.VERSION and stored.envelope:
            envelope = acts_pb2.Envelope.FromString(stored.envelope)
            return acts_pb2.Act.FromString(envelope.payload).version.notice
    raise ReviewEnded()
