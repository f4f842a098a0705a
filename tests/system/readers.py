"""Readers that come and go: each keeps a named watch going through many short visits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from agency_client.agency import Agency
from agency_client.events import ROSTER_CHANGED, VerifiedEvent
from agency_client.inbox import KeptWindow
from agency_client.profile import Profile
from agency_client.runner import opening_of
from agency_client.trust import parse_entry
from agency_client.watching import Watch
from comity.v1.events_pb2 import NoticeFilter
from comity.v1.notices_pb2 import (
    NOTICE_KIND_OBJECT,
    NOTICE_KIND_RED,
    NOTICE_KIND_YELLOW,
    TRAFFIC_LIVE,
    URGENCY_URGENT,
)
from comity.v1.watches_pb2 import WATCH_START_UNSPECIFIED, OpenWatch
from tests.system.load import Told, opened

MOST_EVENTS = 25  # of a visit, which ends in the middle of the stream
AWAY_SECONDS = 0.2  # at most

FILTERS = (
    NoticeFilter(),
    NoticeFilter(kinds=[NOTICE_KIND_RED, NOTICE_KIND_OBJECT]),
    NoticeFilter(originators=["FR-NCB", "BR-NCB", "JP-NCB"]),
    NoticeFilter(originator_countries=["FR", "KE"], kinds=[NOTICE_KIND_YELLOW]),
    NoticeFilter(minimum_urgency=URGENCY_URGENT),
)


@dataclass(slots=True)
class Reader:
    """One system of an agency, with a watch and an inbox of its own."""

    name: str
    profile: Profile
    inbox_path: Path
    wanted: NoticeFilter
    addresses: Sequence[str]
    chance: random.Random
    visits: int = 0

    async def come_and_go(self, last_member: str) -> None:
        """Reads, visit by visit, until it hears of a member's admission."""
        is_over = False
        while not is_over:
            self.visits += 1
            profile = replace(self.profile, hub_address=self.chance.choice(self.addresses))
            async with opened(profile, inbox_path=self.inbox_path, told=Told()) as agency:
                is_over = await self._visit(agency, last_member)
            await asyncio.sleep(self.chance.uniform(0, AWAY_SECONDS))

    async def _visit(self, agency: Agency, last_member: str) -> bool:
        """Reads for a while, and leaves with a window in hand that is neither kept nor confirmed.

        True where it heard of the admission.
        """
        watch = Watch(agency.client, self._opening(agency))
        patience = self.chance.randint(1, MOST_EVENTS)
        async with aclosing(watch.windows()) as windows:
            async for window in windows:
                if patience <= 0:
                    return False
                await self._keep(agency, window)
                watch.confirm(window)
                patience -= len(window.verified)
                if any(_admits(event, last_member) for event in window.verified):
                    return True
        return False

    def _opening(self, agency: Agency) -> OpenWatch:
        """From the place that the inbox stands at, or from where the hub believes that it does."""
        opening = opening_of(agency, self.name, traffic=TRAFFIC_LIVE)
        opening.filter.CopyFrom(self.wanted)
        if self.visits > 1 and self.chance.random() < 0.5:
            opening.start = WATCH_START_UNSPECIFIED
            opening.ClearField("first_index")
        return opening

    async def _keep(self, agency: Agency, window: KeptWindow) -> None:
        assert window.quarantined == []
        await asyncio.to_thread(agency.inbox.commit_window, self.name, window, agency.trust)


def _admits(event: VerifiedEvent, agency: str) -> bool:
    if event.kind != ROSTER_CHANGED:
        return False
    return parse_entry(event.message.leaf.entry).roster.agency.agency_id == agency
