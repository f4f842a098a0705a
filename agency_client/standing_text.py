"""How a notice stands, in words: for its addressees, and for its originator. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from agency_client.field_text import Safe, code_words
from agency_client.notice_standing import NoticeStanding, open_custodies, open_flags
from comity import acts
from comity.times import datetime_from_timestamp
from comity.v1.acts_pb2 import RecallOutcome
from comity.v1.events_pb2 import ReviewOutcome, ReviewStanding
from comity.v1.ledger_pb2 import NOTICE_CHANGE_RETURNED, RefusalGround
from comity.v1.notices_pb2 import WarningCode


def standing_lines(standing: NoticeStanding, safe: Safe) -> Iterator[str]:
    """What stands beside the notice itself: suspension, addenda, and what others did about it."""
    since = f" since {standing.since:%Y-%m-%d %H:%M} UTC" if standing.since is not None else ""
    if not standing.is_in_force:
        yield f"{standing.state}{since}"
    if standing.suspension is not None:
        reason = "; ".join(safe(text.text) for text in standing.suspension.reason)
        yield f"suspended because: {reason}"
    if standing.decision is not None and standing.decision.ground:
        yield f"ground: {code_words(RefusalGround.DESCRIPTOR, standing.decision.ground)}"
    if standing.decision is not None and standing.decision.change == NOTICE_CHANGE_RETURNED:
        yield "reviewers want more of it: comity notice show ID --hub"
    for addendum in standing.addenda:
        warnings = [code_words(WarningCode.DESCRIPTOR, w.code).upper() for w in addendum.warnings]
        words = [safe(text.text) for text in addendum.texts]
        yield f"addendum: {'; '.join([*warnings, *words])}"
    if standing.extension is not None:
        until = datetime_from_timestamp(standing.extension.expires_at)
        yield f"extended until {until:%Y-%m-%d %H:%M} UTC"
    yield from _addressee_lines(standing, safe)


def _addressee_lines(standing: NoticeStanding, safe: Safe) -> Iterator[str]:
    readers = {act.originator for act in standing.of_kind(acts.ACKNOWLEDGEMENT)}
    if readers:
        yield f"read by an officer of: {', '.join(sorted(readers))}"
    for agency, reason in open_flags(standing).items():
        yield f"not executable at {agency}: {safe(reason)}"
    for agency, custody in open_custodies(standing).items():
        since = datetime_from_timestamp(custody.since)
        reference = f", their number {safe(custody.reference)}" if custody.reference else ""
        yield f"SOMEBODY IS HELD on it at {agency}, since {since:%Y-%m-%d %H:%M} UTC{reference}"
    for act in standing.of_kind(acts.RECALL_ANSWER):
        outcome = code_words(RecallOutcome.DESCRIPTOR, act.body.outcome)
        yield f"recall answered by {act.originator}: {outcome}"
    for act in standing.of_kind(acts.RELEASE_REQUEST):
        what = [*act.body.onward_to, *(["judicial use"] if act.body.judicial_use else [])]
        yield f"release asked for by {act.originator}: {', '.join(map(safe, what))} ({act.act_id})"


def review_lines(review: ReviewStanding, safe: Safe) -> Iterator[str]:
    """Where a review stands, as the originator is shown it."""
    if not review.HasField("findings"):
        due = datetime_from_timestamp(review.due_at) if review.HasField("due_at") else None
        until = f", due {due:%Y-%m-%d %H:%M} UTC" if due is not None else ""
        yield f"review: {review.reviewers_decided} of {review.reviewers_needed} decided{until}"
        if review.lacks_reviewers:
            yield "review: waits, as too few reviewers may decide over it"
        return
    findings = review.findings
    ground = f", {code_words(RefusalGround.DESCRIPTOR, findings.ground)}" if findings.ground else ""
    yield f"review: {code_words(ReviewOutcome.DESCRIPTOR, findings.outcome)}{ground}"
    for element in findings.elements:
        yield f"  {safe(element.field)}: {safe(element.description)}"
    if findings.comment:
        yield f"  {safe(findings.comment)}"
