"""What was received: events as they came, the notices that they add up to, watches' places."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agency_client.event_kinds import ADDRESSEE_ADDED, NEW_VERSION, PUBLISHED
from agency_client.events import VerifiedEvent
from agency_client.inbox.file import InboxFile
from agency_client.inbox.notices import update_notices
from agency_client.inbox.recalls import Recalls
from comity.v1 import acts_pb2, events_pb2, ledger_pb2

PAGE_NOTICES = 512  # held in memory at once by whoever goes through them all

_NOTICE = "SELECT originator, notice_id, entry_index, envelope, withdrawal, rowid FROM notices"

EXTENDED, ADDENDUM = events_pb2.EVENT_KIND_EXTENDED, events_pb2.EVENT_KIND_ADDENDUM


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event that did not verify, and why."""

    entry_index: int
    reason: str
    message: events_pb2.Event


@dataclass(frozen=True, slots=True)
class HeldNotice:
    """A notice as this agency holds it: its latest version, and its withdrawal if there is one.

    `entry_index` is where the latest of them lies. `addressing` is the one in force, and only there
    for the agency's own notices.
    """

    originator: str
    notice_id: str
    entry_index: int
    version: acts_pb2.Envelope
    withdrawal: acts_pb2.Envelope | None
    addressing: acts_pb2.Envelope | None = None

    def is_of(self, other: HeldNotice) -> bool:
        """Whether both are of the same notice."""
        return (self.originator, self.notice_id) == (other.originator, other.notice_id)


class Received:
    """Events, notices, quarantine and places on disk."""

    def __init__(self, file: InboxFile, recalls: Recalls) -> None:
        self._file = file
        self._recalls = recalls

    def find_cursor(self, name: str) -> int | None:
        """The first entry index that a watch has not brought yet."""
        rows = self._file.rows("SELECT next_index FROM cursors WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else None

    def add(
        self,
        connection: sqlite3.Connection,
        *,
        origin: str,
        watch: str,
        verified: Sequence[VerifiedEvent],
        quarantined: Sequence[Quarantined],
        next_index: int,
    ) -> list[VerifiedEvent]:
        """Adds a window with the watch's place; gives the events that were not there yet."""
        new = self._recalls.without_erased(
            connection, origin, _new_events(connection, origin, verified)
        )
        connection.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", [_event_row(origin, e) for e in new]
        )
        update_notices(connection, [(e.entry_index, e.act) for e in new if e.act is not None])
        self._recalls.add(connection, origin, new)
        connection.executemany(
            "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?, ?)",
            [(origin, q.entry_index, q.reason, q.message.SerializeToString()) for q in quarantined],
        )
        connection.execute(
            "INSERT INTO cursors VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET next_index = excluded.next_index",
            (watch, next_index),
        )
        return new

    def add_beside(self, origin: str, record: events_pb2.NoticeRecord) -> None:
        """Adds the extension and the addenda that a verified record shows, as the events that their
        reader was not sent. What is there already stays."""
        shown = [(EXTENDED, record.extension)] if record.HasField("extension") else []
        shown += [(ADDENDUM, addendum) for addendum in record.addenda]
        rows = []
        for kind, act in shown:
            event = events_pb2.Event(kind=kind, leaf=act.leaf, act=act)
            event.act.ClearField("leaf")
            place = (origin, act.leaf.entry_index, int(kind))
            named = (record.originator, record.notice_id)
            rows.append((*place, *named, event.SerializeToString()))
        with self._file.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?)", rows)

    def notices(self, *, traffic: int) -> Iterator[HeldNotice]:
        """The notices held, in the order of their latest entries."""
        last = (-1, -1)
        while rows := self._file.rows(
            f"{_NOTICE} WHERE traffic = ? AND (entry_index, rowid) > (?, ?) "
            "ORDER BY entry_index, rowid LIMIT ?",
            (traffic, *last, PAGE_NOTICES),
        ):
            yield from (_held_notice(row) for row in rows)
            last = (rows[-1][2], rows[-1][5])

    def find_notices(self, notice_id: str) -> list[HeldNotice]:
        """The notices of an id, one for each originator that has used it."""
        rows = self._file.rows(f"{_NOTICE} WHERE notice_id = ? AND version > 0", (notice_id,))
        return [_held_notice(row) for row in rows]

    def holds(self, originator: str, notice_id: str) -> bool:
        """Whether a version of a notice is held."""
        return any(one.originator == originator for one in self.find_notices(notice_id))

    def list_notice_events(self, originator: str, notice_id: str) -> list[events_pb2.Event]:
        """What was heard of a notice beside its versions, in the order of the ledger."""
        rows = self._file.rows(
            "SELECT event FROM events WHERE originator = ? AND notice_id = ? "
            "AND kind NOT IN (?, ?, ?) ORDER BY entry_index",
            (originator, notice_id, PUBLISHED, NEW_VERSION, ADDRESSEE_ADDED),
        )
        return [events_pb2.Event.FromString(event) for (event,) in rows]

    def count_notices(self) -> int:
        """How many notices are held, withdrawn ones included."""
        return int(self._file.rows("SELECT count(*) FROM notices WHERE version > 0")[0][0])

    def count_in_force(self, originator: str, *, traffic: int) -> int:
        """How many notices of an originator are held that it has not withdrawn."""
        rows = self._file.rows(
            "SELECT count(*) FROM notices "
            "WHERE originator = ? AND traffic = ? AND version > 0 AND withdrawal IS NULL",
            (originator, traffic),
        )
        return int(rows[0][0])

    def list_quarantined(self) -> list[Quarantined]:
        """What did not verify, and why."""
        rows = self._file.rows(
            "SELECT entry_index, reason, event FROM quarantine ORDER BY entry_index"
        )
        return [Quarantined(i, reason, events_pb2.Event.FromString(e)) for i, reason, e in rows]

    def list_event_leaves(
        self, origin: str, *, first_index: int, end_index: int
    ) -> list[ledger_pb2.LedgerLeaf]:
        """The entries of the events received under an origin, in a range of the ledger."""
        rows = self._file.rows(
            "SELECT event FROM events WHERE origin = ? AND entry_index >= ? AND entry_index < ?",
            (origin, first_index, end_index),
        )
        return [events_pb2.Event.FromString(event).leaf for (event,) in rows]

    def divide(
        self,
        connection: sqlite3.Connection,
        *,
        previous_origin: str,
        origin: str,
        restored_size: int,
    ) -> None:
        """Leaves events from an entry on with the origin before, and takes places back to it."""
        for table in ("events", "quarantine"):
            connection.execute(
                f"UPDATE {table} SET origin = ? WHERE origin = ? AND entry_index < ?",  # noqa: S608 - two names of ours
                (origin, previous_origin, restored_size),
            )
        connection.execute(
            "UPDATE cursors SET next_index = ? WHERE next_index > ?", (restored_size, restored_size)
        )


def _new_events(
    connection: sqlite3.Connection, origin: str, verified: Sequence[VerifiedEvent]
) -> list[VerifiedEvent]:
    if not verified:
        return []
    rows = connection.execute(
        "SELECT entry_index FROM events WHERE origin = ? AND entry_index BETWEEN ? AND ?",
        (origin, verified[0].entry_index, verified[-1].entry_index),
    )
    held = {entry_index for (entry_index,) in rows}
    return [event for event in verified if event.entry_index not in held]


def _event_row(origin: str, event: VerifiedEvent) -> tuple[Any, ...]:
    return (
        origin,
        event.entry_index,
        event.kind,
        event.originator,
        event.notice_id,
        event.message.SerializeToString(),
    )


def _held_notice(row: tuple[Any, ...]) -> HeldNotice:
    originator, notice_id, entry_index, envelope, withdrawal, _ = row
    return HeldNotice(
        originator,
        notice_id,
        entry_index,
        acts_pb2.Envelope.FromString(envelope),
        None if withdrawal is None else acts_pb2.Envelope.FromString(withdrawal),
    )
