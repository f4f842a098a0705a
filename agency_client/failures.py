"""What goes wrong on this machine. No error of the contract: no hub has a part in it."""

from __future__ import annotations


class InboxFailed(Exception):
    """The inbox's file does not take or give what is asked: the disk is full, the file damaged."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)
