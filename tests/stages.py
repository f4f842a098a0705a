"""The stage of the integration tests: its short commands are forked, where the system tests' start.

What is served still runs in processes of its own.
"""

from __future__ import annotations

import atexit
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from deploy.stage import NotAsExpected
from deploy.stage import Stage as StageOfProcesses
from tests.forked_commands import ForkedCommands

_commands = ForkedCommands()
atexit.register(_commands.stop)


class Stage(StageOfProcesses):
    """A folder with a hub and the profiles of its members. Nothing is reviewed unless told so."""

    def __init__(
        self, folder: Path, *, database_url: str | None = None, reviews: bool = False
    ) -> None:
        super().__init__(folder, database_url=database_url, reviews=reviews)

    def admit(self, agency: str, name: str = "Sample bureau") -> None:
        super().admit(agency, name)
        if self._hub is not None:
            self.until_answered(agency, "status")

    def until_answered(self, agency: str, *arguments: str) -> None:
        """A member's command, until the hub that serves has heard of what another process entered.

        Commands that start more slowly than these come after that by themselves.
        """
        while True:
            with suppress(NotAsExpected):
                self.comity(agency, *arguments)
                return
            time.sleep(0.05)

    def _run(self, command: Sequence[str], *, expected: int) -> subprocess.CompletedProcess[str]:
        program, option, code, *arguments = command
        module = code.split()[1]
        assert list(command) == self._command(module, *arguments), (program, option)
        done = _commands.run(module, arguments, environment=self.environment, cwd=self.folder)
        if done.returncode != expected:
            raise NotAsExpected(f"exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done
