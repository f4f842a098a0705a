"""What time does to notices: they expire, their originators are reminded, what has ended is erased.

Each happens once, whatever becomes of the process at work: the entry in the ledger and what it does
to the notice are committed together. The lease only spares other processes the trying.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from comity import acts
from comity.errors import ComityError, HubUnavailable, InternalError
from comity.times import datetime_from_microseconds, microseconds_from, timestamp_from
from comity.v1 import events_pb2, ledger_pb2
from hub.services.expiry import STAGES, stages_past
from hub.services.ledger_state import (
    ENDED,
    EXPIRED,
    IN_REVIEW,
    INCOMPLETE,
    STANDING,
    Announcement,
    only,
)
from hub.services.notice_endings import end_notice, lapse_notice
from hub.services.notice_writes import NoticeWrites
from hub.store.acts import erase_acts, find_acts_at
from hub.store.audiences import find_audiences
from hub.store.database import Database
from hub.store.events import list_own_entries
from hub.store.notices import (
    NoticeKey,
    NoticeStanding,
    find_notices,
    list_expired,
    list_expiring,
    list_to_erase,
)
from hub.store.recalls import find_holders
from hub.store.reviews import erase_findings, erase_reviewers_words
from hub.store.transaction import LedgerTransaction
from hub.store.writer import LedgerWriter

PAGE_NOTICES = 100  # committed together
CHUNK_ENTRIES = 500  # read with one statement, which takes some thousand values on SQLite
_CAN_EXPIRE = STANDING | {IN_REVIEW, INCOMPLETE}
# What reviewers found is for the originator to read; after a year it is of no use to anybody.
KEEP_FINDINGS = timedelta(days=365)
# The end itself stays, and what addressees have signed: whoever was away has to hear of it, and it
# accounts for the copies. Of the subject it says what its signer wrote as a reason or a number.
_NOT_ERASED = acts.ADDRESSEE_KINDS | {acts.WITHDRAWAL, acts.RELEASE_DECISION}

_log = logging.getLogger("hub.notices")

_CommitHalf = Callable[
    [LedgerTransaction, Sequence[NoticeKey]], Awaitable[list[bool | ComityError]]
]


class NoticeRounds:
    """One per process; `run_round` is called again and again while this process has the lease."""

    def __init__(
        self, database: Database, *, writer: LedgerWriter, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        # An earlier process may have ended between erasing and truncating.
        self._is_log_clean = False

    async def run_round(self) -> None:
        """Does what has come due; where the database is away, the next round does."""
        try:
            await self.do_due()
        except HubUnavailable as error:
            _log.warning("notices wait for the next round: %s", type(error).__name__)

    async def do_due(self) -> int:
        """Does what has come due, and gives how much that was.

        1. What has expired ends.
        2. Originators are reminded of what will.
        3. Content and salts of what has ended are erased, and what reviewers found long ago, in the
           write-ahead log too.

        Raises: StoreUnavailable, ShuttingDown; what is left is done by the next round.
        """
        done = await self._do_each(self._expired, self.expire_many)  # 1
        done += await self._do_each(self._expiring, self.remind_many)  # 2
        erased = await self._do_each(self._to_erase, self.erase_many)  # 3
        if await self._erase_findings() or erased:
            self._is_log_clean = False
        if not self._is_log_clean:
            self._is_log_clean = await self._database.truncate_log()
        return done + erased

    async def _erase_findings(self) -> bool:
        before = microseconds_from(self._clock() - KEEP_FINDINGS)
        async with self._database.write() as connection:
            return await erase_findings(connection, before=before)

    async def _do_each(
        self, list_page: Callable[[], Awaitable[list[NoticeKey]]], commit_half: _CommitHalf
    ) -> int:
        """Page by page. One that cannot be done holds up no other, and is tried again later."""
        done = 0
        while page := await list_page():
            commits = (self._writer.commit(commit_half, key) for key in page)
            results = await asyncio.gather(*commits, return_exceptions=True)
            failed = 0
            for key, result in zip(page, results, strict=True):
                if isinstance(result, BaseException):
                    if not isinstance(result, InternalError):  # the database is away, or it stops
                        raise result
                    _log.error("the notice %s of %s cannot be seen to", key[1], key[0])
                    failed += 1
            done += len(page) - failed
            if failed or len(page) < PAGE_NOTICES:
                return done
        return done

    async def _expired(self) -> list[NoticeKey]:
        async with self._database.read() as connection:
            return await list_expired(
                connection, _CAN_EXPIRE, now=microseconds_from(self._clock()), limit=PAGE_NOTICES
            )

    async def _expiring(self) -> list[NoticeKey]:
        async with self._database.read() as connection:
            return await list_expiring(
                connection,
                STANDING,
                [microseconds_from(self._clock() + stage) for stage in STAGES],
                limit=PAGE_NOTICES,
            )

    async def _to_erase(self) -> list[NoticeKey]:
        async with self._database.read() as connection:
            return await list_to_erase(connection, ENDED, limit=PAGE_NOTICES)

    # --- the commit halves -----------------------------------------------------------------------

    async def expire_many(
        self, transaction: LedgerTransaction, keys: Sequence[NoticeKey]
    ) -> list[bool | ComityError]:
        """Ends what has expired by now."""
        now = microseconds_from(transaction.now)
        standings = await _standings(transaction, keys)
        expired = [s for s in standings if s.state in _CAN_EXPIRE and s.expires_at <= now]
        due = [s for s in expired if s.is_published]
        audiences = await find_audiences(transaction.connection, {s.audience for s in due})
        holders = await find_holders(transaction.connection, [s.key for s in due])
        writes = NoticeWrites(transaction, known=keys, kept_audiences=set())
        for standing in expired:
            if not standing.is_published:
                lapse_notice(writes, standing, expires_at=_timestamp(standing))
        for standing in due:
            end_notice(
                writes,
                standing,
                EXPIRED,
                audience=audiences[standing.audience],
                holders=holders.get(standing.key, frozenset()),
                expires_at=_timestamp(standing),
            )
        await writes.write()
        return [True] * len(keys)

    async def remind_many(
        self, transaction: LedgerTransaction, keys: Sequence[NoticeKey]
    ) -> list[bool | ComityError]:
        """Tells originators that their notices expire."""
        now = microseconds_from(transaction.now)
        writes = NoticeWrites(transaction, known=keys, kept_audiences=set())
        for standing in await _standings(transaction, keys):
            stages = stages_past(standing.expires_at, now)
            if standing.state not in STANDING or stages <= standing.expiry_stage:
                continue
            assert standing.published_entry is not None
            writes.announce(
                standing,
                Announcement(
                    ledger_pb2.NOTICE_CHANGE_EXPIRY_NEAR,
                    events_pb2.EVENT_KIND_EXPIRY_NEAR,
                    only(standing.originator),
                ),
                acts_entry=standing.published_entry,
                expires_at=_timestamp(standing),
            )
            writes.set_standing(replace(standing, expiry_stage=stages))
        await writes.write()
        return [True] * len(keys)

    async def erase_many(
        self, transaction: LedgerTransaction, keys: Sequence[NoticeKey]
    ) -> list[bool | ComityError]:
        """Erases content and salts of what has ended, and certifies it in the ledger."""
        writes = NoticeWrites(transaction, known=keys, kept_audiences=set())
        for standing in await _standings(transaction, keys):
            if standing.state not in ENDED or standing.erasure_entry is not None:
                continue
            erased = await _erase(transaction, standing)
            await erase_reviewers_words(transaction.connection, standing.key)
            entry = writes.announce(
                standing,
                Announcement(
                    ledger_pb2.NOTICE_CHANGE_ERASED,
                    events_pb2.EVENT_KIND_ERASED,
                    only(standing.originator),
                ),
                acts_entry=standing.version_entry,
                erased_entries=erased,
            )
            writes.set_standing(replace(standing, erasure_entry=entry))
        await writes.write()
        return [True] * len(keys)


async def _standings(
    transaction: LedgerTransaction, keys: Sequence[NoticeKey]
) -> list[NoticeStanding]:
    found = await find_notices(transaction.connection, {notice_id for _, notice_id in keys})
    return [found[key] for key in keys if key in found]


async def _erase(transaction: LedgerTransaction, standing: NoticeStanding) -> list[int]:
    """Erases what the originator has signed of a notice but its end; gives the entries."""
    connection = transaction.connection
    entries = await list_own_entries(connection, standing.originator, standing.notice_id)
    erased: list[int] = []
    for first in range(0, len(entries), CHUNK_ENTRIES):
        stored = await find_acts_at(connection, entries[first : first + CHUNK_ENTRIES])
        acts_here = [act for found in stored.values() for act in found]
        gone = [act for act in acts_here if act.kind not in _NOT_ERASED]
        await erase_acts(connection, [(act.originator, act.act_id) for act in gone])
        erased += {act.entry_index for act in gone}
    return sorted(set(erased))


def _timestamp(standing: NoticeStanding) -> object:
    return timestamp_from(datetime_from_microseconds(standing.expires_at))
