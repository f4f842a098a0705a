"""Notices that wait for the hub's reviewers, who decides, and who has to hear nothing yet."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from google.protobuf.json_format import Parse

from agency_client.agency import Agency
from agency_client.runner import kept_windows, opening_of
from agency_client.watching import Watch
from comity.v1 import events_pb2, ledger_pb2, notices_pb2, reviews_pb2
from comity.v1.events_pb2 import ReviewElement, ReviewFindings
from comity.v1.notices_pb2 import TRAFFIC_LIVE
from comity.v1.officers_pb2 import ROLE_HUB_REVIEWER
from deploy.stage import EXAMPLES
from hub.services.notice_rounds import NoticeRounds
from hub.store.writer import UseCase, commit_alone
from tests.integration.drafts import Acts, Draft, new_id
from tests.integration.officers import Served

HUB = "ZZ-HUB"
WATCH = "of-reviews"

PUBLISH = ReviewFindings(outcome=events_pb2.REVIEW_OUTCOME_PUBLISH, comment="in order")
RETURN = ReviewFindings(
    outcome=events_pb2.REVIEW_OUTCOME_RETURN,
    elements=[ReviewElement(field="warrants[0].number", description="is illegible")],
)
REFUSE = ReviewFindings(
    outcome=events_pb2.REVIEW_OUTCOME_REFUSE, ground=ledger_pb2.REFUSAL_GROUND_DISPROPORTIONATE
)


class _WriterBeside:
    """Commits as a process beside the one that serves."""

    def __init__(self, served: Served) -> None:
        self._served = served

    async def commit(self, use_case: UseCase, item: object) -> object:
        return await commit_alone(
            self._served.database,
            use_case,
            item,
            clock=self._served.clock,
            token_bytes=secrets.token_bytes,
        )


class ReviewDesk:
    """A hub that reviews, France that submits, Brazil that is addressed."""

    def __init__(self, served: Served, france: Agency, brazil: Agency) -> None:
        self.served = served
        self.france = france
        self.brazil = brazil

    def draft(self, *, nationalities: Sequence[str] = ("BR",)) -> Draft:
        """A RED notice of France's to Brazil, about somebody of some nationalities."""
        draft = Draft(self.france.profile.load_signing_keys())
        person = draft.notice.subjects[0].person
        del person.nationalities[:]
        for country in nationalities:
            person.nationalities.add(country=country, confirmed=True)
        return draft

    async def submit(self, acts: Acts) -> int:
        """Submits as France; gives the entry."""
        return (await self.france.client.submit_acts(acts)).receipt.entry_index

    async def publish_at_once(self) -> str:
        """A notice of a kind that is not reviewed; gives its id."""
        draft = self.draft()
        text = (EXAMPLES / "notice-object.json").read_text(encoding="utf-8")
        notice = Parse(text, notices_pb2.Notice())
        for name in ("notice_id", "version", "traffic"):
            setattr(notice, name, getattr(draft.notice, name))
        for name in ("issued_at", "expires_at"):
            getattr(notice, name).CopyFrom(getattr(draft.notice, name))
        notice.handling.retain_until.CopyFrom(draft.notice.handling.retain_until)
        draft.notice = notice
        await self.submit(draft.acts())
        return str(notice.notice_id)

    @asynccontextmanager
    async def reviewer(self, nationality: str) -> AsyncIterator[Agency]:
        """A reviewer of the hub, logged in."""
        async with self.served.officer(HUB, ROLE_HUB_REVIEWER, nationality=nationality) as (r, _):
            yield r

    @asynccontextmanager
    async def reviewers(self) -> AsyncIterator[tuple[Agency, Agency]]:
        """Two reviewers who may decide over the notice of `draft`."""
        async with self.reviewer("DE") as first, self.reviewer("KE") as second:
            yield first, second

    async def let_out(self, draft: Draft) -> None:
        """Has what waits published."""
        async with self.reviewers() as both:
            review = await self.review_of(both[0], draft)
            for reviewer in both:
                await reviewer.client.reviews.decide(review.review_id, PUBLISH)

    async def find_review(self, reviewer: Agency, draft: Draft) -> reviews_pb2.Review | None:
        """The latest review of a notice, as a reviewer sees it in the queue; ended ones too."""
        listed = await reviewer.client.reviews.list(traffic=TRAFFIC_LIVE, with_decided=True)
        ours = [one for one in listed if one.notice_id == draft.notice.notice_id]
        return max(ours, key=lambda one: one.review_id, default=None)

    async def review_of(self, reviewer: Agency, draft: Draft) -> reviews_pb2.Review:
        """The same where there is one."""
        found = await self.find_review(reviewer, draft)
        assert found is not None
        return found

    async def run_round(self) -> None:
        """What the hub does every minute: erases what has ended."""
        served = self.served
        writer = _WriterBeside(served)
        rounds = NoticeRounds(served.database, writer=writer, clock=served.clock)  # type: ignore[arg-type]
        await rounds.do_due()

    async def own(self, draft: Draft) -> events_pb2.NoticeRecord:
        """The notice as its originator sees it at the hub, verified."""
        return await self.france.client.get_notice("FR-NCB", draft.notice.notice_id)

    async def heard(self, agency: Agency, draft: Draft) -> list[events_pb2.Event]:
        """All that an agency has been sent of a notice so far, verified.

        A notice to everybody that is published after it is the last that is waited for.
        """
        last = await self.publish_at_once()
        waits_for = last if agency is self.brazil else None
        end = (await agency.client.get_checkpoint()).size
        watch = Watch(agency.client, opening_of(agency, WATCH, traffic=TRAFFIC_LIVE))
        events: list[events_pb2.Event] = []
        async with aclosing(kept_windows(agency, watch, WATCH)) as windows:
            async for window, _ in windows:
                assert not window.quarantined
                ours = [e for e in window.verified if e.notice_id == draft.notice.notice_id]
                events += [event.message for event in ours]
                seen = {event.notice_id for event in window.verified}
                if waits_for in seen or (waits_for is None and window.next_index >= end):
                    break
        return events


def kinds(events: Sequence[events_pb2.Event]) -> list[str]:
    """The kinds of events, in words."""
    names = [events_pb2.EventKind.Name(event.kind) for event in events]
    return [name.removeprefix("EVENT_KIND_") for name in names]


def next_version(draft: Draft, reference: str) -> Acts:
    """A correction of the case's number."""
    draft.notice.case_reference = reference
    return [draft.next_version()]


def as_file(draft: Draft, folder: Path) -> Path:
    """The content of a draft as an officer has it in a file."""
    path = folder / f"{new_id()}.json"
    path.write_text((EXAMPLES / "notice-red.json").read_text(encoding="utf-8"), encoding="utf-8")
    return path
