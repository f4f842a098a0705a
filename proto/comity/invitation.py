"""Invitation codes: what an agency enrols with, once. No I/O.

The hub makes one and keeps its hash; the client reads what a person typed. Never compares codes:
the hub compares their hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from comity.errors import MalformedInput

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no I, L, O, U
SECRET_CHARS = 26  # 130 bits: beyond guessing, at whatever rate
CHECK_CHARS = 2  # of 1,024 slips of the tongue one is not noticed here, but by the hub
GROUP_CHARS = 4  # what a person keeps in mind while reading aloud

_BITS = 5
_RANDOM_BYTES = 17  # 136 bits, of which the last 6 are dropped
_CHECK_LABEL = b"comity/v1/invitation-check\0"
_HASH_LABEL = b"comity/v1/invitation-code\0"
_ALIKE = str.maketrans("ILO", "110")  # what is read as something else


def make_code(token_bytes: Callable[[int], bytes]) -> str:
    """A new code, in groups, such as ABCD-EFGH-JKMN-PQRS-TVWX-YZ01-2345."""
    number = int.from_bytes(token_bytes(_RANDOM_BYTES), "big") >> 6
    secret = "".join(
        ALPHABET[number >> _BITS * place & 31] for place in reversed(range(SECRET_CHARS))
    )
    text = secret + _check_of(secret)
    return "-".join(text[i : i + GROUP_CHARS] for i in range(0, len(text), GROUP_CHARS))


def parse_code(text: str) -> str:
    """The code that somebody typed: capitals without groups. Does not say that it is good.

    Raises: MalformedInput where it is too short or long, or was mistyped. Never quotes the code.
    """
    code = "".join(text.split()).replace("-", "").upper().translate(_ALIKE)
    if len(code) != SECRET_CHARS + CHECK_CHARS or not set(code) <= set(ALPHABET):
        raise MalformedInput(
            f"A code has {SECRET_CHARS + CHECK_CHARS} digits and letters, without U."
        )
    if _check_of(code[:SECRET_CHARS]) != code[SECRET_CHARS:]:
        raise MalformedInput("The code was mistyped: its last characters do not fit the others.")
    return code


def code_digest(code: str) -> bytes:
    """What the hub keeps of a parsed code: 32 bytes. Fast, as 130 random bits need no slow hash."""
    return hashlib.sha256(_HASH_LABEL + code.encode()).digest()


def _check_of(secret: str) -> str:
    number = int.from_bytes(hashlib.sha256(_CHECK_LABEL + secret.encode()).digest()[:2], "big")
    return ALPHABET[number >> _BITS & 31] + ALPHABET[number & 31]
