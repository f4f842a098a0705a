"""The hub's tables, one query file per noun, migrations, and the ledger writer.

Called by `hub.services`. Rows never leave this package: its functions take and give frozen types
and contract messages. SQLAlchemy is imported nowhere else.
"""
