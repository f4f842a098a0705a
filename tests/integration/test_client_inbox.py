"""What an inbox makes of a served hub's events, whatever order its watches bring them in."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from agency_client.agency import Agency
from agency_client.inbox import KeptWindow
from agency_client.runner import kept_windows
from agency_client.submission import Submitting
from agency_client.watching import Watch
from comity.errors import NotFound
from comity.v1 import acts_pb2, watches_pb2
from tests.integration.drafts import Draft, new_id

WAIT_SECONDS = 30  # bounds a test that would never end; nothing here is timed


async def keep_until(agency: Agency, wanted: acts_pb2.Envelope, *, first_index: int) -> None:
    """Keeps what a new watch brings from an entry on, up to an act."""
    name = new_id()
    opening = watches_pb2.OpenWatch(
        name=name, start=watches_pb2.WATCH_START_INDEX, first_index=first_index
    )
    watch = Watch(agency.client, opening)
    async with asyncio.timeout(WAIT_SECONDS), aclosing(kept_windows(agency, watch, name)) as kept:
        async for window, _ in kept:
            if any(event.message.act.envelope == wanted for event in window.verified):
                return


async def window_with(agency: Agency, wanted: acts_pb2.Envelope, *, first_index: int) -> KeptWindow:
    """The window that brings an act, not kept yet."""
    opening = watches_pb2.OpenWatch(
        name=new_id(), start=watches_pb2.WATCH_START_INDEX, first_index=first_index
    )
    watch = Watch(agency.client, opening)
    async with asyncio.timeout(WAIT_SECONDS), aclosing(watch.windows()) as windows:
        async for window in windows:
            if any(event.message.act.envelope == wanted for event in window.verified):
                return window
            watch.confirm(window)
    raise AssertionError("the watch has ended")


@pytest.mark.threat("T35")
async def test_a_withdrawn_notice_shows_so_when_its_version_comes_after_the_withdrawal(
    france: Agency, brazil: Agency, draft: Draft
) -> None:
    version, addressing = draft.acts()
    published = await france.client.submit_acts([version, addressing])
    late = await window_with(brazil, version, first_index=published.receipt.entry_index)
    withdrawal = draft.withdrawal()
    withdrawn = await france.client.submit_acts([withdrawal])

    await keep_until(brazil, withdrawal, first_index=withdrawn.receipt.entry_index)
    brazil.inbox.commit_window(new_id(), late, brazil.trust)

    [held] = brazil.inbox.received.find_notices(draft.notice.notice_id)
    assert withdrawal == held.withdrawal


async def test_an_act_on_anothers_notice_says_whose_it_is(
    france: Agency, brazil: Agency, draft: Draft
) -> None:
    version, addressing = draft.acts()
    published = await france.client.submit_acts([version, addressing])
    await keep_until(brazil, version, first_index=published.receipt.entry_index)

    with pytest.raises(NotFound, match=r"FR-NCB's; only its originator"):
        await Submitting(brazil).fetch_latest(draft.notice.notice_id)
