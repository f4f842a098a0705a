"""The audit of the whole ledger: beside a hub that serves, and over a store that was changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, update

from comity.checkpoint import Checkpoint
from comity.errors import LedgerForked
from comity.v1 import acts_pb2
from deploy.stage import DOMAIN
from hub.store import audit as audit_module
from hub.store.audit import audit_ledger
from hub.store.database import Connection, Database
from hub.store.ledger import LedgerHead, load_head
from hub.store.tables import acts, ledger_entries
from tests.databases import new_database
from tests.unit.hub_parts import KENYA, Clock, admit, begin, serving, sqlite_url
from tests.unit.notice_life import BLUE, NoticeLife


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = sqlite_url(tmp_path)
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    database = Database(url)
    await begin(database)
    yield database
    await database.dispose()


async def publish(database: Database) -> int:
    async with serving(database) as parts:
        return await parts.publish()


async def head_of(database: Database) -> LedgerHead:
    async with database.read() as connection:
        return await load_head(connection)


async def test_a_ledger_verifies_when_a_hub_appends_to_it_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(database)
    before = await head_of(database)

    async def load_head_then_append(connection: Connection) -> LedgerHead:
        head = await load_head(connection)
        await publish(database)
        await admit(database, KENYA)
        return head

    monkeypatch.setattr(audit_module, "load_head", load_head_then_append)
    report = await audit_ledger(database, hub_domain=DOMAIN)

    assert before.size == report.entries
    assert before.size < (await head_of(database)).size


async def test_every_checkpoint_of_one_size_is_compared(database: Database) -> None:
    await publish(database)
    head = await head_of(database)
    ours = Checkpoint(head.origin, head.size, head.root())
    foreign = Checkpoint(head.origin, head.size, b"\x00" * 32)

    await audit_ledger(database, hub_domain=DOMAIN, handed_out=[ours, ours])
    for handed_out in ([ours, foreign], [foreign, ours]):
        with pytest.raises(LedgerForked, match="another tree"):
            await audit_ledger(database, hub_domain=DOMAIN, handed_out=handed_out)


@pytest.mark.parametrize("envelope", [b"\xff\xff", b""], ids=["does not parse", "empty"])
async def test_a_stored_envelope_that_is_none_is_named_by_its_entry(
    database: Database, envelope: bytes
) -> None:
    index = await publish(database)
    async with database.write() as connection:
        await connection.execute(update(acts).values(envelope=envelope))

    with pytest.raises(LedgerForked, match=f"^Entry {index}: ") as broken:
        await audit_ledger(database, hub_domain=DOMAIN)

    assert broken.value.message.count("Entry") == 1
    assert not broken.value.message.endswith("..")


@pytest.mark.threat("T51")
async def test_acts_that_were_taken_away_are_missed(database: Database) -> None:
    index = await publish(database)
    async with database.write() as connection:
        await connection.execute(update(acts).values(entry_index=index + 1_000))

    with pytest.raises(LedgerForked, match=f"^Entry {index}: ") as broken:
        await audit_ledger(database, hub_domain=DOMAIN)

    assert broken.value.message.count("Entry") == 1


@pytest.mark.threat("T51")
async def test_an_entry_that_was_changed_is_named(database: Database) -> None:
    index = await publish(database)
    async with database.write() as connection:
        await connection.execute(
            update(ledger_entries)
            .where(ledger_entries.c.entry_index == index)
            .values(entry=b"\xff\xff")
        )

    with pytest.raises(LedgerForked, match=f"^Entry {index}: the leaf hash"):
        await audit_ledger(database, hub_domain=DOMAIN)


async def withdraw_and_erase(database: Database) -> None:
    clock = Clock()
    async with serving(database, clock=clock) as parts:
        notice = NoticeLife(parts, clock, kind=BLUE)
        await notice.submit_first()
        await notice.act(
            withdrawal=acts_pb2.WithdrawalAct(reason=acts_pb2.WITHDRAWAL_REASON_PURPOSE_ACHIEVED)
        )
        await parts.rounds.do_due()


@pytest.mark.threat("T51")
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"salt": b"s" * 32}, "still stored"),
        ({"kind": 6}, "other kinds"),
        ({"originator": "BR-NCB"}, "not of the entry's originator"),
    ],
    ids=["salt kept", "kind", "originator"],
)
async def test_what_is_left_of_an_erased_act_is_what_its_entry_says(
    database: Database, damage: dict[str, object], said: str
) -> None:
    await admit(database, KENYA)
    await withdraw_and_erase(database)
    await audit_ledger(database, hub_domain=DOMAIN)
    async with database.write() as connection:
        erased = (func.length(acts.c.envelope) == 0) & (acts.c.kind == 1)
        changed = await connection.execute(update(acts).where(erased).values(**damage))
        assert changed.rowcount == 1

    with pytest.raises(LedgerForked, match=said):
        await audit_ledger(database, hub_domain=DOMAIN)


@pytest.mark.threat("T51")
async def test_salts_that_are_gone_without_a_certificate_are_missed(database: Database) -> None:
    index = await publish(database)
    async with database.write() as connection:
        await connection.execute(update(acts).values(salt=None))

    with pytest.raises(LedgerForked, match=f"^Entry {index}: .*nothing certifies"):
        await audit_ledger(database, hub_domain=DOMAIN)
