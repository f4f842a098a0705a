"""What was sent: signed acts as they were first serialized, and their receipts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agency_client.inbox.file import InboxFile
from comity import acts
from comity.v1 import acts_pb2

_SUBMISSION = (
    "SELECT submission_id, notice_id, source, request, entry_index, receipted, refusal "
    "FROM submissions"
)
_KINDS = {payload_type: kind for kind, payload_type in acts.PAYLOAD_TYPES.items()}
_UNANSWERED = "receipted IS NULL AND refusal IS NULL"


@dataclass(frozen=True, slots=True)
class KeptSubmission:
    """Signed acts as they were first serialized.

    `receipted` once the hub has them on disk; `refusal` is why the hub said that it does not take
    them: kept as well, because a hub can say so of what it has taken.
    """

    submission_id: int
    notice_id: str
    source: str
    request: acts_pb2.SubmitActsRequest
    entry_index: int | None
    receipted: acts_pb2.ReceiptedActs | None
    refusal: str | None = None

    @property
    def is_version(self) -> bool:
        """Whether a version is among the acts."""
        return _kind_of(self.request) == acts.VERSION


class Sent:
    """Submissions, receipts and imported editions on disk."""

    def __init__(self, file: InboxFile) -> None:
        self._file = file

    def add_submissions(
        self, requests: Sequence[tuple[str, acts_pb2.SubmitActsRequest]], *, source: str
    ) -> list[KeptSubmission]:
        """Keeps signed acts, by notice id, before they are sent: the same bytes after a crash."""
        kept = []
        with self._file.transaction() as connection:
            for notice_id, request in requests:
                cursor = connection.execute(
                    "INSERT INTO submissions (notice_id, source, request, kind) "
                    "VALUES (?, ?, ?, ?)",
                    (notice_id, source, request.SerializeToString(), _kind_of(request)),
                )
                number = int(cursor.lastrowid or 0)
                kept.append(KeptSubmission(number, notice_id, source, request, None, None))
        return kept

    def save_receipts(self, receipted: Sequence[tuple[int, acts_pb2.ReceiptedActs]]) -> None:
        """Keeps verified receipts, by submission."""
        with self._file.transaction() as connection:
            connection.executemany(
                "UPDATE submissions SET entry_index = ?, receipted = ? WHERE submission_id = ?",
                [(r.receipt.entry_index, r.SerializeToString(), i) for i, r in receipted],
            )

    def note_review(self, submission_id: int) -> None:
        """Keeps that a version waits for the hub's reviewers, by the hub's own word."""
        with self._file.transaction() as connection:
            connection.execute(
                "UPDATE submissions SET is_reviewed = 1 WHERE submission_id = ?", (submission_id,)
            )

    def list_reviewed(self, notice_id: str) -> list[int]:
        """The entries of those versions of a notice that had to wait for reviewers."""
        rows = self._file.rows(
            "SELECT entry_index FROM submissions "
            "WHERE notice_id = ? AND is_reviewed AND entry_index IS NOT NULL ORDER BY entry_index",
            (notice_id,),
        )
        return [entry_index for (entry_index,) in rows]

    def save_refusals(self, refused: Sequence[tuple[int, str]]) -> None:
        """Keeps why the hub refused submissions, which are not sent again."""
        with self._file.transaction() as connection:
            connection.executemany(
                "UPDATE submissions SET refusal = ? WHERE submission_id = ? AND receipted IS NULL",
                [(reason, i) for i, reason in refused],
            )

    def list_submissions(self, *, notice_id: str | None = None) -> list[KeptSubmission]:
        """What was sent, in order; all, or of one notice."""
        rows = self._file.rows(
            f"{_SUBMISSION} WHERE notice_id = coalesce(?, notice_id) ORDER BY submission_id",
            (notice_id,),
        )
        return [_kept_submission(row) for row in rows]

    def list_of_source(self, source: str) -> list[KeptSubmission]:
        """What was sent, in order, of the notices of a source: by it, and by hand since."""
        rows = self._file.rows(
            f"{_SUBMISSION} WHERE notice_id IN "  # noqa: S608 - a text of ours
            "(SELECT notice_id FROM submissions WHERE source = ?) ORDER BY submission_id",
            (source,),
        )
        return [_kept_submission(row) for row in rows]

    def list_of_kind(self, kind: acts.ActKind.ValueType) -> list[KeptSubmission]:
        """What was sent of a kind of act, in order."""
        rows = self._file.rows(f"{_SUBMISSION} WHERE kind = ? ORDER BY submission_id", (kind,))
        return [_kept_submission(row) for row in rows]

    def list_unanswered(self) -> list[KeptSubmission]:
        """What was kept and has no answer, in order."""
        rows = self._file.rows(f"{_SUBMISSION} WHERE {_UNANSWERED} ORDER BY submission_id")
        return [_kept_submission(row) for row in rows]

    def list_receipted(self, *, first_index: int, end_index: int) -> list[KeptSubmission]:
        """What has a receipt for an entry in a range of the ledger."""
        rows = self._file.rows(
            f"{_SUBMISSION} WHERE entry_index >= ? AND entry_index < ? ORDER BY entry_index",
            (first_index, end_index),
        )
        return [_kept_submission(row) for row in rows]

    def count_unanswered(self) -> int:
        """How many submissions have no answer."""
        rows = self._file.rows(f"SELECT count(*) FROM submissions WHERE {_UNANSWERED}")  # noqa: S608 - a text of ours
        return int(rows[0][0])

    def set_lost_aside(self, connection: sqlite3.Connection, restored_size: int) -> None:
        """Makes submissions unanswered again whose entries a restored ledger has lost.

        Their receipts are kept: they show what the hub once had on disk.
        """
        connection.execute(
            "INSERT OR IGNORE INTO lost_receipts SELECT submission_id, entry_index, receipted "
            "FROM submissions WHERE entry_index >= ?",
            (restored_size,),
        )
        connection.execute(
            "UPDATE submissions SET entry_index = NULL, receipted = NULL WHERE entry_index >= ?",
            (restored_size,),
        )

    def find_edition(self, source: str) -> datetime | None:
        """When the edition last imported from a source was generated (aware)."""
        rows = self._file.rows("SELECT generated_at FROM editions WHERE source = ?", (source,))
        return datetime.fromisoformat(rows[0][0]) if rows else None

    def save_edition(self, source: str, generated_at: datetime) -> None:
        """Remembers which edition was imported from a source."""
        with self._file.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO editions VALUES (?, ?)", (source, generated_at.isoformat())
            )


def _kind_of(request: acts_pb2.SubmitActsRequest) -> int | None:
    return _KINDS.get(request.acts[0].payload_type) if request.acts else None


def _kept_submission(row: tuple[Any, ...]) -> KeptSubmission:
    submission_id, notice_id, source, request, entry_index, receipted, refusal = row
    return KeptSubmission(
        submission_id,
        notice_id,
        source,
        acts_pb2.SubmitActsRequest.FromString(request),
        entry_index,
        None if receipted is None else acts_pb2.ReceiptedActs.FromString(receipted),
        refusal,
    )
