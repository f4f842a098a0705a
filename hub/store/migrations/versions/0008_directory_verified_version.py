"""Which version of an entry was verified: a later one may hold another number."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    column = sa.Column("verified_version", sa.Integer(), nullable=True)
    op.add_column("directory_authorities", column)


def downgrade() -> None:
    op.drop_column("directory_authorities", "verified_version")
