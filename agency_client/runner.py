"""`comity run`: keeps the inbox filled, whatever the line does. One process per profile."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from agency_client.agency import Agency
from agency_client.profile import Profile
from agency_client.trust import VerifiedEvent
from agency_client.watching import Watch, Window
from comity.errors import MalformedInput
from comity.v1 import notices_pb2, watches_pb2

LIVE_WATCH = "inbox"
EXERCISE_WATCH = "inbox-exercise"

_WATCHES = {LIVE_WATCH: notices_pb2.TRAFFIC_LIVE, EXERCISE_WATCH: notices_pb2.TRAFFIC_EXERCISE}


@contextmanager
def held_alone(profile: Profile) -> Iterator[None]:
    """Holds the profile's lock.

    Raises: MalformedInput where another process holds it.
    """
    with profile.path("run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise MalformedInput("'comity run' is running for this profile already.") from error
        yield


def opening_of(
    agency: Agency, name: str, *, traffic: notices_pb2.Traffic.ValueType
) -> watches_pb2.OpenWatch:
    """How a watch of the inbox is opened: from what is on disk, a new one from the first entry."""
    cursor = agency.inbox.find_cursor(name)
    if cursor is None:
        return watches_pb2.OpenWatch(
            name=name, traffic=traffic, start=watches_pb2.WATCH_START_FIRST
        )
    return watches_pb2.OpenWatch(
        name=name,
        traffic=traffic,
        start=watches_pb2.WATCH_START_INDEX,
        first_index=cursor,
    )


async def keep_window(agency: Agency, name: str, window: Window) -> list[VerifiedEvent]:
    """Puts a window on disk with the watch's place; gives what was not there yet."""
    agency.keep_trust()
    return await asyncio.to_thread(
        agency.inbox.commit_window,
        name,
        next_index=window.next_index,
        checkpoint=window.checkpoint,
        verified=window.verified,
        quarantined=window.quarantined,
    )


async def kept_windows(
    agency: Agency, opening: watches_pb2.OpenWatch
) -> AsyncIterator[tuple[Window, list[VerifiedEvent]]]:
    """Windows of a watch, each on disk and confirmed, with what was new in it.

    Raises: as `Watch.windows`; StoreUnavailable where the disk does not take a window.
    """
    watch = Watch(agency.client, opening)
    async for window in watch.windows():
        new = await keep_window(agency, opening.name, window)
        watch.confirm(window)
        yield window, new


async def keep_inbox_filled(agency: Agency, report: Callable[[Window, int], None]) -> None:
    """Keeps both watches going until cancelled; `report` hears of every window.

    Raises: VerificationFailed where the hub may not be believed; AccessRefused; Superseded.
    """
    async with asyncio.TaskGroup() as group:
        for name, traffic in _WATCHES.items():
            opening = opening_of(agency, name, traffic=traffic)
            group.create_task(_keep_one(agency, opening, report))


async def _keep_one(
    agency: Agency, opening: watches_pb2.OpenWatch, report: Callable[[Window, int], None]
) -> None:
    async for window, new in kept_windows(agency, opening):
        report(window, len(new))
