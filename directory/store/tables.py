"""The directory's tables. Times are int64 microseconds UTC; entries are serialized messages.

Changed only together with a migration, which is the hub's.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

# Equal to the hub's, whose migrations make these tables.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)

# Each entry as it is now.
authorities = Table(
    "directory_authorities",
    metadata,
    Column("authority_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    # The serialized Authority and Keeper.
    Column("authority", LargeBinary, nullable=False),
    Column("keeper", LargeBinary, nullable=False),
    Column("country", Text, nullable=False),
    Column("keeper_agency_id", Text, nullable=False),
    # The newest verification; null where there was none.
    Column("verified_at", BigInteger),
    Column("verified_by_agency_id", Text),
    Column("verified_by_officer_id", Text),
    Column("verification_method", SmallInteger),
    # The version that was found right; null too for verifications from before it was kept.
    Column("verified_version", Integer),
    # The newest entry of the ledger about it: what other processes read anew by.
    Column("entry_index", BigInteger, nullable=False),
    # When it has to be confirmed; for one that never was verified, when it was entered.
    Column("due_at", BigInteger, nullable=False, server_default="0"),
)
Index("ix_directory_authorities_country", authorities.c.country)
Index("ix_directory_authorities_keeper_agency_id", authorities.c.keeper_agency_id)
Index("ix_directory_authorities_entry_index", authorities.c.entry_index)
Index("ix_directory_authorities_due_at", authorities.c.due_at)

# Append-only.
versions = Table(
    "directory_versions",
    metadata,
    Column(
        "authority_id",
        Text,
        ForeignKey(authorities.c.authority_id),
        primary_key=True,
    ),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("authority", LargeBinary, nullable=False),
    Column("keeper", LargeBinary, nullable=False),
    Column("agency_id", Text, nullable=False),
    Column("officer_id", Text, nullable=False),
    # Empty for a change that one officer makes.
    Column("approver_agency_id", Text, nullable=False),
    Column("approver_officer_id", Text, nullable=False),
    # The serialized CallBack; empty where there was none.
    Column("call_back", LargeBinary, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("entry_index", BigInteger, nullable=False),
    # Of the commitment in that entry of the ledger, 32 bytes.
    Column("salt", LargeBinary, nullable=False),
)

proposals = Table(
    "directory_proposals",
    metadata,
    Column("proposal_id", Text, primary_key=True),
    Column("authority_id", Text, nullable=False),
    Column("base_version", Integer, nullable=False),
    Column("authority", LargeBinary, nullable=False),
    Column("keeper", LargeBinary, nullable=False),
    # Who kept the entry when it was proposed; who may approve it is judged anew.
    Column("keeper_agency_id", Text, nullable=False),
    Column("country", Text, nullable=False, server_default=""),
    Column("agency_id", Text, nullable=False),
    Column("officer_id", Text, nullable=False),
    Column("proposed_at", BigInteger, nullable=False),
    # A ProposalStatus.
    Column("status", SmallInteger, nullable=False),
    Column("reason", Text, nullable=False),
    # Empty where it was proposed by itself.
    Column("import_id", Text, nullable=False, server_default=""),
)
Index(
    "ix_directory_proposals_status_country_proposal_id",
    proposals.c.status,
    proposals.c.country,
    proposals.c.proposal_id,
)
Index("ix_directory_proposals_authority_id_status", proposals.c.authority_id, proposals.c.status)

reports = Table(
    "directory_reports",
    metadata,
    Column("report_id", Text, primary_key=True),
    Column("authority_id", Text, ForeignKey(authorities.c.authority_id), nullable=False),
    Column("version", Integer, nullable=False),
    Column("field", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("agency_id", Text, nullable=False),
    Column("officer_id", Text, nullable=False),
    Column("reported_at", BigInteger, nullable=False),
    # Null while it is open.
    Column("closed_at", BigInteger),
    Column("outcome", Text, nullable=False),
    # Where the ledger tells the keeper of it; null for those from before it did.
    Column("entry_index", BigInteger),
)
Index("ix_directory_reports_authority_id_closed_at", reports.c.authority_id, reports.c.closed_at)

# What was sent of every cycle, which ends with a confirmation: `due_at` is another then.
reminders = Table(
    "directory_reminders",
    metadata,
    Column("authority_id", Text, ForeignKey(authorities.c.authority_id), primary_key=True),
    Column("due_at", BigInteger, primary_key=True, autoincrement=False),
    # The days before `due_at` at which it is sent; below 0 after it.
    Column("stage", SmallInteger, primary_key=True, autoincrement=False),
    Column("sent_at", BigInteger, nullable=False),
    # Of the ledger; null for one that was left out, since a later one was due as well.
    Column("entry_index", BigInteger),
)

# Which process does something now, so that the others need not try.
leases = Table(
    "directory_leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)

contact_tests = Table(
    "directory_contact_tests",
    metadata,
    Column("test_id", Text, primary_key=True),
    Column("authority_id", Text, ForeignKey(authorities.c.authority_id), nullable=False),
    Column("version", Integer, nullable=False),
    # A ContactTestMethod.
    Column("method", SmallInteger, nullable=False),
    Column("contact", Text, nullable=False),
    Column("agency_id", Text, nullable=False),
    Column("officer_id", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    # Null while nobody has answered.
    Column("answered_at", BigInteger),
    Column("answered_by_officer_id", Text, nullable=False),
    Column("spoken_to", Text, nullable=False),
    Column("note", Text, nullable=False),
    # When it was entered: of a call later than `asked_at`.
    Column("recorded_at", BigInteger, nullable=False),
    # Of the ledger.
    Column("entry_index", BigInteger, nullable=False),
    Column("answer_entry_index", BigInteger),
)
Index(
    "ix_directory_contact_tests_authority_id_test_id",
    contact_tests.c.authority_id,
    contact_tests.c.test_id,
)
Index(
    "ix_directory_contact_tests_agency_id_test_id",
    contact_tests.c.agency_id,
    contact_tests.c.test_id,
)
# Counting what a day allows, under the lock on the ledger's head; and erasing words by their time.
Index(
    "ix_directory_contact_tests_agency_id_recorded_at",
    contact_tests.c.agency_id,
    contact_tests.c.recorded_at,
)
Index(
    "ix_directory_contact_tests_authority_id_recorded_at",
    contact_tests.c.authority_id,
    contact_tests.c.recorded_at,
)
Index("ix_directory_contact_tests_recorded_at", contact_tests.c.recorded_at)
