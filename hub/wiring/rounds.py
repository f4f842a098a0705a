"""What the hub does at its times, in whichever of its processes has the lease."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from directory.services.reminders import ROUND_SECONDS, Reminders
from hub.services.schedule import run_regularly


async def run_rounds(reminders: Reminders, run_notices: Callable[[], Awaitable[None]]) -> None:
    """Sends the directory's reminders and sees to notices, every minute until cancelled.

    Raises: what a round has raised that no other round would mend.
    """

    async def run_round() -> None:
        if await reminders.run_round():
            await run_notices()

    await run_regularly(run_round, every_seconds=ROUND_SECONDS)
