"""Runs command lines each in a process of its own, forked from one that has loaded them already.

Three quarters of what a short command takes is loading; tests that run hundreds of them share it.
Run as a module it is the process that is forked from: a request a line on standard input, the
exit code of its command a line on standard output.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

# The command lines, and what they load when a command needs it.
MODULES = (
    "agency_client.cli",
    "agency_client.agency",
    "agency_client.runner",
    "agency_client.session",
    "hub.cli",
    "hub.app",
    "hub.making",
    "alembic.command",
    "psycopg",
)


class ForkedCommands:
    """The process that is forked from, started when it is first asked."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None
        self._asking = threading.Lock()

    def run(
        self, module: str, arguments: Sequence[str], *, environment: Mapping[str, str], cwd: Path
    ) -> subprocess.CompletedProcess[str]:
        """A command's exit code and what it wrote."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            request = {
                "module": module,
                "arguments": list(arguments),
                "environment": dict(environment),
                "cwd": str(cwd),
                "out": str(out),
                "err": str(err),
            }
            code = self._ask(request)
            return subprocess.CompletedProcess(
                [module, *arguments],
                code,
                out.read_text(encoding="utf-8"),
                err.read_text(encoding="utf-8"),
            )

    def stop(self) -> None:
        """Ends the process that is forked from."""
        if self._server is not None:
            _pipe(self._server.stdin).close()
            self._server.wait(10)
            _pipe(self._server.stdout).close()
            self._server = None

    def _ask(self, request: Mapping[str, Any]) -> int:
        with self._asking:
            if self._server is None:
                self._server = subprocess.Popen(
                    [sys.executable, "-m", "tests.forked_commands"],
                    env=request["environment"],
                    cwd=Path(__file__).parents[1],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            requests = _pipe(self._server.stdin)
            requests.write(json.dumps(request) + "\n")
            requests.flush()
            return int(_pipe(self._server.stdout).readline())


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _serve() -> None:
    for module in MODULES:
        importlib.import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(request: Mapping[str, Any]) -> None:
    """Is the command from here on; never returns."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, request["out"], os.O_WRONLY | os.O_CREAT),
        (2, request["err"], os.O_WRONLY | os.O_CREAT),
    ):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = [request["module"], *request["arguments"]]
    code = 0
    try:
        importlib.import_module(request["module"]).main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve()
