"""Sending: kept before it is sent, sent again byte for byte, and believed only with its receipt."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from agency_client.agency import Agency
from agency_client.bulk import MAX_FAILURES, SUBMISSIONS_PER_MESSAGE
from agency_client.client import HubClient
from agency_client.inbox import Inbox
from agency_client.profile import Profile
from agency_client.submission import Submitting, published_acts
from agency_client.trust import Trust
from comity.acts import VERSION, parse_act
from comity.errors import (
    AccessRefused,
    AgencyNotActive,
    CertificateRefused,
    ComityError,
    HubUnavailable,
    HubUnreachable,
    LedgerForked,
    NoticeWithdrawn,
    ReceiptInvalid,
    ScopeExceeded,
    StoreUnavailable,
    SupervisorRequired,
)
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.statuses import refusal_for
from comity.v1 import acts_pb2
from tests.unit.small_ledger import DOMAIN, NOW, SmallHub, SmallLedger

FRANCE = generate_private_key(ED25519)


class TakingHub(SmallHub):
    """Takes submissions; the same acts give the same entry."""

    def __init__(self, ledger: SmallLedger) -> None:
        super().__init__(ledger)
        self.refusals: list[ComityError | None] = []
        self.breaks_after: list[int] = []
        self.messages: list[int] = []
        self._entries: dict[bytes, int] = {}
        self.answers["SubmitActs"] = self.take
        self.streams["SubmitBulk"] = self._take_bulk

    def take(
        self, request: acts_pb2.SubmitActsRequest
    ) -> acts_pb2.SubmitActsResponse | ComityError:
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal is not None:
            return refusal
        [envelope] = request.acts
        index = self._entries.get(envelope.payload)
        if index is None:
            index = self.ledger.record("FR-NCB", envelope, kind=VERSION)
            self._entries[envelope.payload] = index
        return acts_pb2.SubmitActsResponse(receipt=self.ledger.receipt(index))

    async def _take_bulk(
        self, requests: AsyncIterator[acts_pb2.SubmitBulkRequest]
    ) -> AsyncGenerator[acts_pb2.SubmitBulkResponse, None]:
        left = self.breaks_after.pop(0) if self.breaks_after else None
        async for message in requests:
            self.messages.append(len(message.submissions))
            for submission in message.submissions:
                if left == 0:
                    raise HubUnreachable()
                left = None if left is None else left - 1
                yield acts_pb2.SubmitBulkResponse(answers=[self._answer(submission)])

    def _answer(self, submission: acts_pb2.BulkSubmission) -> acts_pb2.BulkAnswer:
        taken = self.take(acts_pb2.SubmitActsRequest.FromString(submission.request))
        answer = acts_pb2.BulkAnswer(number=submission.number)
        if isinstance(taken, ComityError):
            answer.refused.CopyFrom(refusal_for(taken))
        else:
            answer.accepted.CopyFrom(taken)
        return answer


class Desk:
    """An agency with an inbox of its own, before a hub that takes its acts."""

    def __init__(self, folder: Path) -> None:
        self.ledger = SmallLedger()
        self.ledger.add_roster("FR-NCB", added=[FRANCE])
        self.hub = TakingHub(self.ledger)
        trust = Trust(DOMAIN, ledger_keys=[self.ledger.ledger_key])
        client = HubClient(self.hub, trust=trust)  # type: ignore[arg-type]
        profile = Profile(folder, AgencyId("FR-NCB"), DOMAIN, "127.0.0.1:8443")
        self.inbox = Inbox(folder / "inbox.sqlite")
        self.agency = Agency(profile, self.inbox, client, clock=lambda: NOW)
        self.submitting = Submitting(self.agency)

    def requests(self, count: int) -> list[acts_pb2.SubmitActsRequest]:
        versions = [self.ledger.version("FR-NCB", FRANCE) for _ in range(count)]
        return [acts_pb2.SubmitActsRequest(acts=[version]) for version in versions]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.inbox.close()


async def test_what_was_sent_is_kept_with_its_receipt(desk: Desk) -> None:
    [request] = desk.requests(1)
    receipted = await desk.submitting.send(request)

    [kept] = desk.inbox.sent.list_submissions()
    assert kept.receipted == receipted
    assert kept.entry_index == 2
    assert desk.agency.trust.size == 3


@pytest.mark.parametrize("error", [NoticeWithdrawn(), ScopeExceeded(), SupervisorRequired()])
async def test_a_refused_act_is_kept_with_the_reason_and_not_sent_again(
    desk: Desk, error: ComityError
) -> None:
    desk.hub.refusals = [error]
    [request] = desk.requests(1)

    with pytest.raises(type(error)) as refused:
        await desk.submitting.send(request)

    [kept] = desk.inbox.sent.list_submissions()
    assert request == kept.request
    assert kept.refusal == error.default_message == refused.value.message
    assert not await desk.submitting.send_kept()


async def test_what_waited_and_is_refused_for_good_waits_no_longer(desk: Desk) -> None:
    desk.hub.refusals = [HubUnreachable(), ScopeExceeded()]
    [request] = desk.requests(1)
    with pytest.raises(HubUnreachable):
        await desk.submitting.send(request)

    [outcome] = await desk.submitting.send_kept()

    assert isinstance(outcome.error, ScopeExceeded)
    assert "send-kept" not in outcome.error.message
    assert desk.inbox.sent.count_unanswered() == 0


@pytest.mark.parametrize("error", [AgencyNotActive(), CertificateRefused()], ids=["hub", "here"])
async def test_an_act_of_an_agency_that_may_not_is_kept_and_sent_when_it_may(
    desk: Desk, error: AccessRefused
) -> None:
    desk.hub.refusals = [error]
    [request] = desk.requests(1)
    with pytest.raises(type(error), match="Do not submit it again"):
        await desk.submitting.send(request)

    desk.hub.refusals = [error]
    [outcome] = await desk.submitting.send_kept()
    assert isinstance(outcome.error, type(error))
    [outcome] = await desk.submitting.send_kept()

    assert outcome.receipted is not None
    assert request.acts == outcome.receipted.acts


async def test_every_checkpoint_of_a_group_has_to_be_of_the_one_ledger(desk: Desk) -> None:
    """The first receipt's ledger is another, the last one's is the one that is known."""
    await desk.agency.client.refresh_roster()
    requests = desk.requests(2)
    honest = desk.hub.take

    def lying(request: acts_pb2.SubmitActsRequest) -> Any:
        if request.acts != requests[0].acts:
            return honest(request)
        forked = copy.copy(desk.ledger)
        forked.entries = list(desk.ledger.entries)
        forked.entries[1] = forked.entries[0]
        index = forked.record("FR-NCB", request.acts[0], kind=VERSION)
        honest(desk.requests(1)[0])
        return acts_pb2.SubmitActsResponse(receipt=forked.receipt(index))

    desk.hub.take = lying  # type: ignore[method-assign]

    with pytest.raises(LedgerForked):
        await desk.submitting.send_each(requests)
    assert desk.inbox.sent.count_unanswered() == 2


async def test_a_hub_that_is_away_while_receipts_are_verified_is_waited_for(desk: Desk) -> None:
    await desk.agency.client.refresh_roster()
    prove = desk.hub.answers["ProveConsistency"]
    failures = [HubUnreachable()] * (MAX_FAILURES - 1)

    def answer(request: Any) -> Any:
        if failures:
            raise failures.pop()
        return prove(request)

    desk.hub.answers["ProveConsistency"] = answer

    outcomes = await desk.submitting.send_each(desk.requests(2))

    assert not failures
    assert all(outcome.receipted is not None for outcome in outcomes)


async def test_what_the_hub_never_answered_is_kept_and_sent_again(desk: Desk) -> None:
    [request] = desk.requests(1)
    desk.hub.refusals = [HubUnreachable()]

    with pytest.raises(HubUnreachable, match="Do not submit it again"):
        await desk.submitting.send(request)
    assert desk.inbox.sent.count_unanswered() == 1
    [outcome] = await desk.submitting.send_kept()

    assert outcome.receipted is not None
    assert outcome.receipted.acts == request.acts
    assert desk.inbox.sent.count_unanswered() == 0


async def test_a_receipt_for_other_acts_is_not_believed(desk: Desk) -> None:
    other = desk.ledger.publish("FR-NCB", FRANCE)
    lie = acts_pb2.SubmitActsResponse(receipt=desk.ledger.receipt(other))
    desk.hub.answers["SubmitActs"] = lambda _: lie

    with pytest.raises(ReceiptInvalid):
        await desk.submitting.send(desk.requests(1)[0])
    assert desk.inbox.sent.count_unanswered() == 1


async def test_many_go_on_one_stream_each_with_an_outcome(desk: Desk) -> None:
    requests = desk.requests(SUBMISSIONS_PER_MESSAGE + 2)
    desk.hub.refusals = [None, NoticeWithdrawn()]
    steps: list[object] = []
    outcomes = await desk.submitting.send_each(requests, on_outcome=steps.append)

    assert desk.hub.messages == [SUBMISSIONS_PER_MESSAGE, 2]
    assert [type(o.error) for o in outcomes[:3]] == [type(None), NoticeWithdrawn, type(None)]
    assert len(steps) == len(requests)
    assert desk.inbox.sent.count_unanswered() == 0
    refusals = [one.refusal for one in desk.inbox.sent.list_submissions() if one.refusal]
    assert refusals == [NoticeWithdrawn.default_message]


async def test_a_broken_stream_sends_again_what_is_unanswered_and_nothing_twice(desk: Desk) -> None:
    requests = desk.requests(10)
    desk.hub.breaks_after = [3, 0, 4]
    outcomes = await desk.submitting.send_each(requests)

    assert len(outcomes) == 10
    assert desk.ledger.size == 2 + 10
    assert desk.inbox.sent.count_unanswered() == 0


async def test_the_pause_begins_anew_when_something_was_answered(desk: Desk) -> None:
    desk.hub.breaks_after = [0, 0, 1, 0]
    await desk.submitting.send_each(desk.requests(2))

    first, second, *rest = desk.hub.pauses
    assert first < second
    assert [first, second] == rest


async def test_an_item_that_the_hub_cannot_take_now_is_sent_again(desk: Desk) -> None:
    desk.hub.refusals = [StoreUnavailable(), None, StoreUnavailable()]
    outcomes = await desk.submitting.send_each(desk.requests(3))

    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert desk.ledger.size == 2 + 3


async def test_a_hub_that_stays_away_is_given_up_and_nothing_is_lost(desk: Desk) -> None:
    desk.hub.breaks_after = [0] * 100

    with pytest.raises(HubUnavailable):
        await desk.submitting.send_each(desk.requests(2))
    assert desk.inbox.sent.count_unanswered() == 2


async def test_published_acts_come_in_the_order_of_the_ledger(desk: Desk) -> None:
    first, second = desk.requests(2)
    await desk.submitting.send(second)
    await desk.submitting.send(first)
    desk.inbox.sent.add_submissions([("id", desk.requests(1)[0])], source="hand")

    found = published_acts(desk.inbox.sent.list_submissions())
    assert [act.digest for act in found] == [
        parse_act(request.acts[0]).digest for request in (second, first)
    ]
