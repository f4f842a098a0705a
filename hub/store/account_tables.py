"""The tables of officers and of the built-in accounts. Times are int64 microseconds UTC.

Secrets lie here as hashes, but for the keys of second factors, which have to be computed with.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from hub.store.tables import metadata

officers = Table(
    "officers",
    metadata,
    Column("officer_id", Text, primary_key=True),
    Column("agency_id", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("nationality", Text, nullable=False),
    # Numbers of comity.v1.Role, in order, with a space between two.
    Column("roles", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    # No log-in that was begun before is taken; 0: none was ever ended.
    Column("not_before", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("agency_id", "user_name"),
)

# What opens the commitment of an officer's entry in the ledger.
officer_entries = Table(
    "officer_entries",
    metadata,
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    Column("officer_id", Text, nullable=False),
    Column("salt", LargeBinary),
)

# Of built-in accounts.
credentials = Table(
    "credentials",
    metadata,
    Column("officer_id", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    # 0: the officer's own; 1: a one-time password; 2: one that was used.
    Column("one_time", SmallInteger, nullable=False),
    Column("factor_key", LargeBinary),
    # The last step of RFC 6238 whose code was taken: none is taken twice.
    Column("factor_step", BigInteger, nullable=False),
    # A second factor that waits to be confirmed.
    Column("pending_key", LargeBinary),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("officer_id", Text, primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("officer_id", Text, nullable=False),
    Column("agency_id", Text, nullable=False),
    Column("certificate_id", Text, nullable=False),
    Column("access_hash", LargeBinary, nullable=False),
    Column("access_until", BigInteger, nullable=False),
    Column("refresh_hash", LargeBinary, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)
Index("ix_sessions_access_hash", sessions.c.access_hash, unique=True)
Index("ix_sessions_refresh_hash", sessions.c.refresh_hash, unique=True)
Index("ix_sessions_officer_id", sessions.c.officer_id)
Index("ix_sessions_until", sessions.c.until)

# Refresh tokens that were used: one that comes again ends its session.
spent_tokens = Table(
    "spent_tokens",
    metadata,
    Column("refresh_hash", LargeBinary, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
Index("ix_spent_tokens_until", spent_tokens.c.until)

# Failed log-ins, of an agency and of a user name there, whether or not there is such an officer.
log_in_failures = Table(
    "log_in_failures",
    metadata,
    Column("agency_id", Text, primary_key=True),
    # SHA-256 of the user name; empty for the agency as a whole.
    Column("name_hash", LargeBinary, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)
Index("ix_log_in_failures_last_at", log_in_failures.c.last_at)

# One row: grows whenever a session or an officer's rights end or change.
officer_version = Table(
    "officer_version",
    metadata,
    Column("version_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("version_id = 1", name="one_row"),
)
