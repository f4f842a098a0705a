"""The inbox's file: opening, schema, transactions. One connection, used by one thread at a time.

Source: sqlite.org/wal.html; synchronous=FULL, because what is confirmed to the hub has to be on
disk.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agency_client.failures import InboxFailed
from agency_client.inbox.notices import take_held_withdrawals

PRIVATE_MODE = 0o600
BUSY_MILLISECONDS = 10_000  # another command of this profile writes for milliseconds only

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REMEDY = (
    "Take it back from a backup where there is one. Else stop 'comity run', move the file away "
    "with those beside it that end in -wal and -shm, and start it again: what the hub holds for "
    "this agency is delivered anew. Lost is what only this file had: acts not sent yet, receipts, "
    "what imports have published (an import publishes it a second time), and the checkpoints that "
    "the hub's ledger is compared with."
)

_SCHEMA = """
CREATE TABLE checkpoints (
  origin TEXT, size INTEGER, root BLOB NOT NULL, note BLOB NOT NULL, PRIMARY KEY (origin, size));
CREATE TABLE roster_entries (entry_index INTEGER PRIMARY KEY, entry BLOB NOT NULL);
CREATE TABLE cursors (name TEXT PRIMARY KEY, next_index INTEGER NOT NULL);
CREATE TABLE events (
  origin TEXT, entry_index INTEGER, kind INTEGER NOT NULL, originator TEXT NOT NULL,
  notice_id TEXT NOT NULL, event BLOB NOT NULL, PRIMARY KEY (origin, entry_index));
CREATE INDEX events_by_notice ON events (originator, notice_id);
CREATE TABLE notices (
  originator TEXT, notice_id TEXT, version INTEGER NOT NULL, kind INTEGER NOT NULL,
  traffic INTEGER NOT NULL, entry_index INTEGER NOT NULL, envelope BLOB NOT NULL,
  withdrawal BLOB, PRIMARY KEY (originator, notice_id));
CREATE INDEX notices_by_entry ON notices (entry_index);
CREATE INDEX notices_by_id ON notices (notice_id);
CREATE TABLE quarantine (
  origin TEXT, entry_index INTEGER, reason TEXT NOT NULL, event BLOB NOT NULL,
  PRIMARY KEY (origin, entry_index));
CREATE TABLE submissions (
  submission_id INTEGER PRIMARY KEY, notice_id TEXT NOT NULL, source TEXT NOT NULL,
  request BLOB NOT NULL, entry_index INTEGER, receipted BLOB);
CREATE INDEX submissions_by_notice ON submissions (notice_id);
CREATE INDEX submissions_by_entry ON submissions (entry_index);
CREATE TABLE lost_receipts (
  submission_id INTEGER, entry_index INTEGER, receipted BLOB NOT NULL,
  PRIMARY KEY (submission_id, entry_index));
CREATE TABLE editions (source TEXT PRIMARY KEY, generated_at TEXT NOT NULL)
"""


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)


def _add_refusals(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE submissions ADD COLUMN refusal TEXT")


_LIFE = """
ALTER TABLE submissions ADD COLUMN kind INTEGER;
CREATE INDEX submissions_by_kind ON submissions (kind);
CREATE TABLE recalls (
  originator TEXT, notice_id TEXT NOT NULL, recall_entry INTEGER, kind INTEGER NOT NULL,
  event BLOB NOT NULL, was_held INTEGER NOT NULL, erased_at INTEGER,
  traffic INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (originator, recall_entry));
CREATE INDEX recalls_by_notice ON recalls (originator, notice_id);
CREATE TABLE retentions (
  originator TEXT, notice_id TEXT, provision TEXT NOT NULL, until TEXT NOT NULL,
  PRIMARY KEY (originator, notice_id));
CREATE TABLE passings_on (
  originator TEXT, notice_id TEXT, passed_to TEXT, PRIMARY KEY (originator, notice_id, passed_to))
"""


def _add_recalls(connection: sqlite3.Connection) -> None:
    """What was withdrawn before is recalled as well: 3 and 1 are the kinds of event and recall."""
    for statement in _LIFE.split(";"):
        connection.execute(statement)
    connection.execute(
        "INSERT OR IGNORE INTO recalls "
        "SELECT originator, notice_id, entry_index, 1, event, 0, NULL, 0 FROM events WHERE kind = 3"
    )


def _add_reviews(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE submissions ADD COLUMN is_reviewed INTEGER")


_RECALLS_BY_ORIGIN = """
ALTER TABLE recalls RENAME TO recalls_before;
DROP INDEX recalls_by_notice;
CREATE TABLE recalls (
  origin TEXT, originator TEXT, notice_id TEXT NOT NULL, recall_entry INTEGER,
  kind INTEGER NOT NULL, event BLOB NOT NULL, was_held INTEGER NOT NULL, erased_at INTEGER,
  traffic INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (origin, originator, recall_entry));
CREATE INDEX recalls_by_notice ON recalls (originator, notice_id);
INSERT INTO recalls SELECT coalesce(
  (SELECT origin FROM events e WHERE e.entry_index = r.recall_entry
    AND e.originator = r.originator AND e.notice_id = r.notice_id ORDER BY rowid DESC LIMIT 1),
  (SELECT origin FROM checkpoints ORDER BY rowid DESC LIMIT 1), ''), r.* FROM recalls_before r;
DROP TABLE recalls_before
"""


def _key_recalls_by_origin(connection: sqlite3.Connection) -> None:
    """A restored ledger gives entries a second time. What is erased has left no other origin than
    the latest."""
    for statement in _RECALLS_BY_ORIGIN.split(";"):
        connection.execute(statement)


# What brings an inbox to the next version of the schema: each step once, in this order.
_MIGRATIONS: Sequence[Callable[[sqlite3.Connection], None]] = (
    _make_tables,
    take_held_withdrawals,  # version 1 lost a withdrawal that came before its version
    _add_refusals,
    _add_recalls,
    _add_reviews,
    _key_recalls_by_origin,
)
SCHEMA_VERSION = len(_MIGRATIONS)


class InboxFile:
    """The open file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_MODE))
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                "secure_delete=ON",  # what is recalled leaves nothing behind
                f"busy_timeout={BUSY_MILLISECONDS}",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
        except OSError as error:
            raise InboxFailed(f"The inbox {path} cannot be opened: {error.strerror}.") from error
        except sqlite3.Error as error:
            raise self._failed("cannot be opened", error) from error
        self._migrate()

    def close(self) -> None:
        """Closes the file once whoever writes has finished."""
        with self._lock:
            self._connection.close()

    def _migrate(self) -> None:
        with self.transaction() as connection:
            [(version,)] = connection.execute("PRAGMA user_version")
            if version > SCHEMA_VERSION:
                raise InboxFailed("The inbox was written by a newer version of this program.")
            for step in _MIGRATIONS[version:]:
                step(connection)
            if version < SCHEMA_VERSION:
                connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything or nothing. From any thread; one waits for another.

        Raises: InboxFailed where the disk is full, or the file locked, read-only or damaged.
        """
        try:
            with self._lock:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
        except sqlite3.Error as error:
            raise self._failed("does not take this", error) from error

    def empty_log(self) -> None:
        """Takes the write-ahead log into the file and empties it, so that nothing erased is left.

        Raises: InboxFailed.
        """
        try:
            with self._lock:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise self._failed("does not take this", error) from error

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query. From any thread.

        Raises: InboxFailed.
        """
        try:
            with self._lock:
                return self._connection.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._failed("cannot be read", error) from error

    def _failed(self, what: str, error: sqlite3.Error) -> InboxFailed:
        """The failure in words; where the file is damaged, with what is to be done."""
        said = f"The inbox {self._path} {what}: {error}."
        # The lowest byte is the kind of error, the others say more of it.
        is_damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
        return InboxFailed(f"{said} {_REMEDY}" if is_damaged else said)
