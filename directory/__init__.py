"""The directory of competent national authorities: a component that the hub mounts.

Imports only `comity`; whatever else it needs (transactions, the ledger, the
caller) comes in as arguments.
"""
