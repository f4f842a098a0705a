"""Officers, the salts of their entries, and the version by which every process notices changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields

from sqlalchemy import Row, Select, func, insert, select, update

from comity.identity import AgencyId
from comity.v1.officers_pb2 import OFFICER_STATUS_ACTIVE, ROLE_HUB_REVIEWER, OfficerStatus, Role
from hub.store.account_tables import (
    credentials,
    officer_entries,
    officer_version,
    officers,
)
from hub.store.database import Connection

MAX_HUB_OFFICERS = 1_024  # of the hub's own agency; all are looked at to find reviewers


@dataclass(frozen=True, slots=True)
class StoredOfficer:
    """An officer as it stands."""

    officer_id: str
    agency_id: AgencyId
    user_name: str
    display_name: str
    nationality: str
    roles: frozenset[Role.ValueType]
    status: OfficerStatus.ValueType
    # Of built-in accounts; written by whoever changes the credentials.
    has_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class OfficerStanding:
    """What is asked of an officer at every call; `not_before` in microseconds, 0 for never."""

    officer_id: str
    agency_id: AgencyId
    user_name: str
    roles: frozenset[Role.ValueType]
    status: OfficerStatus.ValueType
    not_before: int


@dataclass(frozen=True, slots=True)
class OfficerOpening:
    """What opens the commitment of an officer's entry; the salt is None once erased."""

    officer_id: str
    salt: bytes | None


def text_from_roles(roles: Collection[Role.ValueType]) -> str:
    """How roles are stored."""
    return " ".join(str(int(role)) for role in sorted(roles))


def roles_from_text(text: str) -> frozenset[Role.ValueType]:
    """The roles that are stored."""
    return frozenset(Role.ValueType(int(number)) for number in text.split())


def officer_from_row(row: Row[tuple[object, ...]]) -> StoredOfficer:
    """An officer from a row with the columns of the table, and `factor_key` beside them."""
    values = {f.name: getattr(row, f.name) for f in fields(StoredOfficer)[:-1]}
    return StoredOfficer(
        **{
            **values,
            "roles": roles_from_text(row.roles),
            "status": OfficerStatus.ValueType(row.status),
        },
        has_second_factor=row.factor_key is not None,
    )


def _select_officers() -> Select[tuple[object, ...]]:
    joined = officers.outerjoin(credentials, officers.c.officer_id == credentials.c.officer_id)
    return select(*officers.c, credentials.c.factor_key).select_from(joined)


async def find_officer(connection: Connection, officer_id: str) -> StoredOfficer | None:
    """The officer of an id."""
    rows = await connection.execute(_select_officers().where(officers.c.officer_id == officer_id))
    row = rows.one_or_none()
    return None if row is None else officer_from_row(row)


async def find_officer_by_name(
    connection: Connection, agency: AgencyId, user_name: str
) -> StoredOfficer | None:
    """An agency's officer of a user name."""
    statement = (
        _select_officers()
        .where(officers.c.agency_id == agency)
        .where(officers.c.user_name == user_name)
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else officer_from_row(row)


async def list_officers(
    connection: Connection, agency: AgencyId, *, after_officer_id: str, limit: int
) -> list[StoredOfficer]:
    """An agency's officers behind an id, by their ids: in the order of their making."""
    statement = (
        _select_officers()
        .where(officers.c.agency_id == agency)
        .where(officers.c.officer_id > after_officer_id)
        .order_by(officers.c.officer_id)
        .limit(limit)
    )
    return [officer_from_row(row) for row in await connection.execute(statement)]


async def list_reviewers(connection: Connection, agency: AgencyId) -> list[StoredOfficer]:
    """The reviewers among an agency's officers."""
    found = await list_officers(connection, agency, after_officer_id="", limit=MAX_HUB_OFFICERS)
    return [
        officer
        for officer in found
        if ROLE_HUB_REVIEWER in officer.roles and officer.status == OFFICER_STATUS_ACTIVE
    ]


async def list_standings(connection: Connection) -> list[OfficerStanding]:
    """Every officer of every agency."""
    columns = [officers.c[f.name] for f in fields(OfficerStanding)]
    return [
        OfficerStanding(
            officer_id=row.officer_id,
            agency_id=row.agency_id,
            user_name=row.user_name,
            roles=roles_from_text(row.roles),
            status=OfficerStatus.ValueType(row.status),
            not_before=row.not_before,
        )
        for row in await connection.execute(select(*columns))
    ]


async def count_officers_with(
    connection: Connection,
    agency: AgencyId,
    *,
    role: Role.ValueType,
    status: OfficerStatus.ValueType,
) -> int:
    """How many officers of an agency have a role and a standing."""
    statement = (
        select(officers.c.roles)
        .where(officers.c.agency_id == agency)
        .where(officers.c.status == status)
    )
    rows = await connection.execute(statement)
    return sum(role in roles_from_text(row.roles) for row in rows)


async def insert_officer(connection: Connection, officer: StoredOfficer) -> None:
    """Adds an officer."""
    await connection.execute(insert(officers).values(**_values_of(officer)))


async def update_officer(connection: Connection, officer: StoredOfficer) -> None:
    """Writes an officer as it stands now."""
    await connection.execute(
        update(officers)
        .where(officers.c.officer_id == officer.officer_id)
        .values(**_values_of(officer))
    )


def _values_of(officer: StoredOfficer) -> dict[str, object]:
    values: dict[str, object] = {
        f.name: getattr(officer, f.name) for f in fields(StoredOfficer)[:-1]
    }
    return {**values, "roles": text_from_roles(officer.roles), "status": int(officer.status)}


async def add_opening(
    connection: Connection, entry_index: int, *, officer_id: str, salt: bytes
) -> None:
    """Keeps what opens an officer's entry."""
    await connection.execute(
        insert(officer_entries).values(entry_index=entry_index, officer_id=officer_id, salt=salt)
    )


async def find_opening(connection: Connection, entry_index: int) -> OfficerOpening | None:
    """What opens an officer's entry."""
    statement = select(officer_entries).where(officer_entries.c.entry_index == entry_index)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else OfficerOpening(row.officer_id, row.salt)


async def count_openings(connection: Connection) -> int:
    """How many officers' entries there are, by what opens them."""
    statement = select(func.count()).select_from(officer_entries)
    return int((await connection.execute(statement)).scalar_one())


async def load_officer_version(connection: Connection) -> int:
    """The version as committed."""
    return int((await connection.execute(select(officer_version.c.version))).scalar_one())


async def advance_officer_version(connection: Connection) -> None:
    """Tells every process that a session or an officer's rights have ended or changed."""
    await connection.execute(update(officer_version).values(version=officer_version.c.version + 1))
