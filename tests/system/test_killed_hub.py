"""kill -9 of the hub under load, fifty times in a row: it keeps every word that it has given."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from agency_client.client import HubClient
from agency_client.profile import INBOX
from agency_client.submission import Submitting
from deploy.stage import Stage
from tests.system.evidence import fetch_leaves, received_in, require_consistent, require_in_ledger
from tests.system.load import Member
from tests.system.publications import (
    EVERYBODY,
    Delivered,
    Publication,
    Publisher,
    deliveries_to,
    publications_of,
)

KILLS = 50
SEED = 20261126
SHORTEST, LONGEST = 0.02, 0.3  # seconds under full load; before them the clients come back
LOOK_SECONDS = 0.1
STALL_SECONDS = 60  # no single step of a working exchange takes as long

AT_WORK = ("FR-NCB", "BR-NCB", "KE-NCB")
READER = "AR-NCB"
MEMBERS = (*AT_WORK, READER)


@contextmanager
def reading(world: Stage) -> Iterator[None]:
    """An agency's own process that keeps its inbox filled."""
    process = subprocess.Popen(
        world.comity_command(READER, "run"),
        env=world.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(STALL_SECONDS)


async def kill_again_and_again(
    world: Stage, *, steady: Member, restarted: Sequence[Member], chance: random.Random
) -> None:
    """Kills the hub at random moments. Some agencies are started anew with it, one works through.

    Fails with whatever an agency finds wrong with what the hub says.
    """
    async with asyncio.TaskGroup() as group:
        working = group.create_task(steady.work())
        for _ in range(KILLS):
            tasks = [group.create_task(member.work()) for member in restarted]
            async with asyncio.timeout(STALL_SECONDS):
                for member in restarted:
                    await member.until_busy()
            await asyncio.sleep(chance.uniform(SHORTEST, LONGEST))
            await asyncio.to_thread(world.kill_hub)
            await end(tasks)
            await asyncio.to_thread(world.start_hub)
        await end([working])


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    async with asyncio.timeout(STALL_SECONDS):
        await asyncio.wait(tasks)


async def finish(members: Sequence[Member]) -> list[Publication]:
    """Sends what is unanswered, then a last notice of each to all; gives all that there is now."""
    publications: list[Publication] = []
    for member in members:
        async with member.opened() as agency:
            submitting = Submitting(agency)
            await submitting.send_kept()
            publisher = Publisher(agency, members=MEMBERS, chance=random.Random(SEED))
            await submitting.send(publisher.notice(EVERYBODY))
            publications += publications_of(agency.inbox.sent.list_submissions())
    return publications


async def catch_up(members: Sequence[Member], expected: Mapping[str, Sequence[Delivered]]) -> None:
    """Lets each follow until it has the last of what is addressed to it."""
    for member in members:
        last, _ = expected[member.profile.agency][-1]
        async with member.opened() as agency:
            await member.follow(agency, until=last)


async def until_received(inbox_path: Path, entry_index: int) -> None:
    """Waits until another process has an event in its inbox."""
    while entry_index not in dict(received_in(inbox_path)):  # noqa: ASYNC110 - only a file to watch
        await asyncio.sleep(LOOK_SECONDS)


@pytest.mark.timeout(300)  # a minute of hubs that start, and as long on a busy machine
@pytest.mark.threat("T50")
async def test_nothing_is_lost_or_out_of_order_when_the_hub_is_killed_fifty_times_under_load(
    world: Stage,
) -> None:
    world.admit(READER)
    chance = random.Random(SEED)
    homes = {name: world.folder / "agencies" / name for name in MEMBERS}
    members = [Member(homes[name], members=MEMBERS, chance=chance) for name in AT_WORK]
    with reading(world):
        await kill_again_and_again(world, steady=members[0], restarted=members[1:], chance=chance)
    publications = await finish(members)
    expected = {name: deliveries_to(name, publications) for name in MEMBERS}
    with reading(world):
        async with asyncio.timeout(STALL_SECONDS):
            await catch_up(members, expected)
            await until_received(homes[READER] / INBOX, expected[READER][-1][0])

    assert expected == {name: received_in(home / INBOX) for name, home in homes.items()}
    assert not any(member.repeated for member in members)
    async with members[0].opened() as agency:
        await require_kept(members, publications, agency.client)
    world.stop_hub()
    assert "The ledger verifies" in world.hub("verify-ledger")


async def require_kept(
    members: Sequence[Member], publications: Sequence[Publication], client: HubClient
) -> None:
    """Requires that every receipt and every checkpoint that an agency was given still holds."""
    leaves = await fetch_leaves(client)
    at = {publication.entry_index: publication for publication in publications}
    for member in members:
        require_in_ledger(member.told.receipts, leaves=leaves, publications=at, client=client)
    await require_consistent(set().union(*(m.told.checkpoints for m in members)), client)
