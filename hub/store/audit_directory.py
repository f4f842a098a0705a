"""Verifies the ledger's entries on the directory of authorities. Writes nothing.

Called by the audit of the whole ledger, entry by entry in order.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import func, select

from comity.authorities import authority_digest, functional_digest
from comity.commitment import (
    functional_salt,
    verify_authority_commitment,
    verify_functional_commitment,
)
from comity.errors import LedgerForked, NotFound
from comity.v1.ledger_pb2 import DIRECTORY_CHANGE_VERSION, DirectoryEntry
from directory.store.authorities import StoredVersion, find_authority, get_version
from directory.store.tables import versions
from hub.store.database import Connection


class DirectoryAudit:
    """How far the entries of authorities have come."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = defaultdict(int)

    async def take(
        self, connection: Connection, index: int, entry: DirectoryEntry, *, roster_entry: int | None
    ) -> None:
        """1. A version follows the one before it, a confirmation is of the newest one. 2. What is
        kept of it is what the entry commits to, and what was confirmed is not another.

        Raises: LedgerForked, ProofInvalid.
        """
        if entry.roster_entry != roster_entry:
            raise LedgerForked("the entry was judged by another roster than the one before it")
        is_version = entry.change == DIRECTORY_CHANGE_VERSION
        if entry.version != self._newest[entry.authority_id] + is_version:  # 1
            raise LedgerForked("the entry does not follow the authority's version before it")
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

    async def require_nothing_else(self, connection: Connection) -> None:
        """No version that the ledger does not tell of, and what is shown is the newest one.

        Raises: LedgerForked.
        """
        total = await connection.execute(select(func.count()).select_from(versions))
        if total.scalar_one() != sum(self._newest.values()):
            raise LedgerForked("The database holds versions of authorities that the ledger lacks.")
        for authority_id, number in self._newest.items():
            shown = await find_authority(connection, authority_id)
            newest = await get_version(connection, authority_id, number)
            if shown is None or shown.authority != newest.authority or shown.version != number:
                raise LedgerForked(f"The authority {authority_id} is shown otherwise than entered.")


async def _version_of(connection: Connection, entry: DirectoryEntry) -> StoredVersion:
    try:
        return await get_version(connection, entry.authority_id, entry.version)
    except NotFound as error:
        raise LedgerForked("the version that the entry tells of is not there") from error
