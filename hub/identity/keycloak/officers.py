"""Officers by Keycloak's tokens: the `Officers` of a hub whose officers log in at a Keycloak.

A token says who logged in, for which agency; roles and locks come from the hub's own table. Never
asks Keycloak about a token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from comity.errors import TokenRefused
from comity.identity import AgencyId
from hub.identity.keycloak import tokens
from hub.identity.keycloak.realm import Realm
from hub.identity.keycloak.signing_keys import SigningKeys
from hub.identity.keycloak.tokens import Claims, key_id_of, verify_token
from hub.services.accounts.directory import KnownOfficer
from hub.services.calls import Officer

MAX_REMEMBERED_TOKENS = 4_096  # those in use at once; each is a kilobyte


class OfficerDirectory(Protocol):
    """The hub's table of officers. Asked at every call, hence from memory."""

    async def find_by_subject(
        self, agency: AgencyId, *, subject: str, user_name: str
    ) -> KnownOfficer | None:
        """The officer of an agency who is this user at Keycloak.

        `subject` never changes and is nobody else's ever; `user_name` is the officer's name, by
        which one is known who has never logged in before.

        Raises: MembershipUnconfirmed.
        """
        ...

    def find(self, officer_id: str) -> KnownOfficer | None:
        """The officer of an id.

        Raises: MembershipUnconfirmed.
        """
        ...


class KeycloakOfficers:
    """Knows officers by their tokens. One per process."""

    def __init__(
        self,
        realm: Realm,
        *,
        keys: SigningKeys,
        directory: OfficerDirectory,
        clock: Callable[[], datetime],
    ) -> None:
        self._realm = realm
        self._keys = keys
        self._directory = directory
        self._clock = clock
        self._verified: dict[bytes, Claims] = {}
        self._generation = keys.generation

    async def identify(self, token: str, *, agency: AgencyId, certificate_id: str) -> Officer:
        """The officer whose token came on an agency's channel.

        1. The token is Keycloak's, for this hub.
        2. It holds now, on this channel.
        3. The agency has the officer, who is not locked and was not logged out since.

        Raises: TokenRefused; IdentityProviderAway where Keycloak's keys were never had.
        """
        claims = await self._verify(token)  # 1
        now = self._clock()
        tokens.require_current(
            claims, agency=agency, certificate_id=certificate_id, now=now.timestamp()
        )
        known = await self._directory.find_by_subject(
            agency, subject=claims.subject, user_name=claims.user_name
        )
        if known is None or not known.is_active or _has_ended(claims.logged_in_at, known):  # 3
            raise TokenRefused()
        return Officer(
            known.officer_id, known.roles, claims.session_id, logged_in_at=claims.logged_in_at
        )

    def require_current(self, officer: Officer) -> None:
        """Refuses an officer who is locked by now, has fewer roles, or was logged out since.

        Raises: TokenRefused, MembershipUnconfirmed.
        """
        known = self._directory.find(officer.officer_id)
        if known is None or not known.is_active or not officer.roles <= known.roles:
            raise TokenRefused()
        if officer.logged_in_at is None or _has_ended(officer.logged_in_at, known):
            raise TokenRefused()

    async def _verify(self, token: str) -> Claims:
        if self._generation != self._keys.generation:  # a key may have been withdrawn
            self._verified.clear()
            self._generation = self._keys.generation
        digest = hashlib.sha256(token.encode()).digest()
        claims = self._verified.get(digest)
        if claims is None:
            key = await self._keys.get(key_id_of(token))
            claims = verify_token(token, key=key, realm=self._realm)
            self._remember(digest, claims)
        return claims

    def _remember(self, digest: bytes, claims: Claims) -> None:
        if len(self._verified) >= MAX_REMEMBERED_TOKENS:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = claims


def _has_ended(logged_in_at: int, known: KnownOfficer) -> bool:
    """Judged by the log-in: a session that Keycloak has not ended yet could be refreshed after it.

    A token tells seconds only; a log-in in the very second of a lock counts as before it.
    """
    return known.not_before is not None and logged_in_at <= known.not_before.timestamp()
