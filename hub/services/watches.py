"""Watches: opening one, what it delivers next, and moving its cursor."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from comity.errors import InputRefused, MalformedInput, QuotaExceeded, Violation
from comity.identity import AgencyId, is_country_code, parse_agency_id
from comity.texts import code_and_text_violations
from comity.times import microseconds_from
from comity.v1 import events_pb2, notices_pb2, watches_pb2
from comity.v1.events_pb2 import EVENT_KIND_DIRECTORY_CHANGED, NoticeFilter
from hub.store.database import Database
from hub.store.transaction import LedgerTransaction
from hub.store.watches import (
    CursorMove,
    StoredWatch,
    WatchKey,
    count_watches,
    find_watch,
    list_openings,
    move_cursors,
    save_opening,
)
from hub.store.writer import LedgerWriter

MAX_WATCHES = 64  # names per agency: one per system that reads, and room for people's own
MAX_FILTER_TERMS = 256  # more than there are agencies in most hubs

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Opening:
    """A watch that is to be opened."""

    agency: AgencyId
    name: str
    filter: NoticeFilter
    traffic: int
    start: watches_pb2.WatchStart.ValueType
    first_index: int

    @property
    def key(self) -> WatchKey:
        return (self.agency, self.name)


def parse_opening(agency: AgencyId, message: watches_pb2.OpenWatch) -> Opening:
    """Checks what a client asks a watch to be.

    Raises: MalformedInput with every field at fault.
    """
    violations = code_and_text_violations(message)
    if not _NAME.fullmatch(message.name):
        violations.append(Violation("name", "is not a lower-case name of at most 64 characters"))
    violations += filter_violations(message.filter)
    if message.first_index and message.start != watches_pb2.WATCH_START_INDEX:
        violations.append(Violation("first_index", "goes with the start INDEX and with no other"))
    if violations:
        raise MalformedInput("The watch is malformed.", violations=violations)
    traffic = message.traffic or notices_pb2.TRAFFIC_LIVE
    return Opening(
        agency, message.name, message.filter, traffic, message.start, message.first_index
    )


def filter_violations(wanted: NoticeFilter) -> list[Violation]:
    """What is wrong with a filter."""
    violations = []
    for number, agency in enumerate(wanted.originators):
        try:
            parse_agency_id(agency)
        except InputRefused:
            violations.append(Violation(f"filter.originators[{number}]", "is not an agency id"))
    for number, country in enumerate(wanted.originator_countries):
        if not is_country_code(country):
            violations.append(
                Violation(f"filter.originator_countries[{number}]", "is not a country code")
            )
    if len(wanted.originators) + len(wanted.originator_countries) > MAX_FILTER_TERMS:
        violations.append(Violation("filter", f"has more than {MAX_FILTER_TERMS} terms"))
    return violations


class WatchService:
    """Opens watches and moves their cursors. Delivery is `delivery.py`."""

    def __init__(self, database: Database, *, writer: LedgerWriter) -> None:
        self._database = database
        self._writer = writer

    async def open(self, opening: Opening) -> StoredWatch:
        """Opens a watch, for the first time or again; a changed filter applies from its cursor.

        Raises: QuotaExceeded, StoreUnavailable.
        """
        committed = await self._writer.commit(self.open_many, opening)
        watch: StoredWatch = committed.result
        return watch

    async def open_many(
        self, transaction: LedgerTransaction, openings: Sequence[Opening]
    ) -> list[StoredWatch | QuotaExceeded]:
        """The commit half of opening."""
        return [await self._open_one(transaction, opening) for opening in openings]

    async def _open_one(
        self, transaction: LedgerTransaction, opening: Opening
    ) -> StoredWatch | QuotaExceeded:
        before = await find_watch(transaction.connection, opening.key)
        if before is None and (
            await count_watches(transaction.connection, opening.agency) >= MAX_WATCHES
        ):
            return QuotaExceeded(f"An agency has at most {MAX_WATCHES} watches.")
        watch = StoredWatch(
            agency_id=opening.agency,
            name=opening.name,
            filter_bytes=opening.filter.SerializeToString(deterministic=True),
            traffic=opening.traffic,
            next_index=_start_index(opening, before, size=transaction.head.size),
            opening=1 if before is None else before.opening + 1,
        )
        now = microseconds_from(transaction.now)
        await save_opening(transaction.connection, watch, now=now)
        return watch

    async def move_cursor(self, watch: StoredWatch, next_index: int) -> None:
        """Remembers that everything below an index is on the reader's disk."""
        move = CursorMove(watch.agency_id, watch.name, watch.opening, next_index)
        await self._writer.commit(self.move_many, move)

    async def move_many(
        self, transaction: LedgerTransaction, moves: Sequence[CursorMove]
    ) -> list[None]:
        """The commit half of confirming."""
        now = microseconds_from(transaction.now)
        await move_cursors(transaction.connection, moves, now=now)
        return [None] * len(moves)

    async def latest_openings(self, agencies: Collection[AgencyId]) -> dict[WatchKey, int]:
        """The latest opening of each watch of some agencies, whichever process holds it."""
        async with self._database.read() as connection:
            return await list_openings(connection, agencies)


def _start_index(opening: Opening, before: StoredWatch | None, *, size: int) -> int:
    if opening.start == watches_pb2.WATCH_START_FIRST:
        return 0
    if opening.start == watches_pb2.WATCH_START_INDEX:
        return min(opening.first_index, size)
    return size if before is None else min(before.next_index, size)


# What is for its reader alone, whatever notices it asked for: what the directory tells it, what
# others do about its own notices, and that somebody it holds has to be looked at.
_PASS_EVERY_FILTER = frozenset(
    {
        EVENT_KIND_DIRECTORY_CHANGED,
        events_pb2.EVENT_KIND_SUBMITTED,
        # What a reader may hold must not go on standing there, whatever it asks for now.
        events_pb2.EVENT_KIND_SUSPENDED,
        events_pb2.EVENT_KIND_WITHDRAWN,
        events_pb2.EVENT_KIND_CANCELLED,
        events_pb2.EVENT_KIND_EXPIRED,
        events_pb2.EVENT_KIND_RETURNED,
        events_pb2.EVENT_KIND_REFUSED,
        events_pb2.EVENT_KIND_UPHELD,
        events_pb2.EVENT_KIND_RECALLED,
        events_pb2.EVENT_KIND_ACKNOWLEDGED,
        events_pb2.EVENT_KIND_FLAGGED,
        events_pb2.EVENT_KIND_CUSTODY,
        events_pb2.EVENT_KIND_RECALL_ANSWERED,
        events_pb2.EVENT_KIND_RELEASE_REQUESTED,
        events_pb2.EVENT_KIND_RELEASE_DECIDED,
        events_pb2.EVENT_KIND_EXPIRY_NEAR,
        events_pb2.EVENT_KIND_ERASED,
        events_pb2.EVENT_KIND_CUSTODY_VOID,
        events_pb2.EVENT_KIND_PROTECTION_WIDENED,
    }
)


def is_wanted(event: Any, wanted: NoticeFilter, *, traffic: int) -> bool:
    """Whether an event passes a filter. What everybody gets, and what the directory tells its
    reader alone, passes every filter."""
    if event.audience is None:
        return True
    if event.traffic != traffic:
        return False
    return event.kind in _PASS_EVERY_FILTER or passes(event, wanted)


def passes(notice: Any, wanted: NoticeFilter) -> bool:
    """Whether kind, originator and urgency are wanted; parts of the filter left empty want all."""
    kind = getattr(notice, "notice_kind", None)
    if kind is None:
        kind = notice.kind
    return (
        (not wanted.kinds or kind in wanted.kinds)
        and (not wanted.originators or notice.originator in wanted.originators)
        and (
            not wanted.originator_countries or notice.originator[:2] in wanted.originator_countries
        )
        and notice.urgency >= wanted.minimum_urgency
    )
