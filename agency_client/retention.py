"""How long a copy of a notice may be kept where nothing else was said. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime

from comity.v1.notices_pb2 import CalendarDate


def last_day_kept(expires_at: datetime) -> CalendarDate:
    """The day on which a notice expires (aware), in UTC."""
    last = expires_at.astimezone(UTC).date()
    return CalendarDate(year=last.year, month=last.month, day=last.day)
