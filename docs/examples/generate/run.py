"""One run of the story: a hub and its members in a folder, from their making to a restored hub."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from google.protobuf.message import Message

from agency_client.profile import Profile
from comity.minimum.policy import builtin_policy
from comity.v1 import ledger_pb2
from deploy.stage import free_port
from docs.examples.generate import enrolments, life, officers, story
from docs.examples.generate.directory import Directory
from docs.examples.generate.members import Member, admit_members, make_hub
from docs.examples.generate.recording import Recording, RecordingChannel, recorded_hub
from docs.examples.generate.reviewers import Reviewers, add_reviewers
from docs.examples.generate.seeded import SeededBytes, StoryClock, seeded
from hub.administration import Administration
from hub.settings import Settings

BEGINNING = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
BACKUP = "backup.sqlite"


async def run_story(folder: Path) -> Sequence[Message]:
    """Every message of the story, in the order in which they passed."""
    clock, draw = StoryClock(BEGINNING), SeededBytes()
    with seeded(draw):
        settings = await make_hub(folder / "hub", clock=clock)
        members = await admit_members(settings, folder, clock=clock, draw=draw)
        reviewer_ids = await add_reviewers(settings, clock=clock)
        one_time_password = await officers.add_administrator(settings, clock=clock)
        # The verifiers are processes of their own and would not draw from the seed.
        serving = replace(
            settings,
            listen=f"127.0.0.1:{free_port()}",
            enrol_listen=f"127.0.0.1:{free_port()}",
            verifiers=0,
            policy=write_policy(folder / "policy"),
        )
        async with recorded_hub(serving, clock=clock) as recording:
            office = partial(officers.Office, clock, one_time_password=one_time_password)
            highest = await _exchange(
                recording,
                members,
                settings=serving,
                clock=clock,
                office=office,
                reviewer_ids=reviewer_ids,
            )
        recording.messages.insert(0, members[0].admission)
        recording.messages.append(members[0].application)
        recording.messages += _access_records(settings)
        recording.messages += _entries_of(settings, ledger_pb2.LedgerEntry.OFFICER_FIELD_NUMBER)
        recording.messages += _entries_of(settings, ledger_pb2.LedgerEntry.NOTICE_FIELD_NUMBER)
        recording.messages.append(await _restored_epoch(settings, highest, clock=clock))
    return recording.messages


async def _exchange(
    recording: Recording,
    members: Sequence[Member],
    *,
    settings: Settings,
    clock: StoryClock,
    office: Callable[..., officers.Office],
    reviewer_ids: Sequence[str],
) -> bytes:
    """What passes while the hub serves. Gives the highest checkpoint that a member has seen."""
    france, brazil = members[0], members[1]
    from_france, from_brazil = (
        RecordingChannel(member.profile, recording, address=settings.listen, clock=clock)
        for member in (france, brazil)
    )
    from_hub = _hub_channel(recording, settings=settings, clock=clock)
    reviewers = Reviewers(from_hub, reviewer_ids)
    scene = story.Scene(clock, france, from_france, from_brazil, recording, reviewers)
    try:
        red = await story.publish(scene)
        _copy(settings.folder / "hub.sqlite", settings.folder / BACKUP)
        van = await story.send_in_bulk(scene, red)
        at_france = office(channel=from_france)
        await officers.log_in_and_manage(at_france)
        await story.withdraw(scene, van)
        await officers.go_on_and_log_out(at_france)
        await story.watch(scene)
        await enrolments.enrol_others(recording, settings=settings, clock=clock)
        await _keep_directory(recording, scene, from_hub=from_hub, new_id=brazil.new_id)
        await life.Life(scene, brazil).play()
        return await story.read_and_verify(scene)
    finally:
        await from_france.close()
        await from_brazil.close()
        await from_hub.close()


def _hub_channel(
    recording: Recording, *, settings: Settings, clock: StoryClock
) -> RecordingChannel:
    profile = Profile(
        settings.folder / "agency", settings.agency, settings.domain, settings.public_address
    )
    return RecordingChannel(profile, recording, address=settings.listen, clock=clock)


async def _keep_directory(
    recording: Recording,
    scene: story.Scene,
    *,
    from_hub: RecordingChannel,
    new_id: Callable[[], str],
) -> None:
    directory = Directory(
        scene.clock,
        new_id,
        recording=recording,
        brazil=scene.from_brazil,
        france=scene.from_france,
        hub=from_hub,
    )
    await directory.play()
    from_hub.officer = None


def write_policy(folder: Path) -> Path:
    """The hub's own rules of review: what is not reviewed first is reviewed after, always."""
    text = builtin_policy().files["review.toml"]
    folder.mkdir()
    often = text.replace("sample_percent = 10\n", "sample_percent = 100\n")
    (folder / "review.toml").write_text(often, encoding="utf-8")
    return folder


def _copy(database: Path, target: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def _access_records(settings: Settings) -> Sequence[Message]:
    """What the hub has recorded of the story's accesses; it shows these to nobody."""
    with closing(sqlite3.connect(settings.folder / "hub.sqlite")) as connection:
        rows = connection.execute(
            "SELECT record FROM access_records ORDER BY entry_index, leaf_index"
        )
        return [ledger_pb2.AccessRecord.FromString(record) for (record,) in rows]


def _entries_of(settings: Settings, record: int) -> Sequence[Message]:
    """The entries of one kind, on officers or by the hub on notices; each agency reads its own."""
    with closing(sqlite3.connect(settings.folder / "hub.sqlite")) as connection:
        rows = connection.execute(
            "SELECT entry FROM ledger_entries WHERE record = ? ORDER BY entry_index",
            (record,),
        )
        return [ledger_pb2.LedgerEntry.FromString(entry) for (entry,) in rows]


async def _restored_epoch(settings: Settings, highest: bytes, *, clock: StoryClock) -> Message:
    """The entry with which the hub goes on from its backup."""
    backup = settings.folder / BACKUP
    clock.advance(seconds=3_600)
    restored = replace(settings, database_url=f"sqlite:///{backup}")
    async with Administration(restored, clock=clock) as administration:
        await administration.begin_epoch(highest)
    with closing(sqlite3.connect(backup)) as connection:
        [(entry,)] = connection.execute(
            "SELECT entry FROM ledger_entries ORDER BY entry_index DESC LIMIT 1"
        )
    return ledger_pb2.LedgerEntry.FromString(entry)
