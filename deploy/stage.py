"""A hub and agencies as their users run them: by the command lines, in processes of their own.

The demo, the system tests and the benchmarks play on it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
DOMAIN = "hub.example"
START_SECONDS = 30
_NO_REVIEW = """\
[[terms]]
reviewers = 1
due_hours = 24
before_publication = false
sample_percent = 0
"""
RUN_SECONDS = 120


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class NotAsExpected(Exception):
    """A command ended otherwise than it should have; says what it wrote."""


class Stage:
    """A folder with a hub and the profiles of its members.

    Without `reviews` the hub has a policy of its own by which nothing is reviewed: what is played
    is something else.
    """

    def __init__(
        self, folder: Path, *, database_url: str | None = None, reviews: bool = True
    ) -> None:
        self.folder = folder
        self.database_url = database_url
        self.address = f"127.0.0.1:{free_port()}"
        self.environment = {
            **os.environ,
            "COMITY_HOME": str(folder / "agencies"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "proto")]),
        }
        self._hub: subprocess.Popen[str] | None = None
        self._others: list[subprocess.Popen[str]] = []
        options = ["--database", database_url] if database_url else []
        self.hub(
            "init",
            "--domain",
            DOMAIN,
            "--listen",
            self.address,
            "--address",
            self.address,
            *options,
        )
        if not reviews:
            self._review_nothing()

    def _review_nothing(self) -> None:
        policy = self.folder / "hub" / "policy"
        policy.mkdir(mode=0o700)
        (policy / "review.toml").touch(mode=0o600)
        (policy / "review.toml").write_text(_NO_REVIEW, encoding="utf-8")
        with (self.folder / "hub" / "hub.toml").open("a", encoding="utf-8") as settings:
            settings.write('policy = "policy"\n')

    def admit(self, agency: str, name: str = "Sample bureau") -> None:
        hub = ["--hub", self.address, "--hub-domain", DOMAIN]
        self.comity(agency, "init", agency, *hub, "--name", name)
        application = self.folder / "agencies" / agency / "application.json"
        admission = self.folder / f"{agency}.admission.json"
        self.hub(
            "agency", "add", "--application", str(application), "--out", str(admission), "--yes"
        )
        self.comity(agency, "join", str(admission))

    @property
    def hub_profile(self) -> str:
        """The profile of the hub's own agency, as `comity` calls it."""
        return str(self.folder / "hub" / "agency")

    def log_in(self, agency: str) -> None:
        """An officer of an agency, made at the hub's machine and logged in at the agency's."""
        user = f"sample.{agency.lower()}"
        self._log_in(agency, user, "--role", "officer", "--agency", agency)

    def log_in_reviewer(self, number: int, *, nationality: str) -> None:
        """A reviewer of the hub, in place of who was logged in there before."""
        role = ["--role", "hub-reviewer", "--nationality", nationality]
        self._log_in(self.hub_profile, f"reviewer.{number}", *role)

    def _log_in(self, profile: str, user: str, *role: str) -> None:
        who = ["--name", "Sample officer", *role]
        given = self.hub("officer", "add", user, *who).split()[-1]
        chosen = secrets.token_urlsafe()
        files = {"COMITY_PASSWORD_FILE": given, "COMITY_NEW_PASSWORD_FILE": chosen}
        for variable, password in files.items():
            path = self.folder / variable.lower()
            path.touch(mode=0o600)
            path.write_text(password, encoding="utf-8")
            self.environment[variable] = str(path)
        # What is played here leaves nothing in the key ring of whoever runs it.
        self.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        self.comity(profile, "login", user)
        self.comity(profile, "password")

    def start_hub(self) -> None:
        self._hub = self._serving()

    def start_another_hub(self) -> str:
        """One more process of a hub on PostgreSQL; gives its address. `stop_hub` stops it too."""
        address = f"127.0.0.1:{free_port()}"
        self._others.append(self._serving("--listen", address))
        return address

    def _serving(self, *options: str) -> subprocess.Popen[str]:
        with (self.folder / "hub.log").open("a") as log:
            hub = subprocess.Popen(
                self.hub_command("serve", *options),
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        if hub.stdout is None or not hub.stdout.readline().startswith("Serving"):
            self._end(hub, signal.SIGKILL)
            raise NotAsExpected((self.folder / "hub.log").read_text(encoding="utf-8"))
        return hub

    @property
    def hub_pid(self) -> int:
        """The process of the hub that serves."""
        if self._hub is None:
            raise NotAsExpected("no hub is serving")
        return self._hub.pid

    def kill_hub(self) -> None:
        self._end(self._hub, signal.SIGKILL)
        self._hub = None

    def stop_hub(self) -> None:
        for hub in (self._hub, *self._others):
            self._end(hub, signal.SIGTERM)
        self._hub = None
        self._others.clear()

    @staticmethod
    def _end(hub: subprocess.Popen[str] | None, number: signal.Signals) -> None:
        if hub is None:
            return
        hub.send_signal(number)
        hub.wait(START_SECONDS)
        if hub.stdout is not None:
            hub.stdout.close()

    def hub(self, *arguments: str) -> str:
        return self.run_hub(*arguments).stdout

    def run_hub(self, *arguments: str, expected: int = 0) -> subprocess.CompletedProcess[str]:
        return self._run(self.hub_command(*arguments), expected=expected)

    def hub_command(self, *arguments: str) -> list[str]:
        return self._command("hub.cli", *arguments, "-f", str(self.folder / "hub"))

    def comity(self, agency: str, *arguments: str, expected: int = 0) -> str:
        return self.run(agency, *arguments, expected=expected).stdout

    def offline(self, *arguments: str, expected: int = 0) -> str:
        """A command of `comity` that is of no agency."""
        command = self._command("agency_client.cli", *arguments)
        return self._run(command, expected=expected).stdout

    def run(
        self, agency: str, *arguments: str, expected: int = 0
    ) -> subprocess.CompletedProcess[str]:
        return self._run(self.comity_command(agency, *arguments), expected=expected)

    def comity_command(self, agency: str, *arguments: str) -> list[str]:
        return self._command("agency_client.cli", *arguments, "-p", agency)

    def background(self, agency: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.comity_command(agency, *arguments),
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @contextmanager
    def running(self, agency: str) -> Iterator[None]:
        """`comity run` of an agency, for as long as the context is open."""
        process = self.background(agency, "run")
        try:
            yield
        finally:
            process.terminate()
            process.communicate(timeout=START_SECONDS)

    def ledger_size(self) -> int:
        """The entries in the ledger of a hub on SQLite."""
        with closing(sqlite3.connect(self.folder / "hub" / "hub.sqlite")) as connection:
            [(size,)] = connection.execute("SELECT size FROM ledger_head")
        return int(size)

    def documents(self, agency: str, *arguments: str) -> list[Any]:
        lines = self.comity(agency, *arguments, "--json").splitlines()
        return [json.loads(line) for line in lines]

    def receipted(self, agency: str) -> set[str]:
        """The imported notices for which an agency has the hub's receipt on its own disk."""
        path = self.folder / "agencies" / agency / "inbox.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute(
                "SELECT notice_id FROM submissions "
                "WHERE receipted IS NOT NULL AND source LIKE 'un%'"
            )
            return {notice_id for (notice_id,) in rows}

    @staticmethod
    def _command(module: str, *arguments: str) -> list[str]:
        return [sys.executable, "-c", f"from {module} import main; main()", *arguments]

    def _run(self, command: Sequence[str], *, expected: int) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,  # whoever runs this may sit at a terminal, and is not asked
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        if done.returncode != expected:
            raise NotAsExpected(f"exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done
