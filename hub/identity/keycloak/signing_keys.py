"""The keys that a realm signs with: fetched, kept, and fetched again when one is not known.

While Keycloak is away the keys known last stay in use, so that tokens are checked for as long as
they live.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import jwt

from comity.errors import ComityError, IdentityProviderAway, TokenRefused

REFRESH_SECONDS = 300.0  # a withdrawn key is taken for at most this long, as a token lives
RETRY_SECONDS = 10.0  # tokens with invented key ids cost Keycloak one request in this time

FetchKeys = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
_log = logging.getLogger("hub.identity")


class SigningKeys:
    """A realm's public keys by id. One per process."""

    def __init__(
        self,
        fetch: FetchKeys,
        *,
        algorithms: Collection[str],
        monotonic: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._algorithms = frozenset(algorithms)
        self._monotonic = monotonic
        self._keys: dict[str, jwt.PyJWK] | None = None
        self._tried_at: float | None = None
        self._fetching = asyncio.Lock()
        self.generation = 0  # grows whenever the keys are others

    async def get(self, key_id: str) -> jwt.PyJWK:
        """The key of an id; asks Keycloak where it isn't known, but seldom.

        Raises: TokenRefused; IdentityProviderAway where no key was ever had.
        """
        if self._keys is None or key_id not in self._keys:
            async with self._fetching:
                await self._refresh_unless_tried(key_id)
        if self._keys is None:
            raise IdentityProviderAway(retry_after_seconds=RETRY_SECONDS)
        if key_id not in self._keys:
            raise TokenRefused()
        return self._keys[key_id]

    async def run(self) -> None:
        """Fetches again and again until cancelled, so that withdrawn keys go."""
        while True:
            async with self._fetching:
                await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS if self._keys is not None else RETRY_SECONDS)

    async def refresh(self) -> None:
        """Fetches the keys; keeps the old ones where Keycloak is away."""
        self._tried_at = self._monotonic()
        try:
            keys = self._usable(await self._fetch())
        except ComityError as error:  # away, or its realm is not set up yet
            _log.warning("Keycloak's keys cannot be fetched: %s", error)
            return
        known = {} if self._keys is None else self._keys
        if keys.keys() != known.keys():
            self.generation += 1
        self._keys = keys

    async def _refresh_unless_tried(self, key_id: str) -> None:
        if self._keys is not None and key_id in self._keys:
            return  # while this call waited, another has fetched it
        now = self._monotonic()
        if self._tried_at is None or now - self._tried_at >= RETRY_SECONDS:
            await self.refresh()

    def _usable(self, keys: Sequence[Mapping[str, Any]]) -> dict[str, jwt.PyJWK]:
        usable = {}
        for key in keys:
            if key.get("use") == "sig" and key.get("alg") in self._algorithms and key.get("kid"):
                with suppress(jwt.PyJWTError):  # a kind of key that this version doesn't know
                    usable[str(key["kid"])] = jwt.PyJWK(dict(key))
        return usable
