"""Entries of the directory as both sides have to compute them alike.

Called by the hub when it enters a version, by a client before it approves one. Judges nothing.
"""

from __future__ import annotations

import hashlib

from comity.v1.authorities_pb2 import Authority


def authority_digest(authority: Authority) -> bytes:
    """SHA-256 of an entry, 32 bytes: over its fields in the order of their numbers."""
    return hashlib.sha256(authority.SerializeToString(deterministic=True)).digest()


def without_persons(authority: Authority) -> Authority:
    """A copy of an entry without personal contact details: persons, and contacts of one holder."""
    copied = Authority()
    copied.CopyFrom(authority)
    copied.ClearField("persons")
    del copied.contacts[:]
    copied.contacts.extend(each for each in authority.contacts if each.functional)
    return copied


def functional_digest(authority: Authority) -> bytes:
    """SHA-256 of an entry without personal contact details, 32 bytes."""
    return authority_digest(without_persons(authority))
