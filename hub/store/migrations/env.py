"""Alembic's entry: runs over the connection that it is handed, in that connection's transaction."""

from alembic import context

import hub.store.account_tables  # noqa: F401 - its tables are in the metadata too
from directory.store.tables import metadata as directory_metadata
from hub.store import (
    enrolment_tables,  # noqa: F401 - its tables join the same metadata
    membership_tables,  # noqa: F401 - and so do these
    notice_tables,  # noqa: F401 - and these
)
from hub.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[metadata, directory_metadata],
    render_as_batch=True,  # SQLite alters a table by writing it anew
)
context.run_migrations()
