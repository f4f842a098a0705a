"""The peer: NATS JetStream over mutual TLS, syncing before every acknowledgement."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext

from benchmarks.pace import per_second_at_once, per_second_serial
from deploy.stage import free_port

START_TRIES = 50

_CONFIGURATION = """
listen: "127.0.0.1:{port}"
tls {{ cert_file: "{hub}/tls.pem", key_file: "{hub}/tls-key.pem", ca_file: "{hub}/ca.pem", verify: true }}
jetstream {{ store_dir: "{store}", sync_interval: always }}
"""  # noqa: E501


async def durable_paces(
    folder: Path, member: Path, *, size: int, count: int
) -> tuple[float, float]:
    """Messages of a size a second: one at a time, and with 64 in flight."""
    async with _stream(folder, member) as stream:
        message = bytes(size)

        async def publish(_number: int) -> None:
            await stream.publish("notices.all", message)

        await per_second_serial(range(100), publish)
        serial = await per_second_serial(range(count // 4), publish)
        return serial, await per_second_at_once(range(count), publish)


@asynccontextmanager
async def _stream(folder: Path, member: Path) -> AsyncIterator[JetStreamContext]:
    port, hub = free_port(), folder / "hub"
    configuration = folder / "nats.conf"
    configuration.write_text(
        _CONFIGURATION.format(port=port, hub=hub, store=folder / "jetstream"), encoding="utf-8"
    )
    command = [str(Path(sys.executable).with_name("nats-server")), "-c", str(configuration)]
    quiet = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        context = ssl.create_default_context(cafile=hub / "ca.pem")
        context.load_cert_chain(member / "certificate.pem", member / "tls-key.pem")
        client = await _connected(f"tls://localhost:{port}", context)
        stream = client.jetstream()
        await stream.add_stream(name="notices", subjects=["notices.>"])
        yield stream
        await client.close()
    finally:
        server.terminate()
        await server.wait()


async def _connected(address: str, context: ssl.SSLContext) -> Client:
    logging.getLogger("nats").setLevel(logging.CRITICAL)  # It tells of every try to connect.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    for _ in range(START_TRIES):
        try:
            return await nats.connect(address, tls=context, allow_reconnect=False)
        except (OSError, nats.errors.Error):
            await asyncio.sleep(0.1)
    raise RuntimeError("the NATS server did not start")
