"""The bare server's echo behind the hub's guard, over the hub's own database.

`python -m benchmarks.guarded HUB_FOLDER PORT` serves until it is ended. One process serves in every
way, so that what differs is the guard alone: `BARE` as gRPC calls it, `ADMITTED` once the guard has
identified the caller and asked its table, `GUARDED` with all that the guard does around a call, its
deadline and its log line included.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import hub  # noqa: F401 - sets the same TLS policy before gRPC is imported
from benchmarks.bare import echo
from comity.times import utc_now
from hub.logs import configure_logs
from hub.rpc.guard import Guard
from hub.rpc.table import Admission, Rule
from hub.services.accounts.identities import BuiltInOfficers
from hub.services.membership import Membership
from hub.settings import load_settings
from hub.store.database import Database
from hub.tls import TlsFiles

import grpc  # isort: skip

SERVICE = "comity.bench.Guarded"
BARE, ADMITTED, GUARDED = (f"/{SERVICE}/{name}" for name in ("Bare", "Admitted", "Guarded"))


class Chosen(grpc.aio.ServerInterceptor):
    """Lets the guard have one method, and nothing else."""

    def __init__(self, guard: Guard, method: str) -> None:
        self._guard = guard
        self._method = method

    async def intercept_service(  # type: ignore[override]  # the stubs have it generic
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any]]
        ],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Guarded or not."""
        if str(details.method) == self._method:
            return await self._guard.intercept_service(continuation, details)
        return await continuation(details)


async def serve(folder: Path, port: int) -> None:
    """Serves with the hub's certificate, membership and sessions."""
    settings = load_settings(folder)
    database = Database(settings.database_url)
    membership = Membership(database, monotonic=time.monotonic)
    officers = BuiltInOfficers(database, clock=utc_now, monotonic=time.monotonic)
    await membership.refresh()
    await officers.refresh()
    guard = Guard(
        hub_domain=settings.domain,
        rules=dict.fromkeys((ADMITTED, GUARDED), Rule("echo", Admission.ACTIVE_AGENCY, 30.0)),
        membership=membership,
        officers=officers,
        clock=utc_now,
    )
    server = grpc.aio.server(interceptors=[Chosen(guard, GUARDED)])

    async def admitted(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        await guard.admit(context, ADMITTED, "request")
        return request

    handler: grpc.RpcMethodHandler[bytes, bytes]
    handler = grpc.unary_unary_rpc_method_handler(echo, bytes, bytes)
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Bare": handler,
        "Guarded": handler,
        "Admitted": grpc.unary_unary_rpc_method_handler(admitted, bytes, bytes),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    tls = TlsFiles(settings, membership_version=lambda: membership.version)
    server.add_secure_port(f"127.0.0.1:{port}", tls.credentials())
    await server.start()
    print("Serving", flush=True)
    await asyncio.gather(membership.run(), officers.run(), server.wait_for_termination())


if __name__ == "__main__":
    configure_logs(logging.INFO)  # a line a call, as the hub writes it
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
