"""The system calls of running processes in the order of time, as strace sees them.

A call is stamped before the kernel begins it and after the kernel has done it, by the clock that
`time.time` reads.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SYNCS = ("fsync", "fdatasync")
TRACED = (*SYNCS, "pwrite64", "pwritev", "sendmsg", "recvmsg")
SHOWN_BYTES = "65536"  # of what is written: several pages of a log
NOT_PERMITTED = (
    "strace may not attach to processes here: run as root, in a container with "
    "--cap-add=SYS_PTRACE, and with kernel.yama.ptrace_scope below 3"
)

_LINE = re.compile(r"(?P<thread>\d+) +(?P<time>\d+\.\d+) (?P<rest>.*)")
_CALL = re.compile(r"(?P<name>\w+)\(\d+<(?P<file>.+?)>(?=[,) ])")
_RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>")
_END = re.compile(r".*\) += (?P<result>-?\d+)\b.* <(?P<seconds>\d+\.\d+)>$")


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A system call that has ended.

    `file` is the path, or both ends of the connection; `arguments` shows printable bytes as they
    are.
    """

    thread: int
    name: str
    file: str
    started: float
    ended: float
    result: int
    arguments: str


@contextmanager
def traced(pids: Sequence[int], *, output: Path) -> Iterator[None]:
    """Writes down what processes do, and their later children, as long as the context is open."""
    attached = [part for pid in pids for part in ("-p", str(pid))]
    command = [
        "strace",
        "-f",
        "-yy",
        "-ttt",
        "-T",
        "-s",
        SHOWN_BYTES,
        "-e",
        "trace=" + ",".join(TRACED),
    ]
    strace = subprocess.Popen(
        [*command, "-o", str(output), *attached], stderr=subprocess.PIPE, text=True
    )
    try:
        _require_attached(strace, len(pids))
        yield
    finally:
        strace.terminate()
        strace.communicate()


def _require_attached(strace: subprocess.Popen[str], count: int) -> None:
    assert strace.stderr is not None
    for _ in range(count):
        line = strace.stderr.readline()
        if "Operation not permitted" in line:
            pytest.skip(NOT_PERMITTED)
        assert " attached" in line, line


def parse_trace(lines: Iterable[str]) -> list[SystemCall]:
    """The calls on files and connections that ended, in the order in which they began."""
    begun: dict[tuple[str, str], tuple[str, float, str]] = {}
    calls = []
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        thread, time, rest = match["thread"], float(match["time"]), match["rest"]
        call, resumed, end = _CALL.match(rest), _RESUMED.match(rest), _END.match(rest)
        if call is not None:
            begun[thread, call["name"]] = (call["file"], time, rest)
        name = (call or resumed or {"name": ""})["name"]
        if end is not None and (thread, name) in begun:
            file, started, arguments = begun.pop((thread, name))
            ended, result = started + float(end["seconds"]), int(end["result"])
            calls.append(SystemCall(int(thread), name, file, started, ended, result, arguments))
    return sorted(calls, key=lambda one: one.started)
