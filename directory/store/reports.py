"""Reports that an entry is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

from sqlalchemy import Row, bindparam, func, insert, select, update

from comity.errors import NotFound
from comity.v1.authorities_pb2 import Keeper
from directory.store.connection import Connection
from directory.store.tables import authorities, reports

_NEWEST_ENTRY = authorities.c.entry_index.label("newest_entry")
# Asked with every answer, so that it is put together once.
_OPEN = (
    select(
        reports.c.authority_id,
        func.count().label("total"),
        func.min(reports.c.reported_at).label("oldest_at"),
    )
    .where(reports.c.authority_id.in_(bindparam("ids", expanding=True)))
    .where(reports.c.closed_at.is_(None))
    .group_by(reports.c.authority_id)
)


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report. `closed_at` is None while the keeper has not dealt with it."""

    report_id: str
    authority_id: str
    version: int
    field: str
    text: str
    agency_id: str
    officer_id: str
    reported_at: int
    closed_at: int | None = None
    outcome: str = ""
    entry_index: int | None = None


@dataclass(frozen=True, slots=True)
class ReportedAuthority:
    """A report, and of its entry the country, the keeper of the last version and the newest entry
    of the ledger."""

    report: StoredReport
    country: str
    keeper: Keeper
    newest_entry: int


@dataclass(frozen=True, slots=True)
class OpenReports:
    """How many reports an entry has open, and since when (microseconds UTC)."""

    count: int
    oldest_at: int


async def add_report(connection: Connection, report: StoredReport) -> None:
    """Adds a report."""
    values = {each.name: getattr(report, each.name) for each in fields(report)}
    await connection.execute(insert(reports).values(**values))


async def find_report(connection: Connection, report_id: str) -> StoredReport | None:
    """A report."""
    statement = select(reports).where(reports.c.report_id == report_id)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _report_from(row)


async def close_report(
    connection: Connection, report_id: str, *, closed_at: int, outcome: str
) -> None:
    """Notes that the keeper has dealt with a report.

    Raises: NotFound where none of that id is open.
    """
    result = await connection.execute(
        update(reports)
        .where(reports.c.report_id == report_id)
        .where(reports.c.closed_at.is_(None))
        .values(closed_at=closed_at, outcome=outcome)
    )
    if not result.rowcount:
        raise NotFound


async def list_open_reports(
    connection: Connection, country: str | None, *, after: str = "", limit: int
) -> list[ReportedAuthority]:
    """The open reports on the entries of a country or of all, the oldest first."""
    statement = (
        select(reports, authorities.c.country, authorities.c.keeper, _NEWEST_ENTRY)
        .join(authorities, authorities.c.authority_id == reports.c.authority_id)
        .where(reports.c.closed_at.is_(None))
        .where(reports.c.report_id > after)
        .order_by(reports.c.report_id)
        .limit(limit)
    )
    if country is not None:
        statement = statement.where(authorities.c.country == country)
    return [
        ReportedAuthority(
            _report_from(row), row.country, Keeper.FromString(row.keeper), row.newest_entry
        )
        for row in await connection.execute(statement)
    ]


async def count_open_reports(
    connection: Connection, authority_ids: Collection[str]
) -> Mapping[str, OpenReports]:
    """The open reports of those entries that have any."""
    rows = await connection.execute(_OPEN, {"ids": list(authority_ids)})
    return {row.authority_id: OpenReports(row.total, row.oldest_at) for row in rows}


def _report_from(row: Row[*tuple[object, ...]]) -> StoredReport:
    return StoredReport(**{each.name: getattr(row, each.name) for each in fields(StoredReport)})
