"""What a client asks about notices and reviews, of hubs that are honest and of hubs that lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agency_client.client import HubClient
from agency_client.trust import Trust
from comity.errors import ComityError, ProofInvalid
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2, reviews_pb2
from comity.v1.notices_pb2 import TRAFFIC_LIVE
from tests.unit.small_ledger import DOMAIN, SmallHub, SmallLedger

FRANCE, GERMANY = (generate_private_key(ED25519) for _ in range(2))
REVIEW = "01a20d6d-5a00-7000-8000-00000000000a"


class Asked:
    """France's client before a hub, and a notice that Germany was addressed by."""

    def __init__(self, reader: str = "FR-NCB") -> None:
        self.ledger = SmallLedger()
        self.ledger.add_roster("FR-NCB", added=[FRANCE])
        self.ledger.add_roster("DE-BKA", added=[GERMANY])
        self.version = self.ledger.publish("FR-NCB", FRANCE)
        self.notice_id = self.ledger.reference(self.version)["notice_id"]
        self.other = self.ledger.reference(self.version, by_addressee=True)
        self.hub = SmallHub(self.ledger)
        trust = Trust(DOMAIN, ledger_keys=[self.ledger.ledger_key], reader=AgencyId(reader))
        self.client = HubClient(self.hub, trust=trust)  # type: ignore[arg-type]

    def shown(self, entry: int) -> events_pb2.ActRecord:
        return events_pb2.ActRecord(
            envelope=self.ledger.acts[entry][0],
            leaf=self.ledger.leaf(entry),
            content_salt=self.ledger.salts[entry][0],
            addressing_salt=self.ledger.salts[entry][1],
        )

    def acknowledgement(self, **how: object) -> events_pb2.ActRecord:
        body = acts_pb2.AcknowledgementAct(**(self.other | how))
        return self.shown(self.ledger.act("DE-BKA", GERMANY, acknowledgement=body))

    def answer(self, name: str, leaves: Any, response: Any) -> None:
        indices = [leaf.entry_index for leaf in leaves]

        def say(request: Any) -> Any:
            response.proof.CopyFrom(self.ledger.proof(indices, known_size=request.known_size))
            return response

        self.hub.answers[name] = say

    def list_acts(self, *records: events_pb2.ActRecord) -> None:
        response = events_pb2.ListNoticeActsResponse(acts=records)
        self.answer("ListNoticeActs", [record.leaf for record in records], response)


async def test_what_was_done_about_a_notice_is_shown() -> None:
    asked = Asked()
    asked.list_acts(asked.acknowledgement())

    [record] = await asked.client.list_notice_acts("FR-NCB", asked.notice_id)

    assert record.leaf.entry_index == asked.version + 1


async def test_what_was_done_about_another_notice_is_refused() -> None:
    asked = Asked()
    asked.list_acts(asked.acknowledgement(notice_id=asked.ledger.new_id()))

    with pytest.raises(ProofInvalid):
        await asked.client.list_notice_acts("FR-NCB", asked.notice_id)


async def test_what_another_addressee_did_is_refused() -> None:
    asked = Asked(reader="KE-NCB")
    asked.list_acts(asked.acknowledgement())

    with pytest.raises(ProofInvalid, match="another agency"):
        await asked.client.list_notice_acts("FR-NCB", asked.notice_id)


async def test_a_version_among_what_addressees_did_is_refused() -> None:
    asked = Asked()
    asked.list_acts(asked.shown(asked.version))

    with pytest.raises(ProofInvalid):
        await asked.client.list_notice_acts("FR-NCB", asked.notice_id)


async def test_pages_without_end_are_refused() -> None:
    asked = Asked()
    asked.list_acts()
    honest = asked.hub.answers["ListNoticeActs"]

    def endless(request: Any) -> Any:
        response = honest(request)
        response.next_index = 1
        return response

    asked.hub.answers["ListNoticeActs"] = endless

    with pytest.raises(ProofInvalid, match="without end"):
        await asked.client.list_notice_acts("FR-NCB", asked.notice_id)


def recall(asked: Asked, **how: object) -> events_pb2.Recall:
    ended = asked.ledger.withdraw("FR-NCB", FRANCE, version_entry=asked.version)
    body = acts_pb2.RecallAnswerAct(
        notice_originator="FR-NCB",
        notice_id=asked.notice_id,
        recall_entry=ended,
        outcome=acts_pb2.RECALL_OUTCOME_DELETED,
    )
    body.MergeFrom(acts_pb2.RecallAnswerAct(**how))  # type: ignore[arg-type]
    answered = asked.ledger.act("DE-BKA", GERMANY, recall_answer=body)
    erased = asked.ledger.decide(ledger_pb2.NOTICE_CHANGE_ERASED, asked.version)
    return events_pb2.Recall(
        kind=events_pb2.RECALL_KIND_WITHDRAWN,
        originator="FR-NCB",
        notice_id=asked.notice_id,
        recall_entry=ended,
        addressees=[
            events_pb2.RecallAddressee(agency_id="DE-BKA", answer=asked.shown(answered)),
            events_pb2.RecallAddressee(agency_id="KE-NCB"),
        ],
        erasure=asked.ledger.leaf(erased),
    )


def list_recalls(asked: Asked, *recalls: events_pb2.Recall) -> None:
    leaves = [a.answer.leaf for r in recalls for a in r.addressees if a.HasField("answer")]
    leaves += [r.erasure for r in recalls]
    asked.answer("ListRecalls", leaves, events_pb2.ListRecallsResponse(recalls=recalls))


async def test_a_recall_shows_who_has_answered() -> None:
    asked = Asked()
    list_recalls(asked, recall(asked))

    [shown] = await asked.client.list_recalls(events_pb2.ListRecallsRequest())

    assert [a.HasField("answer") for a in shown.addressees] == [True, False]


def _of_another_agency(shown: events_pb2.Recall) -> None:
    shown.addressees[0].agency_id = "KE-NCB"


def _of_another_entry(shown: events_pb2.Recall) -> None:
    shown.recall_entry += 1


def _of_nothing(shown: events_pb2.Recall) -> None:
    shown.notice_id = "; rm -r"


def _before_there_was_anything(shown: events_pb2.Recall) -> None:
    shown.recall_entry = 10_000
    del shown.addressees[:]


@pytest.mark.parametrize(
    "lie", [_of_another_agency, _of_another_entry, _of_nothing, _before_there_was_anything]
)
async def test_a_lie_about_a_recall_is_refused(lie: Callable[[events_pb2.Recall], None]) -> None:
    asked = Asked()
    shown = recall(asked)
    lie(shown)
    list_recalls(asked, shown)

    with pytest.raises(ProofInvalid):
        await asked.client.list_recalls(events_pb2.ListRecallsRequest())


async def test_a_certificate_of_another_change_is_refused() -> None:
    asked = Asked()
    shown = recall(asked)
    other = asked.ledger.decide(ledger_pb2.NOTICE_CHANGE_UPHELD, asked.version)
    shown.erasure.CopyFrom(asked.ledger.leaf(other))
    list_recalls(asked, shown)

    with pytest.raises(ProofInvalid, match="certificate"):
        await asked.client.list_recalls(events_pb2.ListRecallsRequest())


def review(asked: Asked, **how: object) -> reviews_pb2.GetReviewResponse:
    terms = {"review_id": REVIEW, "originator": "FR-NCB", "notice_id": asked.notice_id}
    shown = reviews_pb2.Review(**(terms | {"version": 1} | how))
    return reviews_pb2.GetReviewResponse(review=shown, version=asked.shown(asked.version))


async def test_a_review_shows_its_notice() -> None:
    asked = Asked()
    response = review(asked)
    asked.answer("GetReview", [response.version.leaf], response)

    shown = await asked.client.reviews.get(REVIEW)

    assert shown.review.notice_id == asked.notice_id


@pytest.mark.parametrize(
    "how", [{"notice_id": "x"}, {"originator": "DE-BKA"}, {"version": 2}, {"review_id": "y"}]
)
async def test_a_review_of_another_notice_is_refused(how: dict[str, object]) -> None:
    asked = Asked()
    response = review(asked, **how)
    asked.answer("GetReview", [response.version.leaf], response)

    with pytest.raises(ProofInvalid):
        await asked.client.reviews.get(REVIEW)


async def test_a_review_without_its_notice_has_ended() -> None:
    asked = Asked()
    response = review(asked)
    response.ClearField("version")
    asked.answer("GetReview", [], response)

    with pytest.raises(ProofInvalid, match="without its notice"):
        await asked.client.reviews.get(REVIEW)
    response.review.standing.decided_at.GetCurrentTime()
    assert not (await asked.client.reviews.get(REVIEW)).HasField("version")


async def test_after_publication_a_later_version_is_reviewed() -> None:
    asked = Asked()
    notice = {"notice_id": asked.notice_id, "version": 2}
    later = asked.ledger.publish("FR-NCB", FRANCE, notice=notices_pb2.Notice(**notice))
    response = review(asked)
    response.version.CopyFrom(asked.shown(later))
    asked.answer("GetReview", [response.version.leaf], response)

    with pytest.raises(ProofInvalid):
        await asked.client.reviews.get(REVIEW)
    response.review.standing.is_after_publication = True
    assert (await asked.client.reviews.get(REVIEW)).review.version == 1


async def test_a_reviewer_is_shown_no_addendum_of_another_notice() -> None:
    asked = Asked()
    response = review(asked)
    other = asked.ledger.publish("FR-NCB", FRANCE)
    body = acts_pb2.AddendumAct(**asked.ledger.reference(other))
    addendum = asked.shown(asked.ledger.act("FR-NCB", FRANCE, addendum=body))
    response.addenda.append(addendum)
    asked.answer("GetReview", [response.version.leaf, addendum.leaf], response)

    with pytest.raises(ComityError):
        await asked.client.reviews.get(REVIEW)


async def test_a_list_of_reviews_goes_on_until_its_end() -> None:
    asked = Asked()
    pages = iter([("a", True), ("b", False)])

    def say(_: Any) -> reviews_pb2.ListReviewsResponse:
        name, more = next(pages)
        return reviews_pb2.ListReviewsResponse(
            reviews=[reviews_pb2.Review(review_id=name)], more=more
        )

    asked.hub.answers["ListReviews"] = say

    found = await asked.client.reviews.list(traffic=TRAFFIC_LIVE)

    assert [one.review_id for one in found] == ["a", "b"]
