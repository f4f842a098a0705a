"""The ledger writer: every caller is answered, whatever happens to its batch."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comity.errors import QuotaExceeded, ShuttingDown
from comity.v1.ledger_pb2 import AccessRecord
from hub.store import writer as writer_module
from hub.store.database import Database
from hub.store.transaction import CommittedBatch
from hub.store.writer import Committed, LedgerWriter, UseCase
from tests.unit.hub_parts import (
    BRAZIL,
    Clock,
    HubParts,
    begin,
    new_draft,
    serving,
    settle,
    sqlite_url,
)

WAIT_SECONDS = 30  # bounds a test that would never end; nothing here is timed


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(sqlite_url(tmp_path))
    await begin(database)
    yield database
    await database.dispose()


def write_something(parts: HubParts) -> asyncio.Task[Committed]:
    record = AccessRecord(agency_id=BRAZIL)
    return asyncio.create_task(parts.writer.commit(parts.access.commit_many, record))


async def test_a_batch_is_refused_when_the_writer_is_stopped_while_gathering_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(database) as parts:
        await asyncio.gather(write_something(parts), write_something(parts))
        monkeypatch.setattr(writer_module, "GATHER_SECONDS", 3_600)
        waiting = write_something(parts)
        await settle()

        parts.writing.cancel()

        with pytest.raises(ShuttingDown):
            await asyncio.wait_for(waiting, WAIT_SECONDS)


async def test_more_than_the_queue_holds_is_told_to_come_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_WAITING_ITEMS", 1)
    parts = HubParts(database, clock=Clock())
    await parts.tail.start()
    first = write_something(parts)
    await settle()

    with pytest.raises(QuotaExceeded) as refused:
        await asyncio.wait_for(write_something(parts), WAIT_SECONDS)

    assert refused.value.retry_after_seconds is not None
    writing = asyncio.create_task(parts.writer.run())
    await asyncio.wait_for(first, WAIT_SECONDS)
    await asyncio.wait_for(write_something(parts), WAIT_SECONDS)
    writing.cancel()


async def test_what_was_committed_is_answered_when_followers_cannot_be_told(
    database: Database,
) -> None:
    def fail(_batch: CommittedBatch) -> None:
        raise ValueError("a mistake of ours")

    parts = HubParts(database, clock=Clock())
    parts.writer = LedgerWriter(
        database, clock=Clock(), token_bytes=secrets.token_bytes, on_commit=fail
    )
    writing = asyncio.create_task(parts.writer.run())

    first = await asyncio.wait_for(write_something(parts), WAIT_SECONDS)
    second = await asyncio.wait_for(write_something(parts), WAIT_SECONDS)

    assert first.batch.head.size + 1 == second.batch.head.size
    writing.cancel()


async def test_what_follows_a_submission_told_to_come_back_is_told_so_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next version would be refused for good, were it judged before it."""
    async with serving(database) as parts:
        draft = new_draft()
        submissions = [draft.acts(), [draft.next_version()]]
        prepared = [parts.prepared(acts) for acts in submissions]
        refusals = iter([QuotaExceeded()])
        commit = parts.writer.commit

        async def refuse_the_first(use_case: UseCase, item: object) -> Committed:
            refusal = next(refusals, None)
            if refusal is not None:
                raise refusal
            return await commit(use_case, item)

        monkeypatch.setattr(parts.writer, "commit", refuse_the_first)

        outcomes = await parts.acts.commit_each(prepared)

    assert [type(outcome) for outcome in outcomes] == [QuotaExceeded, QuotaExceeded]
