"""Who says who an officer is: Keycloak where one is configured, else the built-in accounts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from comity.identity import AgencyId
from comity.v1 import (
    sessions_pb2_grpc,
)
from hub.keycloak_files import keycloak_line
from hub.rpc.keycloak_sessions import KeycloakSessionServicer
from hub.rpc.officers import OfficerServicer
from hub.rpc.sessions import SessionServicer
from hub.services.accounts.attempts import Attempts
from hub.services.accounts.directory import TableOfOfficers
from hub.services.accounts.factors import FactorService
from hub.services.accounts.identities import BuiltInOfficers
from hub.services.accounts.log_in import LogInService
from hub.services.accounts.management import OfficerService
from hub.services.accounts.officers import OfficerCommits
from hub.services.accounts.password_change import PasswordChangeService
from hub.services.accounts.passwords import PasswordHashing
from hub.services.accounts.sessions import SessionService
from hub.services.calls import Officers, OfficersKept
from hub.services.membership import Membership
from hub.settings import Settings
from hub.store.database import Database
from hub.store.writer import LedgerWriter


@dataclass(frozen=True, slots=True)
class Provider:
    """Whoever says who an officer is, and what this process keeps in memory for it."""

    officers: Officers
    kept: OfficersKept
    jobs: Mapping[str, Callable[[], Coroutine[None, None, None]]]
    on_admitted: Callable[[AgencyId], None]


def choose_provider(
    settings: Settings,
    database: Database,
    *,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> Provider:
    """Keycloak where the configuration names one, else the built-in accounts.

    Raises: MalformedInput where Keycloak's packages are missing.
    """
    if settings.keycloak is None:
        built_in = BuiltInOfficers(database, clock=clock, monotonic=monotonic)
        return Provider(built_in, built_in, {"officers": built_in.run}, lambda _: None)

    line = keycloak_line(settings)
    from hub.identity.keycloak.officers import KeycloakOfficers
    from hub.identity.keycloak.sessions import KeycloakSessions
    from hub.identity.keycloak.signing_keys import SigningKeys

    ending = KeycloakSessions(line)
    table = TableOfOfficers(database, monotonic=monotonic, on_ended=ending.end_officer_soon)
    keys = SigningKeys(
        line.fetch_keys, algorithms=settings.keycloak.algorithms, monotonic=monotonic
    )
    officers = KeycloakOfficers(settings.keycloak, keys=keys, directory=table, clock=clock)
    jobs = {"officers": table.run, "Keycloak's keys": keys.run, "Keycloak's sessions": ending.run}
    return Provider(officers, table, jobs, ending.add_agency_soon)


@dataclass(frozen=True, slots=True)
class Accounts:
    """What officers log in with and are managed by."""

    sessions: sessions_pb2_grpc.SessionServiceServicer
    officers: OfficerServicer


def make_accounts(
    settings: Settings,
    database: Database,
    *,
    writer: LedgerWriter,
    membership: Membership,
    identities: OfficersKept,
    clock: Callable[[], datetime],
) -> Accounts:
    """Managing officers, and logging them in where that is not done elsewhere."""
    hashing = PasswordHashing()
    parts: _Shared = {
        "writer": writer,
        "identities": identities,
        "clock": clock,
        "token_bytes": secrets.token_bytes,
    }
    officers = OfficerService(
        database,
        commits=OfficerCommits(membership, own_agency=settings.agency),
        hashing=hashing,
        own_agency=settings.agency,
        **parts,
    )
    sessions = SessionService(database, **parts)
    if (realm := settings.keycloak) is not None:
        elsewhere = KeycloakSessionServicer(
            sessions, issuer=realm.issuer, client_id=realm.log_in_client
        )
        return Accounts(elsewhere, OfficerServicer(officers))
    attempts = Attempts(database, hashing=hashing, clock=clock)
    log_in = LogInService(attempts, writer=writer, clock=clock, token_bytes=secrets.token_bytes)
    passwords = PasswordChangeService(
        attempts,
        database=database,
        writer=writer,
        hashing=hashing,
        identities=identities,
        hub_domain=settings.domain,
    )
    factors = FactorService(database, hub_domain=settings.domain, **parts)
    servicer = SessionServicer(log_in, sessions, passwords=passwords, factors=factors)
    return Accounts(servicer, OfficerServicer(officers))


class _Shared(TypedDict):
    writer: LedgerWriter
    identities: OfficersKept
    clock: Callable[[], datetime]
    token_bytes: Callable[[int], bytes]
