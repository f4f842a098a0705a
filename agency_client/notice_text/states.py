"""The states of a notice in words, and what each means for whoever reads it."""

from __future__ import annotations

from datetime import datetime

from comity.times import datetime_from_timestamp
from comity.v1 import events_pb2
from comity.v1 import notices_pb2 as pb

IN_FORCE = "in force"
_WORDS = {
    events_pb2.NOTICE_STATE_PUBLISHED: IN_FORCE,
    events_pb2.NOTICE_STATE_WITHDRAWN: "withdrawn",
    events_pb2.NOTICE_STATE_IN_REVIEW: "in review",
    events_pb2.NOTICE_STATE_INCOMPLETE: "returned",
    events_pb2.NOTICE_STATE_REFUSED: "refused",
    events_pb2.NOTICE_STATE_SUSPENDED: "suspended",
    events_pb2.NOTICE_STATE_CANCELLED: "cancelled",
    events_pb2.NOTICE_STATE_EXPIRED: "expired",
}
_MEANINGS = {
    "in review": "it is not published, and nobody may act on it yet.",
    "returned": "the hub's reviewers ask for more; it is not published, and nobody may act on it.",
    "refused": "the hub's reviewers did not publish it, and nobody may act on it.",
    "suspended": "nobody may act on this notice until its originator resumes it.",
}
_ENDED = "nobody may act on this notice any longer."


def state_words(
    notice: pb.Notice,
    *,
    is_withdrawn: bool,
    now: datetime,
    state: events_pb2.NoticeState.ValueType = events_pb2.NOTICE_STATE_UNSPECIFIED,
    expires_at: datetime | None = None,
) -> str:
    """Whether anybody may act on a notice: in force, or one of the states in which nobody may.

    `state` is the hub's word, where it was asked; `expires_at` counts where it was extended.
    """
    if is_withdrawn:
        return "withdrawn"
    words = _WORDS.get(state, IN_FORCE if not state else f"state {state}")
    if words != IN_FORCE:
        return words
    until = expires_at or datetime_from_timestamp(notice.expires_at)
    return IN_FORCE if until is None or until > now else "expired"


def state_line(state: str) -> str:
    """What it means for the reader that a notice is in a state other than in force."""
    return f"{state.upper()}: {_MEANINGS.get(state, _ENDED)}"
