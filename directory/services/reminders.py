"""Reminding keepers of what has to be confirmed, and telling others where they do not.

Each reminder goes once, whatever becomes of the process that sends it: its entry in the ledger and
the row that says so are committed together. The lease only spares other processes the trying.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from comity.errors import ComityError, HubUnavailable, InternalError
from comity.identity import AgencyId
from comity.times import datetime_from_microseconds, microseconds_from, timestamp_from
from comity.v1 import ledger_pb2
from directory.freshness import ESCALATE_AFTER, STAGES, days_left, days_of, stages_at
from directory.services.calls import Commit, Database, RosterWithin, Transaction, decide_each
from directory.services.keepers import Keepers
from directory.services.telling import escalated_to, keeper_of, tell
from directory.store.authorities import StoredAuthority, find_authority
from directory.store.reminders import (
    add_reminders,
    list_stages,
    list_without_reminder,
    take_lease,
)

ROUND_SECONDS = 60.0  # of days that are counted; each round is four queries that find nothing
# Renewed with every page, so a round may last; another process goes on after two rounds at most.
LEASE = timedelta(seconds=150)
PAGE_ENTRIES = 100  # committed together
_LEASE_NAME = "reminders"
_EVER = timedelta(days=36_525)  # a century: longer than any hub has been running

_log = logging.getLogger("directory.reminders")


@dataclass(frozen=True, slots=True)
class _Window:
    """Those that fall due within it have a stage as their newest one. `ahead` is the stage."""

    ahead: timedelta
    due_from: datetime
    due_before: datetime


class Reminders:
    """Sends what has come due. One per process; `send_due` is called again and again."""

    def __init__(
        self,
        *,
        database: Database,
        commit: Commit,
        roster_within: RosterWithin,
        hub_agency: AgencyId,
        clock: Callable[[], datetime],
        holder: str,
    ) -> None:
        self._database = database
        self._commit = commit
        self._roster_within = roster_within
        self._hub_agency = hub_agency
        self._clock = clock
        self._holder = holder  # tells this process from others

    async def run_round(self) -> bool:
        """Sends what has come due; where the database is away, the next round does.

        Gives whether this process has the lease: what else is done at such times is done by it.
        """
        try:
            if not await self._commit(self.take_lease_many, self._holder):
                return False
            await self._send_due()
        except HubUnavailable as error:
            _log.warning("reminders wait for the next round: %s", type(error).__name__)
            return False
        return True

    async def send_due(self) -> int:
        """Sends what has come due, unless another process is at it, and gives how many that were.

        Raises: StoreUnavailable, ShuttingDown; what is left is sent by the next round.
        """
        if not await self._commit(self.take_lease_many, self._holder):
            return 0
        return await self._send_due()

    async def _send_due(self) -> int:
        sent = 0
        for window in _windows(self._clock()):
            sent += await self._send_window(window)
        return sent

    async def _send_window(self, window: _Window) -> int:
        """Page by page; the lease is renewed after each, and where it is lost another goes on."""
        sent, is_held = 0, True
        page = await self._list_page(window, "")
        while page and is_held:
            sent += await self._send_page(page)
            is_held = await self._commit(self.take_lease_many, self._holder)
            page = await self._list_page(window, page[-1])
        return sent

    async def _list_page(self, window: _Window, after: str) -> list[str]:
        async with self._database.read() as connection:
            return await list_without_reminder(
                connection,
                days_of(window.ahead),
                due_from=microseconds_from(window.due_from),
                due_before=microseconds_from(window.due_before),
                ahead=window.ahead // timedelta(microseconds=1),
                after=after,
                limit=PAGE_ENTRIES,
            )

    async def _send_page(self, page: Sequence[str]) -> int:
        """One that cannot be sent holds up no other; it is tried again with every round."""
        commits = (self._commit(self.remind_many, each) for each in page)
        results = await asyncio.gather(*commits, return_exceptions=True)
        for authority_id, result in zip(page, results, strict=True):
            if isinstance(result, BaseException):
                if not isinstance(result, InternalError):  # the database is away, or the hub stops
                    raise result
                _log.error("the entry %s cannot be reminded of", authority_id)
        return results.count(True)

    # --- the commit halves -----------------------------------------------------------------------

    async def take_lease_many(
        self, transaction: Transaction, items: Sequence[str]
    ) -> list[bool | ComityError]:
        """Takes or renews the lease."""
        return await decide_each(partial(_take_lease, transaction), items)

    async def remind_many(
        self, transaction: Transaction, items: Sequence[str]
    ) -> list[bool | ComityError]:
        """Sends entries' newest reminders, and says which were not sent yet."""
        return await decide_each(partial(self._remind, transaction), items)

    async def _remind(self, transaction: Transaction, authority_id: str) -> bool:
        """1. A stage has come: nobody has confirmed the entry meanwhile. 2. The newest one was not
        sent, by another process say. 3. Older ones that were not sent are left out for good."""
        connection, now = transaction.connection, transaction.now
        current = await find_authority(connection, authority_id)
        stages = [] if current is None else _stages(current, now)
        if current is None or not stages:  # 1
            return False
        known = await list_stages(connection, authority_id, current.due_at)
        if days_of(stages[-1]) in known:  # 2
            return False
        index = await self._append(transaction, current, stages[-1])
        left_out = [days_of(stage) for stage in stages[:-1] if days_of(stage) not in known]
        rows = [*((days, None) for days in left_out), (days_of(stages[-1]), index)]  # 3
        await add_reminders(connection, current, rows, sent_at=microseconds_from(now))
        return True

    async def _append(
        self, transaction: Transaction, current: StoredAuthority, stage: timedelta
    ) -> int:
        keepers = Keepers(await self._roster_within(transaction), self._hub_agency)
        due = datetime_from_microseconds(current.due_at)
        is_escalation = stage == -ESCALATE_AFTER
        return tell(
            transaction,
            ledger_pb2.DIRECTORY_CHANGE_ESCALATED
            if is_escalation
            else ledger_pb2.DIRECTORY_CHANGE_REMINDED,
            current,
            keepers=keepers,
            recipients=escalated_to(current, keepers)
            if is_escalation
            else [keeper_of(current, keepers).agency_id],
            confirmation_due_at=timestamp_from(due),
            days_left=days_left(transaction.now, due),
        )


def _windows(now: datetime) -> list[_Window]:
    """A window for each stage: that one has come, and the next one has not."""
    ends = [*STAGES[1:], -_EVER]
    microsecond = timedelta(microseconds=1)
    return [
        _Window(stage, now + end + microsecond, now + stage + microsecond)
        for stage, end in zip(STAGES, ends, strict=True)
    ]


def _stages(current: StoredAuthority, now: datetime) -> list[timedelta]:
    verified = current.verification
    return stages_at(
        now,
        datetime_from_microseconds(current.due_at),
        verified_at=None if verified is None else datetime_from_microseconds(verified.verified_at),
    )


async def _take_lease(transaction: Transaction, holder: str) -> bool:
    return await take_lease(
        transaction.connection,
        _LEASE_NAME,
        holder=holder,
        now=microseconds_from(transaction.now),
        length=LEASE // timedelta(microseconds=1),
    )
