"""Officers of a hub that runs in this process: added at its machine, ready to call."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pyotp

from agency_client.agency import Agency, open_agency
from agency_client.profile import Profile, load_profile
from agency_client.session import Session
from agency_client.session_store import KeptSession
from comity.identity import AgencyId
from comity.statuses import error_from_rpc
from comity.v1 import sessions_pb2
from comity.v1.officers_pb2 import ROLE_OFFICER, AddOfficerRequest, Role
from comity.v1.sessions_pb2_grpc import SessionServiceStub
from hub.accounts import Accounts
from hub.app import RunningHub, running_hub
from hub.services.accounts.roles import ADMINISTRATORS, HUB_ROLES
from hub.settings import Settings, load_settings
from hub.store.database import Database
from tests.stages import Stage

PASSWORD = "ferry lantern 7 oblique cobalt"


class Clock:
    """Shows the time, moved ahead by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class MemoryStore:
    """Keeps a log-in as long as the test goes on."""

    def __init__(self) -> None:
        self.kept: KeptSession | None = None

    def load(self) -> KeptSession | None:
        return self.kept

    def save(self, session: KeptSession) -> None:
        self.kept = session

    def forget(self) -> None:
        self.kept = None


@dataclass(slots=True)
class Person:
    """An officer with an own password, and where one was set, a second factor."""

    agency: str
    user_name: str
    password: str
    factor: pyotp.TOTP | None = None
    officer_id: str = ""

    def code(self, clock: Clock) -> str:
        """The code of the second factor at present."""
        if self.factor is None:
            return ""
        return str(self.factor.at(clock()))


class Served:
    """A hub in this process, and its members' clients."""

    def __init__(
        self, stage: Stage, hub: RunningHub, settings: Settings, database: Database, clock: Clock
    ) -> None:
        self.stage = stage
        self.hub = hub
        self.settings = settings
        self.database = database
        self.clock = clock

    @property
    def accounts(self) -> Accounts:
        """The officers, as the hub's machine has them."""
        return Accounts(self.settings, self.database, clock=self.clock)

    def profile(self, agency: str) -> Profile:
        """The profile of a member, or of the hub's own agency, for this hub's port."""
        own = agency == self.settings.agency
        folder = self.stage.folder / ("hub/agency" if own else f"agencies/{agency}")
        return replace(load_profile(folder), hub_address=f"127.0.0.1:{self.hub.port}")

    @asynccontextmanager
    async def client(self, agency: str) -> AsyncIterator[Agency]:
        """A client of an agency where nobody is logged in yet."""
        profile = self.profile(agency)
        session = Session(profile, store=MemoryStore(), clock=self.clock)
        async with open_agency(profile, session=session) as opened:
            yield opened

    async def add(
        self,
        agency: str,
        *roles: Role.ValueType,
        user_name: str | None = None,
        nationality: str = "FR",
    ) -> tuple[str, str]:
        """An officer with a one-time password: user name and password."""
        name = user_name or f"u{secrets.token_hex(4)}"
        request = AddOfficerRequest(
            user_name=name,
            display_name="Sample Person",
            nationality=nationality,
            roles=roles or (ROLE_OFFICER,),
        )
        return name, await self.accounts.add(AgencyId(agency), request)

    @asynccontextmanager
    async def officer(
        self, agency: str, *roles: Role.ValueType, nationality: str = "FR"
    ) -> AsyncIterator[tuple[Agency, Person]]:
        """An officer who has taken every step, logged in."""
        name, one_time = await self.add(agency, *roles, nationality=nationality)
        person = Person(agency, name, PASSWORD)
        async with self.client(agency) as opened:
            response = await opened.client.officers.log_in(name, one_time)
            person.officer_id = response.officer.officer_id
            await opened.client.officers.change_password(one_time, PASSWORD)
            if ADMINISTRATORS.intersection(roles):
                await set_factor(opened, person, self.clock)
            yield opened, person

    def default_role(self, agency: str) -> Sequence[Role.ValueType]:
        """A role that an officer of an agency may have."""
        return sorted(HUB_ROLES)[:1] if agency == self.settings.agency else [ROLE_OFFICER]


async def set_factor(opened: Agency, person: Person, clock: Clock) -> list[str]:
    """Sets a second factor, and gives the recovery codes."""
    uri = await opened.client.officers.begin_second_factor()
    parsed = pyotp.parse_uri(uri)
    assert isinstance(parsed, pyotp.TOTP)
    person.factor = parsed
    return await opened.client.officers.confirm_second_factor(person.code(clock))


@asynccontextmanager
async def serving(stage: Stage) -> AsyncIterator[Served]:
    """A hub over the folder of a stage."""
    clock = Clock()
    settings = load_settings(stage.folder / "hub").listening_on("127.0.0.1:0")
    database = Database(settings.database_url)
    try:
        async with running_hub(settings, clock=clock) as hub:
            yield Served(stage, hub, settings, database, clock)
    finally:
        await database.dispose()


async def call(
    opened: Agency, method: Callable[[grpc.aio.Channel], Any], request: Any, *, token: str | None
) -> Any:
    """One call with a token of one's own choosing, or none.

    Raises: the hub's error.
    """
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)
    answered: Awaitable[Any] = method(opened.client.channel._current())(
        request, metadata=metadata, timeout=20
    )
    try:
        return await answered
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from error


def tokens_of(opened: Agency) -> KeptSession:
    """The tokens that a client shows."""
    session = opened.client.channel._session
    assert session is not None
    assert session._kept is not None
    return session._kept


async def who_am_i(opened: Agency, token: str | None) -> Any:
    """What the hub says of the caller, with a token of one's own choosing."""
    request = sessions_pb2.WhoAmIRequest()
    return await call(opened, lambda c: SessionServiceStub(c).WhoAmI, request, token=token)
