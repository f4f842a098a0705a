"""The tables. Times are int64 microseconds UTC; digests, salts and hashes are 32 raw bytes.

Changed only together with a migration; a test finds drift.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)

# One row, whose lock orders all writing.
ledger_head = Table(
    "ledger_head",
    metadata,
    Column("head_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    # Right-edge hashes, from which appending and the root go on.
    Column("edge", LargeBinary, nullable=False),
    Column("roster_entry", BigInteger),
    Column("epoch", Integer, nullable=False),
    Column("origin", Text, nullable=False),
    CheckConstraint("head_id = 1", name="one_row"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    # Which field of LedgerEntry.record is set.
    Column("record", SmallInteger, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("entry", LargeBinary, nullable=False),
)
Index("ix_ledger_entries_record_entry_index", ledger_entries.c.record, ledger_entries.c.entry_index)

# Hashes of perfect subtrees, only at levels that are multiples of 8: one row in 256 entries.
ledger_nodes = Table(
    "ledger_nodes",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("node_index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

acts = Table(
    "acts",
    metadata,
    Column("act_id", Text, primary_key=True),
    Column("originator", Text, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    # The serialized Envelope; empty where it is erased.
    Column("envelope", LargeBinary, nullable=False),
    Column("entry_index", BigInteger, nullable=False),
    # Opens the entry's commitment to this act; erased, the link is gone, the tree verifies.
    Column("salt", LargeBinary),
)
Index("ix_acts_entry_index", acts.c.entry_index)

# A notice as it stands after its last act. `version` with its digest and entry is what was
# submitted last, and what the next version follows; addressees read what was published last.
notices = Table(
    "notices",
    metadata,
    Column("notice_id", Text, primary_key=True),
    Column("originator", Text, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("traffic", SmallInteger, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("version_digest", LargeBinary, nullable=False),
    Column("version_entry", BigInteger, nullable=False),
    Column("addressing_entry", BigInteger, nullable=False),
    Column("withdrawal_entry", BigInteger),
    Column("audience", LargeBinary, nullable=False),
    # 0, empty and null until a version is published.
    Column("published_version", Integer, nullable=False, server_default="0"),
    Column("published_digest", LargeBinary, nullable=False, server_default=""),
    Column("published_entry", BigInteger),
    # Where lists have it: what is published, else what was submitted first.
    Column("listed_entry", BigInteger, nullable=False, server_default="0"),
    # The addressing that came with what is in review, and takes effect with it.
    Column("submitted_addressing_entry", BigInteger),
    Column("submitted_audience", LargeBinary),
    # The hub's entry that published, returned, refused, cancelled or expired it.
    Column("decision_entry", BigInteger),
    Column("suspension_entry", BigInteger),
    Column("extension_entry", BigInteger),
    # The review that is open, or that has ended last.
    Column("review_id", Text),
    # Of the version that is published, extensions included.
    Column("expires_at", BigInteger, nullable=False, server_default="0"),
    # How many reminders before the expiry have gone.
    Column("expiry_stage", SmallInteger, nullable=False, server_default="0"),
    # The entry that says that content and salts are erased.
    Column("erasure_entry", BigInteger),
)
Index("ix_notices_listed_entry", notices.c.listed_entry)
Index("ix_notices_expires_at", notices.c.state, notices.c.expires_at)
# What has ended and is not erased: next to nothing, however many notices there are.
# It begins with erasure_entry so that SQLite prefers it to ix_notices_expires_at.
_IS_TO_ERASE = text("state IN (2, 5, 7, 8) AND erasure_entry IS NULL")
Index(
    "ix_notices_to_erase",
    notices.c.erasure_entry,
    notices.c.version_entry,
    sqlite_where=_IS_TO_ERASE,
    postgresql_where=_IS_TO_ERASE,
)

# A set of addressees, kept once however many notices go to it. The key is the digest of its
# members and, where it is open to later members, of its rule.
audiences = Table(
    "audiences",
    metadata,
    Column("audience", LargeBinary, primary_key=True),
    # The serialized AddressingRule where later members join; otherwise null.
    Column("open_rule", LargeBinary),
)

audience_members = Table(
    "audience_members",
    metadata,
    Column("audience", LargeBinary, primary_key=True),
    Column("agency_id", Text, primary_key=True),
)

# What a watch may deliver: the entry at which it happened, to whom, and what a filter asks about.
events = Table(
    "events",
    metadata,
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("originator", Text, nullable=False),
    Column("notice_id", Text, nullable=False),
    Column("notice_kind", SmallInteger, nullable=False),
    Column("traffic", SmallInteger, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    # Null for roster changes, which everybody gets.
    Column("audience", LargeBinary),
    # Where the act that is shown lies: the same entry but for ADDRESSEE_ADDED, RESUMED, and what
    # was published after a review.
    Column("act_entry", BigInteger, nullable=False),
    # Who did it, and is not told of it; empty for the hub.
    Column("actor", Text, nullable=False, server_default=""),
)
Index("ix_events_notice_id", events.c.notice_id)

watches = Table(
    "watches",
    metadata,
    Column("agency_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    # The serialized NoticeFilter.
    Column("filter", LargeBinary, nullable=False),
    Column("traffic", SmallInteger, nullable=False),
    # The first entry index that is not confirmed.
    Column("next_index", BigInteger, nullable=False),
    # Counts openings: only the stream of the latest one may move the cursor.
    Column("opening", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

access_records = Table(
    "access_records",
    metadata,
    # Where the record's commitment lies: the access entry, and the leaf below its root.
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf_index", Integer, primary_key=True, autoincrement=False),
    Column("accessed_at", BigInteger, nullable=False),
    Column("agency_id", Text),
    # The serialized AccessRecord and its salt; both erased when the retention time is over.
    Column("record", LargeBinary),
    Column("salt", LargeBinary),
    Column("commitment", LargeBinary, nullable=False),
)
Index("ix_access_records_accessed_at", access_records.c.accessed_at)
