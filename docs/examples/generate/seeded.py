"""Chance and time for the examples, the same in every run.

Whatever the hub and its members draw at random (keys, ids, salts, serial numbers) is derived from a
text that everybody can read. So no private key is stored anywhere, and none of them protects
anything. Never used outside the examples.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem, x25519

from comity import challenge

SEED = "EXAMPLE. Whatever is derived from this text is public and protects nothing."


SEALING_OVERHEAD_BYTES = 1_136  # of HPKE with ML-KEM-768 + X25519 and AES-256-GCM


class SeededBytes:
    """Stands where random bytes are drawn."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        """The next so many bytes."""
        self._drawn += 1
        return hashlib.shake_256(f"{SEED} {self._drawn}".encode()).digest(size)


class StoryClock:
    """A clock that stands still until the story goes on."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def __call__(self) -> datetime:
        """The story's time."""
        return self._moment

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self._moment += timedelta(seconds=seconds)


@contextmanager
def seeded(draw: SeededBytes) -> Iterator[None]:
    """Inside it, everything that is drawn at random comes from the seed."""
    replacements: list[tuple[Any, str, Callable[..., Any]]] = [
        (secrets, "token_bytes", draw),
        (uuid, "uuid4", lambda: uuid.UUID(bytes=draw(16), version=4)),
        (ed25519.Ed25519PrivateKey, "generate", _drawing(draw, ed25519.Ed25519PrivateKey)),
        (x25519.X25519PrivateKey, "generate", _drawing(draw, x25519.X25519PrivateKey)),
        (mlkem.MLKEM768PrivateKey, "generate", _drawing_lattice_keys(draw)),
        (ec, "generate_private_key", _drawing_curve_keys(draw)),
        (x509, "random_serial_number", lambda: int.from_bytes(b"\x01" + draw(18), "big")),
        (x509.CertificateBuilder, "sign", _repeatable(x509.CertificateBuilder.sign)),
        (
            x509.CertificateRevocationListBuilder,
            "sign",
            _repeatable(x509.CertificateRevocationListBuilder.sign),
        ),
        (
            x509.CertificateSigningRequestBuilder,
            "sign",
            _repeatable(x509.CertificateSigningRequestBuilder.sign),
        ),
    ]
    with ExitStack() as stack:
        stack.enter_context(patch.object(challenge, "_SUITE", RepeatableSuite(draw)))
        for owner, name, replacement in replacements:
            stack.enter_context(patch.object(owner, name, replacement))
        yield


class RepeatableSuite:
    """Stands where HPKE seals, which cannot be told its randomness: what it gives is as long as
    what is sealed, and opens for nobody else."""

    def __init__(self, draw: SeededBytes) -> None:
        self._draw = draw
        self._sealed: dict[bytes, bytes] = {}

    def encrypt(self, plaintext: bytes, _key: object, *, info: bytes) -> bytes:
        """As many bytes as HPKE gives."""
        sealed = self._draw(len(plaintext) + SEALING_OVERHEAD_BYTES)
        self._sealed[sealed + info] = plaintext
        return sealed

    def decrypt(self, sealed: bytes, _key: object, *, info: bytes) -> bytes:
        """What was handed to `encrypt`."""
        return self._sealed[sealed + info]


def _drawing(draw: SeededBytes, kind: Any) -> Callable[[], Any]:
    return lambda: kind.from_private_bytes(draw(32))


def _drawing_lattice_keys(draw: SeededBytes) -> Callable[[], Any]:
    return lambda: mlkem.MLKEM768PrivateKey.from_seed_bytes(draw(64))


def _drawing_curve_keys(draw: SeededBytes) -> Callable[[ec.EllipticCurve], Any]:
    # 31 bytes, so that the number is below the order of the curve.
    return lambda curve: ec.derive_private_key(int.from_bytes(b"\x01" + draw(30), "big"), curve)


def _repeatable(sign: Callable[..., Any]) -> Callable[..., Any]:
    """Signing a certificate, a request or a list with ECDSA as RFC 6979 has it: without chance."""

    @wraps(sign)
    def signing(builder: Any, key: Any, algorithm: Any) -> Any:
        return sign(builder, key, algorithm, ecdsa_deterministic=True)

    return signing
