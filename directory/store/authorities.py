"""Entries as they are now, and every version that they have had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Integer, Row, bindparam, insert, select, update

from comity.errors import AuthorityChanged, NotFound, Violation
from comity.times import datetime_from_microseconds, microseconds_from
from comity.v1 import authorities_pb2 as pb
from directory.differences import differences
from directory.freshness import due_at
from directory.store.connection import Connection
from directory.store.tables import authorities, versions

MAX_VERSION = 2**31 - 1  # of the column
_IDS_AT_ONCE = 500  # SQLite takes 32,766 parameters in a statement, older ones 999

# Asked before every answer, so that it is put together once.
_CHANGED = (
    select(authorities)
    .where(authorities.c.entry_index > bindparam("after_entry"))
    .order_by(authorities.c.entry_index, authorities.c.authority_id)
    .limit(bindparam("most", type_=Integer()))
)


@dataclass(frozen=True, slots=True)
class StoredVerification:
    """Who verified an entry, when (microseconds UTC) and how, and which version of it; 0 where that
    was not kept."""

    verified_at: int
    agency_id: str
    officer_id: str
    method: pb.VerificationMethod.ValueType
    version: int = 0


@dataclass(frozen=True, slots=True)
class StoredAuthority:
    """An entry as it is now. `entry_index` is of the newest entry of the ledger about it.

    `due_at` is when it has to be confirmed; for one that never was verified, when it was entered.
    """

    authority: pb.Authority
    version: int
    keeper: pb.Keeper
    verification: StoredVerification | None
    entry_index: int
    due_at: int


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version: what it says, who made it and who approved it, and where the ledger has it."""

    authority: pb.Authority
    version: int
    keeper: pb.Keeper
    agency_id: str
    officer_id: str
    changed_at: int
    entry_index: int
    salt: bytes
    approver_agency_id: str = ""
    approver_officer_id: str = ""
    call_back: pb.CallBack | None = None


async def require_newest(
    connection: Connection, authority_id: str, version: int
) -> StoredAuthority | None:
    """Requires a version to be an entry's newest, 0 for none, and gives the entry.

    Raises: AuthorityChanged, naming what was changed since that version.
    """
    current = await find_authority(connection, authority_id)
    if (current.version if current else 0) != version:
        raise AuthorityChanged(violations=await _changed_since(connection, version, current))
    return current


async def append_version(connection: Connection, added: StoredVersion) -> None:
    """Adds a version behind the newest, of which it has to be the successor.

    Raises: AuthorityChanged, naming what was changed since the version it was made from.
    """
    authority_id = added.authority.authority_id
    current = await require_newest(connection, authority_id, added.version - 1)
    if current is None:
        values = {**_current_values(added), "due_at": added.changed_at}
        await connection.execute(insert(authorities).values(**values))
    else:
        due = _due_after(current.verification, added.authority) or current.due_at
        await connection.execute(
            update(authorities)
            .where(authorities.c.authority_id == added.authority.authority_id)
            .values(**_current_values(added), due_at=due)
        )
    await connection.execute(insert(versions).values(**_version_values(added)))


async def record_verification(
    connection: Connection,
    authority_id: str,
    verification: StoredVerification,
    *,
    entry_index: int,
) -> None:
    """Notes that an entry was verified.

    Raises: NotFound.
    """
    current = await find_authority(connection, authority_id)
    if current is None:
        raise NotFound
    await connection.execute(
        update(authorities)
        .where(authorities.c.authority_id == authority_id)
        .values(
            verified_at=verification.verified_at,
            verified_by_agency_id=verification.agency_id,
            verified_by_officer_id=verification.officer_id,
            verification_method=int(verification.method),
            verified_version=verification.version,
            entry_index=entry_index,
            due_at=_due_after(verification, current.authority),
        )
    )


async def find_authority(connection: Connection, authority_id: str) -> StoredAuthority | None:
    """An entry as it is now."""
    statement = select(authorities).where(authorities.c.authority_id == authority_id)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else authority_from(row)


async def get_authority(connection: Connection, authority_id: str) -> StoredAuthority:
    """An entry as it is now.

    Raises: NotFound.
    """
    found = await find_authority(connection, authority_id)
    if found is None:
        raise NotFound
    return found


async def find_authorities(
    connection: Connection, authority_ids: Sequence[str]
) -> dict[str, StoredAuthority]:
    """Those of several entries that there are, by their ids."""
    found: dict[str, StoredAuthority] = {}
    for start in range(0, len(authority_ids), _IDS_AT_ONCE):
        some = authority_ids[start : start + _IDS_AT_ONCE]
        statement = select(authorities).where(authorities.c.authority_id.in_(some))
        for row in await connection.execute(statement):
            found[row.authority_id] = authority_from(row)
    return found


async def list_changed(
    connection: Connection, *, after_entry: int, limit: int
) -> list[StoredAuthority]:
    """The entries that the ledger says something of after an entry of it, in its order."""
    rows = await connection.execute(_CHANGED, {"after_entry": after_entry, "most": limit})
    return [authority_from(row) for row in rows]


async def get_version(connection: Connection, authority_id: str, version: int) -> StoredVersion:
    """One version of an entry.

    Raises: NotFound.
    """
    if not 0 < version <= MAX_VERSION:
        raise NotFound
    statement = select(versions).where(
        versions.c.authority_id == authority_id, versions.c.version == version
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFound
    return _version_from(row)


async def list_versions(
    connection: Connection, authority_id: str, *, before: int = 0, limit: int
) -> list[StoredVersion]:
    """The versions of an entry, the newest first; those below a version where one is named."""
    statement = select(versions).where(versions.c.authority_id == authority_id)
    if before:
        statement = statement.where(versions.c.version < min(before, MAX_VERSION))
    statement = statement.order_by(versions.c.version.desc()).limit(limit)
    return [_version_from(row) for row in await connection.execute(statement)]


async def _changed_since(
    connection: Connection, version: int, current: StoredAuthority | None
) -> Sequence[Violation]:
    if current is None:
        return [Violation("base_version", "there is no such entry")]
    try:
        base = await get_version(connection, current.authority.authority_id, version)
    except NotFound:
        return [Violation("base_version", f"is none; the newest version is {current.version}")]
    return [
        Violation(each.field, f"is now {each.after or 'empty'}, and was {each.before or 'empty'}")
        for each in differences(base.authority, current.authority)
    ]


def _due_after(verification: StoredVerification | None, authority: pb.Authority) -> int | None:
    """When an entry that was verified has to be confirmed again."""
    if verification is None:
        return None
    due = due_at(datetime_from_microseconds(verification.verified_at), authority)
    return None if due is None else microseconds_from(due)


def _current_values(added: StoredVersion) -> dict[str, object]:
    return {
        "authority_id": added.authority.authority_id,
        "version": added.version,
        "authority": added.authority.SerializeToString(deterministic=True),
        "keeper": added.keeper.SerializeToString(deterministic=True),
        "country": added.authority.country,
        "keeper_agency_id": added.keeper.agency_id,
        "entry_index": added.entry_index,
    }


def _version_values(added: StoredVersion) -> dict[str, object]:
    values: dict[str, object] = {each.name: getattr(added, each.name) for each in fields(added)}
    call_back = added.call_back
    return {
        **values,
        "authority_id": added.authority.authority_id,
        "authority": added.authority.SerializeToString(deterministic=True),
        "keeper": added.keeper.SerializeToString(deterministic=True),
        "call_back": b"" if call_back is None else call_back.SerializeToString(deterministic=True),
    }


def authority_from(row: Row[*tuple[object, ...]]) -> StoredAuthority:
    """An entry from its row."""
    verification = None
    if row.verified_at is not None:
        verification = StoredVerification(
            verified_at=row.verified_at,
            agency_id=row.verified_by_agency_id,
            officer_id=row.verified_by_officer_id,
            method=row.verification_method,
            version=row.verified_version or 0,
        )
    return StoredAuthority(
        authority=pb.Authority.FromString(row.authority),
        version=row.version,
        keeper=pb.Keeper.FromString(row.keeper),
        verification=verification,
        entry_index=row.entry_index,
        due_at=row.due_at,
    )


def _version_from(row: Row[*tuple[object, ...]]) -> StoredVersion:
    return StoredVersion(
        authority=pb.Authority.FromString(row.authority),
        version=row.version,
        keeper=pb.Keeper.FromString(row.keeper),
        agency_id=row.agency_id,
        officer_id=row.officer_id,
        approver_agency_id=row.approver_agency_id,
        approver_officer_id=row.approver_officer_id,
        call_back=pb.CallBack.FromString(row.call_back) if row.call_back else None,
        changed_at=row.changed_at,
        entry_index=row.entry_index,
        salt=row.salt,
    )
