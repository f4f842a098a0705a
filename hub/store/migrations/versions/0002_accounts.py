"""Officers, built-in accounts and their sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "officers",
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("nationality", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("officer_id", name=op.f("pk_officers")),
        sa.UniqueConstraint("agency_id", "user_name", name=op.f("uq_officers_agency_id_user_name")),
    )
    op.create_table(
        "officer_entries",
        sa.Column("entry_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("entry_index", name=op.f("pk_officer_entries")),
    )
    op.create_table(
        "credentials",
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("one_time", sa.SmallInteger(), nullable=False),
        sa.Column("factor_key", sa.LargeBinary(), nullable=True),
        sa.Column("factor_step", sa.BigInteger(), nullable=False),
        sa.Column("pending_key", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("officer_id", name=op.f("pk_credentials")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("officer_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("certificate_id", sa.Text(), nullable=False),
        sa.Column("access_hash", sa.LargeBinary(), nullable=False),
        sa.Column("access_until", sa.BigInteger(), nullable=False),
        sa.Column("refresh_hash", sa.LargeBinary(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_access_hash", "sessions", ["access_hash"], unique=True)
    op.create_index("ix_sessions_refresh_hash", "sessions", ["refresh_hash"], unique=True)
    op.create_index("ix_sessions_officer_id", "sessions", ["officer_id"], unique=False)
    op.create_index("ix_sessions_until", "sessions", ["until"], unique=False)
    op.create_table(
        "spent_tokens",
        sa.Column("refresh_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("refresh_hash", name=op.f("pk_spent_tokens")),
    )
    op.create_index("ix_spent_tokens_until", "spent_tokens", ["until"], unique=False)
    op.create_table(
        "log_in_failures",
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("name_hash", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "name_hash", name=op.f("pk_log_in_failures")),
    )
    op.create_index("ix_log_in_failures_last_at", "log_in_failures", ["last_at"], unique=False)
    version = op.create_table(
        "officer_version",
        sa.Column("version_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("version_id = 1", name=op.f("ck_officer_version_one_row")),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_officer_version")),
    )
    op.bulk_insert(version, [{"version_id": 1, "version": 0}])


def downgrade() -> None:
    for table in (
        "officer_version",
        "log_in_failures",
        "spent_tokens",
        "sessions",
        "recovery_codes",
        "credentials",
        "officer_entries",
        "officers",
    ):
        op.drop_table(table)
