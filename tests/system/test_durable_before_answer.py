"""No answer leaves before its commit is on disk: shown by the system calls of hub and database."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from agency_client.agency import open_agency
from agency_client.profile import load_profile
from comity.acts import parse_act
from deploy.stage import Stage
from tests.system.publications import Publisher
from tests.system.trace import SYNCS, SystemCall, parse_trace, traced

SUBMISSIONS = 20
WARM_UP = 3  # so that the database's connections are there to be traced
LEAST_ANSWER_BYTES = 200  # a receipt has several hundred, what else HTTP/2 sends some tens
MEMBERS = ("FR-NCB", "BR-NCB", "KE-NCB")


@dataclass(frozen=True, slots=True)
class Exchange:
    """When a client began to send a notice, and when it had the receipt."""

    notice_id: str
    sent: float
    received: float


async def submit_one_by_one(world: Stage, *, output: Path) -> list[Exchange]:
    """Submits notices, never two at a time, while the hub and its database are traced."""
    exchanges = []
    async with open_agency(load_profile(world.folder / "agencies" / "FR-NCB")) as agency:
        publisher = Publisher(agency, members=MEMBERS, chance=random.Random(1))
        for _ in range(WARM_UP):
            await agency.client.submit_acts(publisher.notice().acts)
        with traced([world.hub_pid, *database_pids(world)], output=output):
            for _ in range(SUBMISSIONS):
                acts = publisher.notice().acts
                sent = time.time()
                await agency.client.submit_acts(acts)
                notice_id = parse_act(acts[0]).notice_id
                exchanges.append(Exchange(notice_id, sent, time.time()))
    return exchanges


def database_pids(world: Stage) -> list[int]:
    """Every process of the PostgreSQL, the one that starts others included; none on SQLite."""
    if world.database_url is None:
        return []
    with psycopg.connect(world.database_url) as connection:
        [(lock_file,)] = connection.execute("SELECT pg_read_file('postmaster.pid')")
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE pid != pg_backend_pid()"
        ).fetchall()
    return [int(lock_file.split()[0]), *(pid for (pid,) in rows)]


def is_on_log(call: SystemCall) -> bool:
    """Whether a call is on the write-ahead log."""
    return call.file.endswith(".sqlite-wal") or "/pg_wal/" in call.file


def is_durable(exchange: Exchange, calls: Sequence[SystemCall], *, port: str) -> bool:
    """Whether a notice was on disk before its answer left.

    1. The answer is the first message of its size that went to the client.
    2. Between the request's arrival and the answer the notice was written to the log.
    3. Whoever wrote it has synced the log after its last write, and before the answer.
    """
    during = [c for c in calls if exchange.sent <= c.started <= exchange.received and c.result >= 0]
    on_line = [c for c in during if c.file.startswith("TCP") and f":{port}->" in c.file]
    arrival = next(c for c in on_line if c.name == "recvmsg" and c.result > 0)
    answer = next(  # 1
        c for c in on_line if c.name == "sendmsg" and c.result >= LEAST_ANSWER_BYTES
    )
    on_log = [
        c
        for c in during
        if is_on_log(c) and arrival.ended <= c.started and c.ended <= answer.started
    ]
    writers = {c.thread for c in on_log if exchange.notice_id in c.arguments}  # 2
    last = {c.thread: c.name for c in on_log}
    return any(last[thread] in SYNCS for thread in writers)  # 3


@pytest.mark.threat("T50")
async def test_a_submission_is_synced_to_disk_before_its_answer_leaves(
    world: Stage, tmp_path: Path
) -> None:
    output = tmp_path / "trace.txt"
    exchanges = await submit_one_by_one(world, output=output)

    calls = parse_trace(output.read_text(encoding="utf-8").splitlines())
    port = world.address.rpartition(":")[2]
    durable = [is_durable(exchange, calls, port=port) for exchange in exchanges]
    assert durable == [True] * SUBMISSIONS
    # The same trace without its syncs convinces nobody.
    others = [call for call in calls if call.name not in SYNCS]
    assert not any(is_durable(exchange, others, port=port) for exchange in exchanges)
