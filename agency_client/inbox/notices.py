"""The notices that events add up to: of each its latest version, and its withdrawal.

The same whatever order the events come in: a withdrawal may be here before the version that it
withdraws, and an earlier version after a later one. Called within a transaction of the inbox.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from comity.acts import VERSION, WITHDRAWAL, ParsedAct
from comity.v1 import events_pb2

# Of a notice whose withdrawal came first there is a row of version 0, until its version comes. An
# equal version was sent again after a new epoch, or shown to a reader that was added later.
_TAKE_VERSION = """
INSERT INTO notices VALUES (?, ?, ?, ?, ?, ?, ?, NULL)
ON CONFLICT (originator, notice_id) DO UPDATE SET
  version = excluded.version, kind = excluded.kind, traffic = excluded.traffic,
  envelope = excluded.envelope,
  entry_index = CASE WHEN withdrawal IS NULL THEN excluded.entry_index ELSE entry_index END
WHERE excluded.version >= version
"""
_TAKE_WITHDRAWAL = """
INSERT INTO notices VALUES (?, ?, 0, 0, 0, ?, x'', ?)
ON CONFLICT (originator, notice_id) DO UPDATE SET
  entry_index = excluded.entry_index, withdrawal = excluded.withdrawal
"""


def update_notices(connection: sqlite3.Connection, acts: Iterable[tuple[int, ParsedAct]]) -> None:
    """Takes versions and withdrawals, each with the index of the entry where it was shown."""
    versions, withdrawals = [], []
    for entry_index, parsed in acts:
        envelope = parsed.envelope.SerializeToString()
        if parsed.kind == VERSION:
            notice = parsed.act.version.notice
            values = (notice.version, notice.kind, notice.traffic, entry_index, envelope)
            versions.append((parsed.originator, parsed.notice_id, *values))
        elif parsed.kind == WITHDRAWAL:
            withdrawals.append((parsed.originator, parsed.notice_id, entry_index, envelope))
    connection.executemany(_TAKE_VERSION, versions)
    connection.executemany(_TAKE_WITHDRAWAL, withdrawals)


def take_held_withdrawals(connection: sqlite3.Connection) -> None:
    """Takes every withdrawal among the events that are held, for an inbox that forgot some."""
    rows = connection.execute(
        "SELECT originator, notice_id, entry_index, event FROM events WHERE kind = ? "
        "ORDER BY rowid",
        (events_pb2.EVENT_KIND_WITHDRAWN,),
    )
    connection.executemany(
        _TAKE_WITHDRAWAL,
        (
            (originator, notice_id, i, _envelope_of(event))
            for originator, notice_id, i, event in rows
        ),
    )


def _envelope_of(event: bytes) -> bytes:
    return events_pb2.Event.FromString(event).act.envelope.SerializeToString()
