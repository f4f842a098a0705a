"""The notices that an agency holds: received, its own as it sent them, or as the hub has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

from agency_client.agency import Agency
from agency_client.inbox import HeldNotice, HeldRecall, KeptSubmission
from agency_client.notice_standing import NoticeStanding, standing_from_events, take_review
from comity.acts import ADDRESSING, VERSION, WITHDRAWAL, ParsedAct, parse_act
from comity.errors import NoticeNotInForce
from comity.identity import AgencyId
from comity.v1.events_pb2 import (
    RECALL_KIND_NARROWED,
    Event,
    ListNoticesRequest,
    NoticeRecord,
    NoticeState,
)
from comity.v1.notices_pb2 import Traffic


def list_held(agency: Agency, traffic: Traffic.ValueType) -> Iterator[HeldNotice]:
    """The notices received, in the order of their latest entries."""
    own = agency.profile.agency  # Its own are told too, once reviewers have let them out.
    return (n for n in agency.inbox.received.notices(traffic=traffic) if n.originator != own)


def list_own(agency: Agency, traffic: Traffic.ValueType) -> Iterator[HeldNotice]:
    """The agency's own notices that the hub has receipted, in the order of their first entries."""
    for held in _latest_of(agency.inbox.sent.list_submissions()):
        if parse_act(held.version).act.version.notice.traffic == traffic:
            yield held


@dataclass(frozen=True, slots=True)
class NoticeChoice:
    """Which notices a list is of: those that `holder` is addressed by, as the hub has them, else
    one's own or the received ones, of `originator` or of any."""

    own: bool
    originator: AgencyId | None
    holder: AgencyId | None

    async def notices(
        self, agency: Agency, traffic: Traffic.ValueType
    ) -> AsyncIterator[HeldNotice]:
        """The notices chosen. Only those of a holder are asked of the hub.

        Raises: as `fetch_held_by`; InboxFailed.
        """
        if self.holder is not None:
            async for one in fetch_held_by(agency, self.holder, traffic):
                yield one
            return
        for one in (list_own if self.own else list_held)(agency, traffic):
            if self.originator in {None, one.originator}:
                yield one


def find_held(agency: Agency, notice_id: str) -> list[HeldNotice]:
    """The notices of an id that are held here, received or own."""
    own = _latest_of(agency.inbox.sent.list_submissions(notice_id=notice_id))
    received = agency.inbox.received.find_notices(notice_id)
    return [*(n for n in received if not own or n.originator != agency.profile.agency), *own]


def find_standing(agency: Agency, originator: str, notice_id: str) -> NoticeStanding:
    """How a notice stands by what was received of it, and sent.

    Raises: InboxFailed.
    """
    held = [one for one in find_held(agency, notice_id) if one.originator == originator]
    recalls = agency.inbox.recalls.list_recalls(notice_id=notice_id)
    events = agency.inbox.received.list_notice_events(originator, notice_id)
    standing = standing_from_events(
        events,
        version=parse_act(held[0].version) if held else None,
        recalls=[
            r for r in recalls if r.originator == originator and not _is_over(agency, r, held)
        ],
        now=agency.clock(),
    )
    if held and held[0].withdrawal is not None:
        standing.state = "withdrawn"
    elif held and originator == agency.profile.agency:
        _take_own_review(agency, standing, held[0], events)
    return standing


def _is_over(agency: Agency, recall: HeldRecall, held: list[HeldNotice]) -> bool:
    """Whether a notice was received again after its addressing had been narrowed."""
    if recall.kind != RECALL_KIND_NARROWED or not held:
        return False
    is_before = recall.recall_entry < held[0].entry_index
    return is_before or recall.origin != agency.trust.origin


def _take_own_review(
    agency: Agency, standing: NoticeStanding, held: HeldNotice, events: list[Event]
) -> None:
    reviewed = agency.inbox.sent.list_reviewed(held.notice_id)
    if held.entry_index not in reviewed:
        return
    out = [_number(n) for n in agency.inbox.received.find_notices(held.notice_id) if n.is_of(held)]
    sent = agency.inbox.sent.list_submissions(notice_id=held.notice_id)
    versions = [s for s in sent if s.entry_index is not None and s.is_version]
    take_review(
        standing,
        events,
        version_entry=held.entry_index,
        is_published=_number(held) in out,
        was_published=bool(out) or any(s.entry_index not in reviewed for s in versions),
    )


def _number(held: HeldNotice) -> int:
    return int(parse_act(held.version).act.version.notice.version)


def held_from_record(record: NoticeRecord) -> HeldNotice:
    """A notice as a verified record shows it.

    Raises: NoticeNotInForce where it shows no version.
    """
    if not record.HasField("version"):
        state = NoticeState.Name(record.state).removeprefix("NOTICE_STATE_").lower()
        raise NoticeNotInForce(f"The notice is {state}: the hub shows nothing more of it.")
    return _held_from_record(record, parse_act(record.version.envelope))


async def fetch_held_by(
    agency: Agency, holder: AgencyId, traffic: Traffic.ValueType
) -> AsyncIterator[HeldNotice]:
    """The agency's own notices that another is addressed by, as the hub has them, verified.

    Raises: VerificationFailed, AccessRefused, HubUnavailable.
    """
    request = ListNoticesRequest(held_by=holder, traffic=traffic)
    while True:
        page = await agency.client.list_notices(request)
        for record in page.notices:
            if not record.HasField("version"):
                continue  # It has ended, and its content is erased.
            yield _held_from_record(record, parse_act(record.version.envelope))
        if not page.next_index:
            return
        request.first_index = page.next_index


def _held_from_record(record: NoticeRecord, version: ParsedAct) -> HeldNotice:
    is_withdrawn = record.HasField("withdrawal")
    latest = record.withdrawal if is_withdrawn else record.version
    return HeldNotice(
        originator=version.originator,
        notice_id=version.notice_id,
        entry_index=latest.leaf.entry_index,
        version=record.version.envelope,
        withdrawal=record.withdrawal.envelope if is_withdrawn else None,
        addressing=record.addressing.envelope if record.HasField("addressing") else None,
    )


def _latest_of(submissions: list[KeptSubmission]) -> list[HeldNotice]:
    """The latest version of each notice among receipted submissions."""
    latest: dict[str, HeldNotice] = {}
    receipted = [s for s in submissions if s.receipted is not None]
    for submission in sorted(receipted, key=lambda s: s.entry_index or 0):
        for envelope in submission.request.acts:
            _take(latest, parse_act(envelope), submission.entry_index or 0)
    return list(latest.values())


def _take(latest: dict[str, HeldNotice], parsed: ParsedAct, entry_index: int) -> None:
    before = latest.get(parsed.notice_id)
    if parsed.kind == VERSION:
        addressing = None if before is None else before.addressing
        latest[parsed.notice_id] = HeldNotice(
            parsed.originator, parsed.notice_id, entry_index, parsed.envelope, None, addressing
        )
    elif before is not None and parsed.kind == WITHDRAWAL:
        latest[parsed.notice_id] = replace(
            before, entry_index=entry_index, withdrawal=parsed.envelope
        )
    elif before is not None and parsed.kind == ADDRESSING:
        latest[parsed.notice_id] = replace(before, addressing=parsed.envelope)
