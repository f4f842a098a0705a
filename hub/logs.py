"""Logs: one JSON line per event on standard error, through the standard library's logging.

Never a body, a token or a key: the guard hands over names and numbers only.
"""

from __future__ import annotations

import logging
import sys

import structlog

_FIELDS = ("request_id", "agency", "rpc", "code", "milliseconds")


def configure_logs(level: int) -> None:
    """Sets the process's logging up. Called once, by the command line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.stdlib.ExtraAdder(allow=_FIELDS),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.dict_tracebacks,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # gRPC logs a client's cancelling as an error of ours; alembic tells of every migration step.
    logging.getLogger("grpc._cython.cygrpc").setLevel(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.WARNING)
