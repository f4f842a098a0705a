"""Membership: the certificates that were signed for agencies."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "certificates",
        sa.Column("certificate_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("serial_number", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_certificates")),
    )
    op.create_index("ix_certificates_expires_at", "certificates", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_certificates_expires_at", table_name="certificates")
    op.drop_table("certificates")
