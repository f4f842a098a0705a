"""How often an agency may change what every member keeps of it: keys, certificates, description.

Counted in this process's memory. Never limits what the hub's administrators do.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable

from comity.errors import QuotaExceeded
from comity.identity import AgencyId

# Each is an entry that every member fetches and verifies. A renewal is due every two months.
MAX_CHANGES = 24
PER_SECONDS = 86_400.0


class ChangeLimits:
    """The changes of the last day, by agency."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._changes: dict[AgencyId, deque[float]] = defaultdict(deque)

    def count(self, agency: AgencyId) -> None:
        """Counts a change that is about to be made.

        Raises: QuotaExceeded.
        """
        now = self._monotonic()
        changes = self._changes[agency]
        while changes and changes[0] <= now - PER_SECONDS:
            changes.popleft()
        if len(changes) >= MAX_CHANGES:
            raise QuotaExceeded(
                f"An agency changes its keys and description at most {MAX_CHANGES} times a day.",
                retry_after_seconds=changes[0] + PER_SECONDS - now,
            )
        changes.append(now)
