"""Cursors: where the next page of one query begins. Of use for that query alone.

They say nothing of anybody, so that they need no key: a made-up one leads to another page of what
the caller may ask for anyway.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from comity.errors import CursorInvalid
from comity.v1 import directory_pb2 as pb

_DIGEST_BYTES = 12  # tells queries apart; keeps nobody out
_OFFSET_BYTES = 2


def cursor_for(query: pb.AuthorityFilter, offset: int) -> str:
    """The cursor of a page of a query."""
    packed = _digest(query) + offset.to_bytes(_OFFSET_BYTES, "big")
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def offset_from(cursor: str, query: pb.AuthorityFilter) -> int:
    """Where the page of a cursor begins; the first page has none.

    Raises: CursorInvalid for one of another query.
    """
    if not cursor:
        return 0
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise CursorInvalid from error
    if len(packed) != _DIGEST_BYTES + _OFFSET_BYTES or packed[:_DIGEST_BYTES] != _digest(query):
        raise CursorInvalid
    return int.from_bytes(packed[_DIGEST_BYTES:], "big")


def _digest(query: pb.AuthorityFilter) -> bytes:
    return hashlib.sha256(query.SerializeToString(deterministic=True)).digest()[:_DIGEST_BYTES]
