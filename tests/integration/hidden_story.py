"""How the hidden notices came to be so: every way in which one is kept from somebody."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agency_client.agency import Agency
from comity.identity import AgencyId
from comity.v1 import acts_pb2, events_pb2, notices_pb2, reviews_pb2, watches_pb2
from comity.v1.acts_pb2 import AddressingRule
from comity.v1.events_pb2_grpc import NoticeServiceStub
from comity.v1.officers_pb2 import ROLE_HUB_REVIEWER, AddOfficerRequest
from comity.v1.reviews_pb2_grpc import ReviewServiceStub
from hub.services.notice_rounds import NoticeRounds
from hub.store.events import list_events
from hub.store.ledger import find_entries
from hub.store.writer import commit_alone
from tests.integration.drafts import Draft
from tests.integration.hidden_notices import Hidden, Origin, findings
from tests.integration.officers import PASSWORD, Served, call, tokens_of
from tests.integration.probes import caller_of

BRAZIL, BOTH = AddressingRule(agencies=["BR-NCB"]), AddressingRule(agencies=["BR-NCB", "KE-NCB"])
ALL_BUT_KENYA = AddressingRule(all_members=True, except_agencies=["KE-NCB"])


@dataclass(slots=True)
class Story:
    """The hidden notices by name, and of each traffic a last one that is no secret."""

    hidden: dict[str, Hidden]
    last_ids: dict[notices_pb2.Traffic.ValueType, str]


async def play(served: Served) -> Story:
    """Everything that happens before anybody is curious."""
    async with AsyncExitStack() as stack:
        france = await stack.enter_async_context(served.client("FR-NCB"))
        brazil = await stack.enter_async_context(served.client("BR-NCB"))
        reviewers = [
            await stack.enter_async_context(reviewer(served, nationality))
            for nationality in ("NZ", "JP")
        ]
        kenya = await stack.enter_async_context(served.client("KE-NCB"))
        origin = Origin(france, brazil)
        hidden = [
            await addressed(origin),
            await origin.publish("Excluded", ALL_BUT_KENYA),
            await origin.publish("Exercise", BRAZIL, traffic=notices_pb2.TRAFFIC_EXERCISE),
            await suspended(origin, kenya),
            await narrowed(origin, kenya),
            await withdrawn(origin, served),
            await origin.publish("InReview", BOTH, red=True),
            await origin.publish("Refused", BOTH, red=True),
        ]
        await origin.answer(hidden[1])
        await review(hidden[-2:], reviewers)
        last_ids = {traffic: await last(france, traffic) for traffic in (1, 2)}
    for one in hidden:
        await keep_what_the_hub_wrote(served, one)
        one.secrets["word"] = one.word.encode()
    return Story({one.name: one for one in hidden}, last_ids)


async def addressed(origin: Origin) -> Hidden:
    """To Brazil alone, which answers it; France decides."""
    hidden = await origin.publish("Addressed", BRAZIL)
    request_id = await origin.answer(hidden)
    await origin.act(hidden, addendum=acts_pb2.AddendumAct(texts=hidden.texts()))
    decision = acts_pb2.ReleaseDecisionAct(
        requested_by="BR-NCB", request_act_id=request_id, conditions=hidden.texts(), granted=True
    )
    await origin.act(hidden, release_decision=decision)
    return hidden


async def suspended(origin: Origin, kenya: Agency) -> Hidden:
    """Kenya has read it, and may act on it no longer."""
    hidden = await origin.publish("Suspended", BOTH, was_read=True)
    await origin.answer(hidden)
    await origin.act(hidden, addendum=acts_pb2.AddendumAct(texts=hidden.texts()))
    await require_read(kenya, hidden)
    openly = notices_pb2.LocalizedText(language="en", text="Said openly.", original=True)
    before = dict(hidden.secrets)
    await origin.act(hidden, suspension=acts_pb2.SuspensionAct(reason=[openly]))
    hidden.secrets = before  # the act is shown
    return hidden


async def narrowed(origin: Origin, kenya: Agency) -> Hidden:
    """It was Kenya's, until it was left out."""
    hidden = await origin.publish("Narrowed", BOTH, was_read=True)
    await origin.answer(hidden)
    await require_read(kenya, hidden)
    act = acts_pb2.AddressingAct(rule=BRAZIL, narrows=True)
    await origin.act(hidden, addressing=act)
    await origin.correct(hidden)
    await origin.act(hidden, addendum=acts_pb2.AddendumAct(texts=hidden.texts()))
    return hidden


async def require_read(kenya: Agency, hidden: Hidden) -> None:
    """Kenya has the notice as yet, and is sent it: what the hub remembers of that has to go."""
    request = events_pb2.GetNoticeRequest(originator="FR-NCB", notice_id=hidden.notice_id)
    response = await call(kenya, lambda c: NoticeServiceStub(c).GetNotice, request, token=None)
    assert hidden.word.encode() in response.notice.version.envelope.payload
    opening = watches_pb2.OpenWatch(name="before", start=watches_pb2.WATCH_START_FIRST)
    sent = await caller_of(kenya, "before", None, []).watch(opening, last=hidden.notice_id)
    assert any(hidden.word.encode() in response for response in sent.responses)


async def withdrawn(origin: Origin, served: Served) -> Hidden:
    """Ended, erased, and answered."""
    hidden = await origin.publish("Withdrawn", BRAZIL)
    await origin.answer(hidden)
    reason = acts_pb2.WITHDRAWAL_REASON_OTHER
    act = acts_pb2.WithdrawalAct(reason=reason, details=hidden.texts())
    await origin.act(hidden, withdrawal=act)
    answer = acts_pb2.RecallAnswerAct(
        recall_entry=hidden.recall_entry,
        outcome=acts_pb2.RECALL_OUTCOME_RETAINED,
        provision=f"Said {hidden.word}",
        retained_until=notices_pb2.CalendarDate(year=datetime.now(UTC).year + 1, month=1, day=1),
    )
    await origin.act(hidden, of=origin.brazil, recall_answer=answer)
    no_writer: Any = None
    rounds = NoticeRounds(served.database, writer=no_writer, clock=served.clock)
    key = (AgencyId("FR-NCB"), hidden.notice_id)
    await commit_alone(
        served.database,
        rounds.erase_many,
        key,
        clock=served.clock,
        token_bytes=secrets.token_bytes,
    )
    return hidden


async def review(hidden: list[Hidden], reviewers: list[Agency]) -> None:
    """One is looked at, the other refused by two."""
    queue = await _review_call(reviewers[0], "ListReviews", reviews_pb2.ListReviewsRequest())
    ids = {review.notice_id: review.review_id for review in queue.reviews}
    for one in hidden:
        one.review_id = ids[one.notice_id]
        one.secrets["review id"] = one.review_id.encode()
    waiting, refused = hidden
    take = reviews_pb2.TakeReviewRequest(review_id=waiting.review_id)
    await _review_call(reviewers[0], "TakeReview", take)
    decide = reviews_pb2.DecideReviewRequest(
        review_id=refused.review_id, findings=findings(refused)
    )
    for reviewer in reviewers:
        await _review_call(reviewer, "DecideReview", decide)


async def _review_call(opened: Agency, name: str, request: Any) -> Any:
    token = tokens_of(opened).access_token
    return await call(opened, lambda c: getattr(ReviewServiceStub(c), name), request, token=token)


async def last(france: Agency, traffic: notices_pb2.Traffic.ValueType) -> str:
    """A notice that everybody has, after all others."""
    draft = Draft(france.profile.load_signing_keys())
    draft.notice.kind = notices_pb2.NOTICE_KIND_BLUE
    draft.notice.requested_actions[0].code = notices_pb2.ACTION_CODE_LOCATE
    draft.notice.traffic = traffic
    draft.rule = BOTH
    await france.client.submit_acts(draft.acts())
    return draft.notice.notice_id


@asynccontextmanager
async def reviewer(served: Served, nationality: str) -> AsyncIterator[Agency]:
    """A reviewer of the hub, logged in."""
    name = f"reviewer.{nationality.lower()}"
    request = AddOfficerRequest(
        user_name=name,
        display_name="Sample Reviewer",
        nationality=nationality,
        roles=[ROLE_HUB_REVIEWER],
    )
    one_time = await served.accounts.add(served.settings.agency, request)
    async with served.client(served.settings.agency) as opened:
        await opened.client.officers.log_in(name, one_time)
        await opened.client.officers.change_password(one_time, PASSWORD)
        yield opened


async def keep_what_the_hub_wrote(served: Served, hidden: Hidden) -> None:
    """The hub's own entries about a notice that was never Kenya's."""
    if hidden.was_read:
        return
    async with served.database.read() as connection:
        events = await list_events(connection, 0, below=1 << 40, limit=10_000)
        ours = [e.entry_index for e in events if e.notice_id == hidden.notice_id]
        entries = await find_entries(connection, ours)
    for index, entry in entries.items():
        hidden.secrets[f"entry {index}"] = entry.entry
