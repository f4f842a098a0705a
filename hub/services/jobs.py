"""The hub's jobs: what it does beside its calls, each for as long as it serves.

A hub without one of them would go on answering and be wrong, or let its callers wait for ever. So
the first job that fails is told to whoever runs the hub, who ends it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

_log = logging.getLogger("hub.jobs")


class Jobs:
    """Starts jobs, notices when one fails, and stops them. Made inside the event loop."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def failed(self) -> asyncio.Future[str]:
        """Done as soon as a job has failed, with the name of the job."""
        return self._failed

    def start(self, name: str, job: Coroutine[None, None, None]) -> None:
        """Starts a job. Most run until they are stopped; one that has nothing to do may return."""
        task = asyncio.create_task(job, name=name)
        task.add_done_callback(self._look_at)
        self._tasks.append(task)

    def _look_at(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        _log.critical("the job %r failed, the hub has to end", task.get_name(), exc_info=error)
        if not self._failed.done():
            self._failed.set_result(task.get_name())

    async def stop(self) -> None:
        """Stops every job, the last that was started first."""
        while self._tasks:
            task = self._tasks.pop()
            task.cancel()
            await asyncio.wait([task])
