"""`comity-hub` with arguments, folders and databases that are wrong, and tried again."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from comity.minimum.policy import builtin_policy, load_policy
from hub.certificates import HUB_LIFE, generate_tls_key, pem_from_certificate, pem_from_key
from hub.cli.application import app
from hub.folder import held_alone, load_authority, replace_server_pair
from hub.settings import load_settings
from tests.unit.hub_command import DOMAIN, comity_hub, init, require_exit

UNREACHABLE = "postgresql://127.0.0.1:1/comity"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub that was made; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("made") / "hub"
    require_exit(init(folder), 0)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "hub"))


# --- help ---------------------------------------------------------------------------------------


def commands() -> list[list[str]]:
    top = typer.main.get_command(app)
    found: list[list[str]] = [[]]
    for name, command in getattr(top, "commands", {}).items():
        found.append([name])
        found += [[name, inner] for inner in getattr(command, "commands", {})]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_says_what_it_does(command: list[str]) -> None:
    shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})

    assert shown.exit_code == 0
    [usage, described] = [line.strip() for line in shown.stdout.splitlines() if line.strip()][:2]
    assert usage.startswith("Usage:")
    assert described.endswith(".")


def test_every_option_says_what_it_is() -> None:
    for command in commands():
        target = typer.main.get_command(app)
        for name in command:
            target = getattr(target, "commands", {})[name]
        for option in target.params:
            assert getattr(option, "help", None), (command, option.name)


def test_exit_codes_are_in_the_help() -> None:
    for command in ([], ["agency"]):
        shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
        assert "4 verification failed" in shown.stdout


# --- init ---------------------------------------------------------------------------------------


def test_a_new_hub_can_be_served_and_verified(folder: Path) -> None:
    require_exit(comity_hub("check-config", folder=folder), 0)
    require_exit(comity_hub("verify-ledger", folder=folder), 0)
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("hub.toml", "hub.sqlite", "ca-key.pem", "tls-key.pem", "ledger-key.pem"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("database", "code"),
    [(UNREACHABLE, 3), (f"{UNREACHABLE}?nonsense=1", 1), ("sqlite:////nowhere/hub.sqlite", 1)],
)
def test_init_can_be_tried_again_after_a_bad_database(
    tmp_path: Path, database: str, code: int
) -> None:
    folder = tmp_path / "hub"

    require_exit(init(folder, "--database", database), code)

    assert not folder.exists()
    require_exit(init(folder), 0)


def test_init_leaves_a_hub_that_is_there_alone(folder: Path) -> None:
    before = (folder / "ca-key.pem").read_bytes()

    refused = init(folder)

    require_exit(refused, 1)
    assert "holds a hub already" in refused.output
    assert before == (folder / "ca-key.pem").read_bytes()


def test_init_leaves_a_stray_key_alone(tmp_path: Path) -> None:
    (tmp_path / "tls-key.pem").write_text("sample")

    refused = init(tmp_path)

    require_exit(refused, 1)
    assert "not empty" in refused.output


def test_init_leaves_the_database_of_another_hub_alone(folder: Path, tmp_path: Path) -> None:
    database = folder / "hub.sqlite"

    refused = init(tmp_path / "second", "--database", f"sqlite:///{database}")

    require_exit(refused, 1)
    assert "holds a hub already" in refused.output
    assert not (tmp_path / "second").exists()
    require_exit(comity_hub("verify-ledger", folder=folder), 0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--domain", "HUB"),
        ("--agency", "hub"),
        ("--listen", "nonsense"),
        ("--enrol-listen", "nonsense"),
        ("--address", "hub.example"),
        ("--database", "mysql://db.example/x"),
    ],
)
def test_init_with_a_wrong_value_is_wrong_usage(tmp_path: Path, option: str, value: str) -> None:
    require_exit(init(tmp_path / "hub", option, value), 2)
    assert not (tmp_path / "hub").exists()


def test_init_where_no_folder_can_be_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("sample")

    require_exit(init(tmp_path / "file"), 1)
    require_exit(init(tmp_path / "file" / "hub"), 1)


# --- check-config and serve ---------------------------------------------------------------------


def change(name: str, old: str, new: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def add_setting(line: str) -> Callable[[Path], None]:
    return change("hub.toml", 'domain = "', f'{line}\ndomain = "')


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def take(source: str, target: str) -> Callable[[Path], object]:
    return lambda folder: (folder / target).write_bytes((folder / source).read_bytes())


def sign_in_the_past(folder: Path, *, days_left: int) -> None:
    """A certificate whose life is almost over, or over."""
    key, settings = generate_tls_key(), load_settings(folder)
    now = datetime.now(UTC) - HUB_LIFE + timedelta(days=days_left, hours=1)
    authority = load_authority(settings)
    certificate = authority.sign_hub(key.public_key(), hub_domain=DOMAIN, now=now)
    replace_server_pair(
        settings, key_pem=pem_from_key(key), certificate_pem=pem_from_certificate(certificate)
    )


def keep_policy(folder: Path, text: str) -> None:
    (folder / "policy").mkdir()
    (folder / "policy" / "review.toml").write_text(text, encoding="utf-8")
    add_setting('policy = "policy"')(folder)


def spoil_policy(folder: Path) -> None:
    keep_policy(folder, "[[terms]]\nreviewers = 99\nunheard_of = 1\n")


FAULTS: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "key missing": (remove("tls-key.pem"), 1, "tls-key.pem cannot be read"),
    "key readable": (lambda f: (f / "tls-key.pem").chmod(0o644), 1, "chmod 600"),
    "key of another": (take("ca-key.pem", "tls-key.pem"), 1, "another key"),
    "certificate expired": (lambda f: sign_in_the_past(f, days_left=-1), 1, "has run out"),
    "another name": (change("hub.toml", 'domain = "hub', 'domain = "bus'), 1, "does not name"),
    "listen": (change("hub.toml", '"0.0.0.0:8443"', '"nonsense"'), 1, "listen"),
    "access_keep_days": (add_setting("access_keep_days = -1"), 1, "access_keep_days"),
    "verifiers": (add_setting("verifiers = -3"), 1, "verifiers"),
    "database missing": (remove("hub.sqlite"), 1, "is missing"),
    "database spoilt": (take("tls.pem", "hub.sqlite"), 3, "database"),
    "database away": (change("hub.toml", "sqlite:///hub.sqlite", UNREACHABLE), 3, "database"),
    "authority missing": (remove("ca.pem"), 1, "ca.pem cannot be read"),
    "ledger key spoilt": (take("tls.pem", "ledger-key.pem"), 1, "ledger-key.pem"),
    "policy missing": (add_setting('policy = "nowhere"'), 1, "nowhere cannot be read"),
    "policy spoilt": (spoil_policy, 1, "review.toml"),
}


@pytest.mark.parametrize("command", ["check-config", "serve"])
@pytest.mark.parametrize(("spoil", "code", "said"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_serve_is_refused_in_words(
    folder: Path, command: str, spoil: Callable[[Path], object], code: int, said: str
) -> None:
    spoil(folder)
    before = sorted(path.name for path in folder.iterdir())

    refused = comity_hub(command, folder=folder)

    require_exit(refused, code)
    assert said in refused.output
    assert before == sorted(path.name for path in folder.iterdir())


def test_serving_at_an_address_that_is_none_is_wrong_usage(folder: Path) -> None:
    require_exit(comity_hub("serve", "--listen", "nonsense", folder=folder), 2)


def test_check_config_reads_the_policy(folder: Path) -> None:
    keep_policy(folder, builtin_policy().files["review.toml"])

    checked = comity_hub("check-config", folder=folder)

    require_exit(checked, 0)
    assert load_policy(folder / "policy").digest.hex() in checked.output


def test_check_config_says_that_the_certificate_runs_out(folder: Path) -> None:
    sign_in_the_past(folder, days_left=12)

    checked = comity_hub("check-config", folder=folder)

    require_exit(checked, 0)
    assert "runs out in 12 days" in checked.output


def test_check_config_says_that_the_authoritys_key_is_elsewhere(folder: Path) -> None:
    (folder / "ca-key.pem").unlink()

    checked = comity_hub("check-config", folder=folder)

    require_exit(checked, 0)
    assert "no agency can be admitted" in checked.output


def test_a_renewed_certificate_can_be_served(folder: Path) -> None:
    sign_in_the_past(folder, days_left=-1)

    require_exit(comity_hub("renew-certificate", folder=folder), 0)

    checked = comity_hub("check-config", folder=folder)
    require_exit(checked, 0)
    assert "runs out" not in checked.output
    assert (folder / "tls-key.pem").stat().st_mode & 0o777 == 0o600


def test_renewing_without_the_authoritys_key_changes_nothing(folder: Path) -> None:
    (folder / "ca-key.pem").unlink()
    before = (folder / "tls-key.pem").read_bytes()

    require_exit(comity_hub("renew-certificate", folder=folder), 1)

    assert before == (folder / "tls-key.pem").read_bytes()


# --- migrate ------------------------------------------------------------------------------------


def test_going_back_needs_a_yes(folder: Path) -> None:
    refused = comity_hub("migrate", "--to", "base", folder=folder)

    require_exit(refused, 1)
    assert "--yes" in refused.output
    assert "contact tests for good" in " ".join(refused.output.split())
    require_exit(comity_hub("verify-ledger", folder=folder), 0)


def test_going_up_needs_none(folder: Path) -> None:
    require_exit(comity_hub("migrate", folder=folder), 0)


def test_a_revision_that_is_not_known_is_wrong_usage(folder: Path) -> None:
    refused = comity_hub("migrate", "--to", "nonsense", folder=folder)

    require_exit(refused, 2)


def test_a_database_in_use_is_not_migrated(folder: Path) -> None:
    with held_alone(folder):
        refused = comity_hub("migrate", "--to", "base", "--yes", folder=folder)

    require_exit(refused, 1)
    require_exit(comity_hub("verify-ledger", folder=folder), 0)


@pytest.mark.parametrize(
    "command",
    [
        ["serve"],
        ["check-config"],
        ["verify-ledger"],
        ["agency", "list"],
        ["new-epoch", "--yes"],
    ],
    ids=" ".join,
)
def test_a_database_without_a_ledger_is_refused_in_words(folder: Path, command: list[str]) -> None:
    require_exit(comity_hub("migrate", "--to", "base", "--yes", folder=folder), 0)
    refused = comity_hub(*command, folder=folder)
    require_exit(refused, 1)
    assert "migrate" in refused.output

    require_exit(comity_hub("migrate", folder=folder), 0)
    refused = comity_hub(*command, folder=folder)
    require_exit(refused, 1)
    assert "holds no ledger" in refused.output


# --- ledger -------------------------------------------------------------------------------------


def test_a_ledger_that_was_changed_does_not_verify(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "hub.sqlite")) as connection, connection:
        connection.execute("UPDATE ledger_entries SET entry = x'00' WHERE entry_index = 1")

    require_exit(comity_hub("verify-ledger", folder=folder), 4)


@pytest.mark.parametrize("command", [["verify-ledger", "--checkpoint"], ["new-epoch", "--highest"]])
def test_a_note_that_is_missing_or_none_is_refused_in_words(
    folder: Path, command: list[str]
) -> None:
    missing = comity_hub(*command, str(folder / "none.note"), folder=folder)
    none = comity_hub(*command, str(folder / "ca.pem"), folder=folder)

    require_exit(missing, 1)
    assert "none.note cannot be read" in missing.output
    require_exit(none, 4)


def test_no_epoch_begins_without_the_ledgers_key(folder: Path) -> None:
    (folder / "ledger-key.pem").unlink()
    kept = (folder / "hub.sqlite").read_bytes()

    require_exit(comity_hub("new-epoch", "--yes", folder=folder), 1)

    assert kept == (folder / "hub.sqlite").read_bytes()


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_folder_without_a_hub_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "hub"
    if kind == "file":
        folder.write_bytes(os.urandom(64))

    for command in (["check-config"], ["serve"], ["migrate"], ["renew-certificate"]):
        require_exit(comity_hub(*command, folder=folder), 1)
