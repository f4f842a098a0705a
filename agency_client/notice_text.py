"""A notice in words: what is asked and what not to do first, then who, then the rest.

Lines of safe text; writes nothing. What has no words of its own here comes from `field_text.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from agency_client.field_text import (
    Safe,
    calendar_text,
    code_words,
    field_lines,
    subject_title,
)
from comity.times import datetime_from_timestamp
from comity.v1 import notices_pb2 as pb
from comity.v1.acts_pb2 import WithdrawalAct, WithdrawalReason

DISCLAIMER = "This is not an INTERPOL notice, and by itself it authorises no arrest."

# Of what an agency published that is suspended, or revoked, at the moment of showing it.
SUSPENDED_WARNING = "originator suspended: do not act"

_HANDLING_WORDS = {
    pb.HANDLING_CODE_H0: "H0, only for preventing and combating crime",
    pb.HANDLING_CODE_H1: "H1, not in judicial proceedings without the provider's permission",
    pb.HANDLING_CODE_H2: "H2, not to be passed on without the provider's permission",
    pb.HANDLING_CODE_H3: "H3, other restrictions",
}
_SHOWN_ABOVE = (
    *("requested_actions", "precautions", "subjects", "kind", "urgency", "version", "notice_id"),
    *("issued_at", "expires_at", "handling", "case_reference", "traffic", "predecessor_digest"),
)


def state_words(notice: pb.Notice, *, is_withdrawn: bool, now: datetime) -> str:
    """Whether anybody may still act on a notice: in force, expired or withdrawn."""
    if is_withdrawn:
        return "withdrawn"
    expires_at = datetime_from_timestamp(notice.expires_at)
    return "in force" if expires_at is None or expires_at > now else "expired"


def headline(notice: pb.Notice, safe: Safe) -> str:
    """What is asked, and about whom, in one line."""
    asked = "; ".join(_asked(action, safe) for action in notice.requested_actions)
    about = "; ".join(subject_title(subject, safe) for subject in notice.subjects)
    return f"{asked}: {about}" if about else asked


def _asked(action: pb.RequestedAction, safe: Safe) -> str:
    words = code_words(pb.ActionCode.DESCRIPTOR, action.code).capitalize()
    details = "; ".join(safe(detail.text) for detail in action.details)
    return f"{words} ({details})" if details else words


def _forbidden(precaution: pb.Precaution, safe: Safe) -> str:
    words = code_words(pb.PrecautionCode.DESCRIPTOR, precaution.code).capitalize()
    details = "; ".join(safe(detail.text) for detail in precaution.details)
    return f"{words} ({details})" if details else words


def notice_lines(
    notice: pb.Notice,
    *,
    originator: str,
    state: str,
    is_suspended: bool,
    has_unknown_fields: bool,
    safe: Safe,
) -> Iterator[str]:
    """The whole notice. `is_suspended`: its originator is, and nobody may act on it."""
    if is_suspended:
        yield f"! {SUSPENDED_WARNING}"
    if state != "in force":
        yield f"{state.upper()}: nobody may act on this notice any longer."
    if notice.traffic == pb.TRAFFIC_EXERCISE:
        yield "EXERCISE: this is no real case."
    yield headline(notice, safe)
    yield from (f"! {_forbidden(precaution, safe)}" for precaution in notice.precautions)
    yield ""
    for subject in notice.subjects:
        yield subject_title(subject, safe)
        yield from (f"  {line}" for line in _subject_lines(subject, safe))
    yield ""
    yield from _frame_lines(notice, originator, safe)
    yield from _handling_lines(notice.handling, safe)
    yield from field_lines(notice, safe, without=_SHOWN_ABOVE)
    yield ""
    if has_unknown_fields:
        yield "It holds parts that this version cannot show; they are in its JSON form (--json)."
    yield DISCLAIMER


def withdrawal_line(withdrawal: WithdrawalAct, safe: Safe) -> str:
    """Why a notice was withdrawn."""
    reason = code_words(WithdrawalReason.DESCRIPTOR, withdrawal.reason)
    details = "; ".join(safe(detail.text) for detail in withdrawal.details)
    return f"Withdrawn: {reason}{f' ({details})' if details else ''}."


def _subject_lines(subject: pb.Subject, safe: Safe) -> Iterator[str]:
    which = subject.WhichOneof("subject")
    if which is not None:
        yield from field_lines(getattr(subject, which), safe)


def _frame_lines(notice: pb.Notice, originator: str, safe: Safe) -> Iterator[str]:
    kind = code_words(pb.NoticeKind.DESCRIPTOR, notice.kind).upper()
    urgency = code_words(pb.Urgency.DESCRIPTOR, notice.urgency)
    yield f"{kind} notice of {safe(originator)}, {urgency}; case {safe(notice.case_reference)}"
    yield (
        f"version {notice.version}, issued {_time_text(notice, 'issued_at')}, "
        f"expires {_time_text(notice, 'expires_at')}"
    )
    yield f"notice {safe(notice.notice_id)}"


def _time_text(notice: pb.Notice, field: str) -> str:
    moment = datetime_from_timestamp(getattr(notice, field))
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "?"


def _handling_lines(handling: pb.Handling, safe: Safe) -> Iterator[str]:
    codes = [_HANDLING_WORDS.get(code, f"code {code}") for code in handling.codes]
    yield f"handling: {'; '.join(codes)}"
    if handling.HasField("retain_until"):
        yield f"keep no copy after {calendar_text(handling.retain_until)}"
    yield from field_lines(handling, safe, without=("codes", "retain_until"))
