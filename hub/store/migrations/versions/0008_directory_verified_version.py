"""Which version of an entry was verified: a later one may hold another number."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("directory_authorities") as table:
        table.add_column(sa.Column("verified_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("directory_authorities") as table:
        table.drop_column("verified_version")
