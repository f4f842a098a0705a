"""Administrators of the hub at its own machine: a log-in for one step, without a session.

Called by the hub's command line, with built-in accounts only. Goes the way of a log-in over the
network: the same judging, delays and records. Never uses a one-time password up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comity.errors import ComityError, NotPermitted, StepRequired, Violation
from comity.v1 import sessions_pb2
from comity.v1.officers_pb2 import ROLE_HUB_ADMINISTRATOR
from hub.services.accounts.attempts import (
    Attempt,
    Attempts,
    Known,
    accepted,
    find_proven,
    forget_old_failures,
    refused,
    require_sizes,
)
from hub.services.calls import Caller
from hub.services.enrolment import Commit
from hub.store.credentials import OWN_PASSWORD
from hub.store.enrolments import StoredApproval
from hub.store.transaction import LedgerTransaction


@dataclass(frozen=True, slots=True)
class _Identification:
    attempt: Attempt
    second_factor: str


class Administrators:
    """Whoever may act for the hub."""

    def __init__(self, attempts: Attempts, *, commit: Commit) -> None:
        self._attempts = attempts
        self._commit = commit

    async def identify(self, caller: Caller, request: sessions_pb2.LogInRequest) -> StoredApproval:
        """The administrator whose name, password and second factor these are.

        `caller` names the hub's own agency. 1. All three are right. 2. The officer administers the
        hub. 3. Password and second factor were set as over the network.

        Raises: LogInRefused, in the same words whatever is wrong; LogInDelayed; NotPermitted;
        StepRequired with every step that is missing; MalformedInput; StoreUnavailable.
        """
        require_sizes(request)
        async with self._attempts.judged(caller, request.user_name, request.password) as attempt:
            item = _Identification(attempt, request.second_factor)
            known: StoredApproval = await self._commit(self.identify_many, item)
        return known

    async def identify_many(
        self, transaction: LedgerTransaction, items: Sequence[_Identification]
    ) -> list[StoredApproval | ComityError]:
        """The commit half of identifying: codes are used, failures counted and recorded."""
        await forget_old_failures(transaction)
        return [await _identify_one(transaction, item) for item in items]


async def _identify_one(
    transaction: LedgerTransaction, item: _Identification
) -> StoredApproval | ComityError:
    known = await find_proven(transaction, item.attempt, second_factor=item.second_factor)  # 1
    if known is None:
        return await refused(transaction, item.attempt)
    await accepted(transaction, known)
    if ROLE_HUB_ADMINISTRATOR not in known.officer.roles:  # 2
        return NotPermitted("Only an administrator of this hub may do this.")
    missing = _missing_steps(known)
    if missing:  # 3
        return StepRequired(violations=missing)
    return StoredApproval(known.officer.officer_id, known.officer.agency_id)


def _missing_steps(known: Known) -> list[Violation]:
    violations = []
    if known.credentials.one_time != OWN_PASSWORD:
        violations.append(Violation("password", "is a one-time one still"))
    if known.credentials.factor_key is None:
        violations.append(Violation("second_factor", "is not set yet"))
    return violations
