"""How far an entry can be relied on: when it was verified, when it has to be confirmed again, and
who is told of that when.

Never reads a clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from comity.v1 import authorities_pb2 as pb

CONFIRM_EVERY_DAYS = 180  # twice a year, as often as the paper editions came
DUE_BEFORE = timedelta(days=30)  # the first reminder
# A fortnight is a long holiday of the one person who knows; then others have to find out.
ESCALATE_AFTER = timedelta(days=14)
# How long before the time the keeper is reminded, and last that others are told; never the other
# way round: who is reminded late is sent the newest one only.
STAGES = (DUE_BEFORE, timedelta(days=7), timedelta(), -ESCALATE_AFTER)

_DAY = timedelta(days=1)


def due_at(verified_at: datetime | None, authority: pb.Authority) -> datetime | None:
    """When an entry has to be confirmed again; None where it never was."""
    if verified_at is None:
        return None
    return verified_at + timedelta(days=authority.confirm_every_days or CONFIRM_EVERY_DAYS)


def freshness_at(now: datetime, due: datetime | None) -> pb.Freshness.ValueType:
    """What an entry that falls due at a time is now."""
    if due is None:
        return pb.FRESHNESS_UNVERIFIED
    if now >= due:
        return pb.FRESHNESS_STALE
    return pb.FRESHNESS_DUE if now >= due - DUE_BEFORE else pb.FRESHNESS_FRESH


def stages_at(now: datetime, due: datetime, *, verified_at: datetime | None) -> list[timedelta]:
    """The stages that have come, the newest last. One that would have come before the verification
    is none: who confirms every week is not reminded on the same day."""
    return [
        stage
        for stage in STAGES
        if due - stage <= now and (verified_at is None or verified_at < due - stage)
    ]


def days_of(stage: timedelta) -> int:
    """How many days before the time a stage comes; below 0 after it."""
    return stage // _DAY


def days_left(now: datetime, due: datetime) -> int:
    """The days until a time, rounded up; below 0 where it is past."""
    return -((now - due) // _DAY)


def is_escalated(now: datetime, due: datetime) -> bool:
    """Whether an entry is not for its keeper alone any longer."""
    return now >= due + ESCALATE_AFTER
