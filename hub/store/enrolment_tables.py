"""The tables of enrolment. They hold what is on its way; what came of it is in the ledger.

Changed only together with a migration; a test finds drift.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, SmallInteger, Table, Text

from hub.store.tables import metadata

# The newest invitation of each agency, and what became of it.
enrolments = Table(
    "enrolments",
    metadata,
    Column("agency_id", Text, primary_key=True),
    # An EnrolmentStage.
    Column("stage", SmallInteger, nullable=False),
    # The serialized Agency as it was invited.
    Column("agency", LargeBinary, nullable=False),
    # SHA-256 of the code, which itself is kept nowhere.
    Column("code_digest", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # From here on null until the code is spent: the serialized Envelope, and its SHA-256.
    Column("application", LargeBinary),
    Column("application_digest", LargeBinary),
    Column("applied_at", BigInteger),
    # What was sealed to the applicant, and SHA-256 of the secret in it.
    Column("challenge", LargeBinary),
    Column("proof_digest", LargeBinary),
    # The serialized Envelope of the lead agency's consent.
    Column("consent", LargeBinary),
    # PEM, once it was admitted.
    Column("certificate", LargeBinary),
)
Index("ix_enrolments_application_digest", enrolments.c.application_digest)

# Who has approved, who invited first of all.
enrolment_approvals = Table(
    "enrolment_approvals",
    metadata,
    Column("agency_id", Text, primary_key=True),
    # An officer's id, or which step was done at the hub's machine.
    Column("approver", Text, primary_key=True),
    Column("position", SmallInteger, nullable=False),
    # The officer's agency; empty for the hub's machine.
    Column("approver_agency", Text, nullable=False),
)
