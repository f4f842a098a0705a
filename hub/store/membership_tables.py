"""What membership keeps beside the ledger: the certificates that were signed for agencies.

Changed only together with a migration; a test finds drift.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from hub.store.tables import metadata

# Whose they are now is in the roster; this is what a revocation list has to say of them.
certificates = Table(
    "certificates",
    metadata,
    # The lower-case hex SHA-256 of its DER, as in the roster.
    Column("certificate_id", Text, primary_key=True),
    Column("agency_id", Text, nullable=False),
    # Lower-case hex: it may have 20 bytes.
    Column("serial_number", Text, nullable=False),
    Column("signed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
Index("ix_certificates_expires_at", certificates.c.expires_at)
