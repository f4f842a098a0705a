"""The log-in that a client keeps: refreshed once, whichever process comes first, and private."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agency_client import session_store
from agency_client.locks import SESSION_LOCK, held_alone
from agency_client.profile import Profile
from agency_client.session import Session
from agency_client.session_store import (
    FileStore,
    KeptSession,
    KeyRingStore,
    session_from_text,
    store_of,
)
from comity.errors import LogInRequired, MalformedInput, StoreUnavailable, TokenRefused
from comity.identity import AgencyId
from comity.v1.sessions_pb2 import Tokens

OLD, NEW = "certificate of before", "certificate of now"


class Hub:
    """Gives new tokens, and counts how often."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def refresh(self, kept: KeptSession) -> Tokens:
        self.shown.append(kept.refresh_token)
        await asyncio.sleep(0)
        return tokens(len(self.shown))


class Ring:
    """A key ring's backend, in memory."""

    priority = 5

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, name: str) -> str | None:
        return self.held.get((service, name))

    def set_password(self, service: str, name: str, password: str) -> None:
        self.held[service, name] = password

    def delete_password(self, service: str, name: str) -> None:
        del self.held[service, name]


def tokens(number: int, *, seconds: int = 900) -> Tokens:
    message = Tokens(access_token=f"access {number}", refresh_token=f"refresh {number}")
    message.access_expires_in.FromSeconds(seconds)
    message.refresh_expires_in.FromSeconds(43_200)
    return message


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(tmp_path, AgencyId("FR-NCB"), "hub.example", "127.0.0.1:8443")


def session_of(profile: Profile, *, ahead: timedelta = timedelta()) -> Session:
    return Session(profile, store=FileStore(profile), clock=lambda: datetime.now(UTC) + ahead)


async def test_a_token_is_shown_as_long_as_it_is_good(profile: Profile) -> None:
    hub = Hub()
    session_of(profile).keep(tokens(0), certificate_digest=NEW)

    shown = await session_of(profile).token(hub.refresh, certificate_digest=NEW)

    assert (shown, hub.shown) == ("access 0", [])


async def test_a_token_is_refreshed_before_it_runs_out(profile: Profile) -> None:
    hub = Hub()
    session_of(profile).keep(tokens(0), certificate_digest=NEW)
    later = session_of(profile, ahead=timedelta(seconds=880))

    assert await later.token(hub.refresh, certificate_digest=NEW) == "access 1"
    assert hub.shown == ["refresh 0"]


async def test_a_new_certificate_binds_the_log_in_anew(profile: Profile) -> None:
    hub = Hub()
    session = session_of(profile)
    session.keep(tokens(0), certificate_digest=OLD)

    assert await session.token(hub.refresh, certificate_digest=NEW) == "access 1"


async def test_two_that_were_refused_at_once_refresh_once(profile: Profile) -> None:
    hub = Hub()
    session_of(profile).keep(tokens(0), certificate_digest=NEW)
    both = [session_of(profile), session_of(profile)]

    shown = await asyncio.gather(
        *(one.renew_refused("access 0", hub.refresh, certificate_digest=NEW) for one in both)
    )

    assert shown == ["access 1", "access 1"]
    assert hub.shown == ["refresh 0"]


async def test_a_log_in_that_is_over_is_forgotten(profile: Profile) -> None:
    async def refuse(_: KeptSession) -> Tokens:
        raise TokenRefused

    session = session_of(profile)
    session.keep(tokens(0), certificate_digest=NEW)

    assert await session.renew_refused("access 0", refuse, certificate_digest=NEW) is None
    assert FileStore(profile).load() is None
    session_of(profile).keep(tokens(0), certificate_digest=NEW)
    much_later = session_of(profile, ahead=timedelta(days=1))
    assert await much_later.token(Hub().refresh, certificate_digest=NEW) is None


async def test_a_log_in_is_kept_where_the_hub_is_away(profile: Profile) -> None:
    async def fail(_: KeptSession) -> Tokens:
        raise StoreUnavailable

    session = session_of(profile)
    session.keep(tokens(0), certificate_digest=NEW)
    with pytest.raises(StoreUnavailable):
        await session.renew_refused("access 0", fail, certificate_digest=NEW)

    assert FileStore(profile).load() is not None


async def test_a_lock_that_is_never_freed_is_said(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agency_client.session.LOCK_RETRY_SECONDS", 0)
    session = session_of(profile)
    session.keep(tokens(0), certificate_digest=OLD)
    with held_alone(profile, SESSION_LOCK), pytest.raises(MalformedInput, match="does not end"):
        await session.token(Hub().refresh, certificate_digest=NEW)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"access_token": 1}', "\0"])
def test_what_nobody_wrote_is_no_log_in(text: str) -> None:
    assert session_from_text(text) is None


def test_a_key_ring_is_used_where_there_is_one(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Ring()
    monkeypatch.setattr(session_store, "_find_key_ring", lambda: ring)
    store = store_of(profile)
    Session(profile, store=store).keep(tokens(0), certificate_digest=NEW)
    kept = store.load()

    assert isinstance(store, KeyRingStore)
    assert kept is not None
    assert kept.access_token == json.loads(next(iter(ring.held.values())))["access_token"]
    assert list(profile.folder.iterdir()) == []
    store.forget()
    store.forget()
    assert ring.held == {}


def test_without_a_key_ring_there_is_a_file(profile: Profile) -> None:
    assert isinstance(store_of(profile), FileStore)


async def test_a_log_in_at_keycloak_stays_one_when_it_is_refreshed(profile: Profile) -> None:
    where = {"issuer": "https://keycloak.example/realms/comity", "client_id": "comity"}
    session = session_of(profile)
    session.keep(tokens(0), certificate_digest=NEW, **where)

    await session.renew_refused("access 0", Hub().refresh, certificate_digest=NEW)

    kept = FileStore(profile).load()
    assert kept is not None
    assert ("access 1", *where.values()) == (kept.access_token, kept.issuer, kept.client_id)


async def test_a_log_in_that_keycloak_has_ended_is_forgotten(profile: Profile) -> None:
    async def refuse(_: KeptSession) -> Tokens:
        raise LogInRequired

    session = session_of(profile)
    session.keep(tokens(0), certificate_digest=NEW)

    assert await session.renew_refused("access 0", refuse, certificate_digest=NEW) is None
    assert FileStore(profile).load() is None


def test_a_log_in_that_an_earlier_version_kept_is_the_hubs_own(profile: Profile) -> None:
    session_of(profile).keep(tokens(0), certificate_digest=NEW)
    path = profile.path("session.json")
    values = json.loads(path.read_text())
    del values["issuer"], values["client_id"]

    kept = session_from_text(json.dumps(values))

    assert kept is not None
    assert kept.issuer == ""
