"""What a look-up in the directory costs, beside an echo and one that writes an access record.

Over mutual TLS, one at a time, as an officer who is logged in. All ways take turns call by call, so
that whatever else the machine does falls on each; first among few entries, then, in the same hub
started anew, among ten times as many. Every call is a sample; nothing is rounded into classes.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agency_client.profile import CERTIFICATE, HUB_CA, TLS_KEY, load_profile
from benchmarks.people import logged_in
from benchmarks.recorded import BARE, RECORDED
from comity.v1 import authorities_pb2, directory_pb2
from comity.v1.directory_pb2_grpc import DirectoryServiceStub
from deploy.stage import DOMAIN, ROOT, Stage, free_port
from directory.sample.file import load_sample, text_from
from directory.sample.growing import grown

import grpc  # isort: skip

FEW, MANY = 5_000, 50_000
ROUNDS = 1_000
MEMBER = "FR-NCB"
MESSAGE = bytes(200)
LOADED_AT_ONCE = 5_000
WAYS = ("echo", "recorded_echo", "find_text", "find_filter", "resolve")

Call = Callable[[], Awaitable[object]]
# Of each way its samples, in seconds, in their order.
Samples = Mapping[str, Sequence[float]]


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that so large a share of all is not above."""
    ranked = sorted(samples)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


@dataclass(frozen=True, slots=True)
class LookUpCosts:
    """Samples among few entries and among many."""

    few: Samples
    many: Samples


async def look_up_figures(folder: Path, *, few: int, many: int, rounds: int) -> Mapping[str, float]:
    """The figures that are promised, and what they come from in milliseconds.

    Of the two kinds of finding the slower one is promised.
    """
    costs = await look_up_costs(folder, few=few, many=many, rounds=rounds)
    figures: dict[str, float] = {}
    for count, samples in ((few, costs.few), (many, costs.many)):
        for way in WAYS:
            for share in (50, 99):
                name = f"directory_{count}_{way}_p{share}_ms"
                figures[name] = 1_000 * percentile(samples[way], share / 100)
    for way, ours in (("find", ("find_text", "find_filter")), ("resolve", ("resolve",))):
        for share in (50, 99):
            name = f"directory_{way}_vs_recorded_echo_p{share}"
            figures[name] = max(_beside_echo(costs.few, each, share / 100) for each in ours)
    figures["directory_growth"] = max(
        _beside_echo(costs.many, way, 0.5) / _beside_echo(costs.few, way, 0.5)
        for way in ("find_text", "find_filter", "resolve")
    )
    return figures


def _beside_echo(samples: Samples, way: str, share: float) -> float:
    return percentile(samples[way], share) / percentile(samples["recorded_echo"], share)


async def look_up_costs(folder: Path, *, few: int, many: int, rounds: int) -> LookUpCosts:
    """Samples of every way, one a round."""
    stage = Stage(folder)
    stage.admit(MEMBER)
    entries = grown(load_sample(), many)
    _load(stage, entries[:few])
    found = []
    with _serving(stage) as echo_address:
        profile = load_profile(folder / "agencies" / MEMBER)
        log_in = logged_in(stage, profile, role="officer", address=stage.address)
        async with log_in as (_, kept):
            assert kept.kept is not None
            token = (("authorization", f"Bearer {kept.kept.access_token}"),)
            found.append(await _measured(stage, echo_address, token, entries[:few], rounds))
    _load(stage, entries[few:])
    with _serving(stage) as echo_address:
        found.append(await _measured(stage, echo_address, token, entries, rounds))
    return LookUpCosts(*found)


def _load(stage: Stage, entries: Sequence[authorities_pb2.Authority]) -> None:
    file = stage.folder / "authorities.json"
    note = ["--note-verbale", "Specimen 1", "--emergency"]
    for first in range(0, len(entries), LOADED_AT_ONCE):
        file.write_text(text_from(entries[first : first + LOADED_AT_ONCE]), encoding="utf-8")
        stage.hub("directory", "load", str(file), *note)


async def _measured(
    stage: Stage,
    echo_address: str,
    token: tuple[tuple[str, str], ...],
    entries: Sequence[authorities_pb2.Authority],
    rounds: int,
) -> Samples:
    samples: dict[str, list[float]] = {way: [] for way in WAYS}
    async with _channel(stage, echo_address) as echoes, _channel(stage, stage.address) as channel:
        calls = _calls(echoes, DirectoryServiceStub(channel), token, entries)
        warming = rounds // 10
        for number in range(warming + rounds):
            for turn in range(len(WAYS)):
                way = WAYS[(number + turn) % len(WAYS)]
                call = calls(way)
                started = time.perf_counter()
                await call()
                if number >= warming:
                    samples[way].append(time.perf_counter() - started)
    return samples


def _calls(
    echoes: grpc.aio.Channel,
    directory: Any,
    token: tuple[tuple[str, str], ...],
    entries: Sequence[authorities_pb2.Authority],
) -> Callable[[str], Call]:
    """The next call of a way, made ready; each asks something else."""
    bare: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = echoes.unary_unary(BARE)
    recorded: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = echoes.unary_unary(RECORDED)
    chance = random.Random(5)

    def call(way: str) -> Call:
        entry = chance.choice(entries)
        if way == "echo":
            return lambda: bare(MESSAGE)
        if way == "recorded_echo":
            return lambda: recorded(MESSAGE, metadata=token)
        if way == "resolve":
            request = _case(entry, chance)
            return lambda: directory.ResolveAuthority(request, metadata=token)
        query = _text(entry, chance) if way == "find_text" else _filter(entry, chance)
        asked = directory_pb2.FindAuthoritiesRequest(filter=query)
        return lambda: directory.FindAuthorities(asked, metadata=token)

    return call


def _text(entry: authorities_pb2.Authority, chance: random.Random) -> directory_pb2.AuthorityFilter:
    """Some of the words of a name, in any order, one of them misspelt now and then."""
    words = chance.choice(entry.names).text.split()
    words = chance.sample(words, min(len(words), chance.randint(1, 3)))
    if chance.random() < 0.25 and len(words[0]) > 5:
        words[0] = words[0][:2] + words[0][3] + words[0][2] + words[0][4:]
    return directory_pb2.AuthorityFilter(text=" ".join(words))


def _filter(
    entry: authorities_pb2.Authority, chance: random.Random
) -> directory_pb2.AuthorityFilter:
    """A country, or a competence in any country, with more that has to hold."""
    basis = chance.choice(entry.competences)
    query = directory_pb2.AuthorityFilter(reachable_now=chance.random() < 0.5)
    if chance.random() < 0.5:
        query.countries.append(entry.country)
    else:
        query.competences.append(basis.competence)
    if chance.random() < 0.3:
        query.languages.append(chance.choice(["en", "fr", "es"]))
    if basis.instruments and chance.random() < 0.3:
        query.instrument = chance.choice(basis.instruments).instrument
    return query


def _case(
    entry: authorities_pb2.Authority, chance: random.Random
) -> directory_pb2.ResolveAuthorityRequest:
    """What an entry is there for: asked for by an instrument of its own or by none."""
    basis = chance.choice(entry.competences)
    request = directory_pb2.ResolveAuthorityRequest(
        country=entry.country,
        competence=basis.competence,
        urgent=chance.random() < 0.3,
        languages=["fr", "en"] if chance.random() < 0.5 else [],
    )
    if basis.instruments and chance.random() < 0.5:
        request.instrument = chance.choice(basis.instruments).instrument
    return request


def _channel(stage: Stage, address: str) -> grpc.aio.Channel:
    member = stage.folder / "agencies" / MEMBER
    files = ((member / name).read_bytes() for name in (HUB_CA, TLS_KEY, CERTIFICATE))
    options = [("grpc.ssl_target_name_override", DOMAIN)]
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(*files), options)


@contextmanager
def _serving(stage: Stage) -> Iterator[str]:
    port = free_port()
    with (stage.folder / "recorded.log").open("a") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.recorded", str(stage.folder / "hub"), str(port)],
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
