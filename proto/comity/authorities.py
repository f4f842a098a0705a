"""Entries of the directory as both sides have to compute them alike.

Called by the hub when it enters a version, by a client before it approves one. Judges nothing.
"""

from __future__ import annotations

import hashlib

from comity.v1.authorities_pb2 import Authority


def authority_digest(authority: Authority) -> bytes:
    """SHA-256 of an entry, 32 bytes: over its fields in the order of their numbers."""
    return hashlib.sha256(authority.SerializeToString(deterministic=True)).digest()
