"""A hub whose directory lets one officer ask without end, and an echo beside it in its process.

`python -m benchmarks.recorded HUB_FOLDER PORT` serves until it is ended. The hub serves where its
settings say; on the port `BARE` is an echo and nothing else, `RECORDED` one that passes the guard
and, as a look-up does, answers only when a durable access record says so.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from pathlib import Path
from typing import Any

import hub  # noqa: F401 - sets the same TLS policy before gRPC is imported
from benchmarks.bare import echo
from benchmarks.guarded import Chosen
from comity.times import utc_now
from comity.v1.ledger_pb2 import ACCESS_ACTION_LOOK_UP_AUTHORITIES, LOOK_UP_PURPOSE_CASE
from directory.services.limits import MINUTE, Allowance, LookUpAllowances
from hub.app import RunningHub, running_hub
from hub.logs import configure_logs
from hub.rpc.guard import Guard, current_caller
from hub.rpc.table import Admission, Rule
from hub.services.accounts.identities import BuiltInOfficers
from hub.settings import Settings, load_settings
from hub.store.database import Database
from hub.tls import TlsFiles

import grpc  # isort: skip

SERVICE = "comity.bench.Recorded"
BARE, RECORDED = (f"/{SERVICE}/{name}" for name in ("Bare", "Recorded"))
ENTRIES = range(20)  # a page of entries is named in a record

_UNTOLD = Allowance("of the benchmark", 10**9, MINUTE)


async def serve(folder: Path, port: int) -> None:
    """Serves both."""
    settings = load_settings(folder)
    allowances = LookUpAllowances(_UNTOLD, _UNTOLD, _UNTOLD, _UNTOLD)
    async with running_hub(settings, look_up_allowances=allowances) as running:
        officers = BuiltInOfficers(
            Database(settings.database_url), clock=utc_now, monotonic=time.monotonic
        )
        await officers.refresh()
        guard = Guard(
            hub_domain=settings.domain,
            rules={RECORDED: Rule("echo", Admission.ACTIVE_AGENCY, 30.0)},
            membership=running.membership,
            officers=officers,
            clock=utc_now,
        )
        server = _echo_server(port, settings, running, guard)
        await server.start()
        print("Serving", flush=True)
        await asyncio.gather(officers.run(), server.wait_for_termination())


def _echo_server(
    port: int, settings: Settings, running: RunningHub, guard: Guard
) -> grpc.aio.Server:
    async def recorded(request: bytes, _context: object) -> bytes:
        await running.access.record(
            current_caller(),
            ACCESS_ACTION_LOOK_UP_AUTHORITIES,
            entry_indices=ENTRIES,
            purpose=LOOK_UP_PURPOSE_CASE,
        )
        return request

    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Bare": grpc.unary_unary_rpc_method_handler(echo),
        "Recorded": grpc.unary_unary_rpc_method_handler(recorded, bytes, bytes),
    }
    server = grpc.aio.server(interceptors=[Chosen(guard, RECORDED)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    tls = TlsFiles(settings, membership_version=lambda: running.membership.version)
    server.add_secure_port(f"127.0.0.1:{port}", tls.credentials())
    return server


if __name__ == "__main__":
    configure_logs(logging.INFO)  # a line a call, as the hub writes it
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
