"""The schedule: again and again, never twice at once, and a failure is noticed."""

from __future__ import annotations

import asyncio
import logging

import pytest

from hub.services.jobs import Jobs
from hub.services.schedule import run_regularly

WAIT_SECONDS = 30  # bounds a test that would never end; nothing here is timed
OFTEN = 0.01


async def test_a_job_runs_at_once_and_then_again_and_again() -> None:
    rounds = asyncio.Semaphore(0)

    async def job() -> None:
        rounds.release()

    running = asyncio.create_task(run_regularly(job, every_seconds=OFTEN))
    async with asyncio.timeout(WAIT_SECONDS):
        for _ in range(3):
            await rounds.acquire()
    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()


async def test_a_round_that_lasts_is_not_joined_by_another_and_ends_with_the_schedule(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun = 0
    first, ended, both = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def lasting() -> None:
        nonlocal begun
        begun += 1
        first.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def counting() -> None:
        both.set()

    lasts = asyncio.create_task(run_regularly(lasting, every_seconds=OFTEN))
    async with asyncio.timeout(WAIT_SECONDS):
        await first.wait()
        for _ in range(3):  # times of the lasting one pass as well
            other = asyncio.create_task(run_regularly(counting, every_seconds=OFTEN))
            await both.wait()
            both.clear()
            other.cancel()
            await asyncio.wait([other])
    lasts.cancel()
    await asyncio.wait([lasts])

    assert begun == 1
    assert ended.is_set()
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_a_job_that_fails_ends_the_hub() -> None:
    async def failing() -> None:
        raise RuntimeError("sample failure")

    jobs = Jobs()
    jobs.start("reminders", run_regularly(failing, every_seconds=OFTEN))
    async with asyncio.timeout(WAIT_SECONDS):
        assert await jobs.failed == "reminders"
    await jobs.stop()
