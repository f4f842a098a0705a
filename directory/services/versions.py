"""Entering a version or a confirmation: in the store and in the ledger, in one transaction.

Called by commit halves once everything is decided: nothing here refuses any longer.
"""

from __future__ import annotations

from dataclasses import replace

from comity.authorities import authority_digest, functional_digest
from comity.commitment import (
    authority_commitment,
    functional_commitment,
    functional_salt,
)
from comity.roster import Roster
from comity.times import microseconds_from
from comity.v1 import authorities_pb2, ledger_pb2
from directory.services.calls import Transaction
from directory.store.authorities import (
    StoredAuthority,
    StoredVerification,
    StoredVersion,
    append_version,
    get_version,
    record_verification,
)
from directory.store.proposals import overtake_proposals


async def enter_version(
    transaction: Transaction, version: StoredVersion, *, roster: Roster
) -> StoredVersion:
    """Enters the successor of the newest version, and gives it with its place in the ledger."""
    index = transaction.append_directory(
        _entry(version, ledger_pb2.DIRECTORY_CHANGE_VERSION, roster)
    )
    entered = replace(version, entry_index=index)
    await append_version(transaction.connection, entered)
    await overtake_proposals(
        transaction.connection, version.authority.authority_id, version=version.version
    )
    return entered


async def enter_verification(
    transaction: Transaction,
    current: StoredAuthority,
    verification: StoredVerification,
    *,
    roster: Roster,
) -> None:
    """Enters that the newest version was found right."""
    authority_id = current.authority.authority_id
    version = await get_version(transaction.connection, authority_id, current.version)
    entry = _entry(version, ledger_pb2.DIRECTORY_CHANGE_CONFIRMED, roster)
    entry.agency_id = verification.agency_id
    index = transaction.append_directory(entry)
    await record_verification(transaction.connection, authority_id, verification, entry_index=index)


def verification_now(
    transaction: Transaction,
    *,
    version: int,
    agency_id: str,
    officer_id: str,
    method: authorities_pb2.VerificationMethod.ValueType,
) -> StoredVerification:
    """A verification of a version at the time of a transaction."""
    return StoredVerification(
        verified_at=microseconds_from(transaction.now),
        agency_id=agency_id,
        officer_id=officer_id,
        method=method,
        version=version,
    )


def _entry(
    version: StoredVersion, change: ledger_pb2.DirectoryChange.ValueType, roster: Roster
) -> ledger_pb2.DirectoryEntry:
    return ledger_pb2.DirectoryEntry(
        authority_id=version.authority.authority_id,
        version=version.version,
        change=change,
        authority_commitment=authority_commitment(
            authority_digest(version.authority), version.salt
        ),
        functional_commitment=functional_commitment(
            functional_digest(version.authority), functional_salt(version.salt)
        ),
        agency_id=version.keeper.agency_id,
        roster_entry=roster.last_entry or 0,
    )
