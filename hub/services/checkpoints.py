"""Signing checkpoints: only from a committed head, once per head."""

from __future__ import annotations

from dataclasses import dataclass

from comity.checkpoint import Checkpoint, sign_checkpoint
from comity.keys import PrivateKey
from hub.store.ledger import LedgerHead


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A committed head and the checkpoint over it, a C2SP signed note."""

    head: LedgerHead
    note: bytes

    @property
    def size(self) -> int:
        return self.head.size


class CheckpointSigner:
    """Signs heads with the ledger's key, remembering the last."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self._last: SignedHead | None = None

    def sign(self, head: LedgerHead) -> SignedHead:
        """The checkpoint of a committed head."""
        if self._last is None or self._last.head != head:
            checkpoint = Checkpoint(head.origin, head.size, head.root())
            self._last = SignedHead(head, sign_checkpoint(checkpoint, self._key))
        return self._last

    def can_sign(self) -> bool:
        """Whether the key signs; asked by health checks."""
        try:
            return bool(self._key.sign(b"health"))
        except Exception:
            return False
