"""Enrolment: invitations, applications, approvals."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "enrolments",
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.SmallInteger(), nullable=False),
        sa.Column("agency", sa.LargeBinary(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("application", sa.LargeBinary(), nullable=True),
        sa.Column("application_digest", sa.LargeBinary(), nullable=True),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("challenge", sa.LargeBinary(), nullable=True),
        sa.Column("proof_digest", sa.LargeBinary(), nullable=True),
        sa.Column("consent", sa.LargeBinary(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("agency_id", name=op.f("pk_enrolments")),
    )
    op.create_index(
        "ix_enrolments_application_digest", "enrolments", ["application_digest"], unique=False
    )
    op.create_table(
        "enrolment_approvals",
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("approver_agency", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "approver", name=op.f("pk_enrolment_approvals")),
    )


def downgrade() -> None:
    op.drop_table("enrolment_approvals")
    op.drop_index("ix_enrolments_application_digest", table_name="enrolments")
    op.drop_table("enrolments")
