"""The certificates that were signed for agencies."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import insert, select

from comity.identity import AgencyId
from hub.store.database import Connection
from hub.store.membership_tables import certificates


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """A certificate as the table has it; times in microseconds, the serial number in hex."""

    certificate_id: str
    agency_id: AgencyId
    serial_number: str
    signed_at: int
    expires_at: int


async def insert_certificate(connection: Connection, certificate: StoredCertificate) -> None:
    """Adds a certificate."""
    values = {field.name: getattr(certificate, field.name) for field in fields(certificate)}
    await connection.execute(insert(certificates).values(values))


async def list_unexpired(connection: Connection, now: int) -> list[StoredCertificate]:
    """The certificates whose time is not over, by serial number."""
    statement = (
        select(certificates)
        .where(certificates.c.expires_at > now)
        .order_by(certificates.c.serial_number)
    )
    return [StoredCertificate(**row._asdict()) for row in await connection.execute(statement)]
