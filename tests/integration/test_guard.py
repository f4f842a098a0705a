"""The guard over the wire: what no table names, what takes too long, what cannot be confirmed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from agency_client.agency import Agency, open_agency
from agency_client.profile import load_profile
from comity.errors import (
    CertificateRefused,
    DeadlineExceeded,
    InternalError,
    MembershipUnconfirmed,
    NotPermitted,
    QuotaExceeded,
    TransportTooWeak,
)
from comity.statuses import error_from_rpc
from comity.v1 import acts_pb2, acts_pb2_grpc, ledger_pb2, ledger_pb2_grpc
from deploy.stage import DOMAIN
from hub import app
from hub.app import running_hub
from hub.rpc import guard
from hub.rpc.peer import read_peer
from hub.rpc.table import RULES, Rule
from hub.services.confirmation import CONFIRM_WITHIN_SECONDS
from hub.services.ledger import LedgerService
from hub.services.membership import Membership
from hub.settings import load_settings
from hub.store.database import Database
from tests.integration.drafts import Draft
from tests.stages import Stage

CHECKPOINT = "/comity.v1.LedgerService/GetCheckpoint"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("guard"))
    made.admit("FR-NCB")
    yield made


@asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[Agency]:
    """A member of a hub that runs in this process, so that a test can change how it runs."""
    settings = load_settings(stage.folder / "hub").listening_on("127.0.0.1:0")
    async with running_hub(settings) as hub:
        profile = load_profile(stage.folder / "agencies" / "FR-NCB")
        moved = type(profile)(
            profile.folder, profile.agency, profile.hub_domain, f"127.0.0.1:{hub.port}"
        )
        async with open_agency(moved) as agency:
            yield agency


async def ask(agency: Agency) -> None:
    """One call, without the client's further tries."""
    stub = ledger_pb2_grpc.LedgerServiceStub(agency.client.channel._current())
    try:
        await stub.GetCheckpoint(ledger_pb2.GetCheckpointRequest(), timeout=20)
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from error


def with_rules(monkeypatch: pytest.MonkeyPatch, rules: Mapping[str, Rule]) -> None:
    monkeypatch.setattr(app, "RULES", rules)


async def test_an_rpc_that_no_table_names_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rules(monkeypatch, {name: rule for name, rule in RULES.items() if name != CHECKPOINT})

    async with served(stage) as agency:
        with pytest.raises(NotPermitted):
            await ask(agency)
        await agency.client.list_agency_keys(0)


async def test_a_call_past_its_time_is_ended(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "/comity.v1.ActService/SubmitActs"
    hurried = Rule(RULES[name].action, RULES[name].admission, timeout_seconds=0.0)
    with_rules(monkeypatch, {**RULES, name: hurried})

    async with served(stage) as agency:
        acts = Draft(agency.profile.load_signing_keys()).acts()
        stub = acts_pb2_grpc.ActServiceStub(agency.client.channel._current())
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await stub.SubmitActs(acts_pb2.SubmitActsRequest(acts=acts), timeout=20)

    assert DeadlineExceeded is type(error_from_rpc(ended.value))


@pytest.mark.threat("T52")
async def test_an_unforeseen_error_says_nothing_but_the_requests_id(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object) -> bytes:
        raise ValueError("SECRET-OF-A-NOTICE")

    monkeypatch.setattr(LedgerService, "checkpoint", fail)

    async with served(stage) as agency:
        with pytest.raises(InternalError, match=r"request [0-9a-f]{32}") as failed:
            await ask(agency)

    assert "SECRET" not in str(failed.value)


@pytest.mark.threat("T17")
async def test_more_calls_at_once_than_an_agency_may_make_are_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(stage) as agency:
        with monkeypatch.context() as patched:
            patched.setattr(guard, "MAX_CALLS_PER_AGENCY", 0)
            with pytest.raises(QuotaExceeded) as refused:
                await ask(agency)
        await ask(agency)

    assert refused.value.retry_after_seconds


@pytest.mark.threat("T19")
async def test_membership_that_cannot_be_confirmed_serves_nobody(stage: Stage) -> None:
    database = Database(load_settings(stage.folder / "hub").database_url)
    now = 100.0
    membership = Membership(database, monotonic=lambda: now)
    with pytest.raises(MembershipUnconfirmed):
        membership.require_confirmed()

    await membership.refresh()
    membership.require_confirmed()

    now += CONFIRM_WITHIN_SECONDS + 0.1
    with pytest.raises(MembershipUnconfirmed):
        membership.require_confirmed()
    await database.dispose()


class Context:
    """What gRPC says of a peer."""

    def __init__(self, stage: Stage, **other: bytes) -> None:
        path = stage.folder / "agencies" / "FR-NCB" / "certificate.pem"
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        self._properties = {
            "ssl_tls_version": b"TLSv1.3",
            "ssl_negotiated_key_exchange_group": b"X25519MLKEM768",
            "x509_pem_cert": certificate.public_bytes(Encoding.PEM),
        } | other

    def auth_context(self) -> dict[str, list[bytes]]:
        return {name: [value] for name, value in self._properties.items()}


def peer_of(context: Any, now: datetime) -> str:
    return read_peer(context, hub_domain=DOMAIN, now=now).agency


def test_a_peer_is_who_its_certificate_names(stage: Stage) -> None:
    assert peer_of(Context(stage), datetime.now(UTC)) == "FR-NCB"


@pytest.mark.parametrize(
    "weaker",
    [
        {"ssl_tls_version": b"TLSv1.2"},
        {"ssl_negotiated_key_exchange_group": b"X25519"},
        {"ssl_negotiated_key_exchange_group": b""},
    ],
    ids=str,
)
@pytest.mark.threat("T01")
def test_a_weaker_channel_is_refused(stage: Stage, weaker: dict[str, bytes]) -> None:
    with pytest.raises(TransportTooWeak):
        peer_of(Context(stage, **weaker), datetime.now(UTC))


@pytest.mark.threat("T03")
def test_a_certificate_that_ran_out_on_an_open_channel_is_refused(stage: Stage) -> None:
    with pytest.raises(CertificateRefused):
        peer_of(Context(stage), datetime.fromtimestamp(time.time() + 500 * 86_400, UTC))
