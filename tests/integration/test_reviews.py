"""Notices that the hub's reviewers decide over before they go out, over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from agency_client.act_signing import NoticeReference
from agency_client.agency import Agency
from comity.acts import sign_act
from comity.errors import NotFound, NoticeNotInForce, NotPermitted, ReviewEnded, ReviewerBarred
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2, reviews_pb2
from comity.v1.notices_pb2 import TRAFFIC_LIVE
from comity.v1.officers_pb2 import ROLE_HUB_ADMINISTRATOR
from tests.databases import new_database
from tests.integration.conftest import DATABASES
from tests.integration.drafts import Draft
from tests.integration.officers import Served, serving
from tests.integration.review_desk import (
    HUB,
    PUBLISH,
    REFUSE,
    RETURN,
    ReviewDesk,
    kinds,
    next_version,
)
from tests.stages import Stage

IN_REVIEW = events_pb2.NOTICE_STATE_IN_REVIEW
PUBLISHED = events_pb2.NOTICE_STATE_PUBLISHED


@pytest.fixture(scope="module", params=DATABASES)
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path_factory.mktemp("reviews"), database_url=url, reviews=True)
    for agency in ("FR-NCB", "BR-NCB"):
        made.admit(agency)
    yield made


@pytest.fixture
async def served(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as hub:
        yield hub


@pytest.fixture
async def desk(served: Served) -> AsyncIterator[ReviewDesk]:
    async with served.client("FR-NCB") as france, served.client("BR-NCB") as brazil:
        yield ReviewDesk(served, france, brazil)


async def test_a_notice_waits_until_two_reviewers_have_let_it_out(desk: ReviewDesk) -> None:
    draft = desk.draft()
    await desk.submit(draft.acts())
    async with desk.reviewers() as (first, second):
        review = await desk.review_of(first, draft)
        await first.client.reviews.take(review.review_id)
        shown = await second.client.reviews.get(review.review_id)
        one = await first.client.reviews.decide(review.review_id, PUBLISH)
        before = await desk.heard(desk.brazil, draft)
        with pytest.raises(NotFound):
            await desk.brazil.client.get_notice("FR-NCB", draft.notice.notice_id)
        waiting = await desk.own(draft)
        with pytest.raises(ReviewerBarred):
            await first.client.reviews.decide(review.review_id, PUBLISH)
        two = await second.client.reviews.decide(review.review_id, PUBLISH)
    after = await desk.heard(desk.brazil, draft)
    record = await desk.brazil.client.get_notice("FR-NCB", draft.notice.notice_id)

    assert shown.version.envelope.payload
    assert [taking.display_name for taking in shown.review.takings] == ["Sample Person"]
    assert shown.questions
    assert not one.standing.HasField("decided_at")
    assert (before, waiting.state, waiting.review.reviewers_decided) == ([], IN_REVIEW, 1)
    assert two.standing.findings.outcome == events_pb2.REVIEW_OUTCOME_PUBLISH
    assert kinds(after) == ["PUBLISHED"]
    assert record.state == PUBLISHED
    assert not record.HasField("review")


async def test_what_waits_is_announced_where_the_originator_wishes(desk: ReviewDesk) -> None:
    draft = desk.draft()
    signer = desk.france.signer()
    request = signer.first_version(draft.notice, draft.rule, announces_processing=True)
    await desk.submit(list(request.acts))

    [event] = await desk.heard(desk.brazil, draft)

    assert kinds([event]) == ["PROCESSING"]
    assert not event.HasField("act")
    with pytest.raises(NotFound):
        await desk.brazil.client.get_notice("FR-NCB", draft.notice.notice_id)
    with pytest.raises(NotFound):
        await desk.brazil.client.list_notice_acts("FR-NCB", draft.notice.notice_id)


async def test_a_notice_that_is_incomplete_comes_back_and_goes_out_corrected(
    desk: ReviewDesk,
) -> None:
    draft = desk.draft()
    await desk.submit(draft.acts())
    async with desk.reviewers() as (first, second):
        review = await desk.review_of(first, draft)
        await first.client.reviews.decide(review.review_id, RETURN)
        returned = await desk.own(draft)
        told = await desk.heard(desk.france, draft)
        await desk.submit(next_version(draft, "SAMPLE-2"))
        again = await desk.review_of(first, draft)
        for reviewer in (first, second):
            await reviewer.client.reviews.decide(again.review_id, PUBLISH)
    [event] = await desk.heard(desk.brazil, draft)

    assert returned.state == events_pb2.NOTICE_STATE_INCOMPLETE
    assert returned.review.findings == RETURN
    assert kinds(told) == ["RETURNED"]
    assert again.review_id != review.review_id
    act = acts_pb2.Act.FromString(event.act.envelope.payload)
    assert kinds([event]) == ["PUBLISHED"]
    assert (act.version.notice.version, act.version.notice.case_reference) == (2, "SAMPLE-2")
    with pytest.raises(ReviewEnded):
        async with desk.reviewer("DE") as late:
            await late.client.reviews.decide(review.review_id, PUBLISH)


async def test_a_notice_that_is_refused_has_ended_and_only_its_originator_knows_why(
    desk: ReviewDesk,
) -> None:
    draft = desk.draft()
    await desk.submit(draft.acts())
    async with desk.reviewers() as both:
        review = await desk.review_of(both[0], draft)
        for reviewer in both:
            await reviewer.client.reviews.decide(review.review_id, REFUSE)
    refused = await desk.own(draft)
    await desk.run_round()
    erased = await desk.own(draft)
    told = await desk.heard(desk.france, draft)

    assert (refused.state, refused.review.findings) == (events_pb2.NOTICE_STATE_REFUSED, REFUSE)
    assert refused.HasField("version")
    assert not erased.HasField("version")
    assert erased.review.findings.ground == ledger_pb2.REFUSAL_GROUND_DISPROPORTIONATE
    assert kinds(told) == ["REFUSED", "ERASED"]
    assert not await desk.heard(desk.brazil, draft)
    with pytest.raises(NotFound):
        await desk.brazil.client.get_notice("FR-NCB", draft.notice.notice_id)


async def test_two_reviewers_who_decide_at_once_come_to_one_outcome(desk: ReviewDesk) -> None:
    draft = desk.draft()
    await desk.submit(draft.acts())
    async with desk.reviewers() as (first, second), desk.reviewer("UG") as third:
        review = await desk.review_of(first, draft)
        decisions = await asyncio.gather(
            first.client.reviews.decide(review.review_id, PUBLISH),
            second.client.reviews.decide(review.review_id, RETURN),
            third.client.reviews.decide(review.review_id, PUBLISH),
            return_exceptions=True,
        )
    told = kinds(await desk.heard(desk.france, draft))
    record = await desk.own(draft)
    heard = kinds(await desk.heard(desk.brazil, draft))

    late = [one for one in decisions if isinstance(one, BaseException)]
    assert all(isinstance(one, ReviewEnded) for one in late)
    outcomes = {
        PUBLISHED: (["PUBLISHED"], ["PUBLISHED"]),
        events_pb2.NOTICE_STATE_INCOMPLETE: (["RETURNED"], []),
    }
    assert outcomes[record.state] == (told, heard)
    assert record.review.HasField("decided_at")


async def test_a_correction_waits_while_the_version_before_stands(desk: ReviewDesk) -> None:
    draft = desk.draft()
    await desk.submit(draft.acts())
    await desk.let_out(draft)
    await desk.submit(next_version(draft, "SAMPLE-2"))
    meanwhile = await desk.brazil.client.get_notice("FR-NCB", draft.notice.notice_id)
    own = await desk.own(draft)
    await desk.let_out(draft)
    after = await desk.brazil.client.get_notice("FR-NCB", draft.notice.notice_id)

    versions = [
        acts_pb2.Act.FromString(record.envelope.payload).version.notice.version
        for record in (meanwhile.version, own.version, own.submitted, after.version)
    ]
    assert versions == [1, 1, 2, 2]
    assert kinds(await desk.heard(desk.brazil, draft)) == ["PUBLISHED", "NEW_VERSION"]


async def test_a_withdrawal_ends_the_review_and_nobody_hears(desk: ReviewDesk) -> None:
    draft = desk.draft()
    await desk.submit(draft.acts())
    async with desk.reviewer("DE") as reviewer:
        review = await desk.review_of(reviewer, draft)
        await desk.submit([draft.withdrawal()])
        after = await desk.review_of(reviewer, draft)
        with pytest.raises(ReviewEnded):
            await reviewer.client.reviews.decide(review.review_id, PUBLISH)
        with pytest.raises(ReviewEnded):
            await reviewer.client.reviews.take(review.review_id)
    own = await desk.own(draft)

    assert after.standing.findings.outcome == events_pb2.REVIEW_OUTCOME_WITHDRAWN
    assert own.state == events_pb2.NOTICE_STATE_WITHDRAWN
    assert not await desk.heard(desk.brazil, draft)
    with pytest.raises(NotFound):
        await desk.brazil.client.get_notice("FR-NCB", draft.notice.notice_id)


@pytest.mark.parametrize(
    ("nationality", "bar"),
    [
        ("FR", reviews_pb2.REVIEW_BAR_ORIGINATORS_COUNTRY),
        ("BR", reviews_pb2.REVIEW_BAR_SUBJECTS_NATIONALITY),
    ],
)
async def test_who_may_not_decide_is_not_shown_the_notice(
    desk: ReviewDesk, nationality: str, bar: reviews_pb2.ReviewBar.ValueType
) -> None:
    draft = desk.draft()
    await desk.submit(draft.acts())
    async with desk.reviewer(nationality) as barred:
        review = await desk.review_of(barred, draft)
        reviews = barred.client.reviews
        for attempt in (
            lambda: reviews.get(review.review_id),
            lambda: reviews.take(review.review_id),
            lambda: reviews.decide(review.review_id, PUBLISH),
        ):
            with pytest.raises(ReviewerBarred):
                await attempt()

    assert review.bar == bar
    assert (await desk.own(draft)).review.reviewers_decided == 0


async def test_a_lack_of_reviewers_is_seen_and_publishes_nothing(desk: ReviewDesk) -> None:
    draft = desk.draft(nationalities=["BR", "DE", "KE", "UG"])
    await desk.submit(draft.acts())
    async with desk.reviewer("DE") as reviewer:
        review = await desk.review_of(reviewer, draft)
    own = await desk.own(draft)

    assert (review.eligible_reviewers, review.standing.lacks_reviewers) == (0, True)
    assert own.review.lacks_reviewers
    assert own.state == IN_REVIEW
    assert not await desk.heard(desk.brazil, draft)


async def test_nobody_but_reviewers_may_see_what_waits(desk: ReviewDesk) -> None:
    draft = desk.draft()
    await desk.submit(draft.acts())
    async with desk.reviewer("DE") as reviewer:
        review = await desk.review_of(reviewer, draft)
    async with desk.served.officer(HUB, ROLE_HUB_ADMINISTRATOR) as (administrator, _):
        await _require_refused(administrator, review.review_id)
    async with desk.served.officer("BR-NCB") as (officer, _):
        await _require_refused(officer, review.review_id)
        figures = await officer.client.reviews.statistics()

    assert figures.HasField("since")


async def _require_refused(agency: Agency, review_id: str) -> None:
    reviews = agency.client.reviews
    for attempt in (
        lambda: reviews.list(traffic=TRAFFIC_LIVE),
        lambda: reviews.get(review_id),
        lambda: reviews.take(review_id),
        lambda: reviews.decide(review_id, PUBLISH),
    ):
        with pytest.raises(NotPermitted):
            await attempt()


def addendum(draft: Draft) -> acts_pb2.Envelope:
    """An addendum to the version that was signed last."""
    text = notices_pb2.LocalizedText(language="en", text="Seen in a port.")
    body = acts_pb2.AddendumAct(
        notice_id=draft.notice.notice_id, version_digest=draft.digest, texts=[text]
    )
    act = acts_pb2.Act(header=draft.other_header(), addendum=body)
    return sign_act(act, draft.keys)


async def test_what_is_added_to_a_reviewed_notice_is_looked_at_and_upheld(
    desk: ReviewDesk,
) -> None:
    draft = desk.draft()
    await desk.submit(draft.acts())
    await desk.let_out(draft)
    await desk.submit([addendum(draft)])
    async with desk.reviewers() as both:
        review = await desk.review_of(both[0], draft)
        shown = await both[0].client.reviews.get(review.review_id)
        for reviewer in both:
            await reviewer.client.reviews.decide(review.review_id, PUBLISH)

    assert review.standing.is_after_publication
    assert len(shown.addenda) == 1
    assert kinds(await desk.heard(desk.france, draft)) == ["PUBLISHED", "UPHELD"]
    assert kinds(await desk.heard(desk.brazil, draft)) == ["PUBLISHED", "ADDENDUM"]
    assert (await desk.own(draft)).state == PUBLISHED


async def test_what_is_cancelled_afterwards_is_recalled_and_whoever_holds_is_alarmed(
    desk: ReviewDesk,
) -> None:
    draft = desk.draft()
    await desk.submit(draft.acts())
    await desk.let_out(draft)
    await desk.submit([addendum(draft)])
    await desk.heard(desk.brazil, draft)
    reference = NoticeReference("FR-NCB", draft.notice.notice_id, draft.digest)
    held = desk.brazil.signer().custody(reference, since=datetime.now(UTC), reference="BR-77")
    await desk.brazil.client.submit_acts(held.acts)
    async with desk.reviewers() as both:
        review = await desk.review_of(both[0], draft)
        for reviewer in both:
            await reviewer.client.reviews.decide(review.review_id, REFUSE)
    heard = kinds(await desk.heard(desk.brazil, draft))
    own = await desk.own(draft)
    request = events_pb2.ListRecallsRequest(originator="FR-NCB", notice_id=draft.notice.notice_id)
    [recall] = await desk.france.client.list_recalls(request)

    assert heard == ["CANCELLED", "CUSTODY_VOID"]
    assert own.state == events_pb2.NOTICE_STATE_CANCELLED
    assert own.review.findings == REFUSE
    assert recall.kind == events_pb2.RECALL_KIND_CANCELLED
    assert [one.agency_id for one in recall.addressees] == ["BR-NCB"]
    with pytest.raises(NoticeNotInForce):
        await desk.submit([addendum(draft)])
