"""Verifies what is erased against the certificates of it. Writes nothing.

Called by the audit of the whole ledger, entry by entry in order.
"""

from __future__ import annotations

from collections.abc import Sequence

from comity.acts import ADDRESSING
from comity.errors import LedgerForked
from comity.v1.ledger_pb2 import NOTICE_CHANGE_ERASED, ActsEntry, NoticeEntry
from hub.store.acts import StoredAct


class ErasureAudit:
    """Which entries' acts are gone, and which are certified to be."""

    def __init__(self) -> None:
        self._gone: dict[int, str] = {}  # by entry, whose they were
        self._certified: set[int] = set()

    def take_acts(self, index: int, entry: ActsEntry, stored: Sequence[StoredAct]) -> None:
        """Notes an entry of which an act or a salt is gone.

        Raises: LedgerForked where more than that is left of it, or it is another's.
        """
        for act in stored:
            if not act.envelope and act.salt is not None:
                raise LedgerForked("the salt of an act that is erased is still stored")
            if not act.envelope and act.originator != entry.originator:
                raise LedgerForked("an act that is erased is not of the entry's originator")
            if act.salt is None:
                self._gone[index] = entry.originator

    def take_certificate(self, index: int, entry: NoticeEntry) -> None:
        """Takes what an entry certifies: earlier entries of the notice's originator, all gone.

        Raises: LedgerForked.
        """
        erased = set(entry.erased_entries)
        if erased and entry.change != NOTICE_CHANGE_ERASED:
            raise LedgerForked("the entry names what is erased, and is no certificate of it")
        for one in sorted(erased):
            if one >= index:
                raise LedgerForked(f"the entry certifies what comes after it, {one}")
            if self._gone.get(one) != entry.originator:
                raise LedgerForked(f"the entry certifies {one}, which is not erased or another's")
        self._certified |= erased

    def first_uncertified(self) -> int | None:
        """The first entry whose acts are gone without a certificate."""
        return min(self._gone.keys() - self._certified, default=None)


def require_kinds(entry: ActsEntry, stored: Sequence[StoredAct]) -> None:
    """The rows of an entry are of the kinds that it commits to.

    Raises: LedgerForked.
    """
    kinds = [int(entry.kind)] if entry.content_commitment else []
    kinds += [ADDRESSING] if entry.addressing_commitment else []
    if sorted(act.kind for act in stored) != sorted(kinds):
        raise LedgerForked("the entry's acts are of other kinds than it commits to")
