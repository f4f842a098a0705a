"""Recalls on disk: which notices are recalled, what law demands to keep, whom copies went to.

What is erased leaves no trace in the file: pages are overwritten, the write-ahead log is emptied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agency_client.event_kinds import ACT_KINDS, ENDINGS
from agency_client.events import VerifiedEvent
from agency_client.inbox.file import InboxFile
from comity.acts import VERSION, parse_act
from comity.errors import ComityError
from comity.identity import AgencyId
from comity.v1 import acts_pb2, events_pb2, ledger_pb2
from comity.v1.notices_pb2 import Traffic

RECALLED = events_pb2.EVENT_KIND_RECALLED
NARROWED = events_pb2.RECALL_KIND_NARROWED
_KINDS = {**ENDINGS, RECALLED: NARROWED}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECALL = (
    "SELECT origin, originator, notice_id, recall_entry, kind, event, was_held, erased_at, traffic "
    "FROM recalls"
)
_MAX_INDEX = 2**63 - 1
_SHOWING_VERSIONS = tuple(kind for kind, act in ACT_KINDS.items() if act == VERSION)
# What lies up to an entry of an origin. Of another origin it was heard before that one began.
_UNTIL = "originator = ? AND notice_id = ? AND (origin != ? OR {} <= ?)"
_HELD = (
    "SELECT n.traffic FROM notices n JOIN events e USING (originator, notice_id) "  # noqa: S608 - texts of ours
    f"WHERE n.version > 0 AND e.kind IN ({', '.join(str(int(k)) for k in _SHOWING_VERSIONS)}) "
    f"AND {_UNTIL.format('e.entry_index')} UNION ALL SELECT traffic FROM recalls "
    "WHERE originator = ? AND notice_id = ? AND was_held"
)
_DROP_NOTICE = (
    "DELETE FROM notices WHERE originator = ? AND notice_id = ? AND NOT EXISTS (SELECT 1 "  # noqa: S608 - texts of ours
    "FROM events e WHERE e.originator = notices.originator AND e.notice_id = notices.notice_id "
    f"AND e.kind IN ({', '.join('?' * len(_SHOWING_VERSIONS))}))"
)


@dataclass(frozen=True, slots=True)
class HeldRecall:
    """A recall as a verified event has brought it. `erased_at` is when the copies here were.

    `origin` is the ledger's that its entry lies in: entries are counted anew after a restoration.
    """

    origin: str
    originator: str
    notice_id: str
    recall_entry: int
    kind: events_pb2.RecallKind.ValueType
    event: events_pb2.Event
    was_held: bool
    erased_at: datetime | None
    traffic: Traffic.ValueType  # of what was erased; unspecified until then

    @property
    def begun_at(self) -> datetime:
        """When its entry was written (aware)."""
        entry = ledger_pb2.LedgerEntry.FromString(self.event.leaf.entry)
        return entry.recorded_at.ToDatetime(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Retention:
    """A law that demands to keep a notice that is recalled, and the last day (ISO 8601)."""

    provision: str
    until: str


class Recalls:
    """Recalls, retentions and passings-on on disk."""

    def __init__(self, file: InboxFile) -> None:
        self._file = file

    def add(
        self, connection: sqlite3.Connection, origin: str, events: Iterable[VerifiedEvent]
    ) -> None:
        """Adds the recalls that events begin."""
        connection.executemany(
            "INSERT OR IGNORE INTO recalls VALUES (?, ?, ?, ?, ?, ?, 0, NULL, 0)",
            [_recall_row(origin, event) for event in events if event.kind in _KINDS],
        )

    def without_erased(
        self, connection: sqlite3.Connection, origin: str, events: Sequence[VerifiedEvent]
    ) -> list[VerifiedEvent]:
        """The events less those that would bring back what was erased on a recall."""
        return [e for e in events if e.kind in _KINDS or not _is_erased(connection, origin, e)]

    def list_recalls(self, *, notice_id: str | None = None) -> list[HeldRecall]:
        """Every recall, or those of a notice's id, in the order of their entries."""
        rows = self._file.rows(
            f"{_RECALL} WHERE notice_id = coalesce(?, notice_id) ORDER BY recall_entry",
            (notice_id,),
        )
        return [_held_recall(row) for row in rows]

    def erase(self, recall: HeldRecall, *, now: datetime) -> None:
        """Erases everything held of the notice but its ids, the ending, and what was answered; of
        a narrowing what came before it: who is addressed again holds the notice again."""
        place = (recall.originator, recall.notice_id)
        last = recall.recall_entry if recall.kind == NARROWED else _MAX_INDEX
        until = (*place, recall.origin, last)
        erased_at = (now - _EPOCH) // timedelta(microseconds=1)
        with self._file.transaction() as connection:
            held = connection.execute(_HELD, (*until, *place)).fetchone()
            connection.execute(
                "UPDATE recalls SET erased_at = coalesce(erased_at, ?), "  # noqa: S608 - texts of ours
                "was_held = max(was_held, ?), traffic = max(traffic, ?) "
                f"WHERE {_UNTIL.format('recall_entry')}",
                (erased_at, int(held is not None), held[0] if held else 0, *until),
            )
            connection.execute(f"DELETE FROM events WHERE {_UNTIL.format('entry_index')}", until)  # noqa: S608 - texts of ours
            connection.execute(_DROP_NOTICE, (*place, *_SHOWING_VERSIONS))
            _erase_quarantined(connection, *until)
        self._file.empty_log()

    def divide(
        self,
        connection: sqlite3.Connection,
        *,
        previous_origin: str,
        origin: str,
        restored_size: int,
    ) -> None:
        """Makes recalls below an entry the new origin's. Of those that a restored ledger has lost,
        forgets what nothing was erased for, and leaves the others with the origin before."""
        connection.execute(
            "DELETE FROM recalls WHERE origin = ? AND recall_entry >= ? AND erased_at IS NULL",
            (previous_origin, restored_size),
        )
        connection.execute(
            "UPDATE recalls SET origin = ? WHERE origin = ? AND recall_entry < ?",
            (origin, previous_origin, restored_size),
        )

    # --- what the agency has said -----------------------------------------------------------------

    def find_retention(self, originator: str, notice_id: str) -> Retention | None:
        """Why a notice is kept when it is recalled, if it is."""
        rows = self._file.rows(
            "SELECT provision, until FROM retentions WHERE originator = ? AND notice_id = ?",
            (originator, notice_id),
        )
        return Retention(*rows[0]) if rows else None

    def save_retention(self, originator: str, notice_id: str, retention: Retention) -> None:
        """Keeps why a notice is kept."""
        with self._file.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO retentions VALUES (?, ?, ?, ?)",
                (originator, notice_id, retention.provision, retention.until),
            )

    def list_passed_on(self, originator: str, notice_id: str) -> list[str]:
        """Whom the agency has passed a notice on to."""
        rows = self._file.rows(
            "SELECT passed_to FROM passings_on WHERE originator = ? AND notice_id = ? "
            "ORDER BY passed_to",
            (originator, notice_id),
        )
        return [name for (name,) in rows]

    def add_passed_on(self, originator: str, notice_id: str, names: Iterable[str]) -> None:
        """Keeps whom a notice was passed on to."""
        with self._file.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO passings_on VALUES (?, ?, ?)",
                [(originator, notice_id, name) for name in names],
            )


def _recall_row(origin: str, event: VerifiedEvent) -> tuple[Any, ...]:
    kind, message = _KINDS[event.kind], event.message.SerializeToString()
    return (origin, event.originator, event.notice_id, event.entry_index, kind, message)


def _is_erased(connection: sqlite3.Connection, origin: str, event: VerifiedEvent) -> bool:
    """Whether an event is of a notice that has ended and is erased, or comes before the recall that
    it was erased on: who is addressed again later receives it again."""
    if not event.notice_id:
        return False
    rows = connection.execute(
        "SELECT 1 FROM recalls WHERE originator = ? AND notice_id = ? AND erased_at IS NOT NULL "
        "AND (kind != ? OR (origin = ? AND recall_entry > ?))",
        (event.originator, event.notice_id, NARROWED, origin, event.entry_index),
    )
    return rows.fetchone() is not None


def _erase_quarantined(
    connection: sqlite3.Connection, originator: str, notice_id: str, origin: str, last: int
) -> None:
    """What did not verify may hold a version of the notice as well."""
    rows = connection.execute(
        "SELECT origin, entry_index, event FROM quarantine WHERE origin != ? OR entry_index <= ?",
        (origin, last),
    ).fetchall()
    for place in [(o, i) for o, i, event in rows if _is_of(event, originator, notice_id)]:
        connection.execute("DELETE FROM quarantine WHERE origin = ? AND entry_index = ?", place)


def _is_of(event: bytes, originator: str, notice_id: str) -> bool:
    try:
        parsed = parse_act(events_pb2.Event.FromString(event).act.envelope)
    except ComityError:
        return False
    return (parsed.notice_originator, parsed.notice_id) == (AgencyId(originator), notice_id)


def _held_recall(row: tuple[Any, ...]) -> HeldRecall:
    origin, originator, notice_id, recall_entry, kind, event, was_held, erased_at, traffic = row
    return HeldRecall(
        origin,
        originator,
        notice_id,
        recall_entry,
        kind,
        events_pb2.Event.FromString(event),
        bool(was_held),
        None if erased_at is None else _EPOCH + timedelta(microseconds=erased_at),
        traffic,
    )


def withdrawal_of(recall: HeldRecall) -> acts_pb2.WithdrawalAct | None:
    """The words of a withdrawal, where that is what began the recall."""
    if recall.kind != events_pb2.RECALL_KIND_WITHDRAWN:
        return None
    return acts_pb2.Act.FromString(recall.event.act.envelope.payload).withdrawal
