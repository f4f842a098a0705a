"""Secrets that the hub gives out: tokens, one-time passwords, recovery codes. Kept as hashes.

All have at least 80 bits of chance, so that a plain SHA-256 of one cannot be searched.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

TOKEN_BYTES = 32
ONE_TIME_BYTES = 15  # 120 bits, 24 characters
RECOVERY_BYTES = 10  # 80 bits, 16 characters; guessing is delayed as passwords are
RECOVERY_CODES = 10
GROUP_CHARS = 4

TokenBytes = Callable[[int], bytes]


def new_token(token_bytes: TokenBytes) -> str:
    """An access or refresh token: 43 characters that say nothing."""
    return base64.urlsafe_b64encode(token_bytes(TOKEN_BYTES)).decode().rstrip("=")


def token_hash(token: str) -> bytes:
    """What a token is known by, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


def new_one_time_password(token_bytes: TokenBytes) -> str:
    """A password to be handed over and changed: groups of letters and digits."""
    return _grouped(token_bytes(ONE_TIME_BYTES))


def new_recovery_codes(token_bytes: TokenBytes) -> list[str]:
    """Codes that each stand once for a second factor that was lost."""
    return [_grouped(token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]


def recovery_hash(code: str) -> bytes:
    """What a recovery code is known by, however it was typed."""
    typed = code.replace("-", "").replace(" ", "").lower()
    return hashlib.sha256(typed.encode()).digest()


def _grouped(random_bytes: bytes) -> str:
    text = base64.b32encode(random_bytes).decode().rstrip("=").lower()
    return "-".join(text[i : i + GROUP_CHARS] for i in range(0, len(text), GROUP_CHARS))
