"""What review, protection, release and erasure hold back, at the hub's own services."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from comity.acts import VERSION
from comity.errors import (
    ComityError,
    NotFound,
    NoticeNotInForce,
    ReleaseRequired,
    ReviewEnded,
    ReviewerBarred,
    SupervisorRequired,
)
from comity.identity import AgencyId
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2
from comity.v1.officers_pb2 import ROLE_OFFICER, ROLE_SUPERVISOR, Role
from deploy.stage import DOMAIN
from hub.services.bulk import BulkService
from hub.services.calls import Caller, Officer
from hub.services.review_decisions import Decision
from hub.services.reviews import counted
from hub.store.acts import find_acts_at
from hub.store.audit import audit_ledger
from hub.store.database import Database
from hub.store.officers import insert_officer
from hub.store.reviews import Tally
from tests.integration.drafts import Draft
from tests.unit.hub_parts import (
    BRAZIL,
    FRANCE,
    HUB,
    KENYA,
    SIGNING_KEY,
    Clock,
    HubParts,
    begin,
    caller,
    certificate_id,
    serving,
    sqlite_url,
)
from tests.unit.notice_life import (
    BLUE,
    RED,
    TEXT,
    NoticeLife,
    add_reviewers,
    review_terms,
    reviewer,
)

PUBLISH = events_pb2.REVIEW_OUTCOME_PUBLISH
RETURN = events_pb2.REVIEW_OUTCOME_RETURN
REFUSE = events_pb2.REVIEW_OUTCOME_REFUSE
IN_REVIEW = events_pb2.NOTICE_STATE_IN_REVIEW
PUBLISHED = events_pb2.NOTICE_STATE_PUBLISHED


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for a database that each test works on a copy of."""
    return tmp_path_factory.mktemp("begun")


@asynccontextmanager
async def hub(begun: Path, folder: Path) -> AsyncIterator[HubParts]:
    """A hub with two reviewers, over a ledger of its own."""
    if not (begun / "hub.sqlite").exists():
        database = Database(sqlite_url(begun))
        await begin(database, members=[FRANCE, BRAZIL, KENYA, HUB])
        async with serving(database) as parts:
            await add_reviewers(parts)
        await database.truncate_log()
        await database.dispose()
    shutil.copy(begun / "hub.sqlite", folder / "hub.sqlite")
    database = Database(sqlite_url(folder))
    try:
        async with serving(database, clock=Clock(), review=review_terms) as parts:
            yield parts
    finally:
        await database.dispose()


async def sent(parts: HubParts, kind: int = RED) -> NoticeLife:
    clock = parts.clock
    assert isinstance(clock, Clock)
    notice = NoticeLife(parts, clock, kind=kind)
    await notice.submit_first()
    return notice


async def published(parts: HubParts) -> NoticeLife:
    notice = await sent(parts)
    for number in (0, 1):
        await notice.decide(number, PUBLISH)
    return notice


async def seen_by_brazil(notice: NoticeLife) -> int:
    """The version that Brazil is shown."""
    record = await notice.record(BRAZIL)
    return acts_pb2.Act.FromString(record.version.envelope.payload).version.notice.version


@pytest.mark.threat("T152")
async def test_one_reviewer_alone_lets_no_red_out(begun: Path, tmp_path: Path) -> None:
    async with hub(begun, tmp_path) as parts:
        notice = await sent(parts)
        await notice.decide(0, PUBLISH)
        with pytest.raises(ReviewerBarred):
            await notice.decide(0, PUBLISH)
        with pytest.raises(NotFound):
            await notice.record(BRAZIL)
        assert (await notice.record(FRANCE)).state == IN_REVIEW

        await notice.decide(1, PUBLISH)

        assert await seen_by_brazil(notice) == 1


@pytest.mark.threat("T151")
@pytest.mark.parametrize("nationality", ["FR", "BR", ""])
async def test_nobody_decides_over_its_own_country_s_notice_or_its_own_national(
    begun: Path, tmp_path: Path, nationality: str
) -> None:
    async with hub(begun, tmp_path) as parts:
        notice = await sent(parts)
        stored = reviewer("0192a000-0000-7000-8000-000000000009", "barred", nationality)
        async with parts.database.write() as connection:
            await insert_officer(connection, stored)
        for outcome in (PUBLISH, RETURN, REFUSE):
            with pytest.raises(ReviewerBarred):
                await decide_as(notice, stored.officer_id, outcome)

        assert (await notice.record(FRANCE)).review.reviewers_decided == 0


async def decide_as(notice: NoticeLife, officer_id: str, outcome: int) -> None:
    findings = events_pb2.ReviewFindings(outcome=outcome)  # type: ignore[arg-type]
    decision = Decision(await notice.review_id(), officer_id, findings)
    await notice.parts.writer.commit(notice.parts.decisions.decide_many, decision)


async def test_a_review_that_has_ended_is_decided_no_more(begun: Path, tmp_path: Path) -> None:
    async with hub(begun, tmp_path) as parts:
        notice = await published(parts)
        with pytest.raises(ReviewEnded):
            await notice.decide(1, REFUSE)
        assert (await notice.record(BRAZIL)).state == PUBLISHED


async def test_nothing_is_done_to_what_is_in_review(begun: Path, tmp_path: Path) -> None:
    async with hub(begun, tmp_path) as parts:
        notice = await sent(parts)
        with pytest.raises(NoticeNotInForce):
            await notice.act(suspension=acts_pb2.SuspensionAct(reason=TEXT))
        with pytest.raises(NotFound):
            await notice.act_of(BRAZIL, acknowledgement=acts_pb2.AcknowledgementAct())


@pytest.mark.threat("T153")
async def test_a_correction_of_what_was_let_out_waits_again(begun: Path, tmp_path: Path) -> None:
    async with hub(begun, tmp_path) as parts:
        notice = await published(parts)
        await notice.correct()
        assert await seen_by_brazil(notice) == 1
        await notice.decide(0, PUBLISH)
        assert await seen_by_brazil(notice) == 1

        await notice.decide(1, PUBLISH)

        assert await seen_by_brazil(notice) == 2


@pytest.mark.threat("T153")
async def test_an_addendum_to_what_was_let_out_is_looked_at(begun: Path, tmp_path: Path) -> None:
    async with hub(begun, tmp_path) as parts:
        notice = await published(parts)
        before = await notice.review_id()
        await notice.act(addendum=acts_pb2.AddendumAct(texts=TEXT))

        assert await notice.review_id() != before
        assert (await notice.record(FRANCE)).review.is_after_publication


@pytest.mark.threat("T157")
async def test_a_refusal_tells_addressees_nothing(begun: Path, tmp_path: Path) -> None:
    async with hub(begun, tmp_path) as parts:
        notice = await sent(parts)
        for number in (0, 1):
            await notice.decide(number, REFUSE)

        with pytest.raises(NotFound):
            await notice.record(BRAZIL)
        assert await notice.events_for(BRAZIL) == []
        assert (await notice.record(FRANCE)).state == events_pb2.NOTICE_STATE_REFUSED


@pytest.mark.threat("T157")
def test_no_ground_of_refusal_tells_of_a_refugee_or_who_protects() -> None:
    named = " ".join(ledger_pb2.RefusalGround.keys()).lower()

    assert "not_in_conformity" in named
    assert [word for word in ("refugee", "asylum", "protect") if word in named] == []


def protected_child(*, in_danger: bool) -> Draft:
    """A missing child's notice whose protection is lifted."""
    draft = Draft([SIGNING_KEY])
    notice = draft.notice
    notice.kind = notices_pb2.NOTICE_KIND_YELLOW
    notice.requested_actions[0].code = notices_pb2.ACTION_CODE_FIND_AND_PROTECT
    person = notice.subjects[0].person
    del person.dates_of_birth[:]
    born = notices_pb2.CalendarDate(year=notice_year(notice) - 9, month=1, day=1)
    person.dates_of_birth.add(qualifier=notices_pb2.DATE_QUALIFIER_EXACT, date=born)
    notice.disappearance.kind = notices_pb2.DISAPPEARANCE_KIND_MISSING
    notice.disappearance.in_danger = in_danger
    notice.protection_widening.reason.extend(TEXT)
    return draft


def notice_year(notice: notices_pb2.Notice) -> int:
    return notice.issued_at.ToDatetime().year


async def submit_as(parts: HubParts, draft: Draft, roles: Sequence[Role.ValueType]) -> None:
    officer = Officer("sample-officer", frozenset(roles), "sample-session") if roles else None
    request = acts_pb2.SubmitActsRequest(acts=draft.acts()).SerializeToString()
    await parts.acts.submit(Caller(FRANCE, certificate_id(FRANCE), "request", officer), request)


@pytest.mark.threat("T160")
@pytest.mark.parametrize(
    ("in_danger", "roles", "allowed"),
    [
        (False, [], False),
        (False, [ROLE_OFFICER], False),
        (False, [ROLE_SUPERVISOR], True),
        (True, [], False),
        (True, [ROLE_OFFICER], True),
    ],
)
async def test_protection_is_lifted_by_a_supervisor_but_for_a_child_in_danger(
    begun: Path,
    tmp_path: Path,
    in_danger: bool,
    roles: Sequence[Role.ValueType],
    allowed: bool,
) -> None:
    async with hub(begun, tmp_path) as parts:
        draft = protected_child(in_danger=in_danger)
        raised: ComityError | None = None
        try:
            await submit_as(parts, draft, roles)
        except SupervisorRequired as error:
            raised = error

        assert (raised is None) == allowed


@pytest.mark.threat("T160")
@pytest.mark.parametrize(
    ("role", "answer"), [(ROLE_OFFICER, "refused"), (ROLE_SUPERVISOR, "accepted")]
)
async def test_a_supervisor_lifts_protection_on_a_bulk_stream_too(
    begun: Path, tmp_path: Path, role: Role.ValueType, answer: str
) -> None:
    async with hub(begun, tmp_path) as parts:
        acts = protected_child(in_danger=False).acts()
        request = acts_pb2.SubmitActsRequest(acts=acts).SerializeToString()
        officer = Officer("sample-officer", frozenset([role]), "sample-session")
        caller = Caller(FRANCE, certificate_id(FRANCE), "request", officer)
        chunk = acts_pb2.SubmitBulkRequest(submissions=[acts_pb2.BulkSubmission(request=request)])
        bulk = BulkService(parts.acts, preparing=parts.preparing, membership=parts.membership)

        answers = bulk.answers(caller, _stream_of(chunk))
        [response] = [one async for one in answers]

        assert [one.WhichOneof("answer") for one in response.answers] == [answer]


async def _stream_of(
    chunk: acts_pb2.SubmitBulkRequest,
) -> AsyncIterator[acts_pb2.SubmitBulkRequest]:
    yield chunk


@pytest.mark.threat("T160")
async def test_supervisors_hear_that_an_officer_lifted_protection(
    begun: Path, tmp_path: Path
) -> None:
    async with hub(begun, tmp_path) as parts:
        draft = protected_child(in_danger=True)
        await submit_as(parts, draft, [ROLE_OFFICER])

        notice = NoticeLife(parts, Clock(), kind=BLUE)
        notice.draft = draft
        widened = events_pb2.EVENT_KIND_PROTECTION_WIDENED
        assert widened in await notice.events_for(FRANCE)
        assert widened not in await notice.events_for(BRAZIL)


@pytest.mark.threat("T154")
async def test_a_notice_that_draws_on_another_goes_to_nobody_whom_that_forbids(
    begun: Path, tmp_path: Path
) -> None:
    async with hub(begun, tmp_path) as parts:
        clock = parts.clock
        assert isinstance(clock, Clock)
        source = NoticeLife(parts, clock, kind=BLUE)
        source.draft.rule = acts_pb2.AddressingRule(agencies=[BRAZIL])
        source.draft.notice.handling.codes[:] = [notices_pb2.HANDLING_CODE_H2]
        await source.submit_first()
        drawn = drawn_from(source, to=KENYA)

        with pytest.raises(ReleaseRequired) as refused:
            await parts.submit(drawn.acts(), of=BRAZIL)

        assert [v.field for v in refused.value.violations] == ["sources[0]"]


def drawn_from(source: NoticeLife, *, to: AgencyId) -> Draft:
    draft = Draft([SIGNING_KEY])
    draft.header.originator = BRAZIL
    draft.notice.kind = source.draft.notice.kind
    draft.notice.requested_actions[0].code = notices_pb2.ACTION_CODE_LOCATE
    draft.notice.handling.CopyFrom(source.draft.notice.handling)
    draft.notice.sources.add(
        originator=FRANCE, notice_id=source.notice_id, version_digest=source.digest
    )
    draft.rule = acts_pb2.AddressingRule(agencies=[to])
    return draft


@pytest.mark.threat("T156")
async def test_what_has_ended_is_erased_at_the_hub_and_the_ledger_verifies(
    begun: Path, tmp_path: Path
) -> None:
    async with hub(begun, tmp_path) as parts:
        notice = await sent(parts, BLUE)
        entry = (await notice.record(FRANCE)).version.leaf.entry_index
        await notice.act(
            withdrawal=acts_pb2.WithdrawalAct(reason=acts_pb2.WITHDRAWAL_REASON_PURPOSE_ACHIEVED)
        )
        await parts.rounds.do_due()

        async with parts.database.read() as connection:
            acts = (await find_acts_at(connection, [entry]))[entry]
        assert [bool(act.envelope) for act in acts if act.kind == VERSION] == [False]
        assert events_pb2.EVENT_KIND_ERASED in await notice.events_for(FRANCE)
        request = events_pb2.ListRecallsRequest(originator=FRANCE, notice_id=notice.notice_id)
        [recall] = (await parts.notice_acts.list_recalls(caller(FRANCE), request)).recalls
        certificate = ledger_pb2.LedgerEntry.FromString(recall.erasure.entry).notice
        assert entry in certificate.erased_entries
        await audit_ledger(parts.database, hub_domain=DOMAIN)


def tally(originator: str, count: int, ground: int = 1) -> Tally:
    return Tally(
        outcome=REFUSE, ground=ground, kind=1, originator=AgencyId(originator), count=count
    )


@pytest.mark.threat("T158")
def test_cells_under_five_are_never_told() -> None:
    rows, merged = counted([tally("FR-NCB", 6), tally("BR-NCB", 3), tally("KE-NCB", 2, ground=2)])

    assert [row.originator for row in rows if row.originator] == ["FR-NCB"]
    assert merged == 5
    assert min(row.count for row in rows) >= 5


@pytest.mark.threat("T158")
def test_a_lone_small_cell_is_not_found_by_subtraction() -> None:
    rows, merged = counted([tally("FR-NCB", 6), tally("BR-NCB", 1)])

    assert [row.originator for row in rows if row.originator] == []
    assert merged == 7


@pytest.mark.threat("T158")
def test_fewer_than_five_in_all_are_not_told() -> None:
    assert counted([tally("FR-NCB", 4)]) == ([], 0)
