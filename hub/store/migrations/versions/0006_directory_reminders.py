"""The directory kept true: when entries fall due, reminders, leases, contact tests."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from comity.v1.authorities_pb2 import Authority

revision = "0006"
down_revision = "0005"

_DAY = timedelta(days=1) // timedelta(microseconds=1)
_CONFIRM_EVERY_DAYS = 180  # as it was when this was written
_BY_KEEPER = (
    "ix_directory_proposals_keeper_agency_id_status_proposal_id",
    ["keeper_agency_id", "status", "proposal_id"],
)
_BY_COUNTRY = (
    "ix_directory_proposals_status_country_proposal_id",
    ["status", "country", "proposal_id"],
)

_AUTHORITIES = sa.table(
    "directory_authorities",
    *(sa.column(name) for name in ("authority_id", "authority", "verified_at", "due_at")),
)
_VERSIONS = sa.table(
    "directory_versions", *(sa.column(name) for name in ("authority_id", "version", "changed_at"))
)
_PROPOSALS = sa.table(
    "directory_proposals", *(sa.column(name) for name in ("proposal_id", "authority", "country"))
)


def upgrade() -> None:
    # Each row is filled below; SQLite adds no column without a default that may not be null.
    due_at = sa.Column("due_at", sa.BigInteger(), server_default="0", nullable=False)
    op.add_column("directory_authorities", due_at)
    country = sa.Column("country", sa.Text(), server_default="", nullable=False)
    op.add_column("directory_proposals", country)
    op.add_column("directory_reports", sa.Column("entry_index", sa.BigInteger(), nullable=True))
    _fill_due_at()
    _fill_country()
    op.create_index("ix_directory_authorities_due_at", "directory_authorities", ["due_at"])
    op.drop_index(_BY_KEEPER[0], table_name="directory_proposals")
    op.create_index(_BY_COUNTRY[0], "directory_proposals", _BY_COUNTRY[1])
    _create_tables()


def _fill_due_at() -> None:
    """An entry that was verified falls due from then on, another one since it was entered."""
    entered = (
        sa.select(_VERSIONS.c.changed_at)
        .where(_VERSIONS.c.authority_id == _AUTHORITIES.c.authority_id, _VERSIONS.c.version == 1)
        .scalar_subquery()
    )
    connection = op.get_bind()
    connection.execute(
        sa.update(_AUTHORITIES).where(_AUTHORITIES.c.verified_at.is_(None)).values(due_at=entered)
    )
    verified = sa.select(
        _AUTHORITIES.c.authority_id, _AUTHORITIES.c.authority, _AUTHORITIES.c.verified_at
    ).where(_AUTHORITIES.c.verified_at.is_not(None))
    for row in connection.execute(verified).all():
        days = Authority.FromString(row.authority).confirm_every_days or _CONFIRM_EVERY_DAYS
        connection.execute(
            sa.update(_AUTHORITIES)
            .where(_AUTHORITIES.c.authority_id == row.authority_id)
            .values(due_at=row.verified_at + days * _DAY)
        )


def _fill_country() -> None:
    connection = op.get_bind()
    proposed = sa.select(_PROPOSALS.c.proposal_id, _PROPOSALS.c.authority)
    for row in connection.execute(proposed).all():
        connection.execute(
            sa.update(_PROPOSALS)
            .where(_PROPOSALS.c.proposal_id == row.proposal_id)
            .values(country=Authority.FromString(row.authority).country)
        )


def _create_tables() -> None:
    op.create_table(
        "directory_reminders",
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("entry_index", sa.BigInteger(), nullable=True),
        _of_an_authority("directory_reminders"),
        sa.PrimaryKeyConstraint(
            "authority_id", "due_at", "stage", name=op.f("pk_directory_reminders")
        ),
    )
    op.create_table(
        "directory_leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_directory_leases")),
    )
    op.create_table(
        "directory_contact_tests",
        sa.Column("test_id", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("method", sa.SmallInteger(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_by_officer_id", sa.Text(), nullable=False),
        sa.Column("spoken_to", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("entry_index", sa.BigInteger(), nullable=False),
        sa.Column("answer_entry_index", sa.BigInteger(), nullable=True),
        _of_an_authority("directory_contact_tests"),
        sa.PrimaryKeyConstraint("test_id", name=op.f("pk_directory_contact_tests")),
    )
    for column in ("authority_id", "agency_id"):
        op.create_index(
            f"ix_directory_contact_tests_{column}_test_id",
            "directory_contact_tests",
            [column, "test_id"],
        )


def _of_an_authority(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["authority_id"],
        ["directory_authorities.authority_id"],
        name=op.f(f"fk_{table}_authority_id_directory_authorities"),
    )


def downgrade() -> None:
    for table in ("directory_contact_tests", "directory_leases", "directory_reminders"):
        op.drop_table(table)
    op.drop_index(_BY_COUNTRY[0], table_name="directory_proposals")
    op.create_index(_BY_KEEPER[0], "directory_proposals", _BY_KEEPER[1])
    op.drop_index("ix_directory_authorities_due_at", table_name="directory_authorities")
    op.drop_column("directory_reports", "entry_index")
    op.drop_column("directory_proposals", "country")
    op.drop_column("directory_authorities", "due_at")
