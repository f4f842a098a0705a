"""Delivery: what readers share, and what is theirs alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest

from comity.errors import AgencyNotActive, MembershipUnconfirmed, QuotaExceeded, Superseded
from comity.identity import AgencyId
from comity.v1 import acts_pb2, agencies_pb2, watches_pb2
from hub.services import records as records_module
from hub.services.confirmation import CONFIRM_WITHIN_SECONDS, Confirmation
from hub.services.delivery import MAX_UNCONFIRMED_EVENTS, Delivery
from hub.services.member_changes import MemberChanges, StatusChange
from hub.services.open_watches import MAX_STREAMS_PER_AGENCY
from hub.store.enrolments import StoredApproval
from tests.unit.hub_parts import (
    BRAZIL,
    KENYA,
    HubParts,
    PausingDatabase,
    admit,
    begin,
    caller,
    commit,
    new_draft,
    serving,
    sqlite_url,
)

WAIT_SECONDS = 30  # bounds a test that would never end; nothing here is timed
FROM_INDEX = watches_pb2.WATCH_START_INDEX


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[HubParts]:
    database = PausingDatabase(sqlite_url(tmp_path))
    await begin(database)
    async with serving(database) as parts:
        yield parts
    await database.dispose()


async def first_window(windows: AsyncIterator[bytes]) -> watches_pb2.EventWindow:
    response = watches_pb2.WatchEventsResponse.FromString(
        await asyncio.wait_for(anext(windows), WAIT_SECONDS)
    )
    assert response.HasField("window")
    return response.window


async def test_windows_that_show_the_same_entries_by_other_events_are_not_shared(
    parts: HubParts,
) -> None:
    """Who may read the first publication and the widening gets two events; who begins behind the
    publication gets the widening, which shows the publication's entry too."""
    draft = new_draft()
    draft.rule = acts_pb2.AddressingRule(agencies=[BRAZIL], and_later_members=True)
    draft.rule.all_members = True
    published = (await parts.submit(draft.acts())).entry_index
    widened = (await parts.submit([draft.addressing()])).entry_index
    await admit(parts.database, KENYA)
    await parts.membership.refresh()
    await parts.tail.look()

    async with AsyncExitStack() as stack:
        streams = []
        for name, first_index in (("all", published), ("later", published + 1)):
            opening = watches_pb2.OpenWatch(name=name, start=FROM_INDEX, first_index=first_index)
            delivery = await stack.enter_async_context(
                parts.open_watches.opened(caller(KENYA), opening)
            )
            streams.append(await stack.enter_async_context(aclosing(delivery.windows())))
        for stream in streams:
            await anext(stream)  # opened
        every, later = await asyncio.gather(*map(first_window, streams))

    assert [published, widened] == [e.leaf.entry_index for e in every.events if e.HasField("act")]
    assert [widened] == [e.leaf.entry_index for e in later.events if e.HasField("act")]


async def test_a_watch_is_opened_again_where_an_agency_has_no_stream_to_spare(
    parts: HubParts,
) -> None:
    async with AsyncExitStack() as stack:

        async def open_watch(number: int) -> Delivery:
            opening = watches_pb2.OpenWatch(name=f"watch-{number}")
            opened = parts.open_watches.opened(caller(BRAZIL), opening)
            return await stack.enter_async_context(opened)

        older = [await open_watch(number) for number in range(MAX_STREAMS_PER_AGENCY)]
        newer = await open_watch(0)
        with pytest.raises(QuotaExceeded):
            await open_watch(MAX_STREAMS_PER_AGENCY)

        assert older[0].watch.opening + 1 == newer.watch.opening
        with pytest.raises(Superseded):
            async with aclosing(older[0].windows()) as windows:
                async for _ in windows:
                    pass


async def test_events_beyond_the_size_of_the_cache_are_read_again(
    parts: HubParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await parts.publish()
    await parts.publish()
    [older, newer] = parts.tail.recent_events(first) or []
    [message] = await parts.records.load([older])
    monkeypatch.setattr(records_module, "MAX_CACHED_BYTES", message.ByteSize() * 3 // 2)
    await parts.records.load([newer])

    assert not await is_read(parts, newer.entry_index)
    assert await is_read(parts, older.entry_index)


async def is_read(parts: HubParts, entry_index: int) -> bool:
    """Whether an event is read from the database when it is loaded."""
    [event] = (parts.tail.recent_events(entry_index) or [])[:1]
    reads = []
    assert isinstance(parts.database, PausingDatabase)

    async def note() -> None:
        reads.append(entry_index)

    parts.database.meanwhile = note
    await parts.records.load([event])
    parts.database.meanwhile = None
    return bool(reads)


async def suspend_elsewhere(parts: HubParts) -> None:
    """Suspends Brazil in another process: this one has yet to hear of it."""
    status = agencies_pb2.AGENCY_STATUS_SUSPENDED
    item = StatusChange(BRAZIL, status, "Sample reason", StoredApproval("sample", "ZZ-HUB"))
    changes = MemberChanges(parts.membership, own_agency=AgencyId("ZZ-HUB"))
    known = parts.membership.roster
    parts.membership.roster = known.copy()
    await commit(parts.database, changes.change_status_many, item)
    parts.membership.roster = known


async def asleep(parts: HubParts, stack: AsyncExitStack) -> AsyncIterator[bytes]:
    """A watch of Brazil's that has been sent all that may be in flight, and confirms nothing."""
    for _ in range(MAX_UNCONFIRMED_EVENTS + 10):
        await parts.publish()
    opening = watches_pb2.OpenWatch(name="asleep", start=watches_pb2.WATCH_START_FIRST)
    opened = parts.open_watches.opened(caller(BRAZIL), opening)
    delivery = await stack.enter_async_context(opened)
    windows = await stack.enter_async_context(aclosing(delivery.windows()))
    await anext(windows)  # opened
    sent = 0
    while sent < MAX_UNCONFIRMED_EVENTS:
        sent += len((await first_window(windows)).events)
    assert sent == MAX_UNCONFIRMED_EVENTS
    return windows


@pytest.mark.threat("T19")
async def test_a_sleeping_reader_that_is_suspended_is_sent_nothing_beyond_one_window(
    parts: HubParts,
) -> None:
    async with AsyncExitStack() as stack:
        windows = await asleep(parts, stack)
        await suspend_elsewhere(parts)
        await parts.membership.refresh()

        with pytest.raises(AgencyNotActive):
            await asyncio.wait_for(anext(windows), WAIT_SECONDS)


@pytest.mark.threat("T19")
async def test_a_process_that_cannot_hear_of_a_suspension_sends_nothing_after_a_second(
    parts: HubParts,
) -> None:
    moment = 0.0
    parts.membership._confirmation = Confirmation(monotonic=lambda: moment)
    await parts.membership.refresh()
    async with AsyncExitStack() as stack:
        windows = await asleep(parts, stack)
        await suspend_elsewhere(parts)
        moment += CONFIRM_WITHIN_SECONDS + 0.001

        with pytest.raises(MembershipUnconfirmed):
            await asyncio.wait_for(anext(windows), WAIT_SECONDS)
