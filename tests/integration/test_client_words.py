"""What the command line says to people, and how it ends, driven as they do."""

from __future__ import annotations

import json
import os
import pty
import re
import stat
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from agency_client.addressing import addressees_text
from comity.identity import AgencyId
from deploy.stage import EXAMPLES
from tests.integration.drafts import new_id
from tests.stages import Stage

RED = str(EXAMPLES / "notice-red.json")
WAIT_SECONDS = 60


def test_who_receives_a_notice_is_named(served: Stage) -> None:
    said = served.comity("FR-NCB", "notice", "submit", RED, "--to", "BR,KE-NCB")

    assert "sent to BR-NCB, KE-NCB;" in said


def test_ones_own_notice_shows_whom_it_is_addressed_to(served: Stage) -> None:
    rule = ["--to", "all", "--except", "KE", "--and-later-members"]
    [sent] = served.documents("FR-NCB", "notice", "submit", RED, *rule)
    notice_id = sent["noticeId"]

    said = served.comity("FR-NCB", "notice", "show", notice_id)
    served.comity("FR-NCB", "notice", "widen", notice_id, "--to", "KE")
    [wider] = served.documents("FR-NCB", "notice", "show", notice_id)
    foreign = served.comity("KE-NCB", "notice", "show", notice_id, "--from", "FR-NCB")

    assert "BR-NCB" in sent["addressees"]
    assert "addressed to: all except KE, and later members; now BR-NCB" in said
    assert "KE-NCB" in wider["addressees"]
    assert "addressed to" not in foreign


def test_many_addressees_are_counted() -> None:
    agencies = [AgencyId(f"FR-A{number:02}") for number in range(12)]

    said = addressees_text(agencies)

    assert said.startswith("12 agencies: FR-A00, FR-A01,")
    assert said.endswith("FR-A09, ...")


def test_a_country_without_a_member_is_named(served: Stage) -> None:
    alone = served.run("FR-NCB", "notice", "submit", RED, "--to", "UG", expected=1).stderr
    beside = served.run("FR-NCB", "notice", "submit", RED, "--to", "all", "--except", "UG").stderr

    assert "--to: no member is of UG" in alone
    assert beside == "comity: no member is of UG.\n"


def test_a_new_version_at_fault_is_said_by_the_names_of_its_file(
    served: Stage, tmp_path: Path
) -> None:
    [sent] = served.documents("FR-NCB", "notice", "submit", RED, "--to", "BR")
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({**json.loads(Path(RED).read_text()), "caseReference": ""}))

    said = served.run("FR-NCB", "notice", "revise", sent["noticeId"], str(bad), expected=1).stderr

    assert "bad.json: caseReference" in said


def test_a_notice_that_is_not_here_says_how_it_would_be(served: Stage) -> None:
    said = served.run("KE-NCB", "notice", "show", new_id(), expected=1).stderr

    assert "comity run" in said
    assert "--from AGENCY" in said


def test_a_watch_that_was_opened_elsewhere_says_what_to_do(served: Stage) -> None:
    served.comity("FR-NCB", "notice", "submit", RED, "--to", "KE")
    watch = ["notice", "watch", "--from-start", "--name", "twice"]
    first = subprocess.Popen(
        served.comity_command("KE-NCB", *watch),
        env=served.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    first.stdout.readline()  # it is open
    served.comity("KE-NCB", *watch, "--count", "1")

    said = first.communicate(timeout=WAIT_SECONDS)[1]

    assert first.returncode == 1
    assert "give each its own --name" in said


def test_a_notice_that_nothing_is_kept_of_is_said_so(tmp_path: Path) -> None:
    away = Stage(tmp_path)
    away.admit("FR-NCB")

    said = away.run("FR-NCB", "notice", "submit", RED, "--to", "all", expected=3).stderr

    assert "Nothing was sent, and nothing is kept" in said
    assert "(nothing was left unanswered)" in away.run("FR-NCB", "notice", "send-kept").stderr


def test_a_verified_ledger_is_said_in_lines_of_sixty_columns(served: Stage) -> None:
    said = served.comity("KE-NCB", "ledger", "verify")

    assert re.search(r"Root [0-9a-f]{64}\n", said.replace("\n     ", ""))
    assert max(len(line) for line in said.splitlines()) <= 60


def test_a_file_of_receipts_is_its_owners_alone(served: Stage, tmp_path: Path) -> None:
    receipts = tmp_path / "receipts.jsonl"

    served.comity("FR-NCB", "notice", "submit", RED, "--to", "BR", "--receipt", str(receipts))

    assert stat.S_IMODE(receipts.stat().st_mode) == 0o600
    assert json.loads(receipts.read_text())["receipt"]


@pytest.mark.parametrize("arguments", [["--help"], ["notice", "list", "--own", "--all"]])
def test_an_output_that_is_full_is_said_in_one_line(served: Stage, arguments: list[str]) -> None:
    served.comity("FR-NCB", "notice", "submit", RED, "--to", "BR")
    command = served.comity_command("FR-NCB", *arguments)
    if arguments == ["--help"]:
        command = command[:-2]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command,
            env=served.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "comity: standard output cannot be written: No space left on device.\n"


def init_at_a_terminal(served: Stage, folder: Path, typed: list[bytes]) -> int:
    """The exit code of an `init` that asks for a passphrase, and is answered line by line."""
    options = ["--hub", served.address, "--hub-domain", "hub.example", "--name", "S", "--encrypt"]
    command = served.comity_command("unused", "init", "DE-BKA", *options)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], [*command[:-2], "-p", f"{folder}/de"], served.environment)
    shown = b""
    for line in typed:
        while not shown.endswith(b": "):
            shown += os.read(terminal, 1024)
        time.sleep(0.2)  # the terminal's echo is turned off a moment after the words
        shown = b""
        os.write(terminal, line)
    with suppress(OSError):  # the terminal is gone when the command is
        while os.read(terminal, 1024):
            pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_new_passphrase_is_asked_for_twice(served: Stage, tmp_path: Path) -> None:
    assert init_at_a_terminal(served, tmp_path, [b"correct horse\n", b"correct horse\n"]) == 0

    key = tmp_path / "de" / "signing-key.pem"
    assert b"ENCRYPTED" in key.read_bytes()


def test_an_interruption_at_a_prompt_ends_the_command(served: Stage, tmp_path: Path) -> None:
    assert init_at_a_terminal(served, tmp_path, [b"\x03"]) == 130


def test_a_passphrase_that_nobody_can_be_asked_for_is_said(served: Stage, tmp_path: Path) -> None:
    folder = f"{tmp_path}/de"
    options = ["--hub", served.address, "--hub-domain", "hub.example", "--name", "S", "--encrypt"]
    command = served.comity_command("unused", "init", "DE-BKA", *options)
    done = subprocess.run(
        [*command[:-2], "-p", folder],
        env=served.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )

    assert done.returncode == 1
    assert "COMITY_PASSPHRASE_FILE has to name a file" in done.stderr
    assert "Warning" not in done.stderr
