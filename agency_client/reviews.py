"""What a reviewer of the hub asks and decides; notices and addressings shown are verified."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from agency_client.act_proof import verified_act
from agency_client.channel import HubChannel
from agency_client.trust import Trust
from comity import acts
from comity.acts import ParsedAct
from comity.errors import ProofInvalid
from comity.v1 import reviews_pb2 as pb
from comity.v1.events_pb2 import ReviewFindings
from comity.v1.ledger_pb2 import LedgerLeaf, LedgerProof
from comity.v1.notices_pb2 import Traffic
from comity.v1.reviews_pb2_grpc import ReviewServiceStub

AcceptLeaves = Callable[[LedgerProof, Sequence[LedgerLeaf]], Awaitable[None]]


class ReviewClient:
    """The hub's reviews, on the agency's channel; a reviewer has to be logged in for all but the
    statistics."""

    def __init__(
        self, channel: HubChannel, *, accept_leaves: AcceptLeaves, trust: Callable[[], Trust]
    ) -> None:
        self._channel = channel
        self._accept_leaves = accept_leaves
        self._trust = trust

    async def list(
        self, *, traffic: Traffic.ValueType, with_decided: bool = False
    ) -> list[pb.Review]:
        """What waits, the most urgent first; decided ones too where they are wanted."""
        found: list[pb.Review] = []
        request = pb.ListReviewsRequest(traffic=traffic, with_decided=with_decided)
        while True:
            page = await self._channel.call(lambda c: ReviewServiceStub(c).ListReviews, request)
            found.extend(page.reviews)
            if not page.more or not page.reviews:
                return sorted(found, key=_by_urgency)
            if page.reviews[-1].review_id == request.after_review_id:
                raise ProofInvalid("The hub leads from page to page without end.")
            request.after_review_id = page.reviews[-1].review_id

    async def get(self, review_id: str) -> pb.GetReviewResponse:
        """One review with its notice, verified to be its originator's and in the ledger.

        Raises: NotFound; VerificationFailed and InputRefused where it does not verify.
        """
        trust = self._trust()
        request = pb.GetReviewRequest(review_id=review_id, known_size=trust.size)
        response = await self._channel.call(lambda c: ReviewServiceStub(c).GetReview, request)
        shown = [*response.addenda]
        if response.HasField("version"):
            shown.append(response.version)
        if response.HasField("addressing"):
            shown.append(response.addressing)
        await self._accept_leaves(response.proof, [record.leaf for record in shown])
        _require_consistent(response, review_id, trust)
        return response

    async def take(self, review_id: str) -> pb.Review:
        """Says to the others that the caller looks at it."""
        request = pb.TakeReviewRequest(review_id=review_id)
        response = await self._channel.call(lambda c: ReviewServiceStub(c).TakeReview, request)
        return _of(response.review, review_id)

    async def decide(self, review_id: str, findings: ReviewFindings) -> pb.Review:
        """Decides. Asked once: another may have decided meanwhile."""
        request = pb.DecideReviewRequest(review_id=review_id, findings=findings)
        response = await self._channel.call_once(
            lambda c: ReviewServiceStub(c).DecideReview, request
        )
        return _of(response.review, review_id)

    async def statistics(self) -> pb.GetReviewStatisticsResponse:
        """Refusals and returns of the last four quarters that are over, by ground, kind, agency."""
        request = pb.GetReviewStatisticsRequest()
        return await self._channel.call(lambda c: ReviewServiceStub(c).GetReviewStatistics, request)


def _require_consistent(response: pb.GetReviewResponse, review_id: str, trust: Trust) -> None:
    """Requires that all that is shown with a review is of the notice that it is of.

    1. The review is the one that was asked for.
    2. Its version is the originator's, of this notice and number and kind; a later one where it was
       published already. It is missing only where the review has ended: then it may be erased.
    3. Addressing and addenda are of the same notice.
    """
    review = _of(response.review, review_id)  # 1
    if response.HasField("version"):  # 2
        version = verified_act(response.version, acts.VERSION, trust=trust)
        _require_version_of(review, version)
    elif not review.standing.HasField("decided_at"):
        raise ProofInvalid("The hub shows a review without its notice.")
    others = [verified_act(one, acts.ADDENDUM, trust=trust) for one in response.addenda]  # 3
    if response.HasField("addressing"):
        others.append(verified_act(response.addressing, acts.ADDRESSING, trust=trust))
    for other in others:
        if (other.originator, other.notice_id) != (review.originator, review.notice_id):
            raise ProofInvalid("The hub shows an act of another notice with the review.")


def _require_version_of(review: pb.Review, version: ParsedAct) -> None:
    notice = version.act.version.notice
    said = (review.originator, review.notice_id, review.kind)
    is_later = review.standing.is_after_publication and notice.version > review.version
    if said != (version.originator, version.notice_id, notice.kind) or not (
        is_later or notice.version == review.version
    ):
        raise ProofInvalid("The hub shows another notice than the review is of.")


def _by_urgency(review: pb.Review) -> tuple[int, int, str]:
    return (-review.urgency, review.standing.due_at.ToMicroseconds(), review.review_id)


def _of(review: pb.Review, review_id: str) -> pb.Review:
    if review.review_id != review_id:
        raise ProofInvalid("The hub shows another review than was asked for.")
    return review
