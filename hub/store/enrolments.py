"""Enrolments on their way: invitations, applications, approvals.

Written only inside the ledger writer's transactions, so that whoever reads there decides on what
is so. Never sees a code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

from sqlalchemy import Row, delete, insert, select

from comity.identity import AgencyId
from hub.store.database import Connection
from hub.store.enrolment_tables import enrolment_approvals, enrolments


class EnrolmentStage(IntEnum):
    """How far an enrolment has come; stored by number."""

    INVITED = 1
    # The code is spent, the challenge sent; the sealing key is not proven yet.
    CHALLENGED = 2
    APPLIED = 3
    ADMITTED = 4
    REFUSED = 5


@dataclass(frozen=True, slots=True)
class StoredEnrolment:
    """An enrolment as it stands. What is None has not come yet."""

    agency_id: AgencyId
    stage: EnrolmentStage
    agency: bytes
    code_digest: bytes
    expires_at: int
    application: bytes | None = None
    application_digest: bytes | None = None
    applied_at: int | None = None
    challenge: bytes | None = None
    proof_digest: bytes | None = None
    consent: bytes | None = None
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredApproval:
    """Who approved: an officer of an agency, or a step at the hub's machine, then of no agency."""

    approver: str
    approver_agency: str


async def find_enrolment(connection: Connection, agency: AgencyId) -> StoredEnrolment | None:
    """The newest enrolment of an agency."""
    statement = select(enrolments).where(enrolments.c.agency_id == agency)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _enrolment(row)


async def find_enrolment_by_application(
    connection: Connection, application_digest: bytes
) -> StoredEnrolment | None:
    """The enrolment that an application was taken for."""
    statement = select(enrolments).where(enrolments.c.application_digest == application_digest)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _enrolment(row)


async def list_applied(connection: Connection) -> list[StoredEnrolment]:
    """What waits for approval, by agency."""
    statement = (
        select(enrolments)
        .where(enrolments.c.stage == EnrolmentStage.APPLIED)
        .order_by(enrolments.c.agency_id)
    )
    return [_enrolment(row) for row in await connection.execute(statement)]


async def put_enrolment(connection: Connection, enrolment: StoredEnrolment) -> None:
    """Writes an enrolment in the place of the agency's last one."""
    await connection.execute(
        delete(enrolments).where(enrolments.c.agency_id == enrolment.agency_id)
    )
    values = {field.name: getattr(enrolment, field.name) for field in fields(enrolment)}
    await connection.execute(insert(enrolments).values(values | {"stage": int(enrolment.stage)}))


async def delete_enrolment(connection: Connection, agency: AgencyId) -> None:
    """Forgets the agency's enrolment and its approvals: its code opens nothing any longer."""
    await connection.execute(delete(enrolments).where(enrolments.c.agency_id == agency))
    await delete_approvals(connection, agency)


async def list_approvals(connection: Connection, agency: AgencyId) -> list[StoredApproval]:
    """The approvals of an agency's enrolment, in their order."""
    statement = (
        select(enrolment_approvals)
        .where(enrolment_approvals.c.agency_id == agency)
        .order_by(enrolment_approvals.c.position)
    )
    rows = await connection.execute(statement)
    return [StoredApproval(row.approver, row.approver_agency) for row in rows]


async def put_approvals(
    connection: Connection, agency: AgencyId, approvals: Sequence[StoredApproval]
) -> None:
    """Writes the approvals of an agency's enrolment in the place of those before."""
    await delete_approvals(connection, agency)
    for position, approval in enumerate(approvals):
        await connection.execute(
            insert(enrolment_approvals).values(
                agency_id=agency,
                approver=approval.approver,
                position=position,
                approver_agency=approval.approver_agency,
            )
        )


async def delete_approvals(connection: Connection, agency: AgencyId) -> None:
    """Forgets the approvals of an agency's enrolment."""
    await connection.execute(
        delete(enrolment_approvals).where(enrolment_approvals.c.agency_id == agency)
    )


def _enrolment(row: Row[Any]) -> StoredEnrolment:
    values = row._asdict()
    return StoredEnrolment(**values | {"stage": EnrolmentStage(row.stage)})
