"""Who may not come in: certificates that are missing, foreign, expired or name the wrong thing."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from comity.v1 import ledger_pb2, ledger_pb2_grpc
from deploy.stage import DOMAIN
from tests.stages import Stage

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
FRANCE = x509.UniformResourceIdentifier(f"spiffe://{DOMAIN}/agency/FR-NCB")
BRAZIL = x509.UniformResourceIdentifier(f"spiffe://{DOMAIN}/agency/BR-NCB")
ELSEWHERE = x509.UniformResourceIdentifier("spiffe://other.example/agency/FR-NCB")


def signed_by_hub(
    folder: Path, names: Sequence[x509.GeneralName], *, days: int = 30
) -> tuple[bytes, bytes]:
    """A certificate that the hub's authority signed although it should not have."""
    authority = serialization.load_pem_private_key((folder / "ca-key.pem").read_bytes(), None)
    issuer = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    assert isinstance(authority, ec.EllipticCurvePrivateKey)
    return signed_by(authority, issuer.subject, names, days=days)


def signed_by(
    authority: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    names: Sequence[x509.GeneralName],
    *,
    days: int,
) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "FR-NCB")]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
            critical=False,
        )
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem, builder.sign(authority, SHA256()).public_bytes(serialization.Encoding.PEM)


async def code_of_call(world: Stage, pair: tuple[bytes, bytes] | None) -> grpc.StatusCode:
    ca = (world.folder / "hub" / "ca.pem").read_bytes()
    credentials = grpc.ssl_channel_credentials(ca, *(pair or (None, None)))
    options = [("grpc.ssl_target_name_override", DOMAIN)]
    async with grpc.aio.secure_channel(world.address, credentials, options) as channel:
        stub = ledger_pb2_grpc.LedgerServiceStub(channel)
        try:
            await stub.GetCheckpoint(ledger_pb2.GetCheckpointRequest(), timeout=10)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


async def test_a_member_comes_in(served: Stage) -> None:
    home = served.folder / "agencies" / "FR-NCB"
    pair = ((home / "tls-key.pem").read_bytes(), (home / "certificate.pem").read_bytes())

    assert await code_of_call(served, pair) is grpc.StatusCode.OK


@pytest.mark.threat("T02")
async def test_nobody_comes_in_without_a_certificate(served: Stage) -> None:
    assert await code_of_call(served, None) is UNAVAILABLE


@pytest.mark.threat("T02")
async def test_a_foreign_authority_is_refused(served: Stage) -> None:
    foreign = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "elsewhere")])

    assert await code_of_call(served, signed_by(foreign, name, [FRANCE], days=30)) is UNAVAILABLE


async def test_an_expired_certificate_is_refused(served: Stage) -> None:
    pair = signed_by_hub(served.folder / "hub", [FRANCE], days=-1)

    assert await code_of_call(served, pair) is UNAVAILABLE


@pytest.mark.parametrize(
    "names",
    [
        [],
        [ELSEWHERE],
        [FRANCE, BRAZIL],
        [FRANCE, x509.DNSName("fr.example")],
        [FRANCE],
    ],
    ids=["CN only", "another hub's", "two SANs", "a DNS name beside it", "not in the roster"],
)
@pytest.mark.threat("T02")
async def test_a_certificate_of_the_wrong_name_is_refused(
    served: Stage, names: list[x509.GeneralName]
) -> None:
    pair = signed_by_hub(served.folder / "hub", names)

    assert await code_of_call(served, pair) is UNAUTHENTICATED


@pytest.mark.threat("T01")
def test_tls_1_2_is_refused(served: Stage) -> None:
    home = served.folder / "agencies" / "FR-NCB"
    context = ssl.create_default_context(cafile=served.folder / "hub" / "ca.pem")
    context.load_cert_chain(home / "certificate.pem", home / "tls-key.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    host, _, port = served.address.partition(":")

    with (
        socket.create_connection((host, int(port)), timeout=10) as raw,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(raw, server_hostname=DOMAIN)
