"""The guard of the port that agencies enrol at: little is served, to anybody, for a short time."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc
import pytest

from comity.errors import (
    CodeRefused,
    ComityError,
    DeadlineExceeded,
    InternalError,
    MalformedInput,
    NotPermitted,
    TransportTooWeak,
)
from comity.statuses import error_from_rpc
from comity.v1.enrolment_pb2 import ApplyRequest
from deploy.stage import DOMAIN
from hub import app
from hub.app import running_hub
from hub.rpc import enrolment_guard, peer
from hub.rpc.enrolment_guard import ENROLMENT_RULES
from hub.services.enrolment import EnrolmentService
from hub.settings import load_settings
from tests.integration.enrolments import EnrolmentHub, enrolment_hub
from tests.stages import Stage

DESCRIBE = "/comity.v1.EnrolmentService/DescribeHub"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("enrolment"))


async def ask(hub: EnrolmentHub, method: str, request: bytes = b"", **other: Any) -> bytes:
    """A call of somebody unknown, in bytes."""
    credentials = grpc.ssl_channel_credentials(hub.settings.ca_certificate.read_bytes())
    options = [("grpc.ssl_target_name_override", DOMAIN)]
    address = other.get("address", hub.enrolment_address)
    async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
        try:
            call: Any = channel.unary_unary(
                method, request_serializer=None, response_deserializer=None
            )
            answer: bytes = await call(request, timeout=20)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from error
    return answer


async def refusal(
    hub: EnrolmentHub, method: str, request: bytes = b"", **other: Any
) -> ComityError:
    with pytest.raises(ComityError) as refused:
        await ask(hub, method, request, **other)
    return refused.value


async def test_an_rpc_that_the_table_does_not_name_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "ENROLMENT_RULES", {})

    async with enrolment_hub(stage, monkeypatch) as hub:
        assert NotPermitted is type(await refusal(hub, DESCRIBE))


async def test_a_call_past_its_time_is_ended(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: EnrolmentService) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(app, "ENROLMENT_RULES", {**ENROLMENT_RULES, DESCRIBE: 0.05})
    monkeypatch.setattr(EnrolmentService, "describe", never)

    async with enrolment_hub(stage, monkeypatch) as hub:
        assert DeadlineExceeded is type(await refusal(hub, DESCRIBE))


@pytest.mark.threat("T85")
async def test_nothing_else_is_served_there_and_enrolment_nowhere_else(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with enrolment_hub(stage, monkeypatch) as hub:
        others = [
            "/comity.v1.LedgerService/GetCheckpoint",
            "/comity.v1.MembershipService/InviteAgency",
            "/grpc.health.v1.Health/Check",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ]
        for method in others:
            assert "UNIMPLEMENTED" in (await refusal(hub, method)).message
        # Without a certificate the other port ends the handshake.
        await refusal(hub, DESCRIBE, address=hub.address)
        assert await ask(hub, DESCRIBE)


async def test_what_does_not_parse_is_malformed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with enrolment_hub(stage, monkeypatch) as hub:
        found = await refusal(hub, "/comity.v1.EnrolmentService/Apply", b"\xff")

    assert MalformedInput is type(found)


@pytest.mark.threat("T01")
async def test_a_weaker_channel_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "KEY_EXCHANGE_GROUP", b"another")

    async with enrolment_hub(stage, monkeypatch) as hub:
        assert TransportTooWeak is type(await refusal(hub, DESCRIBE))


async def test_an_unforeseen_error_says_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise ValueError("SECRET")

    monkeypatch.setattr(enrolment_guard, "require_strong_channel", fail)

    async with enrolment_hub(stage, monkeypatch) as hub:
        found = await refusal(hub, DESCRIBE)

    assert InternalError is type(found)
    assert "SECRET" not in found.message


async def test_a_call_leaves_one_line_and_no_code(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="hub.calls"):
        async with enrolment_hub(stage, monkeypatch) as hub:
            request = ApplyRequest(code="SAMPLE-CODE").SerializeToString()
            found = await refusal(hub, "/comity.v1.EnrolmentService/Apply", request)

    assert CodeRefused is type(found)
    [line] = [record for record in caplog.records if record.name == "hub.calls"]
    assert (
        line.__dict__["agency"],
        line.__dict__["code"],
    ) == ("unknown at 127.0.0.1", "UNAUTHENTICATED")
    assert "SAMPLE-CODE" not in str(line.__dict__)


async def test_the_port_is_closed_where_the_configuration_names_none(
    stage: Stage,
) -> None:
    settings = load_settings(stage.folder / "hub").listening_on("127.0.0.1:0")
    async with running_hub(settings) as running:
        assert running.enrolment_port is None
