"""`make bench`: Comity beside a bare gRPC server and durable JetStream, in one run on one machine.

Prints a table and writes `build/bench.json`, one flat object of name and number. `--quick` takes a
fraction of the counts, to see that everything runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from statistics import median

import agency_client  # noqa: F401 - sets the TLS policy before gRPC is imported
from agency_client.agency import Agency, open_agency
from agency_client.profile import CERTIFICATE, HUB_CA, TLS_KEY, load_profile
from benchmarks.bare import ECHO, STREAM
from benchmarks.checking import ROUNDS as CHECKS
from benchmarks.checking import checking_figures
from benchmarks.delivery import catch_up, fan_out
from benchmarks.directory import FEW, MANY, ROUNDS, look_up_figures
from benchmarks.guarding import guard_costs
from benchmarks.jetstream import durable_paces
from benchmarks.pace import per_second_at_once, per_second_serial
from benchmarks.publishing import Publisher
from benchmarks.revoking import revocation_seconds
from deploy.stage import DOMAIN, ROOT, Stage, free_port

import grpc  # isort: skip

WATCHERS = [f"FR-WATCH{number}" for number in range(8)]
STREAMS = 200  # 25 for each of 8 agencies
FILL = 100_000
FIRST = 1_000
RESULT = ROOT / "build" / "bench.json"

AIMS = {
    "check_red_ms": "≤ 1",
    "publish_red_vs_small": "≤ 1.5",
    "publish_64_vs_echo": "≥ 0.3",
    "bulk_vs_jetstream": "≥ 0.7",
    "catch_up_vs_stream": "≥ 0.6",
    "fanout_200_slowest_ms": "≤ 100",
    "publish_growth": "≤ 1.2",
    "guard_certificate_vs_echo": "≤ 0.05",
    "guard_token_vs_echo": "≤ 0.15",
    "revocation_ms": "≤ 1000",
    "directory_find_vs_recorded_echo_p50": "≤ 2",
    "directory_find_vs_recorded_echo_p99": "≤ 5",
    "directory_resolve_vs_recorded_echo_p50": "≤ 2",
    "directory_growth": "≤ 1.3",
}


class Bench:
    """One run: a stage, and the figures so far."""

    def __init__(self, folder: Path, *, share: float) -> None:
        self.figures: dict[str, float] = {}
        self.stage = Stage(folder)
        self._share = share
        for agency in ("FR-NCB", "BR-NCB", *WATCHERS):
            self.stage.admit(agency)

    def count(self, full: int) -> int:
        """How many of something this run takes."""
        return max(64, int(full * self._share))

    def note(self, name: str, value: float) -> None:
        """Takes a figure and shows it."""
        self.figures[name] = round(value, 3)
        print(f"  {name:<38} {value:>12,.2f}   {AIMS.get(name, '')}", flush=True)

    async def run(self) -> None:
        """Everything, in an order that leaves the large ledger to the end."""
        async with AsyncExitStack() as stack:
            agencies = {
                name: await stack.enter_async_context(self._opened(name))
                for name in ("FR-NCB", "BR-NCB", *WATCHERS)
            }
            publisher = Publisher(agencies["FR-NCB"], "BR-NCB")
            size = publisher.signed(1)[0].ByteSize()
            self._check()
            await self._bare(size)
            await self._guard(agencies["FR-NCB"])
            await self._revocation()
            await self._directory()
            await self._publish(publisher)
            red = Publisher(agencies["FR-NCB"], "BR-NCB", example="notice-red")
            await self._publish_red(publisher, red)
            await self._peer(size)
            await self._fan_out(publisher, [agencies[name] for name in WATCHERS])
            await self._catch_up(agencies["BR-NCB"])
            await self._grow(publisher)

    def _opened(self, name: str) -> AbstractAsyncContextManager[Agency]:
        return open_agency(load_profile(self.stage.folder / "agencies" / name))

    def _check(self) -> None:
        """A red notice validated at the client, before it is signed."""
        for name, value in checking_figures(self.count(CHECKS)).items():
            self.note(name, value)

    async def _bare(self, size: int) -> None:
        with self._bare_server() as address:
            async with self._bare_channel(address) as channel:
                echo: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(ECHO)
                message = bytes(size)

                async def call(_number: int) -> None:
                    await echo(message)

                await per_second_serial(range(200), call)
                serial = await per_second_serial(range(self.count(2_000)), call)
                self.note("echo_serial_per_s", serial)
                at_once = await per_second_at_once(range(self.count(8_000)), call)
                self.note("echo_64_per_s", at_once)

    async def _guard(self, agency: Agency) -> None:
        """What the guard adds to an echo, as a share of it."""
        costs = await guard_costs(self.stage, agency, rounds=self.count(400))
        self.note("guarded_echo_us", 1e6 * costs.bare)
        self.note("guard_certificate_vs_echo", costs.certificate / costs.bare - 1)
        self.note("guard_token_vs_echo", costs.token / costs.bare - 1)
        self.note("guard_everything_vs_echo", costs.everything / costs.bare - 1)

    async def _revocation(self) -> None:
        """From an administrator's word until nothing passes, at another process of the hub."""
        seconds = await revocation_seconds()
        self.note("revocation_ms", 1_000 * median(seconds))
        self.note("revocation_worst_ms", 1_000 * max(seconds))

    async def _directory(self) -> None:
        """Look-ups among few and among many authorities, beside echoes of the same hub."""
        with tempfile.TemporaryDirectory(prefix="comity-bench-") as folder:
            figures = await look_up_figures(
                Path(folder), few=self.count(FEW), many=self.count(MANY), rounds=self.count(ROUNDS)
            )
        for name, value in figures.items():
            self.note(name, value)

    async def _publish(self, publisher: Publisher) -> None:
        await publisher.at_once(256)
        self.note("publish_serial_per_s", await publisher.serial(self.count(1_000)))
        self.note("publish_64_per_s", await publisher.at_once(self.count(6_000)))
        self.note("publish_bulk_per_s", await publisher.bulk(self.count(12_800)))
        self._ratio("publish_serial_vs_echo", "publish_serial_per_s", "echo_serial_per_s")
        self._ratio("publish_64_vs_echo", "publish_64_per_s", "echo_64_per_s")

    async def _publish_red(self, small: Publisher, red: Publisher) -> None:
        """A red notice, which waits for its reviewers, beside the small one of this run."""
        seconds = {}
        for name, publisher in (("small", small), ("red", red)):
            paces = [await publisher.at_once(self.count(1_500)) for _ in range(3)]
            seconds[name] = 1 / median(paces)
        self.note("publish_red_vs_small", seconds["red"] / seconds["small"])

    async def _peer(self, size: int) -> None:
        folder = self.stage.folder
        member = folder / "agencies" / "BR-NCB"
        serial, at_once = await durable_paces(folder, member, size=size, count=self.count(8_000))
        self.note("jetstream_serial_per_s", serial)
        self.note("jetstream_64_per_s", at_once)
        self._ratio("bulk_vs_jetstream", "publish_bulk_per_s", "jetstream_64_per_s")

    async def _fan_out(self, publisher: Publisher, watchers: list[Agency]) -> None:
        seconds = await fan_out(publisher, watchers, STREAMS)
        self.note("fanout_200_slowest_ms", 1_000 * median(seconds))
        self.note("fanout_200_worst_round_ms", 1_000 * max(seconds))

    async def _catch_up(self, agency: Agency) -> None:
        count = self.count(6_000)
        await agency.client.refresh_roster()
        self.note("catch_up_per_s", await catch_up(agency, count))
        event_size = 2_000  # a notice of the sample with its entry and proof, about
        with self._bare_server() as address:
            async with self._bare_channel(address) as channel:
                stream: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
                stream = channel.unary_stream(STREAM)
                call = stream(f"{count} {event_size}".encode())
                started = time.perf_counter()
                received = 0
                async for _ in call:
                    received += 1
                self.note("stream_per_s", received / (time.perf_counter() - started))
        self._ratio("catch_up_vs_stream", "catch_up_per_s", "stream_per_s")

    async def _grow(self, publisher: Publisher) -> None:
        """Cost of a publish in a large ledger, beside one of a thousand notices."""
        while self.stage.ledger_size() < self.count(FILL):
            await publisher.bulk(6_400)
        self.note("ledger_entries", self.stage.ledger_size())
        large = [await publisher.bulk(self.count(6_400)) for _ in range(3)]
        small = await self._small_ledger()
        self.note("publish_growth", median(small) / median(large))

    async def _small_ledger(self) -> list[float]:
        with tempfile.TemporaryDirectory(prefix="comity-bench-") as folder:
            stage = Stage(Path(folder))
            stage.admit("FR-NCB")
            stage.admit("BR-NCB")
            stage.start_hub()
            try:
                profile = load_profile(stage.folder / "agencies" / "FR-NCB")
                async with open_agency(profile) as agency:
                    publisher = Publisher(agency, "BR-NCB")
                    await publisher.bulk(FIRST)
                    return [await publisher.bulk(self.count(6_400)) for _ in range(3)]
            finally:
                stage.stop_hub()

    def _ratio(self, name: str, ours: str, theirs: str) -> None:
        self.note(name, self.figures[ours] / self.figures[theirs])

    @contextmanager
    def _bare_server(self) -> Iterator[str]:
        port = free_port()
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bare", str(self.stage.folder / "hub"), str(port)],
            cwd=ROOT,
            env=self.stage.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            if server.stdout is not None:
                server.stdout.readline()
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()

    def _bare_channel(self, address: str) -> grpc.aio.Channel:
        member = self.stage.folder / "agencies" / "BR-NCB"
        names = (HUB_CA, TLS_KEY, CERTIFICATE)
        credentials = grpc.ssl_channel_credentials(*((member / n).read_bytes() for n in names))
        options = [("grpc.ssl_target_name_override", DOMAIN)]
        return grpc.aio.secure_channel(address, credentials, options)


def main() -> None:
    """Runs everything and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the counts")
    share = 0.05 if parser.parse_args().quick else 1.0
    with tempfile.TemporaryDirectory(prefix="comity-bench-") as folder:
        bench = Bench(Path(folder), share=share)
        bench.stage.start_hub()
        try:
            asyncio.run(bench.run())
        finally:
            bench.stage.stop_hub()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(bench.figures, indent=2) + "\n", encoding="utf-8")
    print(f"Written to {RESULT.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
