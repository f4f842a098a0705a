"""WatchEvents on the wire: what opens, what is confirmed, who is sent what, and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest

from agency_client.agency import Agency
from comity.errors import MalformedInput, NotSent, QuotaExceeded, Superseded
from comity.v1 import acts_pb2, events_pb2, notices_pb2, watches_pb2
from tests.integration.drafts import Draft, new_id

WAIT_SECONDS = 30  # bounds a test that would never end; nothing here is timed


class Reader:
    """The raw stream of a watch."""

    def __init__(self, agency: Agency, **opening: object) -> None:
        opening.setdefault("name", new_id())
        self.opening = watches_pb2.OpenWatch(**opening)  # type: ignore[arg-type]
        self._commands: asyncio.Queue[watches_pb2.WatchCommand | None] = asyncio.Queue()
        self._stream = agency.client.open_watch(self._requests())
        self.send(watches_pb2.WatchCommand(open=self.opening))

    def send(self, command: watches_pb2.WatchCommand) -> None:
        self._commands.put_nowait(command)

    def confirm(self, next_index: int) -> None:
        confirm = watches_pb2.ConfirmEvents(next_index=next_index)
        self.send(watches_pb2.WatchCommand(confirm=confirm))

    async def next(self) -> watches_pb2.WatchEventsResponse:
        return await asyncio.wait_for(anext(self._stream), WAIT_SECONDS)

    async def opened(self) -> Reader:
        """The same, once the hub has answered."""
        assert (await self.next()).HasField("opened")
        return self

    async def windows(self) -> AsyncGenerator[watches_pb2.EventWindow, None]:
        while True:
            response = await self.next()
            if response.HasField("window"):
                yield response.window

    async def close(self) -> None:
        """Hangs up, and returns when the hub has written down what was confirmed."""
        self._commands.put_nowait(None)
        async with asyncio.timeout(WAIT_SECONDS):
            async for _ in self._stream:
                pass

    async def _requests(self) -> AsyncIterator[watches_pb2.WatchEventsRequest]:
        while (command := await self._commands.get()) is not None:
            yield watches_pb2.WatchEventsRequest(command=command.SerializeToString())


async def publish(agency: Agency, *, to: str = "BR-NCB", **fields: object) -> str:
    """Publishes a notice and gives its id."""
    draft = Draft(agency.profile.load_signing_keys())
    for name, value in fields.items():
        setattr(draft.notice, name, value)
    draft.rule = acts_pb2.AddressingRule(agencies=[to])
    await agency.client.submit_acts(draft.acts())
    return draft.notice.notice_id


def notice_of(event: events_pb2.Event) -> notices_pb2.Notice:
    return acts_pb2.Act.FromString(event.act.envelope.payload).version.notice


async def received(reader: Reader, last: str) -> list[str]:
    """The ids of the notices that a reader is sent, up to one that comes last."""
    ids: list[str] = []
    async with aclosing(reader.windows()) as windows:
        async for window in windows:
            ids += [notice_of(e).notice_id for e in window.events if e.HasField("act")]
            reader.confirm(window.next_index)
            if last in ids:
                break
    return ids


async def test_a_filter_lets_pass_what_it_names(france: Agency, brazil: Agency) -> None:
    urgent = await Reader(
        brazil, filter=events_pb2.NoticeFilter(minimum_urgency=notices_pb2.URGENCY_IMMEDIATE)
    ).opened()
    of_kenya = await Reader(
        brazil, filter=events_pb2.NoticeFilter(originator_countries=["KE"])
    ).opened()
    every = await Reader(brazil).opened()

    first = await publish(france, urgency=notices_pb2.URGENCY_ROUTINE)
    second = await publish(france, urgency=notices_pb2.URGENCY_IMMEDIATE)

    assert [second] == await received(urgent, second)
    assert [first, second] == await received(every, second)
    of_kenya.confirm(0)
    for reader in (urgent, every, of_kenya):
        await reader.close()


@pytest.mark.threat("T18")
async def test_exercise_and_live_do_not_mix(france: Agency, brazil: Agency) -> None:
    live = await Reader(brazil).opened()
    exercise = await Reader(brazil, traffic=notices_pb2.TRAFFIC_EXERCISE).opened()

    drill = await publish(france, traffic=notices_pb2.TRAFFIC_EXERCISE)
    real = await publish(france)

    assert [real] == await received(live, real)
    assert [drill] == await received(exercise, drill)
    for reader in (live, exercise):
        await reader.close()


async def test_a_watch_goes_on_after_what_was_confirmed(france: Agency, brazil: Agency) -> None:
    before = await Reader(brazil).opened()
    first = await publish(france)
    assert [first] == await received(before, first)
    second = await publish(france)
    assert (await before.next()).HasField("window")  # sent, and never confirmed
    await before.close()

    after = await Reader(brazil, name=before.opening.name).opened()

    assert [second] == await received(after, second)
    await after.close()


async def test_confirming_what_was_not_sent_ends_the_stream(brazil: Agency) -> None:
    reader = await Reader(brazil).opened()

    reader.confirm(2**40)

    with pytest.raises(NotSent):
        await reader.next()


async def test_a_second_watch_of_a_name_ends_the_first(france: Agency, brazil: Agency) -> None:
    older = await Reader(brazil).opened()
    newer = await Reader(brazil, name=older.opening.name).opened()

    with pytest.raises(Superseded):
        await older.next()
    notice = await publish(france)
    assert [notice] == await received(newer, notice)
    await newer.close()


async def test_the_same_name_of_another_agency_is_another_watch(
    brazil: Agency, kenya: Agency, france: Agency
) -> None:
    ours = await Reader(brazil).opened()
    theirs = await Reader(kenya, name=ours.opening.name).opened()

    notice = await publish(france)

    assert [notice] == await received(ours, notice)
    for reader in (ours, theirs):
        await reader.close()


@pytest.mark.parametrize(
    "opening",
    [
        {"name": ""},
        {"name": "Upper"},
        {"name": "../inbox"},
        {"name": "a" * 65},
        {"first_index": 3},
        {"traffic": 9},
        {"start": 9},
        {"filter": events_pb2.NoticeFilter(originators=["nobody"])},
        {"filter": events_pb2.NoticeFilter(originator_countries=["Q7"])},
        {"filter": events_pb2.NoticeFilter(originators=["FR-NCB"] * 257)},
        {"filter": events_pb2.NoticeFilter(kinds=[977])},  # type: ignore[list-item]
    ],
    ids=str,
)
async def test_a_malformed_opening_is_refused(brazil: Agency, opening: dict[str, object]) -> None:
    with pytest.raises(MalformedInput):
        await Reader(brazil, **opening).next()


async def test_a_watch_that_begins_with_a_confirmation_is_refused(brazil: Agency) -> None:
    async def commands() -> AsyncIterator[watches_pb2.WatchEventsRequest]:
        command = watches_pb2.WatchCommand(confirm=watches_pb2.ConfirmEvents(next_index=1))
        yield watches_pb2.WatchEventsRequest(command=command.SerializeToString())

    with pytest.raises(MalformedInput):
        await anext(brazil.client.open_watch(commands()))


async def test_a_command_that_does_not_parse_ends_the_stream(brazil: Agency) -> None:
    async def commands() -> AsyncIterator[watches_pb2.WatchEventsRequest]:
        yield watches_pb2.WatchEventsRequest(command=b"\xff\xff")

    with pytest.raises(MalformedInput):
        await anext(brazil.client.open_watch(commands()))


async def test_a_reader_that_confirms_nothing_is_sent_one_window_and_misses_nothing(
    france: Agency, brazil: Agency
) -> None:
    reader = await Reader(brazil).opened()
    published = [await publish(france) for _ in range(70)]
    sent: list[str] = []
    while len(sent) < 64:
        window = (await reader.next()).window
        sent += [notice_of(event).notice_id for event in window.events]

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.next(), 1)

    assert published[:64] == sent
    await reader.close()
    again = await Reader(brazil, name=reader.opening.name).opened()
    assert published == await received(again, published[-1])
    await again.close()


@pytest.mark.threat("T17")
async def test_a_reader_that_never_reads_holds_up_nobody(france: Agency, brazil: Agency) -> None:
    """It takes nothing from its stream, so that the transport's own windows fill."""
    deaf = await Reader(brazil).opened()
    hearing = await Reader(brazil).opened()
    padding = [
        notices_pb2.LocalizedText(language=code, text="SAMPLE " * 2_800)
        for code in ("de", "el", "it", "ro", "sq")
    ]
    published = []
    for _ in range(30):
        draft = Draft(france.profile.load_signing_keys())
        draft.notice.narratives.extend(padding)
        await france.client.submit_acts(draft.acts())
        published.append(draft.notice.notice_id)

    assert published == await received(hearing, published[-1])
    for reader in (deaf, hearing):
        await reader.close()


@pytest.mark.threat("T17")
async def test_more_watches_than_an_agency_may_hold_are_refused(kenya: Agency) -> None:
    readers = []
    with pytest.raises(QuotaExceeded):
        for _ in range(33):
            readers.append(await Reader(kenya).opened())

    assert len(readers) <= 32
    for reader in readers:
        await reader.close()


async def test_what_is_confirmed_twice_or_backwards_changes_nothing(
    france: Agency, brazil: Agency
) -> None:
    reader = await Reader(brazil).opened()
    first = await publish(france)
    window = (await reader.next()).window
    for place in (window.next_index, 0, window.next_index):
        reader.confirm(place)

    second = await publish(france)

    assert [first] == [notice_of(event).notice_id for event in window.events]
    assert [second] == await received(reader, second)
    await reader.close()
