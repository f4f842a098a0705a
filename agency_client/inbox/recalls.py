"""Recalls on disk: which notices are recalled, what law demands to keep, whom copies went to.

What is erased leaves no trace in the file: pages are overwritten, the write-ahead log is emptied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agency_client.event_kinds import ENDINGS
from agency_client.events import VerifiedEvent
from agency_client.inbox.file import InboxFile
from comity.acts import parse_act
from comity.errors import ComityError
from comity.identity import AgencyId
from comity.v1 import acts_pb2, events_pb2, ledger_pb2
from comity.v1.notices_pb2 import Traffic

RECALLED = events_pb2.EVENT_KIND_RECALLED
NARROWED = events_pb2.RECALL_KIND_NARROWED
_KINDS = {**ENDINGS, RECALLED: NARROWED}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECALL = (
    "SELECT originator, notice_id, recall_entry, kind, event, was_held, erased_at, traffic "
    "FROM recalls"
)


@dataclass(frozen=True, slots=True)
class HeldRecall:
    """A recall as a verified event has brought it. `erased_at` is when the copies here were."""

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

    def add(self, connection: sqlite3.Connection, events: Iterable[VerifiedEvent]) -> None:
        """Adds the recalls that events begin."""
        connection.executemany(
            "INSERT OR IGNORE INTO recalls VALUES (?, ?, ?, ?, ?, 0, NULL, 0)",
            [_recall_row(event) for event in events if event.kind in _KINDS],
        )

    def without_erased(
        self, connection: sqlite3.Connection, events: Sequence[VerifiedEvent]
    ) -> list[VerifiedEvent]:
        """The events less those that would bring back what was erased on a recall."""
        return [e for e in events if e.kind in _KINDS or not _is_erased(connection, e)]

    def list_recalls(self, *, notice_id: str | None = None) -> list[HeldRecall]:
        """Every recall, or those of a notice's id, in the order of their entries."""
        rows = self._file.rows(
            f"{_RECALL} WHERE notice_id = coalesce(?, notice_id) ORDER BY recall_entry",
            (notice_id,),
        )
        return [_held_recall(row) for row in rows]

    def erase(self, recall: HeldRecall, *, now: datetime) -> None:
        """Erases everything held of the notice but its ids, the ending, and what was answered."""
        place = (recall.originator, recall.notice_id)
        erased_at = (now - _EPOCH) // timedelta(microseconds=1)
        with self._file.transaction() as connection:
            held = connection.execute(
                "SELECT traffic FROM notices WHERE originator = ? AND notice_id = ? "
                "AND version > 0 UNION ALL SELECT traffic FROM recalls "
                "WHERE originator = ? AND notice_id = ? AND was_held",
                (*place, *place),
            ).fetchone()
            connection.execute(
                "UPDATE recalls SET erased_at = coalesce(erased_at, ?), "
                "was_held = max(was_held, ?), traffic = max(traffic, ?) "
                "WHERE originator = ? AND notice_id = ?",
                (erased_at, int(held is not None), held[0] if held else 0, *place),
            )
            for table in ("events", "notices"):
                connection.execute(
                    f"DELETE FROM {table} WHERE originator = ? AND notice_id = ?",  # noqa: S608 - two names of ours
                    place,
                )
            _erase_quarantined(connection, *place)
        self._file.empty_log()

    def divide(self, connection: sqlite3.Connection, restored_size: int) -> None:
        """Forgets recalls that a restored ledger has lost, and that nothing was erased for."""
        connection.execute(
            "DELETE FROM recalls WHERE recall_entry >= ? AND erased_at IS NULL", (restored_size,)
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


def _recall_row(event: VerifiedEvent) -> tuple[Any, ...]:
    kind, message = _KINDS[event.kind], event.message.SerializeToString()
    return (event.originator, event.notice_id, event.entry_index, kind, message)


def _is_erased(connection: sqlite3.Connection, event: VerifiedEvent) -> bool:
    """Whether an event is of a notice that has ended and is erased, or comes before the recall that
    it was erased on: who is addressed again later receives it again."""
    if not event.notice_id:
        return False
    rows = connection.execute(
        "SELECT 1 FROM recalls WHERE originator = ? AND notice_id = ? AND erased_at IS NOT NULL "
        "AND (kind != ? OR recall_entry > ?)",
        (event.originator, event.notice_id, NARROWED, event.entry_index),
    )
    return rows.fetchone() is not None


def _erase_quarantined(connection: sqlite3.Connection, originator: str, notice_id: str) -> None:
    """What did not verify may hold a version of the notice as well."""
    rows = connection.execute("SELECT origin, entry_index, event FROM quarantine").fetchall()
    for origin, entry_index, event in rows:
        try:
            parsed = parse_act(events_pb2.Event.FromString(event).act.envelope)
        except ComityError:
            continue
        if (parsed.notice_originator, parsed.notice_id) == (AgencyId(originator), notice_id):
            connection.execute(
                "DELETE FROM quarantine WHERE origin = ? AND entry_index = ?", (origin, entry_index)
            )


def _held_recall(row: tuple[Any, ...]) -> HeldRecall:
    originator, notice_id, recall_entry, kind, event, was_held, erased_at, traffic = row
    return HeldRecall(
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
