"""Officers of a benchmark: added at the hub's machine, logged in over the network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pyotp

from agency_client.agency import Agency, open_agency
from agency_client.profile import Profile
from agency_client.session import Session
from agency_client.session_store import KeptSession
from deploy.stage import Stage

PASSWORD = "ferry lantern 7 oblique cobalt"


class InMemory:
    """Keeps a log-in as long as the run goes on."""

    def __init__(self) -> None:
        self.kept: KeptSession | None = None

    def load(self) -> KeptSession | None:
        """The log-in."""
        return self.kept

    def save(self, session: KeptSession) -> None:
        """Keeps it."""
        self.kept = session

    def forget(self) -> None:
        """Forgets it."""
        self.kept = None


@asynccontextmanager
async def logged_in(
    stage: Stage, profile: Profile, *, role: str, address: str
) -> AsyncIterator[tuple[Agency, InMemory]]:
    """An officer of a profile's agency with every step taken, and where the log-in is kept."""
    user = f"bench.{role}.{profile.agency.lower()}"
    nationality = ["--nationality", "FR"] if role.startswith("hub") else []
    said = stage.hub(
        "officer",
        "add",
        user,
        "--name",
        "Sample officer",
        "--role",
        role,
        "--agency",
        profile.agency,
        *nationality,
    )
    one_time = said.split()[-1]
    store = InMemory()
    moved = replace(profile, hub_address=address)
    async with open_agency(moved, session=Session(moved, store=store)) as opened:
        officers = opened.client.officers
        await officers.log_in(user, one_time)
        await officers.change_password(one_time, PASSWORD)
        if role.endswith("administrator"):
            factor = pyotp.parse_uri(await officers.begin_second_factor())
            assert isinstance(factor, pyotp.TOTP)
            await officers.confirm_second_factor(factor.at(datetime.now(UTC)))
        yield opened, store
