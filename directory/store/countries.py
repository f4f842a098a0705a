"""All that there is of countries: the entries in effect, and new ones that wait.

Read by an import alone, which must not propose again what is there.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from comity.v1 import authorities_pb2 as pb
from comity.v1.directory_pb2 import PROPOSAL_STATUS_WAITING
from directory.store.connection import Connection
from directory.store.tables import authorities, proposals


async def list_entries_of(connection: Connection, countries: Collection[str]) -> list[pb.Authority]:
    """The entries of countries as they are now, in no order."""
    statement = select(authorities.c.authority).where(authorities.c.country.in_(countries))
    rows = await connection.execute(statement)
    return [pb.Authority.FromString(row.authority) for row in rows]


async def list_new_of(
    connection: Connection, countries: Collection[str]
) -> list[tuple[str, pb.Authority]]:
    """New entries of countries that wait for a second officer, with the proposals' ids."""
    statement = (
        select(proposals.c.proposal_id, proposals.c.authority)
        .where(proposals.c.status == int(PROPOSAL_STATUS_WAITING))
        .where(proposals.c.country.in_(countries))
        .where(proposals.c.base_version == 0)
    )
    rows = await connection.execute(statement)
    return [(row.proposal_id, pb.Authority.FromString(row.authority)) for row in rows]
