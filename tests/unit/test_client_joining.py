"""Joining a hub: what is pinned stays pinned, and both sides can compare what they hold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from google.protobuf.json_format import MessageToJson
from typer.testing import CliRunner

from agency_client.application import join_hub
from agency_client.cli.application import app
from agency_client.profile import APPLICATION, HUB_CA, load_profile
from comity.application import VerifiedApplication, verify_application
from comity.envelope import envelope_from_json
from comity.errors import ApplicationInvalid
from comity.v1 import agencies_pb2
from tests.unit.test_application import (
    DOMAIN,
    LEDGER,
    Authority,
    _pem,
    apply,
    make_admission,
    make_profile,
)


def of_another_authority(verified: VerifiedApplication) -> agencies_pb2.Admission:
    other = Authority()
    admission = make_admission(verified)
    admission.ca_certificate = _pem(other.certificate)
    admission.certificate = _pem(other.issue(verified.certificate_key))
    return admission


@pytest.mark.threat("T36")
def test_another_authority_is_refused_when_one_is_pinned(tmp_path: Path) -> None:
    profile = make_profile(tmp_path)
    verified = apply(profile)
    join_hub(profile, make_admission(verified))
    pinned = profile.path(HUB_CA).read_text()

    with pytest.raises(ApplicationInvalid, match="--replace-authority") as refused:
        join_hub(profile, of_another_authority(verified))

    assert [violation.field for violation in refused.value.violations] == ["caCertificate"]
    assert pinned == profile.path(HUB_CA).read_text()


def test_init_and_join_say_what_both_sides_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMITY_HOME", str(tmp_path))
    hub = ("--hub", "127.0.0.1:8443", "--hub-domain", DOMAIN)
    made = CliRunner().invoke(app, ["init", "FR-NCB", *hub, "--name", "Sample bureau"])
    profile = load_profile(tmp_path / "default")
    envelope = envelope_from_json(profile.path(APPLICATION).read_text())
    verified = verify_application(envelope, hub_domain=DOMAIN)
    for number, admission in enumerate((make_admission(verified), of_another_authority(verified))):
        (tmp_path / f"{number}.json").write_text(MessageToJson(admission))

    joined, again, replaced = (
        CliRunner().invoke(app, ["join", str(tmp_path / name), *options])
        for name, options in (("0.json", ()), ("1.json", ()), ("1.json", ["--replace-authority"]))
    )

    assert verified.digest.hex() in made.output
    assert [joined.exit_code, again.exit_code, replaced.exit_code] == [0, 1, 0]
    assert hashlib.sha256(LEDGER.spki).hexdigest() in joined.output
    for result, name in ((joined, "0.json"), (replaced, "1.json")):
        pem = json.loads((tmp_path / name).read_text())["caCertificate"]
        fingerprint = x509.load_pem_x509_certificate(pem.encode()).fingerprint(SHA256())
        assert fingerprint.hex() in result.output
