"""A watch: opened again where the disk is, in order, and closed when what was read is confirmed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

import pytest

from agency_client.channel import FIRST_DELAY_SECONDS
from agency_client.client import HubClient
from agency_client.events import PUBLISHED, ROSTER_CHANGED
from agency_client.inbox import Quarantined
from agency_client.trust import Trust
from agency_client.watching import Watch
from comity.errors import ComityError, HubUnreachable, ProofInvalid, Superseded
from comity.keys import ED25519, generate_private_key
from comity.v1 import notices_pb2, watches_pb2
from comity.v1.watches_pb2 import WatchEventsRequest, WatchEventsResponse
from tests.unit.small_ledger import DOMAIN, SmallHub, SmallLedger

FRANCE, SECOND = generate_private_key(ED25519), generate_private_key(ED25519)
OPENING = watches_pb2.OpenWatch(name="inbox", start=watches_pb2.WATCH_START_FIRST)


class WatchingHub(SmallHub):
    """Delivers every entry, a window of two at a time, each once the one before is confirmed."""

    def __init__(self, ledger: SmallLedger) -> None:
        super().__init__(ledger)
        self.openings: list[watches_pb2.OpenWatch] = []
        self.confirmed: list[int] = []
        self.ends_after: list[tuple[int, ComityError | None]] = []
        self.waits_for_confirmation = True
        self.alter: Callable[[WatchEventsResponse], None] = lambda _: None
        self.streams["WatchEvents"] = self._watch

    async def _watch(
        self, requests: AsyncIterator[WatchEventsRequest]
    ) -> AsyncGenerator[WatchEventsResponse, None]:
        opening = watches_pb2.WatchCommand.FromString((await anext(requests)).command).open
        self.openings.append(opening)
        place = max(1, opening.first_index)
        opened = watches_pb2.WatchOpened(next_index=place, proof=self.ledger.proof())
        yield WatchEventsResponse(opened=opened)
        sent = 0
        while True:
            if self.ends_after and sent == self.ends_after[0][0]:
                self.waits_for_confirmation = True
                error = self.ends_after.pop(0)[1]
                if error is None:
                    return
                raise error
            stop = min(place + 2, self.ledger.size)
            response = WatchEventsResponse(window=self._window(range(place, stop)))
            self.alter(response)
            yield response
            sent, place = sent + 1, stop
            if not self.waits_for_confirmation:
                continue
            try:
                command = watches_pb2.WatchCommand.FromString((await anext(requests)).command)
            except StopAsyncIteration:
                return
            self.confirmed.append(command.confirm.next_index)

    def _window(self, places: Sequence[int]) -> watches_pb2.EventWindow:
        kinds = [ROSTER_CHANGED if i in self.ledger.roster else PUBLISHED for i in places]
        return watches_pb2.EventWindow(
            events=[self.ledger.event(k, i) for k, i in zip(kinds, places, strict=True)],
            next_index=places[-1] + 1 if places else self.ledger.size,
            proof=self.ledger.proof(places),
        )


def make_watch() -> tuple[Watch, WatchingHub, Trust]:
    ledger = SmallLedger()
    ledger.add_roster("FR-NCB", added=[FRANCE])
    for _ in range(3):
        ledger.publish("FR-NCB", FRANCE)
    ledger.add_roster("FR-NCB", added=[SECOND], ended=[FRANCE])
    ledger.publish("FR-NCB", SECOND)
    hub = WatchingHub(ledger)
    trust = Trust(DOMAIN, ledger_keys=[ledger.ledger_key])
    return Watch(HubClient(hub, trust=trust), OPENING), hub, trust  # type: ignore[arg-type]


async def read(watch: Watch, until: int) -> list[int]:
    seen: list[int] = []
    async for window in watch.windows():
        assert not window.quarantined
        seen += [event.entry_index for event in window.verified]
        watch.confirm(window)
        if window.next_index >= until:
            watch.hang_up()
    return seen


async def test_every_event_comes_in_order_and_is_confirmed() -> None:
    watch, hub, trust = make_watch()

    assert await read(watch, until=7) == [1, 2, 3, 4, 5, 6]
    assert hub.confirmed == [3, 5, 7]
    assert trust.size == 7


async def test_a_broken_stream_goes_on_where_the_disk_is() -> None:
    watch, hub, trust = make_watch()
    hub.ends_after = [(1, HubUnreachable()), (0, HubUnreachable()), (0, HubUnreachable())]

    assert await read(watch, until=7) == [1, 2, 3, 4, 5, 6]
    assert [opening.first_index for opening in hub.openings] == [0, 3, 3, 3]
    assert hub.openings[-1].start == watches_pb2.WATCH_START_INDEX
    assert hub.openings[-1].known_size == trust.size
    assert hub.pauses == sorted(hub.pauses)  # ever longer


async def test_who_watches_hears_of_every_break_and_every_opening() -> None:
    heard: list[str] = []
    _, hub, trust = make_watch()
    watch = Watch(
        HubClient(hub, trust=trust),  # type: ignore[arg-type]
        OPENING,
        on_break=lambda _: heard.append("break"),
        on_open=lambda: heard.append("open"),
    )
    hub.ends_after = [(1, HubUnreachable()), (0, HubUnreachable())]

    await read(watch, until=7)

    assert heard == ["open", "break", "open", "break", "open"]


async def test_a_hub_that_answers_again_is_tried_as_if_for_the_first_time() -> None:
    watch, hub, _ = make_watch()
    away: list[tuple[int, ComityError | None]] = [(0, HubUnreachable())]
    hub.ends_after = [*away * 6, (0, HubUnreachable(retry_after_seconds=0.0))]

    await read(watch, until=7)

    assert FIRST_DELAY_SECONDS == hub.pauses[-1] < hub.pauses[-2]


async def test_a_stream_that_ends_without_a_word_is_opened_again_after_a_pause() -> None:
    watch, hub, _ = make_watch()
    hub.ends_after = [(1, None)]

    assert await read(watch, until=7) == [1, 2, 3, 4, 5, 6]
    assert len(hub.pauses) == 1


async def test_a_message_of_a_later_version_is_passed_over() -> None:
    watch, hub, _ = make_watch()

    def alter(response: WatchEventsResponse) -> None:
        if len(hub.openings) == 1:
            response.ClearField("window")

    hub.alter = alter
    hub.ends_after = [(1, None)]
    hub.waits_for_confirmation = False

    assert await read(watch, until=7) == [1, 2, 3, 4, 5, 6]


async def test_an_exercise_on_a_live_watch_is_set_apart_and_a_live_notice_on_an_exercise() -> None:
    live, hub, trust = make_watch()
    notice = notices_pb2.Notice(
        notice_id=hub.ledger.new_id(), version=1, traffic=notices_pb2.TRAFFIC_EXERCISE
    )
    hub.ledger.publish("FR-NCB", SECOND, notice=notice)
    opening = watches_pb2.OpenWatch(name="exercise", traffic=notices_pb2.TRAFFIC_EXERCISE)
    exercise = Watch(HubClient(hub, trust=trust), opening)  # type: ignore[arg-type]

    set_apart = {}
    for name, watch in (("live", live), ("exercise", exercise)):
        set_apart[name] = [one.entry_index for one in await quarantined(watch, until=8)]

    assert set_apart == {"live": [7], "exercise": [2, 3, 4, 6]}


async def quarantined(watch: Watch, until: int) -> list[Quarantined]:
    found: list[Quarantined] = []
    async for window in watch.windows():
        found += window.quarantined
        watch.confirm(window)
        if window.next_index >= until:
            watch.hang_up()
    return found


async def test_a_watch_that_was_opened_elsewhere_ends() -> None:
    watch, hub, _ = make_watch()
    hub.ends_after = [(1, Superseded())]

    with pytest.raises(Superseded):
        await read(watch, until=7)


def _out_of_order(response: WatchEventsResponse) -> None:
    first, second = response.window.events
    events = [second, first]
    del response.window.events[:]
    response.window.events.extend(events)


def _beyond_the_ledger(response: WatchEventsResponse) -> None:
    response.window.next_index = 99


def _back(response: WatchEventsResponse) -> None:
    response.window.next_index = 0


def _with_another_proof(response: WatchEventsResponse) -> None:
    response.window.proof.members_path[0] = bytes(32)


@pytest.mark.parametrize("lie", [_out_of_order, _beyond_the_ledger, _back, _with_another_proof])
async def test_a_window_that_does_not_fit_ends_everything(
    lie: Callable[[WatchEventsResponse], None],
) -> None:
    watch, hub, _ = make_watch()
    hub.alter = lie

    with pytest.raises(ProofInvalid):
        await read(watch, until=7)
    assert not hub.confirmed
