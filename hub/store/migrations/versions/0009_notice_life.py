"""The whole life of a notice: review, suspension, expiry, recall, custody, erasure."""

import hashlib
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from comity.errors import MalformedInput
from comity.v1.acts_pb2 import Act, Envelope
from comity.v1.ledger_pb2 import LedgerEntry

revision = "0009"
down_revision = "0008"

_PAGE = 1_000  # notices read at once, of some kilobytes each

_NAMES = (
    *("version", "version_digest", "version_entry", "listed_entry", "expires_at"),
    *("published_version", "published_digest", "published_entry", "state"),
)
_NOTICES = sa.table(
    "notices",
    *(sa.column(name) for name in _NAMES),
)
_ACTS = sa.table("acts", *(sa.column(name) for name in ("entry_index", "kind", "envelope")))
_EVENTS = sa.table("events", sa.column("actor"), sa.column("originator"))
_NOTICES_OF_BEFORE = sa.table(
    "notices",
    *(sa.column(n) for n in ("originator", "notice_id", "state", "withdrawal_entry", "audience")),
)
_ENTRIES = sa.table(
    "ledger_entries", *(sa.column(name) for name in ("entry_index", "record", "entry"))
)
_AUDIENCES = sa.table("audiences", sa.column("audience"), sa.column("open_rule"))
_MEMBERS = sa.table("audience_members", sa.column("audience"), sa.column("agency_id"))
_RECALL_NAMES = ("recall_entry", "kind", "originator", "notice_id", "audience", "begun_at")
_RECALLS = sa.table("recalls", *(sa.column(name) for name in (*_RECALL_NAMES, "open_count")))
_RECALL_WITHDRAWN = 1  # a RecallKind
_VERSION, _ADDRESSING = 1, 3  # ActKinds, the last of them the newest that 0008 knows
_PUBLISHED, _WITHDRAWN = 1, 2  # the NoticeStates that 0008 knows


def _notice_columns() -> tuple["sa.Column[object]", ...]:
    return (
        sa.Column("published_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("published_digest", sa.LargeBinary(), server_default="", nullable=False),
        sa.Column("published_entry", sa.BigInteger(), nullable=True),
        sa.Column("listed_entry", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("submitted_addressing_entry", sa.BigInteger(), nullable=True),
        sa.Column("submitted_audience", sa.LargeBinary(), nullable=True),
        sa.Column("decision_entry", sa.BigInteger(), nullable=True),
        sa.Column("suspension_entry", sa.BigInteger(), nullable=True),
        sa.Column("extension_entry", sa.BigInteger(), nullable=True),
        sa.Column("review_id", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expiry_stage", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("erasure_entry", sa.BigInteger(), nullable=True),
    )


def upgrade() -> None:
    for column in _notice_columns():
        op.add_column("notices", column)
    op.add_column("events", sa.Column("actor", sa.Text(), server_default="", nullable=False))
    _create_tables()
    connection = op.get_bind()
    connection.execute(sa.update(_EVENTS).values(actor=_EVENTS.c.originator))
    connection.execute(
        sa.update(_NOTICES).values(
            published_version=_NOTICES.c.version,
            published_digest=_NOTICES.c.version_digest,
            published_entry=_NOTICES.c.version_entry,
            listed_entry=_NOTICES.c.version_entry,
        )
    )
    for entry_index, expires_at in _expiries():
        connection.execute(
            sa.update(_NOTICES)
            .where(_NOTICES.c.version_entry == entry_index)
            .values(expires_at=expires_at)
        )
    _begin_recalls()
    op.drop_index("ix_notices_version_entry", table_name="notices")
    op.create_index("ix_notices_listed_entry", "notices", ["listed_entry"])
    op.create_index("ix_notices_expires_at", "notices", ["state", "expires_at"])
    is_to_erase = sa.text("state IN (2, 5, 7, 8) AND erasure_entry IS NULL")
    op.create_index(
        "ix_notices_to_erase",
        "notices",
        ["erasure_entry", "version_entry"],
        sqlite_where=is_to_erase,
        postgresql_where=is_to_erase,
    )
    op.create_index("ix_events_notice_id", "events", ["notice_id"])


def _expiries() -> Iterator[tuple[int, int]]:
    """The latest versions' entries, and when each expires."""
    versions = sa.select(_ACTS.c.entry_index, _ACTS.c.envelope).where(_ACTS.c.kind == _VERSION)
    ours = versions.where(_ACTS.c.entry_index.in_(sa.select(_NOTICES.c.version_entry)))
    last = -1
    while True:
        page = ours.where(_ACTS.c.entry_index > last).order_by(_ACTS.c.entry_index).limit(_PAGE)
        rows = op.get_bind().execute(page).all()
        for row in rows:
            act = Act.FromString(Envelope.FromString(row.envelope).payload)
            yield row.entry_index, act.version.notice.expires_at.ToMicroseconds()
        if len(rows) < _PAGE:
            return
        last = rows[-1].entry_index


def _begin_recalls() -> None:
    """Addressees of what was withdrawn before owe an answer about their copies."""
    connection = op.get_bind()
    closed: dict[bytes, tuple[bytes, int]] = {}
    notices = _NOTICES_OF_BEFORE
    withdrawn = (
        sa.select(notices, _ENTRIES.c.entry)
        .join_from(notices, _ENTRIES, _ENTRIES.c.entry_index == notices.c.withdrawal_entry)
        .where(notices.c.state == _WITHDRAWN)
    )
    for row in connection.execute(withdrawn).all():
        if row.audience not in closed:
            closed[row.audience] = _closed_copy(row.audience)
        audience, count = closed[row.audience]
        begun_at = LedgerEntry.FromString(row.entry).recorded_at.ToMicroseconds()
        values = (row.withdrawal_entry, _RECALL_WITHDRAWN, row.originator, row.notice_id)
        recall = dict(zip(_RECALL_NAMES, (*values, audience, begun_at), strict=True))
        if count:
            connection.execute(sa.insert(_RECALLS).values(**recall, open_count=count))


def _closed_copy(audience: bytes) -> tuple[bytes, int]:
    """The audience with an audience's members of now that nobody joins later, and their number."""
    connection = op.get_bind()
    members = sa.select(_MEMBERS.c.agency_id).where(_MEMBERS.c.audience == audience)
    agencies = sorted(connection.execute(members).scalars())
    rule = sa.select(_AUDIENCES.c.open_rule).where(_AUDIENCES.c.audience == audience)
    if connection.execute(rule).scalar() is None:
        return audience, len(agencies)
    key = hashlib.sha256("\n".join(agencies).encode() + b"\x00").digest()
    kept = sa.select(_AUDIENCES.c.audience).where(_AUDIENCES.c.audience == key)
    if connection.execute(kept).first() is None:
        connection.execute(sa.insert(_AUDIENCES).values(audience=key, open_rule=None))
        for agency in agencies:
            connection.execute(sa.insert(_MEMBERS).values(audience=key, agency_id=agency))
    return key, len(agencies)


def _create_tables() -> None:
    op.create_table(
        "reviews",
        sa.Column("review_id", sa.Text(), nullable=False),
        sa.Column("originator", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("acts_entry", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("traffic", sa.SmallInteger(), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("nationalities", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("reviewers_needed", sa.SmallInteger(), nullable=False),
        sa.Column("is_after_publication", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("ground", sa.SmallInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("findings", sa.LargeBinary(), nullable=True),
        sa.Column("findings_salt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_reviews")),
    )
    op.create_index(
        "ix_reviews_outcome_traffic_review_id", "reviews", ["outcome", "traffic", "review_id"]
    )
    op.create_index("ix_reviews_decided_at", "reviews", ["decided_at"])
    op.create_index("ix_reviews_notice_id", "reviews", ["notice_id"])
    op.create_table(
        "review_steps",
        sa.Column("review_id", sa.Text(), nullable=False),
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("ground", sa.SmallInteger(), nullable=False),
        sa.Column("findings", sa.LargeBinary(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("review_id", "officer_id", name=op.f("pk_review_steps")),
    )
    op.create_table(
        "recalls",
        sa.Column("recall_entry", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("originator", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("audience", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("open_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("recall_entry", name=op.f("pk_recalls")),
    )
    op.create_index("ix_recalls_notice_id", "recalls", ["notice_id"])
    op.create_index("ix_recalls_originator_recall_entry", "recalls", ["originator", "recall_entry"])
    op.create_table(
        "recall_answers",
        sa.Column("recall_entry", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("answer_entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recall_entry", "agency_id", name=op.f("pk_recall_answers")),
    )
    op.create_table(
        "custodies",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("originator", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("entry_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", "originator", "agency_id", name=op.f("pk_custodies")),
    )


def downgrade() -> None:
    _require_nothing_newer()
    for table in ("custodies", "recall_answers", "recalls", "review_steps", "reviews"):
        op.drop_table(table)
    op.drop_index("ix_events_notice_id", table_name="events")
    op.drop_index("ix_notices_to_erase", table_name="notices")
    op.drop_index("ix_notices_expires_at", table_name="notices")
    op.drop_index("ix_notices_listed_entry", table_name="notices")
    op.create_index("ix_notices_version_entry", "notices", ["version_entry"])
    op.drop_column("events", "actor")
    for column in reversed(_notice_columns()):
        op.drop_column("notices", column.name)


def _require_nothing_newer() -> None:
    """Refuses where something lies that 0008 takes for published, or does not know."""
    is_newer = (
        sa.exists().where(_NOTICES.c.state.not_in((_PUBLISHED, _WITHDRAWN))),
        sa.exists().where(_NOTICES.c.version != _NOTICES.c.published_version),
        sa.exists().where(_ENTRIES.c.record == LedgerEntry.NOTICE_FIELD_NUMBER),
        sa.exists().where(_ACTS.c.kind > _ADDRESSING),
    )
    if op.get_bind().execute(sa.select(sa.or_(*is_newer))).scalar_one():
        raise MalformedInput(
            "The ledger tells of reviews, suspensions, recalls or acts that versions before 0009 "
            "do not know; they would publish what nobody reviewed. Go back with a backup of before."
        )
