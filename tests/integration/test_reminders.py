"""Reminders on both databases: each once, none lost, whatever becomes of who sends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, update

from comity.errors import LedgerForked, StoreUnavailable
from comity.identity import AgencyId
from comity.v1 import agencies_pb2
from comity.v1 import directory_pb2 as pb
from deploy.stage import DOMAIN
from directory.services import reminders as reminders_module
from directory.services.reminders import LEASE
from directory.store.tables import authorities, reminders
from hub.store.audit import audit_ledger
from hub.store.database import Database
from hub.store.migrations import migrate
from tests.databases import new_database
from tests.integration.upkeep import (
    HUB,
    START,
    HandClock,
    Upkeep,
    directory_entries,
    officer_of,
)
from tests.unit.hub_parts import BRAZIL, FRANCE, admit, begin, serving, sqlite_url

REMINDED, ESCALATED = "REMINDED", "ESCALATED"
TO_BRAZIL, TO_HUB_TOO = (BRAZIL,), (BRAZIL, HUB)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = sqlite_url(tmp_path)
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    opened = Database(url)
    await begin(opened)
    yield opened
    await opened.dispose()


@asynccontextmanager
async def process(database: Database, clock: HandClock | None = None) -> AsyncIterator[Upkeep]:
    """A process of a hub on a database."""
    shown = clock or HandClock()
    async with serving(database, clock=shown) as parts:
        yield Upkeep(parts, shown)


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[Upkeep]:
    async with process(database) as upkeep:
        yield upkeep


async def test_a_keeper_is_reminded_at_30_7_and_0_days_and_others_a_fortnight_later(
    hub: Upkeep,
) -> None:
    identity = (await hub.verified(BRAZIL)).authority_id

    sent = [await hub.send_at(day) for day in (149.9, 150, 172, 173, 179.9, 180, 193.9, 194, 300)]

    assert sent == [0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert await hub.told() == [
        (identity, REMINDED, 30, TO_BRAZIL),
        (identity, REMINDED, 7, TO_BRAZIL),
        (identity, REMINDED, 0, TO_BRAZIL),
        (identity, ESCALATED, -14, TO_HUB_TOO),
    ]
    await audit_ledger(hub.parts.database, hub_domain=DOMAIN)


async def test_what_was_sent_is_known_after_the_schema_went_back_and_forth(
    database: Database,
) -> None:
    async with process(database) as hub:
        for days in (20, 60, 180):
            await hub.verified(BRAZIL, confirm_every_days=days)
        later = await hub.verified(BRAZIL)
        await hub.send_at(13.5)
        await hub.send_at(40)
        await hub.send_at(150)
        hub.clock.now = START + timedelta(days=160)
        await hub.confirm(later)
        await hub.keeping.report(
            officer_of(FRANCE),
            pb.ReportAuthorityRequest(
                authority_id=later.authority_id, version=1, text="The line is dead."
            ),
        )
    before, told = await sent_reminders(database), len(await directory_entries(database))
    assert len(before) == 6

    await migrate(database, revision="0005")
    await migrate(database)

    assert before == await sent_reminders(database)
    await audit_ledger(database, hub_domain=DOMAIN)
    async with process(database) as hub:
        assert await hub.send_at(160) == 0
    assert told == len(await directory_entries(database))


async def sent_reminders(database: Database) -> list[tuple[object, ...]]:
    """All that were sent and not left out."""
    statement = select(reminders).where(reminders.c.entry_index.is_not(None))
    async with database.read() as connection:
        rows = await connection.execute(statement.order_by(reminders.c.entry_index))
        return [tuple(row) for row in rows]


async def test_an_entry_is_due_by_its_own_days(hub: Upkeep) -> None:
    identity = (await hub.verified(BRAZIL, confirm_every_days=20)).authority_id

    # A first reminder would have come before the verification: there is none.
    assert [await hub.send_at(day) for day in (1, 13, 20)] == [0, 1, 1]
    assert [(identity, REMINDED, 7, TO_BRAZIL), (identity, REMINDED, 0, TO_BRAZIL)] == (
        await hub.told()
    )


async def test_a_confirmation_ends_it_and_begins_anew(hub: Upkeep) -> None:
    authority = await hub.verified(BRAZIL)
    await hub.send_at(150)
    hub.clock.now = START + timedelta(days=160)
    await hub.confirm(authority)

    assert [await hub.send_at(day) for day in (173, 180, 194, 309)] == [0, 0, 0, 0]
    assert await hub.send_at(310) == 1
    assert [days for _, _, days, _ in await hub.told()] == [30, 30]


async def test_what_was_never_verified_is_due_since_it_was_entered(hub: Upkeep) -> None:
    identity = (await hub.enter(BRAZIL)).authority_id

    assert [await hub.send_at(day) for day in (0, 13, 14)] == [1, 0, 1]
    assert await hub.told() == [
        (identity, REMINDED, 0, TO_BRAZIL),
        (identity, ESCALATED, -14, TO_HUB_TOO),
    ]


async def test_after_a_long_stop_only_the_newest_is_sent(database: Database) -> None:
    async with process(database) as before:
        identity = (await before.verified(BRAZIL)).authority_id
        await before.send_at(150)

    async with process(database) as after:
        assert await after.send_at(200) == 1
        assert await after.send_at(200.1) == 0
        assert (await after.told())[1:] == [(identity, ESCALATED, -20, TO_HUB_TOO)]
    async with database.read() as connection:
        left_out = select(reminders.c.stage).where(reminders.c.entry_index.is_(None))
        assert {0, 7} == set((await connection.execute(left_out)).scalars())
    await audit_ledger(database, hub_domain=DOMAIN)


@pytest.mark.threat("T131")
async def test_none_is_lost_when_the_process_that_holds_the_lease_dies(database: Database) -> None:
    clock = HandClock()
    async with process(database, clock) as dead:
        await dead.verified(BRAZIL)
        await dead.send_at(149)  # and is never heard of again
    async with process(database, clock) as other:
        clock.now = START + timedelta(days=149) + LEASE - timedelta(seconds=1)
        assert await other.reminders.send_due() == 0
        assert await other.send_at(150) == 1


@pytest.mark.threat("T131")
async def test_a_lease_is_held_by_one_and_a_wrong_clock_keeps_nobody_out(hub: Upkeep) -> None:
    await hub.verified(BRAZIL)
    await hub.send_at(0)
    other = Upkeep(hub.parts, hub.clock)
    hub.clock.now = START + timedelta(seconds=30)
    assert not await hub.parts.writer.commit_result(other.reminders.take_lease_many, other.holder)
    assert await hub.parts.writer.commit_result(hub.reminders.take_lease_many, hub.holder)

    hub.clock.now = START + timedelta(days=3_000)
    assert await hub.parts.writer.commit_result(hub.reminders.take_lease_many, hub.holder)
    hub.clock.now = START + timedelta(minutes=1)

    assert await hub.parts.writer.commit_result(other.reminders.take_lease_many, other.holder)


@pytest.mark.threat("T131")
async def test_two_processes_that_both_think_they_hold_the_lease_send_each_once(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders_module, "LEASE", timedelta())  # over as soon as it is taken
    monkeypatch.setattr(reminders_module, "PAGE_ENTRIES", 4)
    url = new_database(postgres_url)
    first, second = Database(url), Database(url)
    await begin(first)
    async with process(first) as one, process(second) as two:
        identities = {(await one.verified(BRAZIL)).authority_id for _ in range(10)}

        sent = await asyncio.gather(one.send_at(150), two.send_at(150))

        assert sum(sent) == len(identities)
        told = [identity for identity, *_ in await one.told()]
        assert sorted(identities) == sorted(told)
        assert await two.send_at(150.1) == 0
    await audit_ledger(first, hub_domain=DOMAIN)
    await first.dispose()
    await second.dispose()


async def test_a_round_that_is_cut_off_is_finished_by_the_next(
    hub: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders_module, "PAGE_ENTRIES", 2)
    identities = {(await hub.verified(BRAZIL)).authority_id for _ in range(5)}
    cut_off, commit = hub.reminders, hub.parts.writer.commit_result
    left = 2

    async def commit_some(use_case: object, item: object) -> object:
        nonlocal left
        if item in identities:
            left -= 1
        if left < 0:
            raise StoreUnavailable
        return await commit(use_case, item)  # type: ignore[arg-type]

    monkeypatch.setattr(cut_off, "_commit", commit_some)
    hub.clock.now = START + timedelta(days=150)
    with pytest.raises(StoreUnavailable):
        await cut_off.send_due()
    await cut_off.run_round()  # which says so in the log, and goes on to be asked again

    assert await hub.send_at(150.1) == 3
    assert sorted(identities) == sorted(identity for identity, *_ in await hub.told())


async def test_an_entry_that_cannot_be_read_holds_up_no_other(hub: Upkeep) -> None:
    entries = [await hub.verified(BRAZIL) for _ in range(3)]
    identities = sorted(each.authority_id for each in entries)
    async with hub.parts.database.write() as connection:
        await connection.execute(
            update(authorities)
            .where(authorities.c.authority_id == identities[0])
            .values(authority=b"\xff")
        )

    assert [await hub.send_at(day) for day in (150, 150.1)] == [2, 0]
    assert identities[1:] == sorted(identity for identity, *_ in await hub.told())


async def test_a_lead_agency_is_told_of_what_a_suspended_member_kept(hub: Upkeep) -> None:
    identity = (await hub.verified(FRANCE)).authority_id
    await hub.change_agency(FRANCE, status=agencies_pb2.AGENCY_STATUS_SUSPENDED)

    await hub.send_at(180)
    await hub.change_agency(FRANCE, status=agencies_pb2.AGENCY_STATUS_ACTIVE, leads_country=True)
    await hub.send_at(194)

    assert await hub.told() == [
        (identity, REMINDED, 0, (HUB,)),
        (identity, ESCALATED, -14, (FRANCE, HUB)),
    ]


async def test_who_leads_a_country_is_told_and_shown_what_its_members_have_not_confirmed(
    hub: Upkeep,
) -> None:
    police = AgencyId("FR-POLICE")
    await admit(hub.parts.database, police)
    await hub.parts.membership.refresh()
    await hub.change_agency(FRANCE, leads_country=True)
    identity = (await hub.enter(police)).authority_id

    await hub.send_at(0)
    await hub.parts.membership.refresh()
    early = await hub.waiting.list_due(officer_of(FRANCE), pb.ListDueAuthoritiesRequest())
    await hub.send_at(14)
    late = await hub.waiting.list_due(officer_of(FRANCE), pb.ListDueAuthoritiesRequest())

    assert await hub.told() == [
        (identity, REMINDED, 0, (police,)),
        (identity, ESCALATED, -14, (FRANCE, police, HUB)),
    ]
    assert list(early.authorities) == []
    assert [each.escalated for each in late.authorities] == [True]


@pytest.mark.threat("T132")
async def test_a_reminder_that_the_ledger_does_not_know_is_found(hub: Upkeep) -> None:
    await hub.verified(BRAZIL)
    await hub.send_at(150)
    database = hub.parts.database
    async with database.write() as connection:
        await connection.execute(update(reminders).values(entry_index=1))
    with pytest.raises(LedgerForked, match="is not kept for it"):
        await audit_ledger(database, hub_domain=DOMAIN)

    async with database.write() as connection:
        total = (await connection.execute(select(func.count()).select_from(reminders))).scalar_one()
        await connection.execute(delete(reminders))
    assert total == 1
    with pytest.raises(LedgerForked, match="is not kept for it"):
        await audit_ledger(database, hub_domain=DOMAIN)


@pytest.mark.threat("T132")
async def test_a_row_that_says_more_was_sent_than_the_ledger_tells_is_found(hub: Upkeep) -> None:
    authority = await hub.verified(BRAZIL)
    row = {"authority_id": authority.authority_id, "due_at": 1, "stage": 7, "sent_at": 1}
    async with hub.parts.database.write() as connection:
        await connection.execute(insert(reminders).values(**row, entry_index=None))
    await audit_ledger(hub.parts.database, hub_domain=DOMAIN)

    async with hub.parts.database.write() as connection:
        await connection.execute(update(reminders).values(entry_index=1))

    with pytest.raises(LedgerForked, match=r"holds more in directory_reminders\.entry_index"):
        await audit_ledger(hub.parts.database, hub_domain=DOMAIN)
