"""Exit codes of the command line, which scripts rest on."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agency_client.cli.application import EXIT_INTERRUPTED, app, command, endless_command
from agency_client.failures import InboxFailed
from agency_client.inbox import Inbox
from agency_client.profile import CERTIFICATE, HUB_CA, INBOX, Profile, make_folder, save_profile
from comity.errors import ComityError, QuotaExceeded, StoreUnavailable
from comity.identity import AgencyId
from tests.unit.small_ledger import SmallLedger
from tests.unit.test_submission import Desk


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMITY_HOME", str(tmp_path))
    return tmp_path


async def _interrupted() -> None:
    raise KeyboardInterrupt


def test_an_interrupted_command_is_not_done() -> None:
    with pytest.raises(typer.Exit) as ended:
        command(_interrupted)()

    assert ended.value.exit_code == EXIT_INTERRUPTED


def test_a_command_without_an_end_is_done_when_it_is_interrupted() -> None:
    with pytest.raises(typer.Exit) as ended:
        endless_command(_interrupted)()

    assert ended.value.exit_code == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreUnavailable(), 3), (QuotaExceeded(), 3), (InboxFailed("The disk is full."), 1)],
    ids=["store", "quota", "inbox"],
)
def test_what_to_try_again_is_told_from_an_error_of_this_machine(
    error: ComityError | InboxFailed, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async def failing() -> None:
        raise ExceptionGroup("of tasks", [error])

    with pytest.raises(typer.Exit) as ended:
        command(failing)()

    assert ended.value.exit_code == code
    assert error.message in capsys.readouterr().err


def test_a_damaged_inbox_is_an_error_of_this_machine(home: Path) -> None:
    profile = Profile(home / "default", AgencyId("FR-NCB"), "hub.example", "127.0.0.1:1")
    make_folder(profile.folder)
    save_profile(profile)
    for name in (CERTIFICATE, HUB_CA):
        profile.path(name).write_text("unused")
    profile.add_ledger_key(SmallLedger().ledger_key)
    profile.path(INBOX).write_bytes(b"no database" * 1_000)

    result = CliRunner().invoke(app, ["notice", "list"])

    assert result.exit_code == 1
    assert result.stderr.count(str(profile.path(INBOX))) == 1
    assert "is delivered anew" in result.stderr
    assert "acts not sent yet" in result.stderr


def test_an_inbox_that_cannot_be_opened_names_its_file_once(tmp_path: Path) -> None:
    with pytest.raises(InboxFailed) as failed:
        Inbox(tmp_path)

    assert f"The inbox {tmp_path} cannot be opened: Is a directory." == failed.value.message


async def test_a_receipt_that_the_inbox_does_not_take_leaves_the_act_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)

    def fails(_: object) -> None:
        raise InboxFailed("The disk is full.")

    monkeypatch.setattr(desk.inbox.sent, "save_receipts", fails)
    with pytest.raises(InboxFailed, match="Do not submit it again"):
        await desk.submitting.send(desk.requests(1)[0])
    with pytest.raises(InboxFailed, match="Do not submit it again"):
        await desk.submitting.send_kept()
    desk.inbox.close()
