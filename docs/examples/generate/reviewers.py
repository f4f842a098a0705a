"""The hub's reviewers of the story, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from comity.v1 import events_pb2, officers_pb2
from comity.v1 import reviews_pb2 as pb
from comity.v1.notices_pb2 import TRAFFIC_EXERCISE, Traffic
from comity.v1.officers_pb2 import ROLE_HUB_REVIEWER
from comity.v1.reviews_pb2_grpc import ReviewServiceStub
from docs.examples.generate.recording import RecordingChannel
from docs.examples.generate.seeded import StoryClock
from hub.accounts import Accounts
from hub.administration import Administration
from hub.services.calls import Officer
from hub.settings import Settings

# The third is of the nationality of nearly everybody who is sought here, and decides over nothing.
REVIEWERS = (("ReviewerOne", "NZ"), ("ReviewerTwo", "IS"), ("ReviewerThree", "BR"))
LET_OUT = events_pb2.ReviewFindings(
    outcome=events_pb2.REVIEW_OUTCOME_PUBLISH, comment="Invented. Nothing to add."
)


async def add_reviewers(settings: Settings, *, clock: StoryClock) -> Sequence[str]:
    """The reviewers, added at the hub's machine. Gives their officers' ids."""
    async with Administration(settings, clock=clock) as administration:
        accounts = Accounts(settings, administration.database, clock=clock)
        for name, nationality in REVIEWERS:
            request = officers_pb2.AddOfficerRequest(
                user_name=f"{name.lower()}.example",
                display_name=f"{name} Example",
                nationality=nationality,
                roles=[ROLE_HUB_REVIEWER],
            )
            await accounts.add(settings.agency, request)
        added = await accounts.list_all(settings.agency)
    ids = {officer.display_name: officer.officer_id for officer in added}
    return [ids[f"{name} Example"] for name, _ in REVIEWERS]


class Reviewers:
    """Whoever reviews, over the hub's own channel."""

    def __init__(self, channel: RecordingChannel, officer_ids: Sequence[str]) -> None:
        self._channel = channel
        self._officer_ids = officer_ids

    async def waiting(self, traffic: Traffic.ValueType = TRAFFIC_EXERCISE) -> Sequence[pb.Review]:
        """What waits for somebody."""
        listed = await self.ask(0, "ListReviews", pb.ListReviewsRequest(traffic=traffic))
        return list(listed.reviews)

    async def let_out(self, *, but: str = "") -> None:
        """All that waits but one notice, by as many as each needs."""
        for review in await self.waiting():
            if review.notice_id != but:
                await self.decide(review, LET_OUT)

    async def decide(self, review: pb.Review, findings: events_pb2.ReviewFindings) -> None:
        """As many say the same as it takes; nobody does where too few may."""
        needed = review.standing.reviewers_needed
        if review.eligible_reviewers < needed:
            return
        for number in range(needed):
            request = pb.DecideReviewRequest(review_id=review.review_id, findings=findings)
            decided = await self.ask(number, "DecideReview", request)
            if decided.review.standing.HasField("decided_at"):
                return

    async def ask(self, number: int, name: str, request: Message) -> Any:
        """Calls as one of them."""
        self._channel.officer = Officer(
            self._officer_ids[number], frozenset({ROLE_HUB_REVIEWER}), "EXAMPLE session"
        )
        try:
            return await self._channel.call_once(
                lambda c: getattr(ReviewServiceStub(c), name), request
            )
        finally:
            self._channel.officer = None
