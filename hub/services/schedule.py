"""A job at its times: once at the start, and then every so often.

The times are APScheduler's, in memory and declared in code; what a job has done is in its own
tables. Never runs a job twice at once, nor once for each time that was missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger


async def run_regularly(job: Callable[[], Awaitable[Any]], *, every_seconds: float) -> None:
    """Runs a job again and again until cancelled, or until it fails.

    Raises: what the job has raised, so that whoever started this notices.
    """
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    running: set[asyncio.Task[Any]] = set()

    async def run_noted() -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await job()
        except asyncio.CancelledError:
            return  # by `_stop` alone, and APScheduler would log it as a failure
        finally:
            running.discard(task)

    def note_failure(event: JobExecutionEvent) -> None:
        if not failed.done():
            failed.set_exception(event.exception)

    scheduler = AsyncIOScheduler(timezone=UTC, event_loop=loop)  # else it looks for the machine's
    scheduler.add_listener(note_failure, EVENT_JOB_ERROR)
    scheduler.add_job(
        run_noted,
        IntervalTrigger(seconds=every_seconds, timezone=UTC),
        next_run_time=datetime.now(UTC),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,  # a round that comes late is better than none
    )
    scheduler.start()
    try:
        await failed
    finally:
        await _stop(scheduler, running)


async def _stop(scheduler: AsyncIOScheduler, running: set[asyncio.Task[Any]]) -> None:
    """Whether it is told to wait or not, it cancels what runs, at the loop's next turn."""
    scheduler.shutdown(wait=False)
    await asyncio.sleep(0)
    if running:
        await asyncio.wait(running)
