"""The exchange: ledger, acts, notices, audiences, events, watches, access records."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "access_records",
        sa.Column("entry_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leaf_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("accessed_at", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_index", "leaf_index", name=op.f("pk_access_records")),
    )
    op.create_index(
        "ix_access_records_accessed_at", "access_records", ["accessed_at"], unique=False
    )
    op.create_table(
        "acts",
        sa.Column("act_id", sa.Text(), nullable=False),
        sa.Column("originator", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("entry_index", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("act_id", "originator", name=op.f("pk_acts")),
    )
    op.create_index("ix_acts_entry_index", "acts", ["entry_index"], unique=False)
    op.create_table(
        "audience_members",
        sa.Column("audience", sa.LargeBinary(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("audience", "agency_id", name=op.f("pk_audience_members")),
    )
    op.create_table(
        "audiences",
        sa.Column("audience", sa.LargeBinary(), nullable=False),
        sa.Column("open_rule", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("audience", name=op.f("pk_audiences")),
    )
    op.create_table(
        "events",
        sa.Column("entry_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("originator", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("notice_kind", sa.SmallInteger(), nullable=False),
        sa.Column("traffic", sa.SmallInteger(), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("audience", sa.LargeBinary(), nullable=True),
        sa.Column("act_entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entry_index", name=op.f("pk_events")),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("entry_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record", sa.SmallInteger(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_index", name=op.f("pk_ledger_entries")),
    )
    op.create_index(
        "ix_ledger_entries_record_entry_index",
        "ledger_entries",
        ["record", "entry_index"],
        unique=False,
    )
    op.create_table(
        "ledger_head",
        sa.Column("head_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("edge", sa.LargeBinary(), nullable=False),
        sa.Column("roster_entry", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.CheckConstraint("head_id = 1", name=op.f("ck_ledger_head_one_row")),
        sa.PrimaryKeyConstraint("head_id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "ledger_nodes",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("node_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "node_index", name=op.f("pk_ledger_nodes")),
    )
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("originator", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("traffic", sa.SmallInteger(), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("version_digest", sa.LargeBinary(), nullable=False),
        sa.Column("version_entry", sa.BigInteger(), nullable=False),
        sa.Column("addressing_entry", sa.BigInteger(), nullable=False),
        sa.Column("withdrawal_entry", sa.BigInteger(), nullable=True),
        sa.Column("audience", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", "originator", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_version_entry", "notices", ["version_entry"], unique=False)
    op.create_table(
        "watches",
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filter", sa.LargeBinary(), nullable=False),
        sa.Column("traffic", sa.SmallInteger(), nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "name", name=op.f("pk_watches")),
    )


def downgrade() -> None:
    op.drop_table("watches")
    op.drop_index("ix_notices_version_entry", table_name="notices")
    op.drop_table("notices")
    op.drop_table("ledger_nodes")
    op.drop_table("ledger_head")
    op.drop_index("ix_ledger_entries_record_entry_index", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_table("events")
    op.drop_table("audiences")
    op.drop_table("audience_members")
    op.drop_index("ix_acts_entry_index", table_name="acts")
    op.drop_table("acts")
    op.drop_index("ix_access_records_accessed_at", table_name="access_records")
    op.drop_table("access_records")
