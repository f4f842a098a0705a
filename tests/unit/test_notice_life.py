"""The life of notices as a state machine: two addressees, two reviewers, and the clock.

The model says which moves are allowed where, in words of its own; hypothesis looks for a sequence
after which the hub differs from it, shows something to whom it must not, or does not verify.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from comity.errors import (
    AddressingInvalid,
    NotFound,
    NoticeExpired,
    ReviewerBarred,
    StateRefused,
)
from comity.times import timestamp_from
from comity.v1 import acts_pb2 as pb
from comity.v1 import events_pb2
from deploy.stage import DOMAIN
from hub.store.audit import audit_ledger
from hub.store.database import Database
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
    TEXT,
    NoticeLife,
    add_reviewers,
    review_terms,
)

ENDED = {"withdrawn", "cancelled", "expired"}
CONTENT = {
    events_pb2.EVENT_KIND_PUBLISHED,
    events_pb2.EVENT_KIND_NEW_VERSION,
    events_pb2.EVENT_KIND_ADDRESSEE_ADDED,
    events_pb2.EVENT_KIND_ADDENDUM,
    events_pb2.EVENT_KIND_RESUMED,
}
OUTCOMES = {
    "publish": events_pb2.REVIEW_OUTCOME_PUBLISH,
    "return": events_pb2.REVIEW_OUTCOME_RETURN,
    "refuse": events_pb2.REVIEW_OUTCOME_REFUSE,
}


@cache
def template() -> Path:
    """A database with a ledger that was begun; each run works on a copy."""
    folder = Path(tempfile.mkdtemp(prefix="notice-life-"))

    async def make() -> None:
        database = Database(sqlite_url(folder))
        await begin(database, members=[FRANCE, BRAZIL, KENYA, HUB])
        async with serving(database) as parts:
            await add_reviewers(parts)
        await database.truncate_log()
        await database.dispose()

    asyncio.run(make())
    return folder / "hub.sqlite"


class Model:
    """What should stand of a notice."""

    def __init__(self, notice: NoticeLife, *, is_reviewed: bool) -> None:
        self.notice = notice
        self.is_reviewed = is_reviewed
        self.state = "in review" if is_reviewed else "published"
        self.is_known = not is_reviewed  # to addressees
        self.waits = is_reviewed  # a version is in review
        self.votes: dict[int, str] = {}
        self.addressees = {BRAZIL, KENYA}
        self.holds: set[str] = set()
        self.expires_at = notice.now() + LIFE
        self.submitted_until = self.expires_at  # of the version that waits
        self.recalls: dict[int, set[str]] = {}  # by entry: who has not answered finally
        self.is_erased = False

    @property
    def stands(self) -> bool:
        return self.state in {"published", "suspended"}


class Lives(RuleBasedStateMachine):
    """Moves, allowed and not."""

    notices = Bundle("notices")

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="notice-life-"))
        shutil.copy(template(), self.folder / "hub.sqlite")
        self.clock = Clock()
        self.database = Database(sqlite_url(self.folder))
        self.stack = AsyncExitStack()
        self.models: list[Model] = []
        self.parts: HubParts = self.run(
            self.stack.enter_async_context(
                serving(self.database, clock=self.clock, review=review_terms)
            )
        )

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        try:
            self.run(self.parts.rounds.do_due())
            self.run(audit_ledger(self.database, hub_domain=DOMAIN))
        finally:
            self.run(self.stack.aclose())
            self.run(self.database.dispose())
            self.loop.close()
            shutil.rmtree(self.folder)

    def move(self, work: Awaitable[Any], *, is_allowed: bool) -> bool:
        """Makes a move and requires that the hub takes it exactly where the model does."""
        try:
            self.run(work)
        except (StateRefused, AddressingInvalid, NoticeExpired, ReviewerBarred) as error:
            assert not is_allowed, f"refused: {error.message}"
            return False
        assert is_allowed, "taken, and should have been refused"
        return True

    # --- the originator ---------------------------------------------------------------------------

    @rule(target=notices, is_reviewed=st.booleans())
    def submit(self, is_reviewed: bool) -> Model:
        notice = NoticeLife(self.parts, self.clock, kind=RED if is_reviewed else BLUE)
        self.run(notice.submit_first())
        model = Model(notice, is_reviewed=is_reviewed)
        self.models.append(model)
        return model

    @rule(model=notices)
    def correct(self, model: Model) -> None:
        is_allowed = (model.state == "published" and not model.waits) or model.state == "incomplete"
        if not self.move(model.notice.correct(), is_allowed=is_allowed):
            return
        if model.is_reviewed:
            model.waits, model.votes = True, {}
            model.state = "published" if model.is_known else "in review"
            model.submitted_until = self.clock() + LIFE
        else:
            model.expires_at = self.clock() + LIFE

    @rule(model=notices)
    def suspend(self, model: Model) -> None:
        act = pb.SuspensionAct(reason=TEXT)
        if self.move(model.notice.act(suspension=act), is_allowed=model.state == "published"):
            model.state = "suspended"

    @rule(model=notices)
    def resume(self, model: Model) -> None:
        act = pb.ResumptionAct(reason=TEXT)
        if self.move(model.notice.act(resumption=act), is_allowed=model.state == "suspended"):
            model.state = "published"

    @rule(model=notices)
    def add(self, model: Model) -> None:
        act = pb.AddendumAct(texts=TEXT)
        self.move(model.notice.act(addendum=act), is_allowed=model.state == "published")

    @rule(model=notices)
    def extend(self, model: Model) -> None:
        until = model.expires_at + timedelta(days=20)
        act = pb.ExtensionAct(expires_at=timestamp_from(until), reason=TEXT)
        act.retain_until.year, act.retain_until.month, act.retain_until.day = until.year + 1, 1, 1
        if self.move(model.notice.act(extension=act), is_allowed=model.stands):
            model.expires_at = until

    @rule(model=notices)
    def withdraw(self, model: Model) -> None:
        is_allowed = model.stands or model.state in {"in review", "incomplete"}
        act = pb.WithdrawalAct(reason=pb.WITHDRAWAL_REASON_DELISTED)
        if self.move(model.notice.act(withdrawal=act), is_allowed=is_allowed):
            self.end(model, "withdrawn")

    @rule(model=notices)
    def narrow(self, model: Model) -> None:
        """Leaves Kenya out."""
        is_allowed = model.state == "published" and KENYA in model.addressees and not model.waits
        act = pb.AddressingAct(rule=pb.AddressingRule(agencies=[BRAZIL]), narrows=True)
        if self.move(model.notice.act(addressing=act), is_allowed=is_allowed):
            model.addressees = {BRAZIL}

    @rule(model=notices)
    def widen(self, model: Model) -> None:
        """Addresses both again."""
        is_allowed = model.state == "published"
        act = pb.AddressingAct(rule=pb.AddressingRule(agencies=[BRAZIL, KENYA]))
        if self.move(model.notice.act(addressing=act), is_allowed=is_allowed):
            model.addressees = {BRAZIL, KENYA}

    def end(self, model: Model, state: str) -> None:
        model.state, model.waits = state, False

    # --- the hub ----------------------------------------------------------------------------------

    @rule(model=notices, number=st.sampled_from([0, 1]), outcome=st.sampled_from(sorted(OUTCOMES)))
    def review(self, model: Model, number: int, outcome: str) -> None:
        if not model.is_reviewed or model.notice.draft.notice.version == 0:
            return
        is_open = model.waits and model.state in {"in review", "published", "suspended"}
        if not is_open:
            return  # Sampled reviews of addenda have a test of their own.
        others = [vote for voter, vote in model.votes.items() if voter != number]
        is_too_late = model.submitted_until <= self.clock()
        lets_out = outcome == "publish" and others == ["publish"]
        is_allowed = number not in model.votes and not (lets_out and is_too_late)
        work = model.notice.decide(number, OUTCOMES[outcome])
        if not self.move(work, is_allowed=is_allowed):
            return
        model.votes[number] = outcome
        self.take_votes(model)

    def take_votes(self, model: Model) -> None:
        votes = list(model.votes.values())
        if "return" in votes:
            model.waits = False
            if not model.is_known:
                model.state = "incomplete"
        elif votes.count("publish") == 2:
            model.waits = False
            model.expires_at = model.submitted_until
            if not model.is_known:
                model.state, model.is_known = "published", True
        elif votes.count("refuse") == 2:
            model.waits = False
            if not model.is_known:
                model.state = "refused"

    @rule(days=st.sampled_from([1, 25, 40]))
    def wait(self, days: int) -> None:
        self.clock.ahead += timedelta(days=days)
        self.run(self.parts.rounds.do_due())
        for model in self.models:
            if model.stands and model.expires_at <= self.clock():
                self.end(model, "expired")
            is_waiting = model.state in {"in review", "incomplete"}
            if is_waiting and model.submitted_until <= self.clock():
                self.end(model, "expired")
            if model.state in ENDED | {"refused"}:
                model.is_erased = True

    # --- addressees -------------------------------------------------------------------------------

    @rule(model=notices, agency=st.sampled_from([BRAZIL, KENYA]))
    def acknowledge(self, model: Model, agency: Any) -> None:
        is_allowed = model.stands and model.is_known and agency in model.addressees
        work = model.notice.act_of(agency, acknowledgement=pb.AcknowledgementAct())
        self.move(work, is_allowed=is_allowed)

    @rule(model=notices, is_held=st.booleans())
    def hold(self, model: Model, is_held: bool) -> None:
        is_addressed = model.is_known and BRAZIL in model.addressees
        is_allowed = is_addressed and (model.stands or not is_held)
        act = pb.CustodyAct(in_custody=is_held)
        act.since.CopyFrom(timestamp_from(self.clock()))
        if self.move(model.notice.act_of(BRAZIL, custody=act), is_allowed=is_allowed):
            (model.holds.add if is_held else model.holds.discard)(BRAZIL)

    @rule(model=notices, is_kept=st.booleans())
    def answer(self, model: Model, is_kept: bool) -> None:
        entry = self.run(self.recall_of(model))
        if entry is None:
            return
        answered = model.recalls.setdefault(entry, set())
        act = pb.RecallAnswerAct(
            recall_entry=entry,
            outcome=pb.RECALL_OUTCOME_RETAINED if is_kept else pb.RECALL_OUTCOME_DELETED,
        )
        if is_kept:
            act.provision = "Sample Act, section 1"
            act.retained_until.year, act.retained_until.month, act.retained_until.day = 2030, 1, 1
        work = model.notice.act_of(BRAZIL, recall_answer=act)
        if self.move(work, is_allowed=BRAZIL not in answered) and not is_kept:
            answered.add(BRAZIL)

    async def recall_of(self, model: Model) -> int | None:
        from tests.unit.hub_parts import caller

        request = events_pb2.ListRecallsRequest(originator=FRANCE, notice_id=model.notice.notice_id)
        response = await self.parts.notice_acts.list_recalls(caller(BRAZIL), request)
        return response.recalls[0].recall_entry if response.recalls else None

    # --- what holds always ------------------------------------------------------------------------

    @invariant()
    def the_hub_agrees(self) -> None:
        for model in getattr(self, "models", []):
            record = self.run(model.notice.record(FRANCE))
            name = events_pb2.NoticeState.Name(record.state)
            assert model.state == name.removeprefix("NOTICE_STATE_").lower().replace("_", " ")

    @invariant()
    def nobody_is_shown_more(self) -> None:
        for model in getattr(self, "models", []):
            for agency in (BRAZIL, KENYA):
                self.require_view(model, agency)

    def require_view(self, model: Model, agency: Any) -> None:
        sees = model.is_known and agency in model.addressees
        try:
            record = self.run(model.notice.record(agency))
        except NotFound:
            assert not sees
        else:
            assert sees
            assert (model.state == "published") == record.HasField("version")
            assert not record.HasField("addressing") and not record.HasField("submitted")
            assert not record.HasField("review")
        shown = CONTENT & set(self.run(model.notice.events_for(agency)))
        assert not shown or (sees and model.state == "published")

    @invariant()
    def who_holds_somebody_is_told(self) -> None:
        for model in getattr(self, "models", []):
            kinds = self.run(model.notice.events_for(BRAZIL))
            if model.holds and model.state in ENDED:
                assert events_pb2.EVENT_KIND_CUSTODY_VOID in kinds


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
