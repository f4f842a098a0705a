"""Ending sessions at Keycloak: of an officer who is locked, of an agency that is suspended.

The hub refuses by its own table at once, whatever Keycloak does; ending the sessions there keeps
them from being refreshed. Where Keycloak is away it is tried again until it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from comity.errors import ComityError
from comity.identity import AgencyId
from hub.identity.keycloak.connection import KeycloakLine
from hub.identity.keycloak.provisioning import MAX_AGENCIES, ensure_groups
from hub.identity.keycloak.representations import AGENCIES_GROUP

RETRY_SECONDS = 10.0
PAGE_USERS = 100

_log = logging.getLogger("hub.identity")


class KeycloakSessions:
    """What the hub asks of its realm. One per process."""

    def __init__(
        self,
        line: KeycloakLine,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._line = line
        self._sleep = sleep
        self._waiting: dict[tuple[str, str], Callable[[], Awaitable[None]]] = {}
        self._wake = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()

    def end_officer_soon(self, agency: AgencyId, user_name: str) -> None:
        """Ends an officer's sessions, now or when Keycloak is back. Never waits."""
        self._add(("officer", f"{agency} {user_name}"), lambda: self.end_officer(agency, user_name))

    def end_agency_soon(self, agency: AgencyId) -> None:
        """Ends the sessions of all of an agency's officers, likewise."""
        self._add(("agency", agency), lambda: self.end_agency(agency))

    def add_agency_soon(self, agency: AgencyId) -> None:
        """Makes the group of an agency that was admitted, likewise."""
        self._add(("group", agency), lambda: self.add_agency(agency))

    async def run(self) -> None:
        """Does what waits, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._do_next()
            self._done.set()

    async def done(self) -> None:
        """Waits until nothing waits any longer."""
        await self._done.wait()

    async def end_officer(self, agency: AgencyId, user_name: str) -> None:
        """Ends the sessions of one user; one who isn't there has none.

        A user of another agency's group is left alone: names are the realm's there, and each
        agency's own at the hub.

        Raises: IdentityProviderAway, MalformedInput.
        """
        async with self._line.as_service() as admin:
            user_id = await admin.a_get_user_id(user_name)
            if user_id is None:
                return
            groups = await admin.a_get_user_groups(user_id)
            if any(group["path"] == f"/{AGENCIES_GROUP}/{agency}" for group in groups):
                await admin.a_user_logout(user_id)

    async def end_agency(self, agency: AgencyId) -> None:
        """Ends the sessions of every user in an agency's group.

        Raises: IdentityProviderAway, MalformedInput.
        """
        async with self._line.as_service() as admin:
            tops = await admin.a_get_groups({"search": AGENCIES_GROUP, "exact": True})
            for top in tops:
                for group in await admin.a_get_group_children(top["id"], {"max": MAX_AGENCIES}):
                    if (top["name"], group["name"]) == (AGENCIES_GROUP, agency):
                        for user in await admin.a_get_group_members(group["id"]):
                            await admin.a_user_logout(user["id"])

    async def add_agency(self, agency: AgencyId) -> None:
        """Makes an agency's group, where there is none.

        Raises: IdentityProviderAway, MalformedInput.
        """
        async with self._line.as_service() as admin:
            await ensure_groups(admin, [agency])

    def _add(self, what: tuple[str, str], act: Callable[[], Awaitable[None]]) -> None:
        self._waiting[what] = act
        self._done.clear()
        self._wake.set()

    async def _do_next(self) -> None:
        what = next(iter(self._waiting))
        act = self._waiting.pop(what)
        try:
            await act()
        except ComityError as error:
            _log.warning("Keycloak: %s %s is tried again: %s", *what, error)
            self._waiting.setdefault(what, act)
            await self._sleep(RETRY_SECONDS)
