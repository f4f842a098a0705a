"""Agencies at work on a hub that may go away at any moment: they publish and follow at once.

What each sends and receives is in its own inbox, as the client keeps it; what the hub has said is
noted here too, before anything can be lost.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path

from agency_client.agency import Agency, load_trust
from agency_client.channel import HubChannel
from agency_client.client import HubClient
from agency_client.inbox import Inbox
from agency_client.profile import INBOX, Profile, load_profile
from agency_client.runner import kept_windows, opening_of
from agency_client.submission import Submitting
from agency_client.trust import SeenCheckpoint, Trust
from agency_client.watching import Watch
from comity.errors import HubUnavailable
from comity.v1.acts_pb2 import BulkAnswer, Envelope, SubmitActsResponse, SubmitBulkRequest
from comity.v1.ledger_pb2 import LedgerLeaf, LedgerProof, Receipt
from comity.v1.notices_pb2 import TRAFFIC_LIVE
from tests.system.publications import Publisher

WATCH = "follower"
PAUSE_SECONDS = 0.01  # at most, between two calls: one agency's officers, not a benchmark
BULK_SUBMISSIONS = 16  # at most, on one stream


class Told:
    """What a hub has told an agency: every receipt, and every checkpoint as a signed note."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.checkpoints: set[bytes] = set()

    def add_receipt(self, receipt: Receipt) -> None:
        """Notes a receipt with its checkpoint."""
        self.receipts.append(receipt)
        self.checkpoints.add(receipt.checkpoint)


class NotingClient(HubClient):
    """The client, which notes receipts as they come off the wire, and checkpoints it accepts."""

    def __init__(self, channel: HubChannel, *, trust: Trust, told: Told) -> None:
        super().__init__(channel, trust=trust)
        self._told = told

    async def submit_acts(self, acts: Sequence[Envelope]) -> SubmitActsResponse:
        """Notes the receipt."""
        response = await super().submit_acts(acts)
        self._told.add_receipt(response.receipt)
        return response

    async def submit_bulk(
        self, messages: AsyncIterator[SubmitBulkRequest]
    ) -> AsyncGenerator[BulkAnswer, None]:
        """Notes each receipt."""
        async with aclosing(super().submit_bulk(messages)) as answers:
            async for answer in answers:
                if answer.HasField("accepted"):
                    self._told.add_receipt(answer.accepted.receipt)
                yield answer

    async def accept_proof(
        self, proof: LedgerProof, leaves: Sequence[LedgerLeaf]
    ) -> SeenCheckpoint:
        """Notes the checkpoint."""
        checkpoint = await super().accept_proof(proof, leaves)
        self._told.checkpoints.add(proof.checkpoint)
        return checkpoint


@asynccontextmanager
async def opened(profile: Profile, *, inbox_path: Path, told: Told) -> AsyncIterator[Agency]:
    """An agency opened as `open_agency` does, with an inbox of choice."""
    inbox = Inbox(inbox_path)
    try:
        trust = load_trust(profile, inbox)
        async with NotingClient(HubChannel(profile), trust=trust, told=told) as client:
            try:
                yield Agency(profile, inbox, client)
            finally:
                inbox.save_trust(client.trust)
    finally:
        inbox.close()


class Member:
    """An agency that publishes, call by call and in bulk, and follows what is addressed to it."""

    def __init__(self, folder: Path, *, members: Sequence[str], chance: random.Random) -> None:
        self.profile = load_profile(folder)
        self.inbox_path = folder / INBOX
        self.told = Told()
        self.repeated = 0  # events that came although they were on disk already
        self._members = members
        self._chance = chance
        self._heard = {name: asyncio.Event() for name in ("answer", "bulk answer", "window")}

    def opened(self) -> AbstractAsyncContextManager[Agency]:
        """The agency, as a process that has just been started finds it on disk."""
        return opened(self.profile, inbox_path=self.inbox_path, told=self.told)

    async def work(self) -> None:
        """Publishes and follows until cancelled, whatever becomes of the hub."""
        for event in self._heard.values():
            event.clear()
        async with self.opened() as agency, asyncio.TaskGroup() as group:
            group.create_task(self._publish_again_and_again(agency, self._call))
            group.create_task(self._publish_again_and_again(agency, self._send_in_bulk))
            group.create_task(self.follow(agency))

    async def until_busy(self) -> None:
        """Waits until the hub has answered in each of the ways since `work` began."""
        for event in self._heard.values():
            await event.wait()

    async def _publish_again_and_again(
        self, agency: Agency, publish: Callable[[Submitting, Publisher], Awaitable[None]]
    ) -> None:
        submitting = Submitting(agency)
        while True:
            publisher = Publisher(agency, members=self._members, chance=self._chance)
            try:
                await submitting.send_kept()
                while True:
                    await publish(submitting, publisher)
                    await asyncio.sleep(self._chance.uniform(0, PAUSE_SECONDS))
            except HubUnavailable:
                await asyncio.sleep(PAUSE_SECONDS)  # What was signed is kept, and sent first.

    async def _call(self, submitting: Submitting, publisher: Publisher) -> None:
        await submitting.send(publisher.next())
        self._heard["answer"].set()

    async def _send_in_bulk(self, submitting: Submitting, publisher: Publisher) -> None:
        count = self._chance.randint(1, BULK_SUBMISSIONS)
        outcomes = await submitting.send_each([publisher.next() for _ in range(count)])
        assert not any(outcome.error for outcome in outcomes)
        self._heard["bulk answer"].set()

    async def follow(self, agency: Agency, *, until: int | None = None) -> None:
        """Fills the inbox from the place that it stands at, up to an entry or until cancelled."""
        opening = opening_of(agency, WATCH, traffic=TRAFFIC_LIVE)
        watch = Watch(agency.client, opening)
        async with aclosing(kept_windows(agency, watch, WATCH)) as windows:
            async for window, new in windows:
                assert window.quarantined == []
                self.repeated += len(window.verified) - len(new)
                self._heard["window"].set()
                if until is not None and window.next_index > until:
                    return
