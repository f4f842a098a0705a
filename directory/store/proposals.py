"""Changes that wait for a second officer, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, insert, select, update

from comity.errors import NotFound
from comity.v1 import authorities_pb2 as pb
from comity.v1.directory_pb2 import (
    PROPOSAL_STATUS_OVERTAKEN,
    PROPOSAL_STATUS_WAITING,
    ProposalStatus,
)
from directory.store.connection import Connection
from directory.store.tables import proposals


@dataclass(frozen=True, slots=True)
class StoredProposal:
    """A proposed entry as it shall be. `base_version` is 0 for a new one."""

    proposal_id: str
    authority: pb.Authority
    base_version: int
    keeper: pb.Keeper
    agency_id: str
    officer_id: str
    proposed_at: int
    status: ProposalStatus.ValueType
    reason: str
    import_id: str = ""


async def add_proposal(connection: Connection, proposal: StoredProposal) -> None:
    """Adds a proposal."""
    await add_proposals(connection, [proposal])


async def add_proposals(connection: Connection, added: Sequence[StoredProposal]) -> None:
    """Adds proposals, in one statement."""
    if added:
        await connection.execute(insert(proposals), [_values(each) for each in added])


async def get_proposal(connection: Connection, proposal_id: str) -> StoredProposal:
    """A proposal.

    Raises: NotFound.
    """
    statement = select(proposals).where(proposals.c.proposal_id == proposal_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFound
    return _proposal_from(row)


async def list_waiting(
    connection: Connection,
    country: str | None,
    *,
    after: str = "",
    import_id: str = "",
    limit: int,
) -> list[StoredProposal]:
    """The proposals that wait, of a country or of all, the oldest first; of one import if it is
    named."""
    statement = (
        select(proposals)
        .where(proposals.c.status == int(PROPOSAL_STATUS_WAITING))
        .where(proposals.c.proposal_id > after)
        .order_by(proposals.c.proposal_id)
        .limit(limit)
    )
    if country is not None:
        statement = statement.where(proposals.c.country == country)
    if import_id:
        statement = statement.where(proposals.c.import_id == import_id)
    return [_proposal_from(row) for row in await connection.execute(statement)]


async def settle_proposal(
    connection: Connection,
    proposal_id: str,
    status: ProposalStatus.ValueType,
    *,
    reason: str,
) -> None:
    """Writes what became of a proposal that waits, and why.

    Raises: NotFound where none of that id waits.
    """
    result = await connection.execute(
        update(proposals)
        .where(proposals.c.proposal_id == proposal_id)
        .where(proposals.c.status == int(PROPOSAL_STATUS_WAITING))
        .values(status=int(status), reason=reason)
    )
    if not result.rowcount:
        raise NotFound


async def overtake_proposals(connection: Connection, authority_id: str, *, version: int) -> int:
    """Marks those overtaken that were made from an older version; how many."""
    result = await connection.execute(
        update(proposals)
        .where(proposals.c.authority_id == authority_id)
        .where(proposals.c.status == int(PROPOSAL_STATUS_WAITING))
        .where(proposals.c.base_version < version)
        .values(status=int(PROPOSAL_STATUS_OVERTAKEN))
    )
    return int(result.rowcount)


def _values(proposal: StoredProposal) -> dict[str, object]:
    return {
        "proposal_id": proposal.proposal_id,
        "authority_id": proposal.authority.authority_id,
        "base_version": proposal.base_version,
        "authority": proposal.authority.SerializeToString(deterministic=True),
        "keeper": proposal.keeper.SerializeToString(deterministic=True),
        "keeper_agency_id": proposal.keeper.agency_id,
        "country": proposal.authority.country,
        "agency_id": proposal.agency_id,
        "officer_id": proposal.officer_id,
        "proposed_at": proposal.proposed_at,
        "status": int(proposal.status),
        "reason": proposal.reason,
        "import_id": proposal.import_id,
    }


def _proposal_from(row: Row[*tuple[object, ...]]) -> StoredProposal:
    return StoredProposal(
        proposal_id=row.proposal_id,
        authority=pb.Authority.FromString(row.authority),
        base_version=row.base_version,
        keeper=pb.Keeper.FromString(row.keeper),
        agency_id=row.agency_id,
        officer_id=row.officer_id,
        proposed_at=row.proposed_at,
        status=row.status,
        reason=row.reason,
        import_id=row.import_id,
    )
