"""One notice of France's and everything that can be done to it, over a hub's own services.

The acts are signed as clients sign them; the clock is ours.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from comity.acts import sign_act
from comity.identity import AgencyId
from comity.minimum.policy import ReviewTerms
from comity.times import timestamp_from
from comity.v1 import acts_pb2, events_pb2, notices_pb2
from comity.v1.officers_pb2 import OFFICER_STATUS_ACTIVE, ROLE_HUB_REVIEWER
from deploy.stage import DOMAIN
from hub.services.ledger_state import NOT_REVIEWED
from hub.services.review_decisions import Decision
from hub.store.events import list_events
from hub.store.officers import StoredOfficer, insert_officer
from tests.integration.drafts import Draft, new_id
from tests.unit.hub_parts import BRAZIL, FRANCE, HUB, KENYA, SIGNING_KEY, Clock, HubParts

RED, BLUE = notices_pb2.NOTICE_KIND_RED, notices_pb2.NOTICE_KIND_BLUE
REVIEWERS = ("0192a000-0000-7000-8000-000000000001", "0192a000-0000-7000-8000-000000000002")
LIFE = timedelta(days=60)
TEXT = [notices_pb2.LocalizedText(language="en", text="Sample reason.", original=True)]


def review_terms(notice: notices_pb2.Notice) -> ReviewTerms:
    """RED waits for two reviewers, everything else for none."""
    if notice.kind != RED:
        return NOT_REVIEWED
    return ReviewTerms(
        reviewers=2, due=timedelta(hours=48), is_before_publication=True, sample_percent=0.0
    )


async def add_reviewers(parts: HubParts) -> None:
    """Two reviewers of the hub, of countries that nothing here is about."""
    async with parts.database.write() as connection:
        for number, officer_id in enumerate(REVIEWERS):
            await insert_officer(connection, reviewer(officer_id, f"reviewer{number}", "NZ"))


def reviewer(officer_id: str, name: str, nationality: str) -> StoredOfficer:
    """A reviewer of the hub."""
    return StoredOfficer(
        officer_id=officer_id,
        agency_id=HUB,
        user_name=name,
        display_name=f"Sample {name}",
        nationality=nationality,
        roles=frozenset({ROLE_HUB_REVIEWER}),
        status=OFFICER_STATUS_ACTIVE,
    )


class NoticeLife:
    """A notice, addressed to Brazil and Kenya. `digest` is of what was submitted last."""

    def __init__(self, parts: HubParts, clock: Clock, *, kind: int) -> None:
        self.parts = parts
        self.clock = clock
        self.draft = Draft([SIGNING_KEY])
        self.draft.notice.kind = notices_pb2.NoticeKind.ValueType(kind)
        if kind == BLUE:
            self.draft.notice.requested_actions[0].code = notices_pb2.ACTION_CODE_LOCATE
        self.draft.rule = acts_pb2.AddressingRule(agencies=[BRAZIL, KENYA])
        self.published_digest = b""

    @property
    def digest(self) -> bytes:
        return self.draft.digest

    @property
    def notice_id(self) -> str:
        return self.draft.notice.notice_id

    def now(self) -> datetime:
        return self.clock()

    async def submit_first(self) -> None:
        """The first version with its addressing."""
        self._issue()
        await self._submit_version(self.draft.acts())

    async def correct(self) -> None:
        """The version that follows what was submitted last."""
        before = (self.draft.notice.version, self.draft.notice.predecessor_digest, self.digest)
        self._issue()
        try:
            await self._submit_version([self.draft.next_version()])
        except Exception:
            (
                self.draft.notice.version,
                self.draft.notice.predecessor_digest,
                self.draft.digest,
            ) = before
            raise

    def _issue(self) -> None:
        notice = self.draft.notice
        notice.issued_at.CopyFrom(timestamp_from(self.now()))
        notice.expires_at.CopyFrom(timestamp_from(self.now() + LIFE))
        day = (self.now() + LIFE).date()
        notice.handling.retain_until.CopyFrom(
            notices_pb2.CalendarDate(year=day.year, month=day.month, day=day.day)
        )

    async def _submit_version(self, acts: list[acts_pb2.Envelope]) -> None:
        await self.parts.submit(acts)
        if self.draft.notice.kind != RED:
            self.published_digest = self.digest

    async def act(self, **body: object) -> int:
        """An act of France's on what is in force; gives its entry."""
        [[name, message]] = body.items()
        if hasattr(message, "version_digest") and not message.version_digest:
            message.version_digest = self.published_digest or self.digest
        return await self._submit(FRANCE, **{name: message})

    async def act_of(self, agency: AgencyId, **body: object) -> int:
        """An act of an addressee's on what is in force; gives its entry."""
        [[name, message]] = body.items()
        message.notice_originator = FRANCE  # type: ignore[attr-defined]
        if hasattr(message, "version_digest"):
            message.version_digest = self.published_digest or self.digest
        return await self._submit(agency, **{name: message})

    async def _submit(self, agency: AgencyId, **body: object) -> int:
        [message] = body.values()
        message.notice_id = self.notice_id  # type: ignore[attr-defined]
        header = acts_pb2.ActHeader(
            hub_domain=DOMAIN,
            originator=agency,
            act_id=new_id(),
            issued_at=timestamp_from(self.now()),
            officer="sample-officer",
        )
        envelope = sign_act(acts_pb2.Act(header=header, **body), [SIGNING_KEY])  # type: ignore[arg-type]
        return (await self.parts.submit([envelope], of=agency)).entry_index

    async def decide(self, reviewer_number: int, outcome: int) -> None:
        """A reviewer decides over the newest review of the notice."""
        review_id = await self.review_id()
        findings = events_pb2.ReviewFindings(outcome=outcome)  # type: ignore[arg-type]
        if outcome == events_pb2.REVIEW_OUTCOME_REFUSE:
            findings.ground = 9  # type: ignore[assignment]
        if outcome == events_pb2.REVIEW_OUTCOME_RETURN:
            findings.elements.add(field="warrants", description="lacks a number")
        decision = Decision(review_id, REVIEWERS[reviewer_number], findings)
        await self.parts.writer.commit(self.parts.decisions.decide_many, decision)
        record = await self.record(FRANCE)
        if record.HasField("version") and record.state == events_pb2.NOTICE_STATE_PUBLISHED:
            payload = record.version.envelope.payload
            self.published_digest = hashlib.sha256(payload).digest()

    async def review_id(self) -> str:
        """The id of the notice's newest review."""
        from sqlalchemy import select

        from hub.store.notice_tables import reviews

        async with self.parts.database.read() as connection:
            rows = await connection.execute(
                select(reviews.c.review_id)
                .where(reviews.c.notice_id == self.notice_id)
                .order_by(reviews.c.review_id.desc())
            )
            found = rows.scalars().first()
        return str(found)

    async def record(self, agency: AgencyId) -> events_pb2.NoticeRecord:
        """What an agency is shown of the notice."""
        from tests.unit.hub_parts import caller

        request = events_pb2.GetNoticeRequest(originator=FRANCE, notice_id=self.notice_id)
        return (await self.parts.notices.get(caller(agency), request)).notice

    async def events_for(self, agency: AgencyId) -> list[int]:
        """The kinds of the notice's events that an agency would be sent now, from the beginning."""
        async with self.parts.database.read() as connection:
            events = await list_events(connection, 0, below=1 << 40, limit=10_000)
        ours = [event for event in events if event.notice_id == self.notice_id]
        return [event.kind for event in await self.parts.entitlement.entitled(agency, ours)]
