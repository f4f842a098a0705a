"""Proposals of the directory that came with an import."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("directory_proposals") as table:
        table.add_column(sa.Column("import_id", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("directory_proposals") as table:
        table.drop_column("import_id")
