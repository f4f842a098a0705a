"""How long log-in waits after failures: growing, never for long, and never across agencies.

An account is one agency's user name, whether or not there is such an officer. Failures count only
where a password was judged: whoever hammers during a delay does not make it longer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from comity.errors import LogInDelayed
from hub.store.credentials import WHOLE_AGENCY, StoredFailures

MICROSECONDS = 1_000_000
FORGET_AFTER = 15 * 60 * MICROSECONDS  # after the last failure
FREE_FAILURES = 3  # mistyped, and again
MAX_DELAY_SECONDS = 60.0  # 1,440 guesses a day at most, and nobody is locked out for long
AGENCY_FREE_FAILURES = 50  # a large agency's morning
AGENCY_MAX_DELAY_SECONDS = 2.0  # somebody tries many names; the others have to get in between
MAX_EXPONENT = 16


def name_hash(user_name: str) -> bytes:
    """What failures of a user name are kept under: names that were mistyped may be passwords."""
    return hashlib.sha256(user_name.encode()).digest()


def require_no_delay(found: Mapping[bytes, StoredFailures], *, now: int) -> None:
    """Refuses a log-in that comes too soon after failures.

    Raises: LogInDelayed with the seconds that are left.
    """
    left = max((_seconds_left(key, failures, now) for key, failures in found.items()), default=0.0)
    if left > 0:
        raise LogInDelayed(retry_after_seconds=left)


def one_more(before: StoredFailures | None, *, now: int) -> StoredFailures:
    """The failures with one more."""
    if before is None or not _counts(before, now):
        return StoredFailures(1, now)
    return StoredFailures(before.count + 1, now)


def _counts(failures: StoredFailures, now: int) -> bool:
    """Whether failures were just now; a clock that was set back must lock nobody out."""
    return 0 <= now - failures.last_at <= FORGET_AFTER


def _seconds_left(key: bytes, failures: StoredFailures, now: int) -> float:
    if not _counts(failures, now):
        return 0.0
    return _delay_seconds(key, failures.count) - (now - failures.last_at) / MICROSECONDS


def _delay_seconds(key: bytes, count: int) -> float:
    is_agency = key == WHOLE_AGENCY
    beyond = count - (AGENCY_FREE_FAILURES if is_agency else FREE_FAILURES)
    most = AGENCY_MAX_DELAY_SECONDS if is_agency else MAX_DELAY_SECONDS
    return 0.0 if beyond < 0 else min(most, 2.0 ** min(beyond, MAX_EXPONENT))
