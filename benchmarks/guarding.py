"""What the guard costs a call: an echo behind it beside the same echo without it.

The three ways take turns in short rounds, so that whatever else the machine does falls on each.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from agency_client.agency import Agency
from agency_client.profile import CERTIFICATE, HUB_CA, TLS_KEY
from benchmarks.guarded import ADMITTED, BARE, GUARDED
from benchmarks.people import logged_in
from deploy.stage import DOMAIN, ROOT, Stage, free_port

import grpc  # isort: skip

CALLS_A_ROUND = 25
MESSAGE = bytes(1_000)


@dataclass(frozen=True, slots=True)
class GuardCosts:
    """Seconds a call, one at a time: without the guard; with identity and table, by certificate and
    with a token too; and with everything that the guard does."""

    bare: float
    certificate: float
    token: float
    everything: float


async def guard_costs(stage: Stage, agency: Agency, *, rounds: int) -> GuardCosts:
    """Medians over rounds of calls."""
    async with logged_in(stage, agency.profile, role="officer", address=stage.address) as (_, kept):
        assert kept.kept is not None
        token = (("authorization", f"Bearer {kept.kept.access_token}"),)
    with _server(stage) as address:
        folder = agency.profile.folder
        files = ((folder / name).read_bytes() for name in (HUB_CA, TLS_KEY, CERTIFICATE))
        credentials = grpc.ssl_channel_credentials(*files)
        options = [("grpc.ssl_target_name_override", DOMAIN)]
        async with grpc.aio.secure_channel(address, credentials, options) as channel:
            bare: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(BARE)
            admitted: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(ADMITTED)
            guarded: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(GUARDED)
            ways: list[Callable[[], Any]] = [
                lambda: bare(MESSAGE),
                lambda: admitted(MESSAGE),
                lambda: admitted(MESSAGE, metadata=token),
                lambda: guarded(MESSAGE, metadata=token),
            ]
            times: list[list[float]] = [[] for _ in ways]
            for number in range(rounds):
                for way in range(len(ways)):
                    turn = (number + way) % len(ways)
                    times[turn].append(await _seconds_a_call(ways[turn]))
    return GuardCosts(*(median(found[len(found) // 10 :]) for found in times))


async def _seconds_a_call(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS_A_ROUND):
        await call()
    return (time.perf_counter() - started) / CALLS_A_ROUND


@contextmanager
def _server(stage: Stage) -> Iterator[str]:
    port = free_port()
    with (stage.folder / "guarded.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.guarded", str(stage.folder / "hub"), str(port)],
            cwd=ROOT,
            env=stage.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        if server.stdout is not None:
            server.stdout.readline()
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
