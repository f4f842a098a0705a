"""Who acts at the hub's machine: what is said to whoever cannot log in there."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import Result

from hub.cli.secrets import PASSWORD_FILE_VARIABLE, SECOND_FACTOR_FILE_VARIABLE
from tests.unit.hub_command import comity_hub, init, require_exit

INVITE = ("agency", "invite", "FR-NCB", "--name", "Sample bureau", "--kind", "ncb")
APPROVE = ("agency", "approve", "FR-NCB", "--digest", "00" * 32)
REFUSE = ("agency", "refuse", "FR-NCB", "--reason", "Sample reason")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub that was made; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("made") / "hub"
    require_exit(init(folder), 0)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(PASSWORD_FILE_VARIABLE, raising=False)
    monkeypatch.delenv(SECOND_FACTOR_FILE_VARIABLE, raising=False)
    return Path(shutil.copytree(made, tmp_path / "hub"))


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the environment names; the password is of nobody."""
    for name, variable in (
        ("password", PASSWORD_FILE_VARIABLE),
        ("code", SECOND_FACTOR_FILE_VARIABLE),
    ):
        path = tmp_path / name
        path.touch(0o600)
        path.write_text("000000\n", encoding="utf-8")
        monkeypatch.setenv(variable, str(path))
    return tmp_path


def one_time_password(folder: Path) -> str:
    shown = comity_hub("officer", "reset", "admin-1", folder=folder)
    require_exit(shown, 0)
    return shown.stdout.split()[-1]


def ledger_of(folder: Path) -> Sequence[str]:
    """The agencies, and how far they are."""
    return comity_hub("agency", "list", folder=folder).stdout.splitlines()


@pytest.mark.parametrize("command", [INVITE, APPROVE, REFUSE], ids=lambda c: " ".join(c[:2]))
def test_without_a_terminal_everything_that_is_missing_is_named_at_once(
    folder: Path, command: Sequence[str]
) -> None:
    ended = comity_hub(*command, folder=folder)

    require_exit(ended, 1)
    assert "LOG_IN_REQUIRED" in ended.stderr
    assert "--administrator: is not given" in ended.stderr
    assert f"{PASSWORD_FILE_VARIABLE}: names no file" in ended.stderr
    assert f"{SECOND_FACTOR_FILE_VARIABLE}: names no file" in ended.stderr
    assert len(ledger_of(folder)) == 1


@pytest.mark.parametrize("command", [INVITE, APPROVE, REFUSE], ids=lambda c: " ".join(c[:2]))
def test_an_unknown_administrator_does_nothing(
    folder: Path, secrets: Path, command: Sequence[str]
) -> None:
    ended = comity_hub(*command, "--administrator", "nobody", folder=folder)

    require_exit(ended, 1)
    assert "LOG_IN_REFUSED" in ended.stderr
    assert len(ledger_of(folder)) == 1


def test_who_has_a_one_time_password_is_told_the_commands(folder: Path, secrets: Path) -> None:
    (secrets / "password").write_text(one_time_password(folder), encoding="utf-8")

    ended = comity_hub(*INVITE, "--administrator", "admin-1", folder=folder)

    require_exit(ended, 1)
    for step in ("login admin-1", "password", "second-factor"):
        assert f"'comity {step} -p {folder}/agency/'" in ended.stderr
    assert "password: is a one-time one still" in ended.stderr
    assert "second_factor: is not set yet" in ended.stderr


def test_a_secret_that_others_can_read_is_not_taken(folder: Path, secrets: Path) -> None:
    (secrets / "password").chmod(0o644)

    ended = comity_hub(*INVITE, "--administrator", "admin-1", folder=folder)

    require_exit(ended, 1)
    assert "can be read by others" in ended.stderr


def test_a_secret_that_is_no_text_is_refused_without_being_shown(
    folder: Path, secrets: Path
) -> None:
    (secrets / "password").write_bytes(b"sample \xff\xfe")

    ended = comity_hub(*INVITE, "--administrator", "admin-1", folder=folder)

    require_exit(ended, 1)
    assert f"{PASSWORD_FILE_VARIABLE} names is no text" in ended.stderr
    assert "sample" not in ended.stderr


def test_an_emergency_has_no_administrator(folder: Path) -> None:
    ended = comity_hub(*INVITE, "--emergency", "--administrator", "admin-1", folder=folder)

    require_exit(ended, 2)
    assert len(ledger_of(folder)) == 1


def with_keycloak(folder: Path) -> None:
    path = folder / "hub.toml"
    realm = '\n[keycloak]\nissuer = "https://keycloak.example:8444/realms/comity"\n'
    path.write_text(path.read_text(encoding="utf-8") + realm, encoding="utf-8")


def test_where_there_is_a_keycloak_no_password_is_asked_for(folder: Path, secrets: Path) -> None:
    with_keycloak(folder)
    (secrets / "password").unlink()

    ended = comity_hub(*INVITE, "--administrator", "admin-1", folder=folder)

    require_exit(ended, 1)
    assert "LOG_IN_REQUIRED" in ended.stderr
    assert f"'comity login -p {folder}/agency/'" in ended.stderr
    assert "comity admin" in ended.stderr
    assert "--emergency" in ended.stderr


def test_an_emergency_needs_no_keycloak(folder: Path) -> None:
    with_keycloak(folder)

    ended: Result = comity_hub(*INVITE, "--emergency", folder=folder)

    require_exit(ended, 0)
    assert "all members see" in ended.stderr
    assert "Invited FR-NCB" in ended.stdout
