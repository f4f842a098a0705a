"""What the services want of whoever mounts them: the caller, the ledger, access records.

The hub's own types are these by their form, so that neither side imports the other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol, TypeVar

from comity.errors import ComityError, LogInRequired
from comity.identity import AgencyId
from comity.roster import Roster
from comity.v1.ledger_pb2 import DirectoryEntry, LedgerLeaf, LedgerProof, LookUpPurpose
from comity.v1.officers_pb2 import Role
from directory.store.connection import Connection

Item = TypeVar("Item")


class Officer(Protocol):
    """A person who is logged in."""

    @property
    def officer_id(self) -> str:
        """The officer's id, which the ledger does not show."""
        ...

    @property
    def roles(self) -> frozenset[Role.ValueType]:
        """What the officer may do."""
        ...


class Caller(Protocol):
    """The agency at the other end, and its officer."""

    @property
    def agency(self) -> AgencyId:
        """The agency, by its certificate."""
        ...

    @property
    def request_id(self) -> str:
        """The call's id, as the log shows it."""
        ...

    @property
    def officer(self) -> Officer | None:
        """Who is logged in; the table lets nobody through to the directory who is not."""
        ...


class Database(Protocol):
    """Where reading transactions come from."""

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """A connection in a reading transaction."""
        ...


class Transaction(Protocol):
    """A writing transaction that holds the lock on the ledger's head."""

    @property
    def connection(self) -> Connection:
        """The connection that it is on."""
        ...

    @property
    def now(self) -> datetime:
        """When it began."""
        ...

    def new_salt(self) -> bytes:
        """A fresh salt for a commitment, 32 bytes."""
        ...

    def append_directory(self, entry: DirectoryEntry) -> int:
        """Appends an entry to the ledger and gives its index. What comes after must not fail."""
        ...


# Decides over items inside a transaction, in order: a result or an error of ours for each.
UseCase = Callable[[Transaction, Sequence[Any]], Awaitable[Sequence[Any]]]
# Commits one item, and answers when it is on disk.
Commit = Callable[[UseCase, Any], Awaitable[Any]]
# The roster as a transaction has it. The transaction is the one that the commit handed out.
RosterWithin = Callable[[Any], Awaitable[Roster]]


class RecordLookUp(Protocol):
    """Writes an access record; it is on disk when this returns. An export names its case."""

    async def __call__(
        self,
        caller: Any,
        purpose: LookUpPurpose.ValueType,
        entry_indices: Sequence[int],
        *,
        case_reference: str = "",
    ) -> None:
        """Raises: StoreUnavailable, and then nothing may be shown."""
        ...


class ProveEntry(Protocol):
    """An entry of the ledger, and that it lies in the newest tree that the hub has signed."""

    async def __call__(
        self, entry_index: int, *, known_size: int
    ) -> tuple[LedgerLeaf, LedgerProof] | None:
        """None where that tree ends before it. Raises: StoreUnavailable."""
        ...


def officer_of(caller: Caller) -> Officer:
    """The officer who calls.

    Raises: LogInRequired where there is none, whatever a table says.
    """
    if caller.officer is None:
        raise LogInRequired
    return caller.officer


async def decide_each(decide: Callable[[Item], Awaitable[Any]], items: Sequence[Item]) -> list[Any]:
    """What is decided for each item, an error of ours too. Nothing may be written before one."""
    results: list[Any] = []
    for item in items:
        try:
            results.append(await decide(item))
        except ComityError as error:
            results.append(error)
    return results
