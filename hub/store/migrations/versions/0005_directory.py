"""The directory of authorities: entries, versions, proposals, reports."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "directory_authorities",
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("authority", sa.LargeBinary(), nullable=False),
        sa.Column("keeper", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("keeper_agency_id", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("verified_by_agency_id", sa.Text(), nullable=True),
        sa.Column("verified_by_officer_id", sa.Text(), nullable=True),
        sa.Column("verification_method", sa.SmallInteger(), nullable=True),
        sa.Column("entry_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", name=op.f("pk_directory_authorities")),
    )
    for column in ("country", "entry_index", "keeper_agency_id"):
        op.create_index(f"ix_directory_authorities_{column}", "directory_authorities", [column])
    op.create_table(
        "directory_versions",
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("authority", sa.LargeBinary(), nullable=False),
        sa.Column("keeper", sa.LargeBinary(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("approver_agency_id", sa.Text(), nullable=False),
        sa.Column("approver_officer_id", sa.Text(), nullable=False),
        sa.Column("call_back", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("entry_index", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["directory_authorities.authority_id"],
            name=op.f("fk_directory_versions_authority_id_directory_authorities"),
        ),
        sa.PrimaryKeyConstraint("authority_id", "version", name=op.f("pk_directory_versions")),
    )
    op.create_table(
        "directory_proposals",
        sa.Column("proposal_id", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("authority", sa.LargeBinary(), nullable=False),
        sa.Column("keeper", sa.LargeBinary(), nullable=False),
        sa.Column("keeper_agency_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_directory_proposals")),
    )
    op.create_index(
        "ix_directory_proposals_keeper_agency_id_status_proposal_id",
        "directory_proposals",
        ["keeper_agency_id", "status", "proposal_id"],
    )
    op.create_index(
        "ix_directory_proposals_authority_id_status",
        "directory_proposals",
        ["authority_id", "status"],
    )
    op.create_table(
        "directory_reports",
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["directory_authorities.authority_id"],
            name=op.f("fk_directory_reports_authority_id_directory_authorities"),
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_directory_reports")),
    )
    op.create_index(
        "ix_directory_reports_authority_id_closed_at",
        "directory_reports",
        ["authority_id", "closed_at"],
    )


def downgrade() -> None:
    # With each table go its indices.
    op.drop_table("directory_reports")
    op.drop_table("directory_proposals")
    op.drop_table("directory_versions")
    op.drop_table("directory_authorities")
