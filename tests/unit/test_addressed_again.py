"""What is judged again when a notice is addressed anew, or let out after a review."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from comity.errors import (
    ComityError,
    MalformedInput,
    NoticeInvalid,
    ReleaseRequired,
    SupervisorRequired,
)
from comity.identity import AgencyId
from comity.times import timestamp_from
from comity.v1 import acts_pb2 as pb
from comity.v1 import events_pb2, notices_pb2
from comity.v1.officers_pb2 import ROLE_SUPERVISOR
from hub.services.life_judgement import MAX_ADDENDA
from hub.services.review_decisions import Decision
from hub.services.reviewing import bar_of, lacks_reviewers
from hub.services.watches import is_wanted
from hub.store.audiences import find_audiences
from hub.store.database import Database
from hub.store.events import StoredEvent
from hub.store.notices import find_notices
from hub.store.reviews import StoredReview, StoredStep, list_reviews
from tests.unit.hub_parts import (
    BRAZIL,
    FRANCE,
    HUB,
    KENYA,
    Clock,
    HubParts,
    begin,
    serving,
    sqlite_url,
)
from tests.unit.notice_life import (
    BLUE,
    LIFE,
    RED,
    REVIEWERS,
    TEXT,
    NoticeLife,
    add_reviewers,
    review_terms,
    reviewer,
)

PUBLISH, REFUSE = events_pb2.REVIEW_OUTCOME_PUBLISH, events_pb2.REVIEW_OUTCOME_REFUSE
TO_BRAZIL = pb.AddressingRule(agencies=[BRAZIL])
TO_BOTH = pb.AddressingRule(agencies=[BRAZIL, KENYA])


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[HubParts]:
    database = Database(sqlite_url(tmp_path))
    await begin(database, members=(FRANCE, BRAZIL, KENYA, HUB))
    async with serving(database, clock=Clock(), review=review_terms) as parts:
        await add_reviewers(parts)
        yield parts
    await database.dispose()


async def published_red(parts: HubParts) -> NoticeLife:
    """A red notice to Brazil that both reviewers have let out."""
    life = NoticeLife(parts, Clock(), kind=RED)
    life.draft.rule = TO_BRAZIL
    await life.submit_first()
    for number in (0, 1):
        await life.decide(number, PUBLISH)
    return life


async def addressees(parts: HubParts, originator: AgencyId, notice_id: str) -> set[AgencyId]:
    async with parts.database.read() as connection:
        standing = (await find_notices(connection, [notice_id]))[originator, notice_id]
        audiences = await find_audiences(connection, [standing.audience])
    return set(audiences[standing.audience].members)


async def test_who_is_added_while_a_version_is_in_review_stays(parts: HubParts) -> None:
    life = await published_red(parts)
    await life.correct()
    await life.act(addressing=pb.AddressingAct(rule=TO_BOTH))
    for number in (0, 1):
        await life.decide(number, PUBLISH)

    assert {BRAZIL, KENYA} == await addressees(parts, FRANCE, life.notice_id)
    await life.act(withdrawal=pb.WithdrawalAct(reason=pb.WITHDRAWAL_REASON_DELISTED))
    assert events_pb2.EVENT_KIND_WITHDRAWN in await life.events_for(KENYA)


async def test_an_addendum_to_the_version_before_is_not_shown_with_the_next(
    parts: HubParts,
) -> None:
    life = await published_red(parts)
    await life.correct()
    waiting = await life.review_id()
    await life.act(addendum=pb.AddendumAct(texts=TEXT))
    findings = events_pb2.ReviewFindings(outcome=PUBLISH)
    assert len((await life.record(BRAZIL)).addenda) == 1

    for officer in REVIEWERS:
        decision = Decision(waiting, officer, findings)
        await parts.writer.commit(parts.decisions.decide_many, decision)

    record = await life.record(BRAZIL)
    payload = pb.Act.FromString(record.version.envelope.payload)
    assert (payload.version.notice.version, len(record.addenda)) == (2, 0)


@pytest.fixture
async def source(parts: HubParts) -> NoticeLife:
    """A notice to Brazil that may not be passed on."""
    life = NoticeLife(parts, Clock(), kind=BLUE)
    life.draft.rule = TO_BRAZIL
    handling = life.draft.notice.handling
    if notices_pb2.HANDLING_CODE_H2 not in handling.codes:
        handling.codes.append(notices_pb2.HANDLING_CODE_H2)
    handling.ClearField("onward_agencies")
    handling.ClearField("onward_countries")
    await life.submit_first()
    return life


def drawing_on(source: NoticeLife, rule: pb.AddressingRule) -> NoticeLife:
    """A notice of Brazil's that draws on it."""
    life = NoticeLife(source.parts, Clock(), kind=BLUE)
    notice = life.draft.notice
    notice.handling.CopyFrom(source.draft.notice.handling)
    notice.sources.add(originator=FRANCE, notice_id=source.notice_id, version_digest=source.digest)
    life.draft.header.originator = BRAZIL
    life.draft.rule = rule
    life.draft.notice.expires_at.CopyFrom(source.draft.notice.expires_at)
    return life


@pytest.mark.threat("T154")
async def test_what_may_not_be_passed_on_is_not_by_a_later_addressing(
    parts: HubParts, source: NoticeLife
) -> None:
    with pytest.raises(ReleaseRequired):
        to_both = pb.AddressingRule(agencies=[FRANCE, KENYA])
        await parts.submit(drawing_on(source, to_both).draft.acts(), of=BRAZIL)

    life = drawing_on(source, pb.AddressingRule(agencies=[FRANCE]))
    await parts.submit(life.draft.acts(), of=BRAZIL)
    life.draft.rule = pb.AddressingRule(agencies=[FRANCE, KENYA])
    with pytest.raises(ReleaseRequired):
        await parts.submit([life.draft.addressing()], of=BRAZIL)

    assert {FRANCE} == await addressees(parts, BRAZIL, life.notice_id)


async def test_a_witness_is_protected_in_the_batch_that_addresses_all(parts: HubParts) -> None:
    life = NoticeLife(parts, Clock(), kind=BLUE)
    notice = life.draft.notice
    life.draft.rule = pb.AddressingRule(all_members=True, and_later_members=True)
    if notices_pb2.HANDLING_CODE_H2 not in notice.handling.codes:
        notice.handling.codes.append(notices_pb2.HANDLING_CODE_H2)
    notice.precautions.add(code=notices_pb2.PRECAUTION_CODE_DO_NOT_PUBLISH)
    first = parts.prepared(life.draft.acts())
    notice.subjects[0].person.status = notices_pb2.PERSON_STATUS_WITNESS
    second = parts.prepared([life.draft.next_version()])

    answers = await parts.acts.commit_each([first, second])

    assert [isinstance(answer, ComityError) for answer in answers] == [False, True]
    assert isinstance(answers[1], NoticeInvalid)
    assert "rule.all_members" in {violation.field for violation in answers[1].violations}


def test_reviewers_who_do_not_agree_are_too_few() -> None:
    review = StoredReview("r", FRANCE, "n", 1, 1, RED, 1, 1, "BR", 0, 0, 2, False)
    both = [reviewer(officer, f"reviewer{n}", "NZ") for n, officer in enumerate(REVIEWERS)]
    steps = [
        StoredStep("r", officer, 0, outcome=outcome)
        for officer, outcome in zip(REVIEWERS, (PUBLISH, REFUSE), strict=True)
    ]

    assert not lacks_reviewers(review, [], both)
    assert not lacks_reviewers(review, steps[:1], both)
    assert lacks_reviewers(review, steps, both)
    third = reviewer("0192a000-0000-7000-8000-000000000003", "third", "CH")
    assert not lacks_reviewers(review, steps, [*both, third])


async def widened_witness(parts: HubParts) -> NoticeLife:
    """A notice about a witness to Brazil, whose protection a supervisor has lifted."""
    life = NoticeLife(parts, Clock(), kind=BLUE)
    life.draft.rule = TO_BRAZIL
    life.draft.notice.subjects[0].person.status = notices_pb2.PERSON_STATUS_WITNESS
    life.draft.notice.protection_widening.reason.extend(TEXT)
    submission = parts.prepared(life.draft.acts())
    with pytest.raises(SupervisorRequired):
        await parts.acts.commit(submission)
    await parts.acts.commit(replace(submission, roles=frozenset({ROLE_SUPERVISOR})))
    life.published_digest = life.digest
    return life


async def test_only_a_supervisor_goes_on_with_what_one_has_lifted(parts: HubParts) -> None:
    life = await widened_witness(parts)
    later = life.now() + LIFE
    extension = pb.ExtensionAct(
        expires_at=timestamp_from(later),
        retain_until=notices_pb2.CalendarDate(year=later.year + 1, month=1, day=1),
        reason=TEXT,
    )

    with pytest.raises(SupervisorRequired):
        await life.act(addressing=pb.AddressingAct(rule=TO_BOTH))
    with pytest.raises(SupervisorRequired):
        await life.act(extension=extension)

    assert {BRAZIL} == await addressees(parts, FRANCE, life.notice_id)


async def test_a_notice_about_a_witness_is_not_extended_past_a_year(parts: HubParts) -> None:
    life = NoticeLife(parts, Clock(), kind=BLUE)
    notice = life.draft.notice
    life.draft.rule = TO_BRAZIL
    notice.subjects[0].person.status = notices_pb2.PERSON_STATUS_WITNESS
    if notices_pb2.HANDLING_CODE_H2 not in notice.handling.codes:
        notice.handling.codes.append(notices_pb2.HANDLING_CODE_H2)
    notice.precautions.add(code=notices_pb2.PRECAUTION_CODE_DO_NOT_PUBLISH)
    await life.submit_first()
    later = life.now() + timedelta(days=700)
    extension = pb.ExtensionAct(
        expires_at=timestamp_from(later),
        retain_until=notices_pb2.CalendarDate(year=later.year + 1, month=1, day=1),
        reason=TEXT,
    )

    with pytest.raises(NoticeInvalid) as refused:
        await life.act(extension=extension)

    assert "expires_at" in {violation.field for violation in refused.value.violations}


async def test_addenda_are_few_and_fill_no_queue(parts: HubParts) -> None:
    life = await published_red(parts)
    for _ in range(MAX_ADDENDA):
        await life.act(addendum=pb.AddendumAct(texts=TEXT))

    with pytest.raises(MalformedInput, match="correct the notice"):
        await life.act(addendum=pb.AddendumAct(texts=TEXT))

    async with parts.database.read() as connection:
        waiting = await list_reviews(connection, traffic=1, with_decided=False, after="", limit=64)
    assert [review.is_after_publication for review in waiting] == [True]


def test_nobody_reviews_what_their_own_agency_publishes() -> None:
    review = StoredReview("r", HUB, "n", 1, 1, RED, 1, 1, "", 0, 0, 2, False)

    assert bar_of(reviewer(REVIEWERS[0], "reviewer", "NZ"), review, [])


def test_the_end_of_a_notice_passes_every_filter() -> None:
    event = StoredEvent(1, events_pb2.EVENT_KIND_WITHDRAWN, FRANCE, "n", RED, 1, 1, b"a", 1)
    urgent = events_pb2.NoticeFilter(
        kinds=[notices_pb2.NOTICE_KIND_BLUE], minimum_urgency=notices_pb2.URGENCY_URGENT
    )

    assert is_wanted(event, urgent, traffic=1)
    published = replace(event, kind=events_pb2.EVENT_KIND_PUBLISHED)
    assert not is_wanted(published, urgent, traffic=1)
