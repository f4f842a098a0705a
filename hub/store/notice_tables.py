"""The tables of what becomes of notices: reviews, recalls, custody.

Changed only together with a migration; a test finds drift.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, SmallInteger, Table
from sqlalchemy import Text as SqlText

from hub.store.tables import metadata

# Reviews of versions, open and ended.
reviews = Table(
    "reviews",
    metadata,
    Column("review_id", SqlText, primary_key=True),
    Column("originator", SqlText, nullable=False),
    Column("notice_id", SqlText, nullable=False),
    Column("version", Integer, nullable=False),
    # The entry of the version or addendum that is reviewed.
    Column("acts_entry", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("traffic", SmallInteger, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    # Nationalities of the subjects, sorted and divided by commas: whose reviewers are barred.
    Column("nationalities", SqlText, nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("reviewers_needed", SmallInteger, nullable=False),
    # It was published, and is looked at afterwards.
    Column("is_after_publication", Boolean, nullable=False),
    # A ReviewOutcome; 0 while it is open.
    Column("outcome", SmallInteger, nullable=False),
    Column("ground", SmallInteger, nullable=False),
    Column("decided_at", BigInteger),
    # The serialized ReviewFindings as the originator is shown them, and the commitment's salt.
    Column("findings", LargeBinary),
    Column("findings_salt", LargeBinary),
)
Index(
    "ix_reviews_outcome_traffic_review_id",
    *(reviews.c[name] for name in ("outcome", "traffic", "review_id")),
)
Index("ix_reviews_decided_at", reviews.c.decided_at)
Index("ix_reviews_notice_id", reviews.c.notice_id)

# Who looks at a review, and who has decided how.
review_steps = Table(
    "review_steps",
    metadata,
    Column("review_id", SqlText, primary_key=True),
    Column("officer_id", SqlText, primary_key=True),
    Column("taken_at", BigInteger, nullable=False),
    # A ReviewOutcome; 0 where it was only taken.
    Column("outcome", SmallInteger, nullable=False),
    Column("ground", SmallInteger, nullable=False),
    # The serialized ReviewFindings.
    Column("findings", LargeBinary),
    Column("decided_at", BigInteger),
)

# Recalls, by the entry that began them: who was addressed has to answer what became of its copies.
recalls = Table(
    "recalls",
    metadata,
    Column("recall_entry", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("originator", SqlText, nullable=False),
    Column("notice_id", SqlText, nullable=False),
    # Whom it is for; does not grow.
    Column("audience", LargeBinary, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    # How many have not answered.
    Column("open_count", Integer, nullable=False),
)
Index("ix_recalls_notice_id", recalls.c.notice_id)
Index("ix_recalls_originator_recall_entry", recalls.c.originator, recalls.c.recall_entry)

# The newest answer of each agency.
recall_answers = Table(
    "recall_answers",
    metadata,
    Column("recall_entry", BigInteger, primary_key=True, autoincrement=False),
    Column("agency_id", SqlText, primary_key=True),
    Column("outcome", SmallInteger, nullable=False),
    Column("answer_entry", BigInteger, nullable=False),
)

# Agencies that hold somebody on a notice, now.
custodies = Table(
    "custodies",
    metadata,
    Column("notice_id", SqlText, primary_key=True),
    Column("originator", SqlText, primary_key=True),
    Column("agency_id", SqlText, primary_key=True),
    Column("entry_index", BigInteger, nullable=False),
)
