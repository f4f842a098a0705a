"""How much an officer and an agency may look up and report, so that nobody copies the directory.

Counted in this process's memory: several processes let through as many times more.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

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
# Each is an entry of the ledger; a large country's keeper confirms all of its entries on one day.
AGENCY_CONFIRMATIONS = Allowance("entries an agency may confirm in a day", 1_000, DAY)
# Each is read and checked whole; who mends a file tries some times.
OFFICER_FILES = Allowance("files an officer may import or try in an hour", 30, HOUR)
# The largest country twice. Each is looked at by a second officer.
AGENCY_IMPORTED = Allowance("entries an agency may propose by import in a day", 2_000, DAY)


@dataclass(frozen=True, slots=True)
class LookUpAllowances:
    """What is allowed of look-ups."""

    officer_calls: Allowance = OFFICER_CALLS
    agency_calls: Allowance = AGENCY_CALLS
    officer_entries: Allowance = OFFICER_ENTRIES
    agency_entries: Allowance = AGENCY_ENTRIES


class Limits:
    """What was used up of every allowance."""

    def __init__(
        self, look_ups: LookUpAllowances | None = None, *, monotonic: Callable[[], float]
    ) -> None:
        self._look_ups = look_ups or LookUpAllowances()
        self._monotonic = monotonic
        self._used: dict[tuple[Allowance, str], _Used] = defaultdict(_Used)

    def count_call(self, caller: Caller) -> None:
        """Counts a look-up that is about to be made.

        Raises: QuotaExceeded.
        """
        self._take(self._look_ups.officer_calls, officer_of(caller).officer_id, 1)
        self._take(self._look_ups.agency_calls, caller.agency, 1)

    def count_entries(self, caller: Caller, number: int) -> None:
        """Counts entries that are about to be shown.

        Raises: QuotaExceeded, and then none may be shown.
        """
        self._take(self._look_ups.officer_entries, officer_of(caller).officer_id, number)
        self._take(self._look_ups.agency_entries, caller.agency, number)

    def count_report(self, caller: Caller) -> None:
        """Counts a report.

        Raises: QuotaExceeded.
        """
        self._take(OFFICER_REPORTS, officer_of(caller).officer_id, 1)

    def count_confirmation(self, caller: Caller) -> None:
        """Counts a confirmation.

        Raises: QuotaExceeded.
        """
        self._take(AGENCY_CONFIRMATIONS, caller.agency, 1)

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
        used.forget_until(now - allowance.seconds)
        if used.total + number > allowance.most:
            raise QuotaExceeded(
                f"That is more than the {allowance.most:,} {allowance.what}.",
                retry_after_seconds=used.oldest_at + allowance.seconds - now
                if used.taken
                else None,
            )
        if number:
            used.take(now, number)


@dataclass(slots=True)
class _Used:
    """What was taken when, and all of it together."""

    taken: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    @property
    def oldest_at(self) -> float:
        return self.taken[0][0]

    def take(self, now: float, number: int) -> None:
        self.taken.append((now, number))
        self.total += number

    def forget_until(self, moment: float) -> None:
        while self.taken and self.oldest_at <= moment:
            self.total -= self.taken.popleft()[1]
