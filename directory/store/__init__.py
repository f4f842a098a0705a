"""The directory's tables and what is asked of them. SQL stays here.

Transactions come in as arguments. Those that write hold the lock on the ledger's head, so that what
is read in them is what is decided on.
"""
