"""Officers at work on the command line, with secrets from private files or a pipe."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyotp

from agency_client.cli.secrets import (
    NEW_PASSWORD_FILE_VARIABLE,
    PASSWORD_FILE_VARIABLE,
    SECOND_FACTOR_FILE_VARIABLE,
)
from deploy.stage import free_port
from tests.stages import Stage

PASSWORD = "ferry lantern 7 oblique cobalt"


class Desk:
    """A stage, and the secrets that its commands are handed."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder)
        self.enrolment_address = f"127.0.0.1:{free_port()}"
        settings = folder / "hub" / "hub.toml"
        line = f'enrol_listen = "{self.enrolment_address}"\n'
        settings.write_text(settings.read_text(encoding="utf-8") + line, encoding="utf-8")
        self.stage.admit("FR-NCB")
        self.stage.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        self.stage.start_hub()

    def secret(self, variable: str, text: str) -> None:
        path = self.stage.folder / f"{variable}.txt"
        path.touch(0o600)
        path.write_text(text + "\n", encoding="utf-8")
        self.stage.environment[variable] = str(path)

    def set_up(self, profile: str, user: str, one_time: str) -> Sequence[str]:
        """Everything that a new administrator does; gives the recovery codes."""
        self.secret(PASSWORD_FILE_VARIABLE, one_time)
        self.secret(NEW_PASSWORD_FILE_VARIABLE, PASSWORD)
        self.stage.comity(profile, "login", user)
        self.stage.comity(profile, "password")
        self.secret(PASSWORD_FILE_VARIABLE, PASSWORD)
        with subprocess.Popen(
            self.stage.comity_command(profile, "second-factor"),
            env=self.stage.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as command:
            assert command.stdout is not None
            command.stdout.readline()
            factor = pyotp.parse_uri(command.stdout.readline().strip())
            assert isinstance(factor, pyotp.TOTP)
            shown, _ = command.communicate(factor.now() + "\n")
        assert command.returncode == 0
        return [line.strip() for line in shown.splitlines()[1:]]

    def hub_as(
        self, user: str, code: str, *arguments: str, expected: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """A command at the hub's machine, with an administrator's log-in."""
        self.secret(PASSWORD_FILE_VARIABLE, PASSWORD)
        self.secret(SECOND_FACTOR_FILE_VARIABLE, code)
        return self.stage.run_hub(*arguments, "--administrator", user, expected=expected)


def last_word(text: str) -> str:
    return text.split()[-1]
