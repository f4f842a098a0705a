"""How far an entry can be relied on: when it was verified, and when it has to be confirmed again.

Never reads a clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from comity.v1 import authorities_pb2 as pb

CONFIRM_EVERY_DAYS = 180  # twice a year, as often as the paper editions came
DUE_BEFORE = timedelta(days=30)  # the first reminder


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
