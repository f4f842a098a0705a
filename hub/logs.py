"""Logs: one JSON line per event on standard error, through the standard library's logging.

Never a body, a token or a key: the guard hands over names and numbers only.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

# Their messages name a file or an address. Those of other errors may quote what was being handled.
_TELLING = frozenset(
    {
        "OSError",
        *(kind.__name__ for kind in OSError.__subclasses__() if kind.__module__ == "builtins"),
    }
)
# The values of variables would put bodies, salts and keys into the log.
_frames_of = ExceptionDictTransformer(show_locals=False)

_log = logging.getLogger("hub.logs")


class CallFormatter(logging.Formatter):
    """The one line per call, written by hand: it is on the path of every request."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a call."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat()
        fields = record.__dict__
        return (
            f'{{"event": "call", "level": "info", "logger": "hub.calls", "timestamp": "{moment}", '
            f'"request_id": "{fields["request_id"]}", "agency": "{fields["agency"]}", '
            f'"rpc": {json.dumps(fields["rpc"])}, "code": "{fields["code"]}", '
            f'"milliseconds": {fields["milliseconds"]}}}'
        )


def trace_from(
    exc_info: tuple[type[BaseException], BaseException, TracebackType | None],
) -> list[dict[str, Any]]:
    """Where an error came from: kinds, files, lines and functions, never what was handled there."""
    return _without_contents(_frames_of(exc_info))


def _without_contents(stacks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for stack in stacks:
        if stack["exc_type"] not in _TELLING:
            stack["exc_value"] = ""
        stack["exc_notes"], stack["syntax_error"] = [], None
        for inner in stack.get("exceptions", ()):
            _without_contents(inner)
    return stacks


def log_lost_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An event loop's handler of errors that nobody waited for; its own would quote the error."""
    _log.error("%s", context["message"], exc_info=context.get("exception"))


def configure_logs(level: int) -> None:
    """Sets the process's logging up. Called once, by the command line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(trace_from),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    calls = logging.StreamHandler(sys.stderr)
    calls.setFormatter(CallFormatter())
    call_log = logging.getLogger("hub.calls")
    call_log.handlers[:] = [calls]
    call_log.propagate = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Python would print a line that cannot be written as it came, errors with all they quote.
    logging.raiseExceptions = False
    # gRPC logs a client's cancelling as an error of ours; alembic tells of every migration step.
    logging.getLogger("grpc._cython.cygrpc").setLevel(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # tells of every round
