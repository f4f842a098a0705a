"""UUIDv7 identifiers of notices and acts. Never reads a clock or a random source.

Both sides call this: clients make ids, the hub checks their form.
Source: RFC 9562 §5.7.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NewType
from uuid import UUID

NoticeId = NewType("NoticeId", str)
ActId = NewType("ActId", str)

UUID7_RANDOM_BYTES = 10  # 74 of the 80 bits are used
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def uuid7_from(moment: datetime, random_bytes: bytes) -> str:
    """A UUIDv7 in canonical lower-case form for an aware moment and 10 random bytes."""
    if len(random_bytes) != UUID7_RANDOM_BYTES:
        raise ValueError("a UUIDv7 takes 10 random bytes")
    milliseconds = int(moment.timestamp() * 1000)
    number = int.from_bytes(milliseconds.to_bytes(6, "big") + random_bytes, "big")
    number = number & ~(0xF << 76) | (0x7 << 76)  # version
    number = number & ~(0x3 << 62) | (0x2 << 62)  # variant
    return str(UUID(int=number))


def is_uuid7(text: str) -> bool:
    """Whether a text is a UUIDv7 in canonical lower-case form."""
    return _UUID7.fullmatch(text) is not None
