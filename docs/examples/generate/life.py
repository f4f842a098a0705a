"""What happens to notices in the story once they are sent: reviewed, amended, answered, recalled.

France sends notices of every kind to Brazil and Kenya. Reviewers let some out and send others back;
Brazil acts on what it receives, draws on one of them, and answers when they are recalled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import Message

from agency_client.act_signing import NoticeReference
from agency_client.addressing import rule_from_terms
from agency_client.signing import ActSigner
from comity.acts import parse_act
from comity.times import timestamp_from
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, reviews_pb2
from comity.v1.acts_pb2_grpc import ActServiceStub
from comity.v1.events_pb2_grpc import NoticeServiceStub
from comity.v1.notices_pb2 import TRAFFIC_LIVE, CalendarDate, LocalizedText, Notice
from comity.v1.officers_pb2 import ROLE_OFFICER
from docs.examples.generate.contents import OPEN, REVIEWED, golden_draft
from docs.examples.generate.members import Member
from docs.examples.generate.recording import RecordingChannel
from docs.examples.generate.seeded import StoryClock
from docs.examples.generate.story import Scene
from hub.services.calls import Officer

BEGINNING = datetime(2026, 11, 30, 9, tzinfo=UTC)
KNOWN_SIZE = 11
_GROUND = ledger_pb2.REFUSAL_GROUND_INSUFFICIENT_FACTS
RETURN = events_pb2.ReviewFindings(
    outcome=events_pb2.REVIEW_OUTCOME_RETURN,
    elements=[
        events_pb2.ReviewElement(field="offences[0].facts", description="Who did what, and when?")
    ],
    comment="Invented. Nearly there.",
)
REFUSE = events_pb2.ReviewFindings(
    outcome=events_pb2.REVIEW_OUTCOME_REFUSE, ground=_GROUND, comment="Invented."
)

_QUARTER_SECONDS = 95 * 86_400


def _text(text: str) -> Sequence[LocalizedText]:
    return [LocalizedText(language="en", text=f"Invented. {text}", original=True)]


@dataclass(frozen=True, slots=True)
class Party:
    """An agency and its officer on duty, who sends what is signed."""

    agency: str
    channel: RecordingChannel
    signer: ActSigner
    clock: StoryClock

    async def submit(self, request: acts_pb2.SubmitActsRequest) -> ledger_pb2.Receipt:
        """Hands acts in."""
        self.clock.advance(seconds=30)
        response = await self.channel.call(lambda c: ActServiceStub(c).SubmitActs, request)
        receipt: ledger_pb2.Receipt = response.receipt
        return receipt

    async def ask(self, name: str, request: Message) -> Any:
        """Reads something of notices."""
        return await self.channel.call(lambda c: getattr(NoticeServiceStub(c), name), request)

    async def send(self, draft: Notice, *to: str, announced: bool = False) -> NoticeReference:
        """The first version of a notice."""
        notice = self.signer.completed(draft)
        request = self.signer.first_version(
            notice, rule_from_terms(to), announces_processing=announced
        )
        await self.submit(request)
        return self.reference(request)

    def reference(self, request: acts_pb2.SubmitActsRequest) -> NoticeReference:
        """The version that a request submits."""
        parsed = parse_act(request.acts[0])
        return NoticeReference(self.agency, parsed.notice_id, parsed.digest)


class Life:
    """The notices, and who does something about them."""

    def __init__(self, scene: Scene, brazil: Member) -> None:
        self._scene = scene
        self._clock = scene.clock
        self._reviewers = scene.reviewers
        self._france = self._party(scene.france, scene.from_france)
        self._brazil = self._party(brazil, scene.from_brazil)

    def _party(self, member: Member, channel: RecordingChannel) -> Party:
        officer = f"EXAMPLE officer of {member.profile.agency}"
        signer = ActSigner(
            member.profile,
            keys=member.profile.load_signing_keys(),
            clock=self._clock,
            new_id=member.new_id,
            officer=officer,
        )
        return Party(member.profile.agency, channel, signer, self._clock)

    async def play(self) -> None:
        """Everything that can be done to a notice, once."""
        self._clock.advance(seconds=(BEGINNING - self._clock()).total_seconds())
        for party in (self._france, self._brazil):
            party.channel.officer = Officer(
                f"EXAMPLE officer of {party.agency}",
                frozenset({ROLE_OFFICER}),
                "EXAMPLE session",
            )
        try:
            await self._reviewers.let_out()
            company = await self._send_open()
            red, account = await self._review(company)
            await self._amend(company)
            await self._answer(company, red)
            await self._draw_on(company)
            await self._recall(company, red, account)
            await self._refuse_some()
        finally:
            for party in (self._france, self._brazil):
                party.channel.officer = None
        await self._france.ask("GetNoticePolicy", events_pb2.GetNoticePolicyRequest())

    async def _send_open(self) -> NoticeReference:
        """What goes out at once. The threat stands for a month only. Gives the company's."""
        sent = {}
        for kind, name in OPEN:
            draft = golden_draft(kind, name)
            if kind == "green":
                draft.expires_at.CopyFrom(timestamp_from(self._clock() + timedelta(days=31)))
            sent[name] = await self._france.send(draft, "BR-NCB", "KE-NCB")
        return sent["company"]

    # --- review -----------------------------------------------------------------------------------

    async def _review(self, company: NoticeReference) -> tuple[NoticeReference, NoticeReference]:
        """One is returned and corrected; all go out for which there are reviewers enough."""
        sent = {}
        for kind, name in REVIEWED:
            draft = golden_draft(kind, name)
            sent[name] = await self._france.send(
                draft, "BR-NCB", "KE-NCB", announced=name == "trafficking"
            )
        await self._return(sent["trafficking"])
        corrected = await self._correct("red", "trafficking", sent["trafficking"])
        await self._get(self._france, corrected)
        await self._reviewers.let_out(but=company.notice_id)
        await self._get(self._brazil, corrected)
        await self._correct("red", "sentence", sent["sentence"])
        await self._get(self._france, sent["sentence"])
        return corrected, sent["account"]

    async def _return(self, notice: NoticeReference) -> None:
        [review] = [r for r in await self._reviewers.waiting() if r.notice_id == notice.notice_id]
        take = reviews_pb2.TakeReviewRequest(review_id=review.review_id)
        await self._reviewers.ask(0, "TakeReview", take)
        await self._look_at(review)
        await self._reviewers.decide(review, RETURN)
        await self._get(self._france, notice)

    async def _look_at(self, review: reviews_pb2.Review) -> None:
        get = reviews_pb2.GetReviewRequest(review_id=review.review_id, known_size=KNOWN_SIZE)
        await self._reviewers.ask(0, "GetReview", get)

    async def _correct(self, kind: str, name: str, latest: NoticeReference) -> NoticeReference:
        draft = golden_draft(kind, name)
        draft.case_reference += " B"
        request = events_pb2.GetNoticeRequest(
            originator=latest.originator, notice_id=latest.notice_id
        )
        record = (await self._france.ask("GetNotice", request)).notice
        version = self._france.signer.next_version(
            draft,
            parse_act(record.version.envelope),
            changes=_text("The case reference is complete."),
            announces_processing=True,
        )
        await self._france.submit(version)
        return self._france.reference(version)

    async def _refuse_some(self) -> None:
        """Enough for a table: five of France's go back, three are refused, and two of Brazil's."""
        cases = ((self._france, RETURN, 5), (self._france, REFUSE, 3), (self._brazil, REFUSE, 2))
        for party, findings, times in cases:
            for _ in range(times):
                await self._send_in_vain(party, findings)
        listing = reviews_pb2.ListReviewsRequest(traffic=TRAFFIC_LIVE, with_decided=True)
        listed = await self._reviewers.ask(2, "ListReviews", listing)
        listing.after_review_id = listed.reviews[0].review_id
        await self._reviewers.ask(0, "ListReviews", listing)
        self._clock.advance(seconds=_QUARTER_SECONDS)  # only quarters that are over are counted
        figures = reviews_pb2.GetReviewStatisticsRequest()
        await self._reviewers.ask(0, "GetReviewStatistics", figures)
        self._clock.advance(seconds=-_QUARTER_SECONDS)

    async def _send_in_vain(self, party: Party, findings: events_pb2.ReviewFindings) -> None:
        draft = golden_draft("diffusion", "arrest")
        draft.traffic = TRAFFIC_LIVE  # exercises are not counted
        notice = await party.send(draft, "KE-NCB")
        waiting = await self._reviewers.waiting(TRAFFIC_LIVE)
        [review] = [r for r in waiting if r.notice_id == notice.notice_id]
        await self._reviewers.decide(review, findings)

    # --- what is done to one that stands ----------------------------------------------------------

    async def _amend(self, company: NoticeReference) -> None:
        """France adds to it, lets it stand longer, suspends and resumes it."""
        signer = self._france.signer
        later = self._clock() + timedelta(days=700)
        draft = golden_draft("red", "trafficking")
        for request in (
            signer.addendum(company, texts=_text("It has moved."), warnings=draft.warnings),
            signer.extension(company, expires_at=later, reason=_text("The case goes on.")),
            signer.suspension(company, reason=_text("The address is in doubt.")),
        ):
            await self._france.submit(request)
        await self._get(self._france, company)
        await self._france.submit(signer.resumption(company, reason=_text("It is right.")))
        [review] = [r for r in await self._reviewers.waiting() if r.notice_id == company.notice_id]
        await self._look_at(review)

    async def _answer(self, company: NoticeReference, red: NoticeReference) -> None:
        """Brazil has read it, cannot act on it everywhere, and holds somebody."""
        signer = self._brazil.signer
        for request in (
            signer.acknowledgement(company, remarks=_text("Passed to the duty officer.")),
            signer.flag(company, not_executable=True, reason=_text("No power to do that here.")),
            signer.custody(red, since=self._clock(), reference="EXAMPLE 7/2026"),
        ):
            await self._brazil.submit(request)

    async def _draw_on(self, company: NoticeReference) -> None:
        """Brazil may pass it on, once France has granted that."""
        request = self._brazil.signer.release_request(
            company, onward_to=["KE-NCB"], judicial_use=True, reason=_text("For a trial in Kenya.")
        )
        await self._brazil.submit(request)
        asked = parse_act(request.acts[0])
        decision = self._france.signer.release_decision(
            company,
            requested_by="BR-NCB",
            request_act_id=asked.act.header.act_id,
            granted=True,
            conditions=_text("Not in open court."),
            valid_until=self._clock() + timedelta(days=90),
        )
        await self._france.submit(decision)
        drawn = golden_draft("blue", "company")
        drawn.sources.add(
            originator="FR-NCB",
            notice_id=company.notice_id,
            version_digest=company.version_digest,
            release_act_id=parse_act(decision.acts[0]).act.header.act_id,
        )
        await self._brazil.send(drawn, "KE-NCB")
        listing = events_pb2.ListNoticeActsRequest(
            originator="FR-NCB",
            notice_id=company.notice_id,
            known_size=KNOWN_SIZE,
            first_index=KNOWN_SIZE,
        )
        await self._france.ask("ListNoticeActs", listing)

    # --- recalls ----------------------------------------------------------------------------------

    async def _recall(
        self, company: NoticeReference, red: NoticeReference, account: NoticeReference
    ) -> None:
        """Two are withdrawn, one leaves Brazil out; Brazil says what became of its copies."""
        narrower = self._france.signer.narrower_addressing(
            company.notice_id, company.version_digest, rule_from_terms(["KE-NCB"])
        )
        await self._france.submit(narrower)
        entries = [await self._withdraw(notice) for notice in (red, account)]
        signer = self._brazil.signer
        kept = signer.recall_answer(
            "FR-NCB",
            red.notice_id,
            recall_entry=entries[0],
            outcome=acts_pb2.RECALL_OUTCOME_RETAINED,
            provision="EXAMPLE Archives Act, section 3",
            retained_until=CalendarDate(year=2031, month=12, day=31),
        )
        passed = signer.recall_answer(
            "FR-NCB",
            account.notice_id,
            recall_entry=entries[1],
            outcome=acts_pb2.RECALL_OUTCOME_PASSED_ON,
            passed_on_to=["Sample Prosecution Service"],
        )
        for answer in (kept, passed):
            await self._brazil.submit(answer)
        await self._let_time_do_its_work()
        await self._list_recalls(red)

    async def _withdraw(self, notice: NoticeReference) -> int:
        request = self._france.signer.withdrawal(
            notice.notice_id,
            notice.version_digest,
            reason=acts_pb2.WITHDRAWAL_REASON_PURPOSE_ACHIEVED,
        )
        return (await self._france.submit(request)).entry_index

    async def _let_time_do_its_work(self) -> None:
        """The hub's round: it reminds, and erases what has ended."""
        remind = self._scene.recording.remind
        assert remind is not None
        self._clock.advance(seconds=2 * 86_400)
        await remind()

    async def _list_recalls(self, red: NoticeReference) -> None:
        of_red = events_pb2.ListRecallsRequest(
            originator="FR-NCB",
            notice_id=red.notice_id,
            open=True,
            known_size=KNOWN_SIZE,
            first_index=1,
        )
        await self._france.ask("ListRecalls", of_red)
        await self._brazil.ask("ListRecalls", events_pb2.ListRecallsRequest(owed=True))

    @staticmethod
    async def _get(party: Party, notice: NoticeReference) -> None:
        request = events_pb2.GetNoticeRequest(
            originator=notice.originator, notice_id=notice.notice_id, known_size=KNOWN_SIZE
        )
        await party.ask("GetNotice", request)
