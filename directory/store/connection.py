"""What the store wants of a connection; the hub's is one."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import CursorResult, Executable


class Connection(Protocol):
    """A connection inside a transaction."""

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Runs a statement."""
        ...
