"""The inbox: one SQLite file with everything that an agency has received, sent and verified.

What belongs together is committed together: events, the watch's place and what was learned of the
ledger in one transaction, before the watch confirms. Never touches the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agency_client.events import VerifiedEvent
from agency_client.inbox.file import InboxFile
from agency_client.inbox.memory import LedgerMemory
from agency_client.inbox.recalls import HeldRecall, Recalls, Retention
from agency_client.inbox.received import HeldNotice, Quarantined, Received
from agency_client.inbox.sent import KeptSubmission, Sent
from agency_client.trust import Trust

__all__ = [
    "HeldNotice",
    "HeldRecall",
    "Inbox",
    "KeptSubmission",
    "KeptWindow",
    "Quarantined",
    "Retention",
]


@dataclass(frozen=True, slots=True)
class KeptWindow:
    """What one message of a watch brought: verified events, and those that did not verify."""

    verified: Sequence[VerifiedEvent]
    quarantined: Sequence[Quarantined]
    next_index: int


class Inbox:
    """The open file. `close` it when done.

    Raises: InboxFailed from everything, where the file does not take or give what is asked.
    """

    def __init__(self, path: Path) -> None:
        self._file = InboxFile(path)
        self.memory = LedgerMemory(self._file)
        self.recalls = Recalls(self._file)
        self.received = Received(self._file, self.recalls)
        self.sent = Sent(self._file)

    def close(self) -> None:
        """Closes the file once whoever writes has finished."""
        self._file.close()

    def save_trust(self, trust: Trust) -> None:
        """Keeps what was learned of the ledger."""
        with self._file.transaction() as connection:
            self.memory.add(connection, trust)

    def commit_window(self, name: str, window: KeptWindow, trust: Trust) -> list[VerifiedEvent]:
        """Keeps a window of a watch, with its place; gives those events that were not there yet."""
        with self._file.transaction() as connection:
            self.memory.add(connection, trust)
            return self.received.add(
                connection,
                origin=trust.origin,
                watch=name,
                verified=window.verified,
                quarantined=window.quarantined,
                next_index=window.next_index,
            )

    def begin_epoch(self, *, previous_origin: str, origin: str, restored_size: int) -> None:
        """Divides what is here where a new epoch goes on.

        What lies below `restored_size` is the new origin's too. What lies beyond stays as of the
        old one: events are kept under it, receipts set aside and their submissions unanswered
        again, places and roster entries go back. May be done twice.
        """
        with self._file.transaction() as connection:
            for divide in (self.memory.divide, self.received.divide, self.recalls.divide):
                divide(
                    connection,
                    previous_origin=previous_origin,
                    origin=origin,
                    restored_size=restored_size,
                )
            self.sent.set_lost_aside(connection, restored_size)
