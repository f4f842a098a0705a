"""`comity notice check` and the signer: form and legal minimum before anything is sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agency_client.cli.application import app
from agency_client.drafts import load_draft
from agency_client.policy import POLICY_FILE
from agency_client.profile import Profile, save_profile
from agency_client.signing import ActSigner
from comity.errors import LegalMinimumMissing
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.minimum.policy import builtin_policy, policy_from_files
from comity.v1.acts_pb2 import AddressingRule
from comity.v1.notices_pb2 import TRAFFIC_LIVE
from deploy.stage import EXAMPLES
from tests.unit.client_desk import ClientDesk
from tests.unit.small_ledger import DOMAIN, NOW, SmallLedger

RED = EXAMPLES / "notice-red.json"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs this may have a profile."""
    monkeypatch.setenv("COMITY_HOME", str(tmp_path / "home"))


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["notice", "check", *map(str, arguments)])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClientDesk]:
    made = ClientDesk(tmp_path)
    yield made
    made.inbox.close()


def spoilt(tmp_path: Path, *left_out: str) -> Path:
    path = tmp_path / "spoilt.json"
    document = json.loads(RED.read_text())
    path.write_text(json.dumps({k: v for k, v in document.items() if k not in left_out}))
    return path


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("notice-*.json")), ids=lambda p: p.stem)
def test_an_example_has_no_error(path: Path) -> None:
    result = check(path)

    assert result.exit_code == 0, result.output
    assert ": 0 errors, " in result.output


def test_errors_warnings_and_faults_of_form_are_told_apart(tmp_path: Path) -> None:
    path = spoilt(tmp_path, "warrants", "precautions", "caseReference")

    result = check(path, RED)

    assert result.exit_code == 1
    assert f"{path}: 2 errors, 1 warning" in result.output
    assert "error    caseReference: is missing" in result.output
    assert "error    warrants: there is neither a warrant nor a judgment" in result.output
    assert "give the warrant, or the sentence to be served" in result.output
    assert "rule arrest.basis; INTERPOL" in result.output
    assert "warning  precautions: " in result.output
    assert f"{RED}: 0 errors" in result.output


def test_programs_read_one_document_for_each_notice(tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    result = check(spoilt(tmp_path, "declaration"), missing, "--json")

    unreadable, document = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert unreadable["source"] == str(missing)
    assert document["isFit"] is False
    assert [finding["rule"] for finding in document["minimum"]] == [
        "declaration.character",
        "declaration.refugee",
        "declaration.compelled",
    ]
    assert document["minimum"][0]["field"] == "declaration.notOfExcludedCharacter"


def test_a_hubs_own_policy_is_checked_against(tmp_path: Path) -> None:
    text = builtin_policy().files["red.toml"].replace("years = 2", "years = 10")
    (tmp_path / "red.toml").write_text(text, encoding="utf-8")

    result = check(RED, "--policy", tmp_path)

    assert result.exit_code == 1
    assert "red.penalty_threshold" in result.output


def test_the_policy_that_a_profile_has_kept_is_checked_against(desk: ClientDesk) -> None:
    files = dict(builtin_policy().files)
    files["red.toml"] = files["red.toml"].replace("years = 2", "years = 10")
    policy = policy_from_files(files)
    document = {
        "fetchedAt": NOW.isoformat(),
        "digest": base64.b64encode(policy.digest).decode(),
        "files": [{"name": name, "text": text} for name, text in policy.files.items()],
    }
    folder = desk.agency.profile.folder
    save_profile(desk.agency.profile)
    (folder / POLICY_FILE).write_text(json.dumps(document), encoding="utf-8")

    result = check(RED, "-p", f"{folder}/")
    without = check(RED)

    assert result.exit_code == 1
    assert "red.penalty_threshold" in result.output
    assert f"by the policy of {DOMAIN} as it was on 2026-11-24 12:00 UTC" in result.stderr
    assert without.exit_code == 0
    assert "that comes with this program" in without.stderr


def test_a_zone_that_names_somebody_else_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "zone.json"
    notice = json.loads(RED.read_text())
    zone = [
        "P<D<<ERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36D<<7408122F1204159ZE184226B<<<<<10",
    ]
    document = {"type": "DOCUMENT_TYPE_PASSPORT", "machineReadableZone": zone}
    notice["subjects"][0]["person"]["documents"] = [document]
    path.write_text(json.dumps(notice), encoding="utf-8")

    result = check(path)

    field = "subjects[0].person.documents[0].machineReadableZone"
    assert result.exit_code == 0, result.output
    assert f"warning  {field}: the machine-readable zone names ERIKSSON, ANNA MARIA" in (
        result.output
    )


def test_a_policy_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "red.toml").write_text("[[rule]]\n")

    result = check(RED, "--policy", tmp_path)

    assert result.exit_code == 1
    assert "red.toml: rule[0].id" in result.output


def test_nothing_without_its_minimum_is_signed(tmp_path: Path) -> None:
    profile = Profile(Path("unused"), AgencyId("FR-NCB"), DOMAIN, "127.0.0.1:8443")
    signer = ActSigner(
        profile,
        keys=[generate_private_key(ED25519)],
        clock=lambda: NOW,
        new_id=SmallLedger().new_id,
    )
    draft = load_draft(spoilt(tmp_path, "offences"), traffic=TRAFFIC_LIVE)

    with pytest.raises(LegalMinimumMissing, match="Nothing was sent") as refused:
        signer.first_version(signer.completed(draft.notice), AddressingRule(all_members=True))
    assert [violation.field for violation in refused.value.violations] == ["offences"]
