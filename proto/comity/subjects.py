"""What other modules know of a notice's subjects: the days of their calendar, and its years."""

from __future__ import annotations

from comity.content.partial_dates import MAX_YEAR, MIN_YEAR, calendar_day

__all__ = ["MAX_YEAR", "MIN_YEAR", "calendar_day"]
