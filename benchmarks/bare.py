"""The stack's own limit: a bare gRPC asyncio server over the same TLS, echoing and streaming.

`python -m benchmarks.bare HUB_FOLDER PORT` serves until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import hub  # noqa: F401 - sets the same TLS policy before gRPC is imported

import grpc  # isort: skip

SERVICE = "comity.bench.Bare"
ECHO = f"/{SERVICE}/Echo"
STREAM = f"/{SERVICE}/Stream"


async def echo(request: bytes, _context: object) -> bytes:
    """Gives back what came."""
    return request


async def stream(request: bytes, _context: object) -> AsyncIterator[bytes]:
    """As many messages of a size as the request says: two numbers."""
    count, size = (int(part) for part in request.split())
    message = bytes(size)
    for _ in range(count):
        yield message


async def serve(folder: Path, port: int) -> None:
    """Serves with the hub's own certificate and authority."""
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Echo": grpc.unary_unary_rpc_method_handler(echo),
        "Stream": grpc.unary_stream_rpc_method_handler(stream),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    pair = ((folder / "tls-key.pem").read_bytes(), (folder / "tls.pem").read_bytes())
    credentials = grpc.ssl_server_credentials([pair], (folder / "ca.pem").read_bytes(), True)
    server.add_secure_port(f"127.0.0.1:{port}", credentials)
    await server.start()
    print("Serving", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
