"""What time does to notices: reminded of, expired, erased with a certificate, each exactly once.

The rounds over real databases, with a clock of ours.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from comity.errors import LedgerForked
from comity.times import timestamp_from
from comity.v1 import events_pb2
from comity.v1.ledger_pb2 import LedgerEntry
from deploy.stage import DOMAIN
from directory.services.reminders import Reminders
from hub.store.acts import erase_acts, find_acts_at
from hub.store.audit import audit_ledger
from hub.store.database import Database
from hub.store.events import list_events
from hub.store.ledger import find_entries
from hub.wiring.rounds import run_rounds
from tests.databases import new_database
from tests.integration.conftest import DATABASES
from tests.integration.drafts import Draft
from tests.unit.hub_parts import (
    Clock,
    HubParts,
    begin,
    new_draft,
    serving,
    settle,
    sqlite_url,
)

DAYS = 40  # a notice lives: both reminders come before the end


class Life:
    """A notice of France's to Brazil that expires after forty days."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self.clock = clock
        self.draft: Draft = new_draft()
        end = clock() + timedelta(days=DAYS)
        self.draft.notice.expires_at.CopyFrom(timestamp_from(end))
        self.entry = 0

    async def publish(self, parts: HubParts) -> None:
        self.entry = (await parts.submit(self.draft.acts())).entry_index

    async def told(self, database: Database) -> dict[str, int]:
        """How often what happened to the notice, by the kinds of its events."""
        async with database.read() as connection:
            listed = await list_events(connection, 0, below=1 << 40, limit=1_000)
        events = [event for event in listed if event.notice_id == self.draft.notice.notice_id]
        names = [events_pb2.EventKind.Name(event.kind) for event in events]  # type: ignore[arg-type]
        return dict(Counter(name.removeprefix("EVENT_KIND_") for name in names))


@pytest.fixture(params=DATABASES)
async def life(request: pytest.FixtureRequest, tmp_path: Path) -> Life:
    url = sqlite_url(tmp_path)
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    database = Database(url)
    await begin(database)
    await database.dispose()
    return Life(url, Clock())


@pytest.fixture
async def database(life: Life) -> AsyncIterator[Database]:
    database = Database(life.url)
    yield database
    await database.dispose()


async def test_an_originator_is_reminded_once_at_each_stage(life: Life, database: Database) -> None:
    told = []
    async with serving(database, clock=life.clock) as parts:
        await life.publish(parts)
        for days in (0, 9, 11, 12, 32, 34):
            life.clock.ahead = timedelta(days=days)
            await parts.rounds.do_due()
            told.append((await life.told(database)).get("EXPIRY_NEAR", 0))

    assert told == [0, 0, 1, 1, 1, 2]


async def test_who_was_away_at_both_stages_is_reminded_once(life: Life, database: Database) -> None:
    async with serving(database, clock=life.clock) as parts:
        await life.publish(parts)
        life.clock.ahead = timedelta(days=36)
        done = await parts.rounds.do_due()
        again = await parts.rounds.do_due()

    assert (done, again) == (1, 0)
    assert await life.told(database) == {"PUBLISHED": 1, "EXPIRY_NEAR": 1}


async def test_what_expires_is_recalled_and_erased_with_a_certificate(
    life: Life, database: Database
) -> None:
    async with serving(database, clock=life.clock) as parts:
        await life.publish(parts)
        life.clock.ahead = timedelta(days=DAYS + 1)
        await parts.rounds.do_due()
    report = await audit_ledger(database, hub_domain=DOMAIN)
    async with database.read() as connection:
        stored = (await find_acts_at(connection, [life.entry]))[life.entry]
        entries = await find_entries(connection, [report.entries - 1])
    certificate = LedgerEntry.FromString(entries[report.entries - 1].entry).notice

    assert await life.told(database) == {"PUBLISHED": 1, "EXPIRED": 1, "ERASED": 1}
    assert [act.envelope for act in stored] == [b"", b""]
    assert [act.salt for act in stored] == [None, None]
    assert certificate.notice_id == life.draft.notice.notice_id
    assert list(certificate.erased_entries) == [life.entry]


async def test_an_erasure_that_nothing_certifies_is_found(life: Life, database: Database) -> None:
    async with serving(database, clock=life.clock) as parts:
        await life.publish(parts)
    async with database.write() as connection:
        stored = (await find_acts_at(connection, [life.entry]))[life.entry]
        await erase_acts(connection, [(act.originator, act.act_id) for act in stored])

    with pytest.raises(LedgerForked):
        await audit_ledger(database, hub_domain=DOMAIN)


async def test_two_processes_at_once_do_each_once(life: Life, database: Database) -> None:
    other = Database(life.url)
    try:
        async with (
            serving(database, clock=life.clock) as one,
            serving(other, clock=life.clock) as two,
        ):
            await life.publish(one)
            for days in (11, 34, DAYS + 1):
                life.clock.ahead = timedelta(days=days)
                await asyncio.gather(one.rounds.do_due(), two.rounds.do_due())
    finally:
        await other.dispose()

    expected = {"PUBLISHED": 1, "EXPIRY_NEAR": 2, "EXPIRED": 1, "ERASED": 1}
    assert await life.told(database) == expected
    await audit_ledger(database, hub_domain=DOMAIN)


class _Lease:
    """The directory's reminders, as far as they say whether this process has the lease."""

    def __init__(self, *, is_held: bool) -> None:
        self.is_held = is_held

    async def run_round(self) -> bool:
        return self.is_held


@pytest.mark.parametrize("is_held", [True, False])
async def test_only_who_has_the_lease_sees_to_notices(is_held: bool) -> None:
    rounds = []

    async def run_notices() -> None:
        rounds.append(1)

    reminders = cast("Reminders", _Lease(is_held=is_held))
    running = asyncio.create_task(run_rounds(reminders, run_notices))
    await settle()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert bool(rounds) == is_held
