"""Logs: one JSON line per event on standard error, through the standard library's logging.

Never a body, a token or a key: the guard hands over names and numbers only.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

import structlog


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
                structlog.processors.dict_tracebacks,
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
    # gRPC logs a client's cancelling as an error of ours; alembic tells of every migration step.
    logging.getLogger("grpc._cython.cygrpc").setLevel(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.WARNING)
