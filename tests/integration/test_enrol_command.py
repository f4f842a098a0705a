"""`comity enrol` as an agency runs it, interrupted at every step.

At the hub nobody logs in here; `test_administrator_command.py` has what its administrators do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agency_client import enrolment
from agency_client.cli.application import app
from agency_client.enrolment import Enroller
from agency_client.profile import ENROLMENT, PROFILE_FILE, SEALING_KEY, TLS_KEY, load_profile
from deploy.stage import DOMAIN, free_port
from tests.stages import Stage

DIGEST_CHARS = 64


class EnrolmentStage(Stage):
    """A serving hub that agencies enrol at."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.enrolment_address = f"127.0.0.1:{free_port()}"
        path = folder / "hub" / "hub.toml"
        line = f'enrol_listen = "{self.enrolment_address}"\n'
        path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")

    def invite(self, agency: str) -> tuple[str, str]:
        """Invites without a log-in; gives code and fingerprint."""
        options = ("--name", "Sample office", "--kind", "police", "--emergency")
        printed = self.hub("agency", "invite", agency, *options)
        [code] = [line.split()[1] for line in printed.splitlines() if "  code " in line]
        [fingerprint] = [
            line.split()[1] for line in printed.splitlines() if " fingerprint " in line
        ]
        return code, fingerprint

    def approve(self, agency: str, digest: str) -> str:
        """Approves without a log-in; gives what was said."""
        return self.hub("agency", "approve", agency, "--digest", digest, "--emergency")

    def arguments(self, agency: str, fingerprint: str) -> list[str]:
        where = ["--hub", self.enrolment_address, "--hub-domain", DOMAIN]
        return ["enrol", agency, *where, "--fingerprint", fingerprint]

    def write_code(self, code: str) -> Path:
        path = self.folder / "code.txt"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(code)
        self.environment["COMITY_ENROLMENT_CODE_FILE"] = str(path)
        return path


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnrolmentStage]:
    made = EnrolmentStage(tmp_path_factory.mktemp("enrol"))
    made.start_hub()
    yield made
    made.stop_hub()


def digest_in(text: str) -> str:
    [digest] = [line.strip() for line in text.splitlines() if len(line.strip()) == DIGEST_CHARS]
    return digest


def test_two_commands_of_the_agency_lead_to_a_member(stage: EnrolmentStage) -> None:
    code, fingerprint = stage.invite("FR-NCB")
    stage.write_code(code)
    command = stage.arguments("FR-NCB", fingerprint)

    waiting = stage.comity("FR-NCB", *command, "--no-wait")
    digest = digest_in(waiting)
    assert digest in stage.hub("agency", "applications")
    assert "Admitted FR-NCB" in stage.approve("FR-NCB", digest)
    stage.comity("FR-NCB", *command)
    stage.comity("FR-NCB", "status")

    assert "FR-NCB               active     Sample office" in stage.hub("agency", "list")
    assert "holds a profile already" in stage.run("FR-NCB", *command, expected=1).stderr
    stage.hub("verify-ledger")


def test_an_invitation_that_was_taken_back_lets_nobody_in(stage: EnrolmentStage) -> None:
    code, fingerprint = stage.invite("KE-NCB")
    stage.hub("agency", "refuse", "KE-NCB", "--reason", "Sample reason", "--emergency")
    stage.write_code(code)

    refused = stage.run("KE-NCB", *stage.arguments("KE-NCB", fingerprint), expected=1)

    assert "CODE_REFUSED" in refused.stderr


@pytest.mark.threat("T81")
def test_another_fingerprint_ends_before_the_code_is_asked_for(stage: EnrolmentStage) -> None:
    stage.environment["COMITY_ENROLMENT_CODE_FILE"] = str(stage.folder / "missing")

    ended = stage.run("SE-NCB", *stage.arguments("SE-NCB", "00" * 32), expected=4)

    assert "not the hub whose fingerprint" in ended.stderr
    assert "missing" not in ended.stderr


def test_a_code_that_was_mistyped_is_not_sent(stage: EnrolmentStage) -> None:
    code, fingerprint = stage.invite("NO-NCB")
    stage.write_code(code[:-1])

    ended = stage.run("NO-NCB", *stage.arguments("NO-NCB", fingerprint), expected=1)

    assert "A code has 28" in ended.stderr
    assert code[:4] not in ended.stderr


class Interrupted(Exception):
    """What a power cut does at some step."""


STEPS = ("make_keys", "verify_hub", "apply", "fetch_state", "join")


def cut(monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool) -> None:
    """Ends a run before a step, or right after what it did."""
    original = getattr(Enroller, step)

    def interrupted(self: Enroller, *args: object, **options: object) -> object:
        if not after:
            raise Interrupted
        done = original(self, *args, **options)
        if not hasattr(done, "__await__"):
            raise Interrupted

        async def then_cut() -> None:
            await done
            raise Interrupted

        return then_cut()

    monkeypatch.setattr(Enroller, step, interrupted)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_an_interrupted_enrolment_goes_on_with_the_same_keys(
    stage: EnrolmentStage,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    step: str,
    after: bool,
) -> None:
    agency = f"DK-{step.upper().replace('_', '')}{'A' if after else 'B'}"
    folder = tmp_path / "profile"
    code, fingerprint = stage.invite(agency)
    monkeypatch.setenv("COMITY_ENROLMENT_CODE_FILE", str(stage.write_code(code)))
    command = [*stage.arguments(agency, fingerprint), "-p", f"{folder}/"]
    if step == "join":
        approve(stage, agency, CliRunner().invoke(app, [*command, "--no-wait"]).stdout)

    with monkeypatch.context() as patched:
        cut(patched, step, after=after)
        ended = CliRunner().invoke(app, [*command, "--no-wait"])
        assert isinstance(ended.exception, Interrupted)
    kept = {name: (folder / name).read_bytes() for name in private_files(folder)}

    if (folder / PROFILE_FILE).exists():  # it was cut off when all was done
        assert not (folder / ENROLMENT).exists()
    else:
        said = CliRunner().invoke(app, [*command, "--no-wait"]).stdout
        if step != "join":
            approve(stage, agency, said)
            assert CliRunner().invoke(app, command).exit_code == 0
    assert agency == load_profile(folder).agency
    assert kept.items() <= {n: (folder / n).read_bytes() for n in private_files(folder)}.items()
    assert {0o600} == {(folder / n).stat().st_mode & 0o777 for n in private_files(folder)}


def private_files(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*-key.pem")]


def approve(stage: EnrolmentStage, agency: str, said: str) -> None:
    stage.approve(agency, digest_in(said))


def test_keys_that_a_cut_off_run_left_without_an_application_are_made_anew(
    stage: EnrolmentStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "profile"
    code, fingerprint = stage.invite("IS-NCB")
    monkeypatch.setenv("COMITY_ENROLMENT_CODE_FILE", str(stage.write_code(code)))
    folder.mkdir(mode=0o700)
    (folder / TLS_KEY).write_text("cut off")
    (folder / TLS_KEY).chmod(0o600)

    command = [*stage.arguments("IS-NCB", fingerprint), "-p", f"{folder}/", "--no-wait"]
    assert CliRunner().invoke(app, command).exit_code == 0

    assert b"PRIVATE KEY" in (folder / TLS_KEY).read_bytes()


def test_a_folder_of_another_enrolment_is_left_alone(
    stage: EnrolmentStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "profile"
    code, fingerprint = stage.invite("FI-NCB")
    monkeypatch.setenv("COMITY_ENROLMENT_CODE_FILE", str(stage.write_code(code)))
    options = ["-p", f"{folder}/", "--no-wait"]
    assert (
        CliRunner().invoke(app, [*stage.arguments("FI-NCB", fingerprint), *options]).exit_code == 0
    )
    key = (folder / SEALING_KEY).read_bytes()

    ended = CliRunner().invoke(app, [*stage.arguments("FI-POLICE", fingerprint), *options])

    assert ended.exit_code == 1
    assert "holds an enrolment of FI-NCB" in ended.stderr
    assert key == (folder / SEALING_KEY).read_bytes()


def test_keys_may_be_encrypted(
    stage: EnrolmentStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "profile"
    code, fingerprint = stage.invite("EE-NCB")
    monkeypatch.setenv("COMITY_ENROLMENT_CODE_FILE", str(stage.write_code(code)))
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text("SAMPLE passphrase")
    monkeypatch.setenv("COMITY_PASSPHRASE_FILE", str(secret))
    command = [*stage.arguments("EE-NCB", fingerprint), "-p", f"{folder}/", "--encrypt"]

    said = CliRunner().invoke(app, [*command, "--no-wait"]).stdout
    approve(stage, "EE-NCB", said)
    assert CliRunner().invoke(app, command).exit_code == 0

    assert b"ENCRYPTED" in (folder / SEALING_KEY).read_bytes()


def test_waiting_ends_when_the_agency_is_admitted(
    stage: EnrolmentStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "profile"
    code, fingerprint = stage.invite("LV-NCB")
    monkeypatch.setenv("COMITY_ENROLMENT_CODE_FILE", str(stage.write_code(code)))
    command = [*stage.arguments("LV-NCB", fingerprint), "-p", f"{folder}/"]
    digest = digest_in(CliRunner().invoke(app, [*command, "--no-wait"]).stdout)
    monkeypatch.setattr(enrolment, "FIRST_POLL_SECONDS", 0.05)
    original = Enroller.fetch_state
    asked: list[int] = []

    async def fetch_and_approve(self: Enroller, *args: object) -> object:
        response = await original(self, *args)  # type: ignore[arg-type]
        asked.append(response.state)
        if len(asked) == 1:
            stage.approve("LV-NCB", digest)
        return response

    monkeypatch.setattr(Enroller, "fetch_state", fetch_and_approve)
    ended = CliRunner().invoke(app, command)

    assert ended.exit_code == 0
    assert "Waiting for the approval" in ended.stderr
    assert len(asked) > 1
    assert "comity run" in ended.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("admin", "invite", "LT-NCB", "--name", "Sample office", "--kind", "ncb"),
        ("admin", "applications"),
        ("admin", "approve", "LT-NCB", "--digest", "00" * 32),
        ("admin", "refuse", "LT-NCB", "--reason", "Sample reason"),
        ("consent", "LT-NCB", "--digest", "00" * 32),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_administrators_have_to_be_logged_in(
    stage: EnrolmentStage, command: tuple[str, ...]
) -> None:
    if not (stage.folder / "agencies" / "BR-NCB").exists():
        stage.admit("BR-NCB")

    assert "LOG_IN_REQUIRED" in stage.run("BR-NCB", *command, expected=1).stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ("admin", "invite", "LT-NCB", "--kind", "nonsense"),
        ("admin", "invite", "LT-NCB", "--hours", "337"),
        ("admin", "approve", "LT-NCB", "--digest", "00"),
        ("consent", "nonsense", "--digest", "00" * 32),
        ("enrol", "LT-NCB", "--hub", "h", "--hub-domain", DOMAIN, "--fingerprint", "00" * 32),
        ("enrol", "LT-NCB", "--hub", "h:1", "--hub-domain", DOMAIN, "--fingerprint", "00"),
    ],
    ids=lambda command: " ".join(command),
)
def test_wrong_usage_ends_with_2(stage: EnrolmentStage, wrong: tuple[str, ...]) -> None:
    assert stage.run("LT-NCB", *wrong, expected=2).returncode == 2
