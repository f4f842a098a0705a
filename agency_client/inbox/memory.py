"""What the inbox remembers of the ledger: checkpoints and roster entries.

Of old checkpoints the last of each thousand entries is kept, so that after a new epoch one can be
found at or not far below what was restored, and so that `ledger verify` compares the past as well.
"""

from __future__ import annotations

import sqlite3

from agency_client.inbox.file import InboxFile
from agency_client.trust import SeenCheckpoint, Trust
from comity.errors import LedgerForked
from comity.v1 import ledger_pb2

BLOCK_ENTRIES = 1_000  # one checkpoint of each block stays: some 400 bytes per thousand entries


class LedgerMemory:
    """Checkpoints and roster entries on disk."""

    def __init__(self, file: InboxFile) -> None:
        self._file = file

    def find_checkpoint(self, origin: str, *, at_most: int | None = None) -> SeenCheckpoint | None:
        """The newest remembered checkpoint of an origin, or the newest up to a size."""
        rows = self._file.rows(
            "SELECT origin, size, root, note FROM checkpoints WHERE origin = ? "
            "AND size <= coalesce(?, size) ORDER BY size DESC LIMIT 1",
            (origin, at_most),
        )
        return SeenCheckpoint(*rows[0]) if rows else None

    def list_checkpoints(self, origin: str) -> list[SeenCheckpoint]:
        """Every remembered checkpoint of an origin, from the smallest."""
        rows = self._file.rows(
            "SELECT origin, size, root, note FROM checkpoints WHERE origin = ? ORDER BY size",
            (origin,),
        )
        return [SeenCheckpoint(*row) for row in rows]

    def list_roster_leaves(self) -> list[ledger_pb2.LedgerLeaf]:
        """The roster entries, in order."""
        rows = self._file.rows("SELECT entry_index, entry FROM roster_entries ORDER BY entry_index")
        return [ledger_pb2.LedgerLeaf(entry_index=i, entry=entry) for i, entry in rows]

    def add(self, connection: sqlite3.Connection, trust: Trust) -> None:
        """Adds what a trust has learned since.

        Raises: LedgerForked where another command of this profile was shown another history.
        """
        self._add_roster_leaves(connection, trust)
        checkpoint = trust.checkpoint
        if checkpoint is None:
            return
        cursor = connection.execute(
            "INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?, ?)",
            (checkpoint.origin, checkpoint.size, checkpoint.root, checkpoint.note),
        )
        if cursor.rowcount:
            _thin_out(connection, checkpoint)
            return
        [(root,)] = connection.execute(
            "SELECT root FROM checkpoints WHERE origin = ? AND size = ?",
            (checkpoint.origin, checkpoint.size),
        )
        if root != checkpoint.root:
            raise LedgerForked(
                f"Two commands of this profile were shown different ledgers of {checkpoint.size:,} "
                "entries. Keep the inbox as it is and ask other members."
            )

    def _add_roster_leaves(self, connection: sqlite3.Connection, trust: Trust) -> None:
        [(last,)] = connection.execute("SELECT max(entry_index) FROM roster_entries")
        known = -1 if last is None else last
        newest = trust.roster.last_entry
        if newest is None or newest <= known:
            return
        connection.executemany(
            "INSERT OR IGNORE INTO roster_entries VALUES (?, ?)",
            # A copy: the roster may grow on the event loop meanwhile.
            [(i, leaf.entry) for i, leaf in list(trust.roster_leaves.items()) if i > known],
        )

    def divide(
        self,
        connection: sqlite3.Connection,
        *,
        previous_origin: str,
        origin: str,
        restored_size: int,
    ) -> None:
        """Makes the checkpoints up to a size the new origin's too, and forgets the roster beyond.

        So the next epoch is compared with what was seen under any before it.
        """
        connection.execute(
            "INSERT OR IGNORE INTO checkpoints SELECT ?, size, root, note FROM checkpoints "
            "WHERE origin = ? AND size <= ?",
            (origin, previous_origin, restored_size),
        )
        connection.execute("DELETE FROM roster_entries WHERE entry_index >= ?", (restored_size,))


def _thin_out(connection: sqlite3.Connection, newest: SeenCheckpoint) -> None:
    """Of the blocks that are complete, leaves the last checkpoint of each."""
    complete = newest.size // BLOCK_ENTRIES * BLOCK_ENTRIES
    rows = connection.execute(
        "SELECT size FROM checkpoints WHERE origin = ? AND size < ? ORDER BY size DESC LIMIT 1",
        (newest.origin, newest.size),
    ).fetchall()
    if not rows or rows[0][0] >= complete:
        return  # The one before is of the same block: nothing was completed just now.
    last_of_block = rows[0][0]
    connection.execute(
        "DELETE FROM checkpoints WHERE origin = ? AND size >= ? AND size < ?",
        (newest.origin, last_of_block // BLOCK_ENTRIES * BLOCK_ENTRIES, last_of_block),
    )
