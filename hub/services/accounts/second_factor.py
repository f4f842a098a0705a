"""Second factors: codes that change every 30 seconds (RFC 6238), six digits, SHA-1 as all apps."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

import pyotp

from hub.services.accounts.tokens import TokenBytes

KEY_BYTES = 20  # RFC 4226 §4 R6
STEP_SECONDS = 30
DIGITS = 6
CLOCK_STEPS = (0, -1, 1)  # telephones go wrong by less than that


def new_factor_key(token_bytes: TokenBytes) -> bytes:
    """The key of a new second factor."""
    return token_bytes(KEY_BYTES)


def provisioning_uri(key: bytes, *, account: str, hub_domain: str) -> str:
    """What an app takes the key from, as text or in a picture."""
    return _generator(key).provisioning_uri(name=account, issuer_name=f"Comity {hub_domain}")


def find_step(key: bytes, code: str, *, now: datetime) -> int | None:
    """The step whose code this is, if it is about now. Says nothing about earlier uses."""
    present = int(now.timestamp()) // STEP_SECONDS
    generator = _generator(key)
    for step in (present + ahead for ahead in CLOCK_STEPS):
        if hmac.compare_digest(generator.generate_otp(step).encode(), code.strip().encode()):
            return step
    return None


def _generator(key: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(base64.b32encode(key).decode(), digits=DIGITS, interval=STEP_SECONDS)
