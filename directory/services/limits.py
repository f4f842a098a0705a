"""How much an officer and an agency may look up and report, so that nobody copies the directory.

Counted in this process's memory: several processes let through as many times more.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from comity.errors import QuotaExceeded
from directory.services.calls import Caller, officer_of

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many of a thing in a stretch of time, by whom."""

    what: str
    most: int
    seconds: float


# Faster than a person reads answers; a program that goes on for a minute is noticed.
OFFICER_CALLS = Allowance("calls an officer may make in a minute", 60, MINUTE)
# Ten officers at their fastest.
AGENCY_CALLS = Allowance("calls an agency may make in a minute", 600, MINUTE)
# A long day of forty cases, with a page of 25 entries for each.
OFFICER_ENTRIES = Allowance("entries an officer is shown in a day", 1_000, DAY)
# Of a directory of 5,000 entries an agency needs more than a day even to see each once.
AGENCY_ENTRIES = Allowance("entries an agency is shown in a day", 4_000, DAY)
# A keeper has to read each.
OFFICER_REPORTS = Allowance("reports an officer may make in a day", 20, DAY)
# Each has to be looked at by a second officer, and stays for good.
AGENCY_CHANGES = Allowance("changes an agency may propose in a day", 500, DAY)
# Each is read and checked whole; who mends a file tries some times.
OFFICER_FILES = Allowance("files an officer may import or try in an hour", 30, HOUR)
# The largest country twice. Each is looked at by a second officer.
AGENCY_IMPORTED = Allowance("entries an agency may propose by import in a day", 2_000, DAY)


class Limits:
    """What was used up of every allowance."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._used: dict[tuple[Allowance, str], deque[tuple[float, int]]] = defaultdict(deque)

    def count_call(self, caller: Caller) -> None:
        """Counts a look-up that is about to be made.

        Raises: QuotaExceeded.
        """
        self._take(OFFICER_CALLS, officer_of(caller).officer_id, 1)
        self._take(AGENCY_CALLS, caller.agency, 1)

    def count_entries(self, caller: Caller, number: int) -> None:
        """Counts entries that are about to be shown.

        Raises: QuotaExceeded, and then none may be shown.
        """
        self._take(OFFICER_ENTRIES, officer_of(caller).officer_id, number)
        self._take(AGENCY_ENTRIES, caller.agency, number)

    def count_report(self, caller: Caller) -> None:
        """Counts a report.

        Raises: QuotaExceeded.
        """
        self._take(OFFICER_REPORTS, officer_of(caller).officer_id, 1)

    def count_change(self, caller: Caller) -> None:
        """Counts a change that is about to be proposed.

        Raises: QuotaExceeded.
        """
        self._take(AGENCY_CHANGES, caller.agency, 1)

    def count_file(self, caller: Caller) -> None:
        """Counts a file that is about to be read.

        Raises: QuotaExceeded.
        """
        self._take(OFFICER_FILES, officer_of(caller).officer_id, 1)

    def count_imported(self, caller: Caller, number: int) -> None:
        """Counts entries that are about to be proposed by an import.

        Raises: QuotaExceeded.
        """
        self._take(AGENCY_IMPORTED, caller.agency, number)

    def _take(self, allowance: Allowance, whose: str, number: int) -> None:
        now, used = self._monotonic(), self._used[allowance, whose]
        while used and used[0][0] <= now - allowance.seconds:
            used.popleft()
        if sum(count for _, count in used) + number > allowance.most:
            raise QuotaExceeded(
                f"That is more than the {allowance.most:,} {allowance.what}.",
                retry_after_seconds=used[0][0] + allowance.seconds - now if used else None,
            )
        if number:
            used.append((now, number))
