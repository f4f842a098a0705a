"""What the directory does when it is called: one method is one use case.

The hub hands in who calls, a transaction of its ledger, the roster and the access records.
"""
