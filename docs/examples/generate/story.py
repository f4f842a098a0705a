"""The story that the examples are taken from. Everybody in it is invented.

France sends a red notice to Brazil and Kenya, revises it, and addresses it to all; reviewers of
the hub let it out. It sends
listings and a stolen van in bulk, and withdraws the van; its administrator logs in and manages
officers. Brazil reads, watches and verifies. At the
end the hub is restored from a backup.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from agency_client.addressing import rule_from_terms
from comity.acts import parse_act
from comity.checkpoint import parse_unverified
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2, roster_pb2, watches_pb2
from comity.v1.acts_pb2_grpc import ActServiceStub
from comity.v1.events_pb2_grpc import NoticeServiceStub
from comity.v1.ledger_pb2_grpc import LedgerServiceStub
from comity.v1.roster_pb2_grpc import AgencyServiceStub
from comity.v1.watches_pb2_grpc import WatchServiceStub
from docs.examples.generate.drafts import example_draft, listings, revised_red, stolen_van
from docs.examples.generate.members import Member
from docs.examples.generate.recording import Recording, RecordingChannel
from docs.examples.generate.reviewers import Reviewers
from docs.examples.generate.seeded import StoryClock

# The ledger before the first act: an epoch entry, the roster entries of the hub's own agency and
# three members, and the entries on an administrator of the hub, one of France and three reviewers.
FIRST_KNOWN_SIZE = 11
EXERCISE = notices_pb2.TRAFFIC_EXERCISE
OF_FRANCE = events_pb2.NoticeFilter(
    kinds=[
        notices_pb2.NOTICE_KIND_RED,
        notices_pb2.NOTICE_KIND_OBJECT,
    ],
    originators=["FR-NCB"],
    originator_countries=["FR"],
    minimum_urgency=notices_pb2.URGENCY_ROUTINE,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is there."""

    clock: StoryClock
    france: Member
    from_france: RecordingChannel
    from_brazil: RecordingChannel
    recording: Recording
    reviewers: Reviewers

    async def submit_in_bulk(self, request: acts_pb2.SubmitBulkRequest) -> None:
        """France submits many at once; the answers are in the recording."""

        async def requests() -> AsyncIterator[acts_pb2.SubmitBulkRequest]:
            yield request

        stream = self.from_france.stream(lambda c: ActServiceStub(c).SubmitBulk, requests())
        async with aclosing(stream) as answers:
            async for _ in answers:
                pass

    async def submit(self, request: acts_pb2.SubmitActsRequest) -> None:
        """France submits acts, and keeps them with their receipt."""
        self.clock.advance(seconds=30)
        response = await self.from_france.call(lambda c: ActServiceStub(c).SubmitActs, request)
        receipted = acts_pb2.ReceiptedActs(acts=request.acts, receipt=response.receipt)
        self.recording.keep(receipted)


async def publish(scene: Scene) -> acts_pb2.SubmitActsRequest:
    """A red notice, a new version of it, and a wider addressing. Gives the first submission."""
    signer = scene.france.signer
    red = signer.first_version(
        signer.completed(example_draft("red")), rule_from_terms(["BR-NCB", "KE"])
    )
    await scene.submit(red)
    await scene.reviewers.let_out()
    scene.clock.advance(seconds=3_600)
    revised = signer.next_version(revised_red(), parse_act(red.acts[0]))
    await scene.submit(revised)
    await scene.reviewers.let_out()
    latest = parse_act(revised.acts[0])
    rule = rule_from_terms(["all", "BR-NCB", "KE"], exceptions=["ZZ-HUB", "ZZ"])
    rule.and_later_members = True
    await scene.submit(signer.wider_addressing(latest.notice_id, latest.digest, rule))
    return red


async def send_in_bulk(scene: Scene, red: acts_pb2.SubmitActsRequest) -> acts_pb2.SubmitActsRequest:
    """The red notice again, a missing child, listings, a van, and a notice to no member.

    Gives the submission of the van.
    """
    signer, new_id = scene.france.signer, scene.france.new_id
    scene.clock.advance(seconds=3_600)
    to_brazil, to_nobody = rule_from_terms(["BR-NCB"]), rule_from_terms(["SE-NCB"])
    listed = listings(now=scene.clock(), new_id=new_id)
    child, method = (signer.completed(example_draft(name)) for name in ("yellow", "purple"))
    van = signer.first_version(signer.completed(stolen_van()), to_brazil)
    requests = [
        red,
        *(signer.first_version(notice, to_brazil) for notice in (child, *listed)),
        van,
        signer.first_version(method, to_nobody),
    ]
    submissions = [
        acts_pb2.BulkSubmission(number=number, request=request.SerializeToString())
        for number, request in enumerate(requests, start=1)
    ]
    await scene.submit_in_bulk(acts_pb2.SubmitBulkRequest(submissions=submissions))
    return van


async def withdraw(scene: Scene, van: acts_pb2.SubmitActsRequest) -> None:
    """The van was found; France looks the notice up as it stands now."""
    version = parse_act(van.acts[0])
    found = notices_pb2.LocalizedText(
        language="en", text="Invented. Found at Sampleville harbour.", original=True
    )
    await scene.submit(
        scene.france.signer.withdrawal(
            version.notice_id,
            version.digest,
            reason=acts_pb2.WITHDRAWAL_REASON_PURPOSE_ACHIEVED,
            details=[found],
        )
    )
    request = events_pb2.GetNoticeRequest(
        originator="FR-NCB", notice_id=version.notice_id, known_size=FIRST_KNOWN_SIZE
    )
    await scene.from_france.call(lambda c: NoticeServiceStub(c).GetNotice, request)


async def watch(scene: Scene) -> None:
    """Brazil watches from an entry on, confirms, and hangs up once it has heard of progress."""
    scene.clock.advance(seconds=60)
    opening = watches_pb2.OpenWatch(
        name="inbox-exercise",
        filter=OF_FRANCE,
        traffic=EXERCISE,
        start=watches_pb2.WATCH_START_INDEX,
        first_index=2,
        known_size=FIRST_KNOWN_SIZE,
    )
    commands: asyncio.Queue[watches_pb2.WatchCommand | None] = asyncio.Queue()
    commands.put_nowait(watches_pb2.WatchCommand(open=opening))
    stream = scene.from_brazil.stream(
        lambda c: WatchServiceStub(c).WatchEvents, _requests(commands)
    )
    async with aclosing(stream) as responses:
        async for response in responses:
            which = response.WhichOneof("message")
            if which == "progress":
                commands.put_nowait(None)
            elif which == "window":
                confirm = watches_pb2.ConfirmEvents(next_index=response.window.next_index)
                commands.put_nowait(watches_pb2.WatchCommand(confirm=confirm))


async def _requests(
    commands: asyncio.Queue[watches_pb2.WatchCommand | None],
) -> AsyncIterator[watches_pb2.WatchEventsRequest]:
    while (command := await commands.get()) is not None:
        yield watches_pb2.WatchEventsRequest(command=command.SerializeToString())


async def read_and_verify(scene: Scene) -> bytes:
    """Brazil lists notices and keys, and asks for proofs. Gives the newest checkpoint, a note."""
    call = scene.from_brazil.call
    scene.clock.advance(seconds=60)
    listing = events_pb2.ListNoticesRequest(
        filter=OF_FRANCE, traffic=EXERCISE, first_index=1, limit=1, known_size=FIRST_KNOWN_SIZE
    )
    await call(lambda c: NoticeServiceStub(c).ListNotices, listing)
    roster = roster_pb2.ListAgencyKeysRequest(first_index=1, limit=3, known_size=FIRST_KNOWN_SIZE)
    await call(lambda c: AgencyServiceStub(c).ListAgencyKeys, roster)
    newest = await call(
        lambda c: LedgerServiceStub(c).GetCheckpoint, ledger_pb2.GetCheckpointRequest()
    )
    size = parse_unverified(newest.checkpoint).size
    included = ledger_pb2.ProveInclusionRequest(entry_index=FIRST_KNOWN_SIZE, ledger_size=size)
    await call(lambda c: LedgerServiceStub(c).ProveInclusion, included)
    # Without a size to go to, the newest checkpoint comes with the proof.
    consistent = ledger_pb2.ProveConsistencyRequest(from_size=FIRST_KNOWN_SIZE + 1)
    await call(lambda c: LedgerServiceStub(c).ProveConsistency, consistent)
    # Last, so that it holds every leaf that a checkpoint of the story is over.
    await call(lambda c: LedgerServiceStub(c).ListEntries, ledger_pb2.ListEntriesRequest(limit=512))
    return bytes(newest.checkpoint)
