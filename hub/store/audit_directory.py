"""Verifies the ledger's entries on the directory of authorities. Writes nothing.

Called by the audit of the whole ledger, entry by entry in order.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from sqlalchemy import ColumnElement, Select, func, select

from comity.authorities import authority_digest, functional_digest
from comity.commitment import (
    functional_salt,
    verify_authority_commitment,
    verify_functional_commitment,
)
from comity.errors import LedgerForked, NotFound
from comity.times import datetime_from_timestamp, microseconds_from
from comity.v1 import ledger_pb2
from comity.v1.ledger_pb2 import (
    DIRECTORY_CHANGE_CONFIRMED,
    DIRECTORY_CHANGE_VERSION,
    DirectoryEntry,
)
from directory.store.authorities import StoredVersion, find_authority, get_version
from directory.store.tables import contact_tests, reminders, reports, versions
from hub.store.database import Connection

_ANSWER = contact_tests.c.answer_entry_index
# Which column names the entries that tell agencies of a change.
_TOLD_IN: dict[int, ColumnElement[int | None]] = {
    ledger_pb2.DIRECTORY_CHANGE_REMINDED: reminders.c.entry_index,
    ledger_pb2.DIRECTORY_CHANGE_ESCALATED: reminders.c.entry_index,
    ledger_pb2.DIRECTORY_CHANGE_CONTACT_TEST_ASKED: contact_tests.c.entry_index,
    ledger_pb2.DIRECTORY_CHANGE_CONTACT_CALLED: contact_tests.c.entry_index,
    ledger_pb2.DIRECTORY_CHANGE_CONTACT_TEST_ANSWERED: _ANSWER,
    ledger_pb2.DIRECTORY_CHANGE_REPORTED: reports.c.entry_index,
}


class DirectoryAudit:
    """How far the entries of authorities have come."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = defaultdict(int)
        self._told: Counter[str] = Counter()  # entries by the column that names them

    async def take(
        self, connection: Connection, index: int, entry: DirectoryEntry, *, roster_entry: int | None
    ) -> None:
        """1. A version follows the one before it, everything else is of the newest one. 2. What is
        kept of it is what the entry commits to, and what was confirmed is not another. 3. What an
        entry tells somebody is kept where it says.

        Raises: LedgerForked, ProofInvalid.
        """
        if entry.roster_entry != roster_entry:
            raise LedgerForked("the entry was judged by another roster than the one before it")
        is_version = entry.change == DIRECTORY_CHANGE_VERSION
        if entry.version != self._newest[entry.authority_id] + is_version:  # 1
            raise LedgerForked("the entry does not follow the authority's version before it")
        if entry.change not in (DIRECTORY_CHANGE_VERSION, DIRECTORY_CHANGE_CONFIRMED):
            await self._take_told(connection, index, entry)  # 3
            return
        version = await _version_of(connection, entry)
        if is_version and version.entry_index != index:
            raise LedgerForked("the version is kept for another entry")
        verify_authority_commitment(
            entry.authority_commitment,
            authority_digest=authority_digest(version.authority),
            salt=version.salt,
        )  # 2
        if entry.functional_commitment:  # entries from before have none
            verify_functional_commitment(
                entry.functional_commitment,
                functional_digest=functional_digest(version.authority),
                salt=functional_salt(version.salt),
            )
        self._newest[entry.authority_id] = entry.version

    async def _take_told(self, connection: Connection, index: int, entry: DirectoryEntry) -> None:
        column = _TOLD_IN.get(entry.change)
        if column is None or not entry.recipients:
            raise LedgerForked("the entry tells nobody anything")
        kept = await connection.execute(_kept_for(entry, column))
        if index not in kept.scalars():
            raise LedgerForked("what the entry tells of is not kept for it")
        self._told[str(column)] += 1

    async def require_nothing_else(self, connection: Connection) -> None:
        """No version that the ledger does not tell of, and what is shown is the newest one.

        Raises: LedgerForked.
        """
        total = await connection.execute(select(func.count()).select_from(versions))
        if total.scalar_one() != sum(self._newest.values()):
            raise LedgerForked("The database holds versions of authorities that the ledger lacks.")
        for column in set(_TOLD_IN.values()):
            kept = await connection.execute(select(func.count(column)))
            if kept.scalar_one() != self._told[str(column)]:
                raise LedgerForked(f"The database holds more in {column} than the ledger tells of.")
        for authority_id, number in self._newest.items():
            shown = await find_authority(connection, authority_id)
            newest = await get_version(connection, authority_id, number)
            if shown is None or shown.authority != newest.authority or shown.version != number:
                raise LedgerForked(f"The authority {authority_id} is shown otherwise than entered.")


def _kept_for(entry: DirectoryEntry, column: ColumnElement[int | None]) -> Select[int | None]:
    """The entries of the ledger that the row names which an entry tells of."""
    statement = select(column)
    if entry.report_id:
        return statement.where(reports.c.report_id == entry.report_id)
    if entry.contact_test_id:
        return statement.where(contact_tests.c.test_id == entry.contact_test_id)
    due = datetime_from_timestamp(entry.confirmation_due_at)
    return statement.where(
        reminders.c.authority_id == entry.authority_id,
        reminders.c.due_at == (None if due is None else microseconds_from(due)),
    )


async def _version_of(connection: Connection, entry: DirectoryEntry) -> StoredVersion:
    try:
        return await get_version(connection, entry.authority_id, entry.version)
    except NotFound as error:
        raise LedgerForked("the version that the entry tells of is not there") from error
