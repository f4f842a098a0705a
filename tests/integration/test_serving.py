"""What a hub does beside its RPCs: files read again, health, reflection, the order of a stop."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from agency_client.agency import Agency, open_agency
from agency_client.profile import load_profile
from comity.errors import CertificateRefused
from deploy.stage import DOMAIN
from hub.certificates import (
    generate_tls_key,
    make_ca_certificate,
    pem_from_certificate,
    pem_from_key,
)
from hub.folder import load_authority
from hub.settings import load_settings
from tests.stages import Stage

CALL_SECONDS = 10.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.admit("FR-NCB")
    made.start_hub()
    yield made
    made.stop_hub()


@pytest.fixture
async def agency(stage: Stage) -> AsyncIterator[Agency]:
    async with open_agency(load_profile(profile_of(stage))) as opened:
        yield opened


def profile_of(stage: Stage, agency: str = "FR-NCB") -> Path:
    return stage.folder / "agencies" / agency


def served_serial(stage: Stage) -> int:
    """The serial number of the certificate that the hub shows to a new connection."""
    home = profile_of(stage)
    context = ssl.create_default_context(cafile=home / "hub-ca.pem")
    context.load_cert_chain(home / "certificate.pem", home / "tls-key.pem")
    host, _, port = stage.address.partition(":")
    with (
        socket.create_connection((host, int(port)), CALL_SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=DOMAIN) as connection,
    ):
        shown = connection.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def renew_hub_certificate(stage: Stage) -> int:
    """Puts a new key and certificate in the hub's folder, and gives the serial number."""
    folder = stage.folder / "hub"
    key = generate_tls_key()
    authority = load_authority(load_settings(folder))
    certificate = authority.sign_hub(key.public_key(), hub_domain=DOMAIN, now=datetime.now(UTC))
    (folder / "tls-key.pem").write_bytes(pem_from_key(key))
    (folder / "tls.pem").write_bytes(pem_from_certificate(certificate))
    return certificate.serial_number


async def test_a_renewed_certificate_is_served_without_a_restart(
    stage: Stage, agency: Agency
) -> None:
    await agency.client.get_checkpoint()
    before = served_serial(stage)

    renewed = renew_hub_certificate(stage)

    assert before != renewed
    assert renewed == served_serial(stage)
    await agency.client.get_checkpoint()  # on the connection of before


async def test_a_certificate_that_cannot_be_read_leaves_the_old_one_in_use(
    stage: Stage, agency: Agency
) -> None:
    before = served_serial(stage)

    (stage.folder / "hub" / "tls.pem").write_text("no certificate")

    assert before == served_serial(stage)


async def test_a_second_authority_is_taken_without_a_restart(stage: Stage, agency: Agency) -> None:
    """A change of authority: the new one signs, and what the old one signed is still taken."""
    folder = stage.folder / "hub"
    key = generate_tls_key()
    certificate = make_ca_certificate(key, hub_domain=DOMAIN, now=datetime.now(UTC))
    old = (folder / "ca.pem").read_bytes()
    (folder / "ca.pem").write_bytes(pem_from_certificate(certificate) + old)
    (folder / "ca-key.pem").write_bytes(pem_from_key(key))

    await asyncio.to_thread(stage.admit, "KE-NCB")

    async with open_agency(load_profile(profile_of(stage, "KE-NCB"))) as kenya:
        assert (await kenya.client.get_checkpoint()).size > 0
    assert "FR-NCB" in stage.comity("FR-NCB", "status")


async def test_a_client_takes_a_certificate_that_changed_on_disk(
    stage: Stage, agency: Agency
) -> None:
    path = profile_of(stage) / "certificate.pem"
    ours = path.read_bytes()
    await agency.client.get_checkpoint()

    await asyncio.to_thread(stage.admit, "KE-NCB")
    path.write_bytes((profile_of(stage, "KE-NCB") / "certificate.pem").read_bytes())
    with pytest.raises(CertificateRefused, match="KE-NCB"):
        await agency.client.get_checkpoint()

    path.write_bytes(ours)
    await agency.client.get_checkpoint()


def channel_of(stage: Stage) -> grpc.aio.Channel:
    home = profile_of(stage)
    credentials = grpc.ssl_channel_credentials(
        (home / "hub-ca.pem").read_bytes(),
        (home / "tls-key.pem").read_bytes(),
        (home / "certificate.pem").read_bytes(),
    )
    options = [("grpc.ssl_target_name_override", DOMAIN)]
    return grpc.aio.secure_channel(stage.address, credentials, options)


async def test_health_says_that_the_hub_serves(stage: Stage) -> None:
    async with channel_of(stage) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            health_pb2.HealthCheckRequest.SerializeToString,
            health_pb2.HealthCheckResponse.FromString,
        )
        answer = await check(health_pb2.HealthCheckRequest(), timeout=CALL_SECONDS)

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def listed_services(stage: Stage) -> tuple[grpc.StatusCode, list[str]]:
    """How a hub answers who asks what services it has."""
    async with channel_of(stage) as channel:
        # The method takes a stream. One request goes out with the end of that stream in one piece:
        # a write of its own may come after the refusal, and the channel then says INTERNAL.
        ask = channel.unary_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        call = ask(reflection_pb2.ServerReflectionRequest(list_services=""), timeout=CALL_SECONDS)
        names: list[str] = []
        with suppress(grpc.aio.AioRpcError):
            async for answer in call:
                names += [service.name for service in answer.list_services_response.service]
        return await call.code(), names


async def test_reflection_is_off_unless_the_configuration_says_so(stage: Stage) -> None:
    assert await listed_services(stage) == (grpc.StatusCode.UNIMPLEMENTED, [])

    stage.stop_hub()
    with (stage.folder / "hub" / "hub.toml").open("a") as settings:
        settings.write("reflection = true\n")
    stage.start_hub()

    code, names = await listed_services(stage)
    assert code == grpc.StatusCode.OK
    assert "comity.v1.NoticeService" in names


async def test_a_second_hub_on_the_same_folder_does_not_start(stage: Stage) -> None:
    second = await asyncio.create_subprocess_exec(
        *stage.hub_command("serve", "--listen", "127.0.0.1:0"),
        env=stage.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(second.communicate(), 60)

    assert second.returncode == 1
    assert b"Traceback" not in said
    assert b"serves" in said
