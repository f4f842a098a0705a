"""The notices that an agency holds: received, its own as it sent them, or as the hub has them."""

from __future__ import annotations

from collections.abc import Iterator

from agency_client.agency import Agency
from agency_client.inbox import HeldNotice, KeptSubmission
from comity.acts import ADDRESSING, WITHDRAWAL, parse_act
from comity.v1.events_pb2 import NOTICE_STATE_WITHDRAWN
from comity.v1.notices_pb2 import Traffic


def list_held(agency: Agency, traffic: Traffic.ValueType) -> Iterator[HeldNotice]:
    """The notices received, in the order of their latest entries."""
    return agency.inbox.received.notices(traffic=traffic)


def list_own(agency: Agency, traffic: Traffic.ValueType) -> Iterator[HeldNotice]:
    """The agency's own notices that the hub has receipted, in the order of their first entries."""
    for held in _latest_of(agency.inbox.sent.list_submissions()):
        if parse_act(held.envelope).act.version.notice.traffic == traffic:
            yield held


def find_held(agency: Agency, notice_id: str) -> list[HeldNotice]:
    """The notices of an id that are held here, received or own."""
    own = _latest_of(agency.inbox.sent.list_submissions(notice_id=notice_id))
    return [*agency.inbox.received.find_notices(notice_id), *own]


async def fetch_held(agency: Agency, originator: str, notice_id: str) -> HeldNotice:
    """A notice as the hub has it, verified.

    Raises: NotFound; VerificationFailed.
    """
    record = await agency.client.get_notice(originator, notice_id)
    return HeldNotice(
        originator=originator,
        notice_id=notice_id,
        version=parse_act(record.version.envelope).act.version.notice.version,
        is_withdrawn=record.state == NOTICE_STATE_WITHDRAWN,
        entry_index=record.version.leaf.entry_index,
        envelope=record.version.envelope,
    )


def _latest_of(submissions: list[KeptSubmission]) -> list[HeldNotice]:
    """The latest version of each notice among receipted submissions."""
    latest: dict[str, HeldNotice] = {}
    receipted = [s for s in submissions if s.receipted is not None]
    for submission in sorted(receipted, key=lambda s: s.entry_index or 0):
        for envelope in submission.request.acts:
            parsed = parse_act(envelope)
            if parsed.kind == ADDRESSING:
                continue
            before = latest.get(parsed.notice_id)
            is_withdrawn = parsed.kind == WITHDRAWAL
            if is_withdrawn and before is None:
                continue
            shown = before.envelope if is_withdrawn and before is not None else envelope
            latest[parsed.notice_id] = HeldNotice(
                originator=parsed.originator,
                notice_id=parsed.notice_id,
                version=parse_act(shown).act.version.notice.version,
                is_withdrawn=is_withdrawn,
                entry_index=submission.entry_index or 0,
                envelope=shown,
            )
    return list(latest.values())
