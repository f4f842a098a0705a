"""Passwords: how they are kept, which are refused, and how many are judged at once.

argon2id with the second recommended parameters of RFC 9106 §4 (64 MiB, some 100 ms), in a thread.
Never logs a password, and knows nothing of accounts.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import argon2
from zxcvbn import zxcvbn

from comity.errors import LogInDelayed, Violation
from comity.identity import AgencyId

PARAMETERS = argon2.profiles.RFC_9106_LOW_MEMORY
MIN_CHARS = 12
MAX_CHARS = 256  # far beyond any passphrase, and little to hash
STRENGTH_CHARS = 72  # zxcvbn takes no more; what follows only makes a password better
MIN_STRENGTH = 3  # of 4: "safely unguessable" for whoever has to ask the hub
MIN_WORD_CHARS = 3
MAX_AT_ONCE = 2  # 64 MiB each, and the hub has two cores
MAX_WAITING_PER_AGENCY = 16  # some two seconds of judging
RETRY_SECONDS = 1.0


class PasswordHashing:
    """Computes argon2id, a bounded number at once. One per process."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher.from_parameters(PARAMETERS)
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)
        self._slots: defaultdict[AgencyId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: Counter[AgencyId] = Counter()
        self._nobodys_hash: str | None = None

    @asynccontextmanager
    async def slot(self, agency: AgencyId) -> AsyncIterator[None]:
        """The one place that an agency has for judging a password.

        Raises: LogInDelayed where too many wait for it already.
        """
        if self._waiting[agency] >= MAX_WAITING_PER_AGENCY:
            raise LogInDelayed(retry_after_seconds=RETRY_SECONDS)
        self._waiting[agency] += 1
        try:
            async with self._slots[agency]:
                yield
        finally:
            self._waiting[agency] -= 1

    async def hash(self, password: str) -> str:
        """What a password is kept as."""
        async with self._at_once:
            return await asyncio.to_thread(self._hasher.hash, _normalized(password))

    async def is_right(self, password: str, *, password_hash: str | None) -> bool:
        """Whether a password is the one that was hashed. Takes as long where there is none."""
        if self._nobodys_hash is None:
            self._nobodys_hash = await self.hash("a password that nobody has")
        judged = await self._verified(password, password_hash or self._nobodys_hash)
        return judged and password_hash is not None

    async def _verified(self, password: str, password_hash: str) -> bool:
        async with self._at_once:
            try:
                return await asyncio.to_thread(
                    self._hasher.verify, password_hash, _normalized(password)
                )
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                return False


def _normalized(password: str) -> bytes:
    """One form for what looks alike and is typed on different keyboards (RFC 8265 §4.2)."""
    return unicodedata.normalize("NFC", password).encode()


async def password_violations(
    password: str, *, obvious_words: Mapping[str, str]
) -> list[Violation]:
    """What is wrong with a new password. `obvious_words` says what each word is."""
    violations = []
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        violations.append(f"has to have {MIN_CHARS} to {MAX_CHARS} characters")
    folded = password.casefold()
    violations += [
        f"contains {what}"
        for word, what in obvious_words.items()
        if len(word) >= MIN_WORD_CHARS and word.casefold() in folded
    ]
    if not violations:
        violations += await asyncio.to_thread(_guesses, password, list(obvious_words))
    return [Violation("new_password", said) for said in violations]


def _guesses(password: str, words: list[str]) -> list[str]:
    judged = zxcvbn(password[:STRENGTH_CHARS], user_inputs=words)
    if judged["score"] >= MIN_STRENGTH:
        return []
    said = [judged["feedback"]["warning"], *judged["feedback"]["suggestions"]]
    return [text for text in said if text] or ["is easy to guess"]
