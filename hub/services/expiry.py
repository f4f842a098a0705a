"""When an originator is reminded that a notice expires. Pure."""

from __future__ import annotations

from datetime import timedelta

STAGES = (timedelta(days=30), timedelta(days=7))  # before the expiry: time to review, time to act


def stages_past(expires_at: int, now: int) -> int:
    """How many reminders before an expiry would have come by now; times in microseconds."""
    left = expires_at - now
    return sum(1 for stage in STAGES if left <= stage // timedelta(microseconds=1))
