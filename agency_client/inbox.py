"""The inbox: one SQLite file with everything that an agency has received, sent and verified.

What belongs together is committed together: events, the watch's place and the last checkpoint in one
transaction, before the watch confirms. Writes from several threads wait for one another. Never
touches the network.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agency_client.trust import VerifiedEvent
from comity.acts import VERSION
from comity.checkpoint import Checkpoint
from comity.errors import StoreUnavailable
from comity.v1 import acts_pb2, events_pb2, ledger_pb2

PRIVATE_MODE = 0o600
SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE checkpoints (origin TEXT, size INTEGER, root BLOB NOT NULL, PRIMARY KEY (origin, size));
CREATE TABLE roster_entries (entry_index INTEGER PRIMARY KEY, entry BLOB NOT NULL);
CREATE TABLE cursors (name TEXT PRIMARY KEY, next_index INTEGER NOT NULL);
CREATE TABLE events (
  origin TEXT, entry_index INTEGER, kind INTEGER NOT NULL, originator TEXT NOT NULL,
  notice_id TEXT NOT NULL, event BLOB NOT NULL, PRIMARY KEY (origin, entry_index));
CREATE INDEX events_by_notice ON events (originator, notice_id);
CREATE TABLE notices (
  originator TEXT, notice_id TEXT, version INTEGER NOT NULL, kind INTEGER NOT NULL,
  traffic INTEGER NOT NULL, urgency INTEGER NOT NULL, is_withdrawn INTEGER NOT NULL,
  entry_index INTEGER NOT NULL, envelope BLOB NOT NULL, PRIMARY KEY (originator, notice_id));
CREATE TABLE quarantine (
  origin TEXT, entry_index INTEGER, reason TEXT NOT NULL, event BLOB NOT NULL,
  PRIMARY KEY (origin, entry_index));
CREATE TABLE submissions (
  submission_id INTEGER PRIMARY KEY, notice_id TEXT NOT NULL, source TEXT NOT NULL,
  request BLOB NOT NULL, entry_index INTEGER, receipted BLOB);
CREATE INDEX submissions_by_notice ON submissions (notice_id);
"""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event that did not verify, and why."""

    entry_index: int
    reason: str
    message: events_pb2.Event


@dataclass(frozen=True, slots=True)
class HeldNotice:
    """A notice as this agency holds it: its latest version."""

    originator: str
    notice_id: str
    version: int
    is_withdrawn: bool
    entry_index: int
    envelope: acts_pb2.Envelope


@dataclass(frozen=True, slots=True)
class KeptSubmission:
    """Signed acts as they were first serialized; `receipted` once the hub has them on disk."""

    submission_id: int
    notice_id: str
    source: str
    request: acts_pb2.SubmitActsRequest
    entry_index: int | None
    receipted: acts_pb2.ReceiptedActs | None


class Inbox:
    """The open file. `close` it when done."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_MODE)
        os.close(descriptor)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._migrate()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def _migrate(self) -> None:
        with self._transaction() as connection:
            [(version,)] = connection.execute("PRAGMA user_version")
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything or nothing.

        Raises: StoreUnavailable where the disk is full, or the file locked or read-only.
        """
        try:
            with self._lock:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"The inbox does not take this: {error}.") from error

    # --- trust ------------------------------------------------------------------------------------

    def find_checkpoint(self, origin: str, *, at_most: int | None = None) -> Checkpoint | None:
        """The newest remembered checkpoint of an origin, or the newest up to a size."""
        row = self._connection.execute(
            "SELECT size, root FROM checkpoints WHERE origin = ? AND size <= ? "
            "ORDER BY size DESC LIMIT 1",
            (origin, 2**62 if at_most is None else at_most),
        ).fetchone()
        return None if row is None else Checkpoint(origin, row[0], row[1])

    def save_checkpoint(self, checkpoint: Checkpoint | None) -> None:
        """Remembers a checkpoint. Older ones are kept: an epoch may go on from any of them."""
        if checkpoint is None:
            return
        with self._transaction() as connection:
            _insert_checkpoint(connection, checkpoint)

    def list_roster_leaves(self) -> list[ledger_pb2.LedgerLeaf]:
        """The roster entries, in order."""
        rows = self._connection.execute("SELECT * FROM roster_entries ORDER BY entry_index")
        return [ledger_pb2.LedgerLeaf(entry_index=i, entry=entry) for i, entry in rows]

    def save_roster_leaves(self, leaves: Iterable[ledger_pb2.LedgerLeaf]) -> None:
        """Keeps verified roster entries."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO roster_entries VALUES (?, ?)",
                [(leaf.entry_index, leaf.entry) for leaf in leaves],
            )

    # --- what was received ------------------------------------------------------------------------

    def find_cursor(self, name: str) -> int | None:
        """The first entry index that a watch has not brought yet."""
        row = self._connection.execute(
            "SELECT next_index FROM cursors WHERE name = ?", (name,)
        ).fetchone()
        return None if row is None else int(row[0])

    def commit_window(
        self,
        name: str,
        *,
        next_index: int,
        checkpoint: Checkpoint,
        verified: Sequence[VerifiedEvent],
        quarantined: Sequence[Quarantined],
    ) -> list[VerifiedEvent]:
        """Keeps a window of events with the watch's place; gives those that were not there yet."""
        with self._transaction() as connection:
            new = [e for e in verified if _insert_event(connection, checkpoint.origin, e)]
            connection.executemany(
                "INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?)",
                [
                    (checkpoint.origin, q.entry_index, q.reason, q.message.SerializeToString())
                    for q in quarantined
                ],
            )
            connection.execute(
                "INSERT INTO cursors VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET next_index = excluded.next_index",
                (name, next_index),
            )
            _insert_checkpoint(connection, checkpoint)
        return new

    def list_notices(self, *, originator: str | None = None) -> list[HeldNotice]:
        """The notices held, in the order of their latest entries."""
        rows = self._connection.execute(
            "SELECT originator, notice_id, version, is_withdrawn, entry_index, envelope "
            "FROM notices WHERE originator = coalesce(?, originator) ORDER BY entry_index",
            (originator,),
        )
        return [_held_notice(row) for row in rows]

    def find_notices(self, notice_id: str) -> list[HeldNotice]:
        """The notices of an id, one for each originator that has used it."""
        rows = self._connection.execute(
            "SELECT originator, notice_id, version, is_withdrawn, entry_index, envelope "
            "FROM notices WHERE notice_id = ?",
            (notice_id,),
        )
        return [_held_notice(row) for row in rows]

    def list_quarantined(self) -> list[Quarantined]:
        """What did not verify, and why."""
        rows = self._connection.execute("SELECT entry_index, reason, event FROM quarantine")
        return [Quarantined(i, reason, events_pb2.Event.FromString(e)) for i, reason, e in rows]

    def list_event_leaves(self, origin: str) -> list[ledger_pb2.LedgerLeaf]:
        """The entries of every event received under an origin."""
        rows = self._connection.execute(
            "SELECT event FROM events WHERE origin = ? ORDER BY entry_index", (origin,)
        )
        return [events_pb2.Event.FromString(event).leaf for (event,) in rows]

    # --- what was sent ----------------------------------------------------------------------------

    def add_submission(
        self, request: acts_pb2.SubmitActsRequest, *, notice_id: str, source: str
    ) -> int:
        """Keeps signed acts before they are sent, so that after a crash the same bytes are sent."""
        return self.add_submissions([(request, notice_id, source)])[0]

    def add_submissions(
        self, kept: Sequence[tuple[acts_pb2.SubmitActsRequest, str, str]]
    ) -> list[int]:
        """The same for many, in one transaction."""
        ids = []
        with self._transaction() as connection:
            for request, notice_id, source in kept:
                cursor = connection.execute(
                    "INSERT INTO submissions (notice_id, source, request) VALUES (?, ?, ?)",
                    (notice_id, source, request.SerializeToString()),
                )
                ids.append(int(cursor.lastrowid or 0))
        return ids

    def save_receipts(self, receipted: Sequence[tuple[int, acts_pb2.ReceiptedActs]]) -> None:
        """Keeps verified receipts."""
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE submissions SET entry_index = ?, receipted = ? WHERE submission_id = ?",
                [(r.receipt.entry_index, r.SerializeToString(), i) for i, r in receipted],
            )

    def remove_submissions(self, submission_ids: Sequence[int]) -> None:
        """Forgets submissions that the hub refused."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM submissions WHERE submission_id = ? AND receipted IS NULL",
                [(i,) for i in submission_ids],
            )

    def list_submissions(
        self, *, source: str | None = None, notice_id: str | None = None
    ) -> list[KeptSubmission]:
        """What was sent, in order; all, or from one source or of one notice."""
        rows = self._connection.execute(
            "SELECT submission_id, notice_id, source, request, entry_index, receipted "
            "FROM submissions WHERE source = coalesce(?, source) "
            "AND notice_id = coalesce(?, notice_id) ORDER BY submission_id",
            (source, notice_id),
        )
        return [_kept_submission(row) for row in rows]

    # --- epochs -----------------------------------------------------------------------------------

    def cut_back(self, size: int) -> None:
        """After a new epoch: places and roster entries beyond its beginning are no more."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE cursors SET next_index = ? WHERE next_index > ?", (size, size)
            )
            connection.execute("DELETE FROM roster_entries WHERE entry_index >= ?", (size,))


def _insert_checkpoint(connection: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?)",
        (checkpoint.origin, checkpoint.size, checkpoint.root),
    )


def _insert_event(connection: sqlite3.Connection, origin: str, event: VerifiedEvent) -> bool:
    """Keeps an event; False where it is there already."""
    parsed = event.act
    originator = "" if parsed is None else parsed.originator
    notice_id = "" if parsed is None else parsed.notice_id
    cursor = connection.execute(
        "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?)",
        (
            origin,
            event.entry_index,
            event.kind,
            originator,
            notice_id,
            event.message.SerializeToString(),
        ),
    )
    if cursor.rowcount and parsed is not None:
        _update_notice(connection, event)
    return bool(cursor.rowcount)


def _update_notice(connection: sqlite3.Connection, event: VerifiedEvent) -> None:
    parsed = event.act
    if parsed is None:
        return
    if parsed.kind != VERSION:
        connection.execute(
            "UPDATE notices SET is_withdrawn = 1, entry_index = ? "
            "WHERE originator = ? AND notice_id = ?",
            (event.entry_index, parsed.originator, parsed.notice_id),
        )
        return
    notice = parsed.act.version.notice
    connection.execute(
        "INSERT INTO notices VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?) "
        "ON CONFLICT (originator, notice_id) DO UPDATE SET version = excluded.version, "
        "urgency = excluded.urgency, entry_index = excluded.entry_index, "
        "envelope = excluded.envelope WHERE excluded.version > version",
        (
            parsed.originator,
            parsed.notice_id,
            notice.version,
            notice.kind,
            notice.traffic,
            notice.urgency,
            event.entry_index,
            parsed.envelope.SerializeToString(),
        ),
    )


def _held_notice(row: tuple[str, str, int, int, int, bytes]) -> HeldNotice:
    originator, notice_id, version, is_withdrawn, entry_index, envelope = row
    return HeldNotice(
        originator,
        notice_id,
        version,
        bool(is_withdrawn),
        entry_index,
        acts_pb2.Envelope.FromString(envelope),
    )


def _kept_submission(
    row: tuple[int, str, str, bytes, int | None, bytes | None],
) -> KeptSubmission:
    submission_id, notice_id, source, request, entry_index, receipted = row
    return KeptSubmission(
        submission_id,
        notice_id,
        source,
        acts_pb2.SubmitActsRequest.FromString(request),
        entry_index,
        None if receipted is None else acts_pb2.ReceiptedActs.FromString(receipted),
    )
