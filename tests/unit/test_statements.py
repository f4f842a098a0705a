"""What is not there and what is not the caller's run the same statements, in the same order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from comity.acts import sign_act
from comity.errors import ComityError, NotFound, NoticeInvalid
from comity.times import timestamp_from
from comity.v1 import acts_pb2 as pb
from comity.v1 import events_pb2, notices_pb2
from deploy.stage import DOMAIN
from hub.store.database import Database, InlineConnection
from tests.integration.drafts import new_id
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
    new_draft,
    serving,
    sqlite_url,
)
from tests.unit.notice_life import BLUE, RED, TEXT, NoticeLife, add_reviewers, review_terms

_DIGEST = bytes(32)


class Named:
    """A notice as somebody names it, whether there is one or not."""

    def __init__(
        self,
        notice_id: str | None = None,
        *,
        digest: bytes = _DIGEST,
        recall_entry: int = 1,
        release: str | None = None,
    ) -> None:
        self.notice_id = notice_id or new_id()
        self.digest = digest
        self.recall_entry = recall_entry
        self.release = release or new_id()


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[HubParts]:
    database = Database(sqlite_url(tmp_path))
    await begin(database, members=(FRANCE, BRAZIL, KENYA, HUB))
    async with serving(database, review=review_terms) as served:
        await add_reviewers(served)
        yield served
    await database.dispose()


@pytest.fixture
def statements(parts: HubParts, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of all statements from now on, also of those that go straight to the driver."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    for engine in (parts.database._reader, parts.database._writer):
        event.listen(engine, "before_cursor_execute", note)
    for name in ("execute_driver", "execute_driver_many"):
        run = getattr(InlineConnection, name)

        def noted(self: Any, statement: str, rows: Any, run: Any = run) -> Any:
            seen.append(statement)
            return run(self, statement, rows)

        monkeypatch.setattr(InlineConnection, name, noted)
    return seen


async def of_others(parts: HubParts, *, kind: str) -> Named:
    """A notice of France's that is not Kenya's."""
    life = NoticeLife(parts, Clock(), kind=RED if kind == "in review" else BLUE)
    if kind != "in review":
        life.draft.rule = pb.AddressingRule(agencies=[BRAZIL])
    await life.submit_first()
    if kind == "in review":
        return Named(life.notice_id, digest=life.digest)
    request = pb.ReleaseRequestAct(onward_to=["KE-NCB"], judicial_use=True, reason=TEXT)
    await life.act_of(BRAZIL, release_request=request)
    release = await _decided(parts, life)
    digest, recall_entry = life.digest, 1
    if kind == "corrected":
        await life.correct()
    if kind == "withdrawn":
        delisted = pb.WITHDRAWAL_REASON_DELISTED
        recall_entry = await life.act(withdrawal=pb.WithdrawalAct(reason=delisted))
        answer = pb.RecallAnswerAct(recall_entry=recall_entry, outcome=pb.RECALL_OUTCOME_DELETED)
        await life.act_of(BRAZIL, recall_answer=answer)
    return Named(life.notice_id, digest=digest, recall_entry=recall_entry, release=release)


async def _decided(parts: HubParts, life: NoticeLife) -> str:
    """France grants what Brazil has asked for; the id of the decision."""
    asked = events_pb2.ListNoticeActsRequest(originator=FRANCE, notice_id=life.notice_id)
    [record] = (await parts.notice_acts.list_acts(caller(FRANCE), asked)).acts
    request_id = pb.Act.FromString(record.envelope.payload).header.act_id
    decision = pb.ReleaseDecisionAct(requested_by=BRAZIL, request_act_id=request_id, granted=True)
    await life.act(release_decision=decision)
    records = (await parts.notice_acts.list_acts(caller(FRANCE), asked)).acts
    return pb.Act.FromString(records[-1].envelope.payload).header.act_id


def _header() -> pb.ActHeader:
    return pb.ActHeader(
        hub_domain=DOMAIN,
        originator=KENYA,
        act_id=new_id(),
        issued_at=timestamp_from(Clock()()),
        officer="sample-officer",
    )


async def submit(parts: HubParts, named: Named, **body: Any) -> None:
    [message] = body.values()
    message.notice_id, message.notice_originator = named.notice_id, FRANCE
    if "version_digest" in message.DESCRIPTOR.fields_by_name:
        message.version_digest = named.digest
    act = pb.Act(header=_header(), **body)
    await parts.submit([sign_act(act, [SIGNING_KEY])], of=KENYA)


async def get(parts: HubParts, named: Named) -> None:
    request = events_pb2.GetNoticeRequest(originator=FRANCE, notice_id=named.notice_id)
    await parts.notices.get(caller(KENYA), request)


async def list_acts(parts: HubParts, named: Named) -> None:
    request = events_pb2.ListNoticeActsRequest(originator=FRANCE, notice_id=named.notice_id)
    await parts.notice_acts.list_acts(caller(KENYA), request)


async def list_recalls(parts: HubParts, named: Named) -> None:
    request = events_pb2.ListRecallsRequest(originator=FRANCE, notice_id=named.notice_id)
    await parts.notice_acts.list_recalls(caller(KENYA), request)
    raise NotFound()  # an empty page: as much as there is to say


async def acknowledge(parts: HubParts, named: Named) -> None:
    await submit(parts, named, acknowledgement=pb.AcknowledgementAct())


async def hold(parts: HubParts, named: Named) -> None:
    await submit(parts, named, custody=pb.CustodyAct())


async def ask_for_release(parts: HubParts, named: Named) -> None:
    request = pb.ReleaseRequestAct(onward_to=["BR-NCB"], judicial_use=True, reason=TEXT)
    await submit(parts, named, release_request=request)


async def answer_recall(parts: HubParts, named: Named) -> None:
    answer = pb.RecallAnswerAct(recall_entry=named.recall_entry, outcome=pb.RECALL_OUTCOME_DELETED)
    await submit(parts, named, recall_answer=answer)


async def cite(parts: HubParts, named: Named) -> None:
    draft = new_draft()
    draft.header.originator = KENYA
    draft.notice.kind = notices_pb2.NOTICE_KIND_BLUE
    draft.notice.requested_actions[0].code = notices_pb2.ACTION_CODE_LOCATE
    draft.notice.sources.add(
        originator=FRANCE,
        notice_id=named.notice_id,
        version_digest=named.digest,
        release_act_id=named.release,
    )
    await parts.submit(draft.acts(), of=KENYA)


_ASKED: list[Callable[[HubParts, Named], Awaitable[None]]] = [
    get, list_acts, list_recalls, acknowledge, hold, ask_for_release, answer_recall, cite,
]  # fmt: skip


async def outcome(parts: HubParts, ask: Any, named: Named) -> str:
    """What it is refused with."""
    with pytest.raises(ComityError) as refused:
        await ask(parts, named)
    assert isinstance(refused.value, NotFound | NoticeInvalid)
    return f"{type(refused.value).__name__} {refused.value} {refused.value.violations}"


@pytest.mark.parametrize("ask", _ASKED, ids=lambda ask: ask.__name__)
@pytest.mark.parametrize("kind", ["published", "in review", "corrected", "withdrawn"])
@pytest.mark.threat("T141")
async def test_the_same_statements_run_for_what_is_not_there(
    parts: HubParts, statements: list[str], kind: str, ask: Any
) -> None:
    hidden = await of_others(parts, kind=kind)
    with suppress(ComityError):  # what is read only once per process
        await ask(parts, Named())
    seen = []
    for named in (hidden, Named()):
        statements.clear()
        seen.append((await outcome(parts, ask, named), list(statements)))

    assert seen[0] == seen[1]
    assert len(seen[0][1]) > 1
