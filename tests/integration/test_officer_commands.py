"""Officers as they are: by the command lines, with passwords from private files or a pipe."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.cli.secrets import (
    NEW_PASSWORD_FILE_VARIABLE,
    PASSWORD_FILE_VARIABLE,
    SECOND_FACTOR_FILE_VARIABLE,
)
from tests.integration.desk import PASSWORD, Desk, last_word


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.stage.stop_hub()


def test_a_hub_administrator_works_from_the_hub_s_own_folder(desk: Desk) -> None:
    stage, own = desk.stage, f"{desk.stage.folder}/hub/agency/"
    codes = desk.set_up(own, "admin-1", last_word(stage.hub("officer", "reset", "admin-1")))
    added = ("officer", "add", "r.sample", "--name", "Sample", "--role", "hub-reviewer")
    assert "nationality" in stage.run(own, *added, expected=1).stderr
    stage.comity(own, *added, "--nationality", "KE")

    listed = stage.documents(own, "officer", "list")

    assert [officer["userName"] for officer in listed] == ["admin-1", "admin-2", "r.sample"]
    assert listed[0]["hasSecondFactor"]
    assert (
        "LAST_ADMINISTRATOR"
        in stage.run(own, "officer", "change", "admin-2", "--status", "locked", expected=1).stderr
    )
    stage.comity(own, "logout", "--everywhere")
    assert "LOG_IN_REQUIRED" in stage.run(own, "officer", "list", expected=1).stderr
    desk.secret(SECOND_FACTOR_FILE_VARIABLE, codes[3])
    stage.comity(own, "login", "admin-1")
    stage.comity(own, "officer", "list")
    stage.hub("verify-ledger")


def test_an_agency_s_administrator_is_begun_at_the_hub_and_goes_on_alone(desk: Desk) -> None:
    stage = desk.stage
    shown = stage.hub(
        "officer", "add", "e.example", "--agency", "FR-NCB", "--name", "Éloïse Example",
        "--role", "agency-administrator",
    )  # fmt: skip
    desk.set_up("FR-NCB", "e.example", last_word(shown))
    stage.comity("FR-NCB", "officer", "add", "s.sample", "--name", "Simon Sample")
    stage.comity("FR-NCB", "officer", "change", "s.sample", "--role", "auditor", "--name", "S.")
    stage.comity("FR-NCB", "officer", "reset", "s.sample")
    changed = stage.documents("FR-NCB", "officer", "list")[1]
    [me] = stage.documents("FR-NCB", "whoami")

    assert (changed["roles"], changed["displayName"]) == (["ROLE_AUDITOR"], "S.")
    assert (me["agencyId"], me["officer"]["userName"]) == ("FR-NCB", "e.example")
    assert "e.example" in stage.comity("FR-NCB", "whoami")


def test_who_is_locked_at_the_hub_s_machine_is_out(desk: Desk) -> None:
    stage = desk.stage
    user = ("e.example", "--agency", "FR-NCB")
    shown = stage.hub("officer", "add", *user, "--name", "Sample", "--role", "officer")
    desk.secret(PASSWORD_FILE_VARIABLE, last_word(shown))
    desk.secret(NEW_PASSWORD_FILE_VARIABLE, PASSWORD)
    stage.comity("FR-NCB", "login", "e.example")
    stage.comity("FR-NCB", "password")
    stage.hub("officer", "lock", *user)
    desk.secret(PASSWORD_FILE_VARIABLE, PASSWORD)
    assert "LOG_IN_REFUSED" in stage.run("FR-NCB", "login", "e.example", expected=1).stderr
    assert "nobody" in stage.comity("FR-NCB", "whoami")
    stage.hub("officer", "unlock", *user)
    stage.comity("FR-NCB", "login", "e.example")

    assert "active" in stage.hub("officer", "list", "--agency", "FR-NCB")


def test_tokens_lie_in_a_private_file_and_passwords_nowhere(desk: Desk) -> None:
    stage = desk.stage
    user = ("e.example", "--agency", "FR-NCB")
    shown = stage.hub("officer", "add", *user, "--name", "Sample", "--role", "officer")
    desk.secret(PASSWORD_FILE_VARIABLE, last_word(shown))
    stage.comity("FR-NCB", "login", "e.example")
    kept = stage.folder / "agencies" / "FR-NCB" / "session.json"
    token = json.loads(kept.read_text(encoding="utf-8"))["access_token"]
    log = (stage.folder / "hub.log").read_text(encoding="utf-8")
    databases = [path.read_bytes() for path in (stage.folder / "hub").glob("hub.sqlite*")]

    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600
    for secret in (token, last_word(shown)):
        assert secret not in log
        assert not any(secret.encode() in content for content in databases)
    kept.chmod(0o644)
    assert "chmod 600" in stage.run("FR-NCB", "whoami", expected=1).stderr


def test_a_password_is_not_taken_from_where_nobody_can_be_asked(desk: Desk) -> None:
    assert PASSWORD_FILE_VARIABLE in desk.stage.run("FR-NCB", "login", "any", expected=1).stderr
    assert "nobody is logged in" in desk.stage.comity("FR-NCB", "whoami")
    desk.stage.comity("FR-NCB", "logout")
