"""The directory kept true: when entries fall due, reminders, leases, contact tests."""

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from comity.v1.authorities_pb2 import Authority
from comity.v1.ledger_pb2 import (
    DIRECTORY_CHANGE_ESCALATED,
    DIRECTORY_CHANGE_REMINDED,
    DIRECTORY_CHANGE_REPORTED,
    LedgerEntry,
)

revision = "0006"
down_revision = "0005"

_DAY = timedelta(days=1) // timedelta(microseconds=1)
_CONFIRM_EVERY_DAYS = 180  # as it was when this was written
_STAGES = (-14, 0, 7, 30)  # days before the time at which a reminder goes; likewise
_LEDGER_PAGE = 1_000  # entries read at once, of some hundred bytes each
_DIRECTORY_RECORD = LedgerEntry.DIRECTORY_FIELD_NUMBER
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
_REPORTS = sa.table(
    "directory_reports", *(sa.column(name) for name in ("report_id", "entry_index"))
)
_REMINDERS = sa.table(
    "directory_reminders",
    *(sa.column(name) for name in ("authority_id", "due_at", "stage", "sent_at", "entry_index")),
)
_LEDGER = sa.table(
    "ledger_entries", *(sa.column(name) for name in ("entry_index", "record", "entry"))
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
    _restore_from_ledger()


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


def _restore_from_ledger() -> None:
    """What a downgrade took away and the ledger tells of: reminders, and where reports are told of.
    Contact tests do not come back: the ledger has no more of them than their ids."""
    reminders: dict[tuple[object, ...], dict[str, object]] = {}
    for index, entry in _directory_entries():
        change = entry.directory.change
        if change in (DIRECTORY_CHANGE_REMINDED, DIRECTORY_CHANGE_ESCALATED):
            row = _reminder(index, entry)
            reminders[row["authority_id"], row["due_at"], row["stage"]] = row
        elif change == DIRECTORY_CHANGE_REPORTED:
            op.get_bind().execute(
                sa.update(_REPORTS)
                .where(_REPORTS.c.report_id == entry.directory.report_id)
                .values(entry_index=index)
            )
    if reminders:
        op.get_bind().execute(sa.insert(_REMINDERS), list(reminders.values()))


def _directory_entries() -> Iterator[tuple[int, LedgerEntry]]:
    statement = sa.select(_LEDGER.c.entry_index, _LEDGER.c.entry)
    ours = statement.where(_LEDGER.c.record == _DIRECTORY_RECORD).limit(_LEDGER_PAGE)
    last = -1
    while True:
        page = ours.where(_LEDGER.c.entry_index > last).order_by(_LEDGER.c.entry_index)
        rows = op.get_bind().execute(page).all()
        for row in rows:
            yield row.entry_index, LedgerEntry.FromString(row.entry)
        if len(rows) < _LEDGER_PAGE:
            return
        last = rows[-1].entry_index


def _reminder(index: int, entry: LedgerEntry) -> dict[str, object]:
    """As it was kept. The stage is the last one that had come; older ones are left out for good
    without a row, since only the last one is ever sent."""
    told = entry.directory
    return {
        "authority_id": told.authority_id,
        "due_at": told.confirmation_due_at.ToMicroseconds(),
        "stage": min(stage for stage in _STAGES if told.days_left <= stage),
        "sent_at": entry.recorded_at.ToMicroseconds(),
        "entry_index": index,
    }


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
    for columns in (
        ["authority_id", "test_id"],
        ["agency_id", "test_id"],
        ["authority_id", "recorded_at"],
        ["agency_id", "recorded_at"],
        ["recorded_at"],
    ):
        name = f"ix_directory_contact_tests_{'_'.join(columns)}"
        op.create_index(name, "directory_contact_tests", columns)


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
