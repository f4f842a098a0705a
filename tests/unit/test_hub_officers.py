"""`comity-hub init` with its administrators, and `comity-hub officer …` in this process."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.unit.hub_command import comity_hub, init, require_exit

ADD = ("officer", "add", "r.sample", "--name", "Sample", "--nationality", "KE")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    require_exit(init(tmp_path / "hub"), 0)
    return tmp_path / "hub"


def test_init_writes_the_passwords_into_a_private_file_and_not_out(tmp_path: Path) -> None:
    file = tmp_path / "passwords.txt"
    named = ("--administrator", "e.example:FR", "--administrator", "s.sample:KE")
    made = init(tmp_path / "hub", *named, "--passwords-file", str(file))
    lines = file.read_text(encoding="utf-8").splitlines()

    require_exit(made, 0)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [line.split()[0] for line in lines] == ["e.example", "s.sample"]
    assert not any(line.split()[1] in made.output for line in lines)
    again = init(tmp_path / "other", "--passwords-file", str(file))
    require_exit(again, 2)
    assert not (tmp_path / "other").exists()


def test_init_makes_two_administrators_or_more(tmp_path: Path) -> None:
    for named in (("one",), ("same", "same")):
        options = [word for name in named for word in ("--administrator", name)]
        require_exit(init(tmp_path / "hub", *options), 2)
    assert not (tmp_path / "hub").exists()


def test_init_shows_the_passwords_once(folder: Path) -> None:
    listed = comity_hub("officer", "list", folder=folder)

    require_exit(listed, 0)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["admin-1", "admin-2"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((*ADD, "--role", "emperor"), 2, "--role is one of"),
        ((*ADD, "--role", "officer"), 2, "roles"),
        ((*ADD, "--role", "hub-reviewer", "--agency", "nonsense"), 2, "agency"),
        ((*ADD, "--role", "officer", "--agency", "KE-NCB"), 1, "NOT_FOUND"),
        (("officer", "lock", "nobody"), 1, "NOT_FOUND"),
        (("officer", "reset", "nobody"), 1, "NOT_FOUND"),
        (("officer", "lock", "admin-2"), 1, "LAST_ADMINISTRATOR"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_what_is_wrong_is_said(
    folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = comity_hub(*arguments, folder=folder)

    require_exit(result, code)
    assert said in result.output


def test_a_name_is_taken_once(folder: Path) -> None:
    require_exit(comity_hub(*ADD, "--role", "hub-reviewer", folder=folder), 0)
    taken = comity_hub(*ADD, "--role", "hub-reviewer", folder=folder)

    require_exit(taken, 1)
    assert "OFFICER_EXISTS" in taken.output
