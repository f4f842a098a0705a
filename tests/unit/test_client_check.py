"""`comity notice check` and the signer: form and legal minimum before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agency_client.cli.application import app
from agency_client.drafts import load_draft
from agency_client.profile import Profile
from agency_client.signing import ActSigner
from comity.errors import LegalMinimumMissing
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.minimum.policy import builtin_policy
from comity.v1.acts_pb2 import AddressingRule
from comity.v1.notices_pb2 import TRAFFIC_LIVE
from deploy.stage import EXAMPLES
from tests.unit.small_ledger import DOMAIN, NOW, SmallLedger

RED = EXAMPLES / "notice-red.json"


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["notice", "check", *map(str, arguments)])


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
