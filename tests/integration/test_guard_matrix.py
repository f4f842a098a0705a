"""The table, cell by cell: every RPC for every role, with every kind of token.

The real guard over a real database; only the channel is made up, of what gRPC says of a peer.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from comity.errors import (
    AgencyNotActive,
    CertificateRefused,
    ComityError,
    LogInRequired,
    MembershipUnconfirmed,
    NotPermitted,
    StepRequired,
    TokenRefused,
)
from comity.identity import AgencyId
from comity.v1 import agencies_pb2, ledger_pb2
from comity.v1.officers_pb2 import OFFICER_STATUS_ACTIVE, OFFICER_STATUS_LOCKED, Role
from deploy.stage import DOMAIN
from hub.rpc.guard import Guard
from hub.rpc.table import RULES, Admission
from hub.services.accounts.identities import BuiltInOfficers
from hub.services.accounts.roles import ADMINISTRATORS, HUB_ROLES
from hub.services.accounts.sessions import NewTokens, new_session
from hub.services.calls import Officer, Step
from hub.services.confirmation import CONFIRM_WITHIN_SECONDS
from hub.services.membership import Membership
from hub.settings import load_settings
from hub.store.credentials import ONE_TIME_PASSWORD, OWN_PASSWORD, put_factor, put_password
from hub.store.database import Database
from hub.store.officers import StoredOfficer, advance_officer_version, insert_officer
from hub.store.sessions import end_session, insert_session
from hub.store.writer import commit_alone
from tests.stages import Stage

ROLES = [role for role in Role.values() if role]
STALE = timedelta(hours=1)


@dataclass(slots=True)
class World:
    """A hub's guard, and tokens of all kinds."""

    stage: Stage
    database: Database
    ahead: timedelta = field(default_factory=timedelta)
    monotonic: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def guard(self) -> Guard:
        membership = Membership(self.database, monotonic=lambda: self.monotonic)
        officers = BuiltInOfficers(self.database, clock=self.now, monotonic=lambda: self.monotonic)
        await membership.refresh()
        await officers.refresh()
        return Guard(
            hub_domain=DOMAIN,
            rules=RULES,
            membership=membership,
            officers=officers,
            clock=self.now,
        )

    def certificate(self, agency: str) -> x509.Certificate:
        folder = "hub/agency" if agency == "ZZ-HUB" else f"agencies/{agency}"
        pem = (self.stage.folder / folder / "certificate.pem").read_bytes()
        return x509.load_pem_x509_certificate(pem)

    async def token(
        self,
        agency: str,
        role: Role.ValueType,
        *,
        step: Step | None = None,
        certificate_id: str | None = None,
        age: timedelta = timedelta(),
        status: Any = OFFICER_STATUS_ACTIVE,
    ) -> str:
        """A token of a new officer's."""
        own = self.certificate(agency).fingerprint(SHA256()).hex()
        name = secrets.token_hex(8)
        officer = StoredOfficer(
            name, AgencyId(agency), name, "Sample", "FR", frozenset({role}), status
        )
        tokens = NewTokens.drawn(secrets.token_bytes)
        session = new_session(
            name,
            agency=AgencyId(agency),
            certificate_id=certificate_id or own,
            tokens=tokens,
            now=self.now() - age,
            token_bytes=secrets.token_bytes,
        )
        one_time = ONE_TIME_PASSWORD if step is Step.PASSWORD else OWN_PASSWORD
        async with self.database.write() as connection:
            await insert_officer(connection, officer)
            await put_password(connection, name, password_hash="none", one_time=one_time)
            if step is None:
                await put_factor(connection, name, key=b"k" * 20, step=0)
            await insert_session(connection, session)
        return tokens.access

    async def outcome(
        self, guard: Guard, rpc: str, *, agency: str, token: str | None
    ) -> type[ComityError] | None:
        """What the guard refuses a call with; None where it lets it pass."""
        context: Any = Context(self.certificate(agency), token)
        try:
            await guard.admit(context, rpc, "request")
        except ComityError as error:
            return type(error)
        return None


class Context:
    """What gRPC says of a call."""

    def __init__(self, certificate: x509.Certificate, token: str | None) -> None:
        self._pem = certificate.public_bytes(Encoding.PEM)
        self._token = token

    def auth_context(self) -> dict[str, list[bytes]]:
        return {
            "ssl_tls_version": [b"TLSv1.3"],
            "ssl_negotiated_key_exchange_group": [b"X25519MLKEM768"],
            "x509_pem_cert": [self._pem],
        }

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return () if self._token is None else (("authorization", f"Bearer {self._token}"),)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    made = Stage(tmp_path_factory.mktemp("matrix"))
    for agency in ("FR-NCB", "BR-NCB"):
        made.admit(agency)
    return made


@pytest.fixture
async def world(stage: Stage) -> AsyncIterator[World]:
    database = Database(load_settings(stage.folder / "hub").database_url)
    yield World(stage, database)
    await database.dispose()


def agency_for(role: Role.ValueType) -> str:
    return "ZZ-HUB" if role in HUB_ROLES else "FR-NCB"


def expected_for(rpc: str, role: Role.ValueType) -> type[ComityError] | None:
    roles = RULES[rpc].roles
    return None if roles is None or role in roles else NotPermitted


@pytest.mark.parametrize("role", ROLES, ids=Role.Name)
@pytest.mark.threat("T94")
async def test_every_rpc_lets_the_roles_that_the_table_names(
    world: World, role: Role.ValueType
) -> None:
    guard, agency = await world.guard(), agency_for(role)
    token = await world.token(agency, role)
    expected = {rpc: expected_for(rpc, role) for rpc in RULES}

    assert expected == {
        rpc: await world.outcome(guard, rpc, agency=agency, token=token) for rpc in RULES
    }


@pytest.mark.parametrize("role", ROLES, ids=Role.Name)
@pytest.mark.threat("T90")
async def test_every_rpc_refuses_a_token_that_is_not_valid_here(
    world: World, role: Role.ValueType
) -> None:
    guard, agency = await world.guard(), agency_for(role)
    good = await world.token(agency, role)
    bad = {
        "expired": await world.token(agency, role, age=STALE),
        "another agency's": await world.token("BR-NCB", role),
        "another certificate's": await world.token(agency, role, certificate_id="0" * 64),
        "a locked officer's": await world.token(agency, role, status=OFFICER_STATUS_LOCKED),
        "nobody's": secrets.token_urlsafe(32),
        "cut short": good[:-1],
        "an unsigned one": "eyJhbGciOiJub25lIn0.e30.",
    }

    for what, token in bad.items():
        for rpc in RULES:
            refused = await world.outcome(guard, rpc, agency=agency, token=token)
            assert TokenRefused is refused, (what, rpc)


@pytest.mark.threat("T94")
async def test_every_rpc_for_officers_asks_a_system_to_log_in(world: World) -> None:
    guard = await world.guard()
    for rpc, rule in RULES.items():
        expected = LogInRequired if rule.admission is Admission.OFFICER else None
        assert expected is await world.outcome(guard, rpc, agency="FR-NCB", token=None), rpc


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("role", sorted(ADMINISTRATORS), ids=Role.Name)
async def test_every_rpc_waits_for_a_step_but_those_that_the_table_names(
    world: World, role: Role.ValueType, step: Step
) -> None:
    guard, agency = await world.guard(), agency_for(role)
    token = await world.token(agency, role, step=step)
    for rpc, rule in RULES.items():
        expected = None if step in rule.during else StepRequired
        assert expected is await world.outcome(guard, rpc, agency=agency, token=token), rpc


async def test_no_rpc_lets_the_officers_of_a_suspended_agency(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.admit("FR-NCB")
    database = Database(load_settings(tmp_path / "hub").database_url)
    world = World(stage, database)
    token = await world.token("FR-NCB", ROLES[0])
    membership = Membership(database, monotonic=time.monotonic)
    await membership.refresh()
    agency = agencies_pb2.Agency()
    agency.CopyFrom(membership.roster.agencies[AgencyId("FR-NCB")])
    agency.status = agencies_pb2.AGENCY_STATUS_SUSPENDED

    async def enter(transaction: Any, items: Any) -> list[int]:
        return [transaction.append_roster(ledger_pb2.RosterEntry(agency=a)) for a in items]

    await commit_alone(database, enter, agency, clock=world.now, token_bytes=secrets.token_bytes)
    guard = await world.guard()
    for rpc in RULES:
        refused = await world.outcome(guard, rpc, agency="FR-NCB", token=token)
        assert refused in (AgencyNotActive, CertificateRefused), rpc
    await database.dispose()


async def test_tokens_that_cannot_be_confirmed_serve_nobody(world: World) -> None:
    officers = BuiltInOfficers(world.database, clock=world.now, monotonic=lambda: world.monotonic)
    token = await world.token("FR-NCB", ROLES[0])

    async def ask() -> Any:
        certificate_id = world.certificate("FR-NCB").fingerprint(SHA256()).hex()
        return await officers.identify(
            token, agency=AgencyId("FR-NCB"), certificate_id=certificate_id
        )

    with pytest.raises(MembershipUnconfirmed):
        await ask()
    await officers.refresh()
    officer = await ask()
    officers.require_current(officer)
    world.monotonic += CONFIRM_WITHIN_SECONDS + 0.1
    with pytest.raises(MembershipUnconfirmed):
        await ask()
    with pytest.raises(MembershipUnconfirmed):
        officers.require_current(officer)


async def test_what_ended_in_another_process_is_noticed_when_it_is_confirmed(
    world: World,
) -> None:
    """Also what this process learned only while the other one was at it."""
    guard = await world.guard()
    officers = guard._officers
    assert isinstance(officers, BuiltInOfficers)
    token = await world.token("FR-NCB", ROLES[0])
    rpc = "/comity.v1.SessionService/WhoAmI"
    assert await world.outcome(guard, rpc, agency="FR-NCB", token=token) is None

    [live] = officers._by_id.values()
    async with world.database.write() as connection:
        await end_session(connection, live.session.session_id)
        await advance_officer_version(connection)
    await officers.refresh()
    assert TokenRefused is await world.outcome(guard, rpc, agency="FR-NCB", token=token)
    with pytest.raises(TokenRefused):
        officers.require_current(
            Officer(live.session.officer_id, live.roles, live.session.session_id)
        )
