"""A hub that serves, and what its operator does beside it: renewing, migrating, a second port."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from deploy.stage import DOMAIN, RUN_SECONDS
from hub.certificates import HUB_LIFE, generate_tls_key, pem_from_certificate, pem_from_key
from hub.folder import load_authority, replace_server_pair
from hub.settings import load_settings
from tests.stages import Stage

CONNECT_SECONDS = 10.0
# What a gRPC server would take of TLS 1.2 if it were let.
WEAK_SUITES = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.admit("FR-NCB")
    yield made
    made.stop_hub()


def hub_folder(stage: Stage) -> Path:
    return stage.folder / "hub"


def run_hub(stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        stage.hub_command(*arguments),
        env=stage.environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


def connect(stage: Stage, context: ssl.SSLContext) -> x509.Certificate:
    """Shakes hands with the hub and gives the certificate that it shows."""
    host, _, port = stage.address.partition(":")
    with (
        socket.create_connection((host, int(port)), CONNECT_SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=DOMAIN) as connection,
    ):
        shown = connection.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown)


def member_context(stage: Stage) -> ssl.SSLContext:
    home = stage.folder / "agencies" / "FR-NCB"
    context = ssl.create_default_context(cafile=home / "hub-ca.pem")
    context.load_cert_chain(home / "certificate.pem", home / "tls-key.pem")
    return context


def served_serial(stage: Stage) -> int:
    return connect(stage, member_context(stage)).serial_number


def serial_on_disk(stage: Stage) -> int:
    pem = (hub_folder(stage) / "tls.pem").read_bytes()
    return x509.load_pem_x509_certificate(pem).serial_number


def test_a_renewed_certificate_is_taken_up_by_the_hub_that_serves(stage: Stage) -> None:
    stage.start_hub()
    before = served_serial(stage)

    stage.hub("renew-certificate")

    assert before != serial_on_disk(stage)
    assert serial_on_disk(stage) == served_serial(stage)
    stage.comity("FR-NCB", "status")


def test_the_hub_s_own_agency_is_renewed_with_it(stage: Stage) -> None:
    own = hub_folder(stage) / "agency"
    before = x509.load_pem_x509_certificate((own / "certificate.pem").read_bytes())
    stage.hub("renew-certificate")
    first = x509.load_pem_x509_certificate((own / "certificate.pem").read_bytes())
    assert first.serial_number != before.serial_number
    assert not (own / "tls-key-new.pem").exists()

    stage.start_hub()
    stage.comity(f"{own}/", "status")
    stage.hub("renew-certificate")
    stage.until_answered(f"{own}/", "status")
    stage.hub("verify-ledger")


def test_the_old_pair_is_served_while_only_half_of_the_new_one_is_there(stage: Stage) -> None:
    stage.start_hub()
    folder, before = hub_folder(stage), served_serial(stage)
    old_key = (folder / "tls-key.pem").read_bytes()

    stage.hub("renew-certificate")
    new_key = (folder / "tls-key.pem").read_bytes()
    (folder / "tls-key.pem").write_bytes(old_key)
    assert before == served_serial(stage)
    stage.comity("FR-NCB", "status")

    (folder / "tls-key.pem").write_bytes(new_key)
    assert serial_on_disk(stage) == served_serial(stage)


def test_a_hub_says_that_its_certificate_runs_out(stage: Stage) -> None:
    settings, key = load_settings(hub_folder(stage)), generate_tls_key()
    certificate = load_authority(settings).sign_hub(
        key.public_key(),
        hub_domain=DOMAIN,
        now=datetime.now(UTC) - HUB_LIFE + timedelta(days=12, hours=1),
    )
    replace_server_pair(
        settings, key_pem=pem_from_key(key), certificate_pem=pem_from_certificate(certificate)
    )

    stage.start_hub()
    stage.stop_hub()

    assert "runs out in 12 days" in (stage.folder / "hub.log").read_text(encoding="utf-8")


def test_tls_1_2_is_refused_whatever_the_operators_environment_says(stage: Stage) -> None:
    stage.environment["GRPC_SSL_CIPHER_SUITES"] = WEAK_SUITES
    stage.start_hub()
    older = member_context(stage)
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    older.set_ciphers(WEAK_SUITES)

    with pytest.raises(ssl.SSLError):
        connect(stage, older)
    served_serial(stage)


def test_a_database_is_not_migrated_under_a_hub_that_serves(stage: Stage) -> None:
    stage.start_hub()

    refused = run_hub(stage, "migrate", "--to", "base", "--yes")

    assert refused.returncode == 1
    assert "serves" in refused.stderr
    stage.comity("FR-NCB", "status")


def test_an_address_that_is_taken_is_said_in_words(stage: Stage) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        refused = run_hub(stage, "serve", "--listen", address)

    assert refused.returncode == 1
    assert f"Nothing can be served on {address}" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.threat("T54")
def test_nothing_that_a_hub_writes_can_be_read_by_others(stage: Stage) -> None:
    folder = hub_folder(stage)
    folder.chmod(0o755)  # what it writes is its own even where its folder is open
    stage.start_hub()
    stage.comity("FR-NCB", "status")

    open_to_others = [p.name for p in folder.iterdir() if p.stat().st_mode & 0o077]
    assert {path.name for path in folder.glob("hub.sqlite*")} > {"hub.sqlite"}
    assert {"ca.pem", "tls.pem"} >= set(open_to_others)
