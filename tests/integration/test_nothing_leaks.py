"""Nothing of a notice reaches an agency that may not have it, through anything that it can call.

Kenya calls every RPC of the contract, as a system and as officers of every role, with requests that
name what it may not have; whatever comes back is searched for everything that gives a notice away.
What is there and not Kenya's answers as what is not there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import argon2
import grpc
import pytest
import pytest_asyncio
from google.protobuf import message_factory

from agency_client.agency import Agency
from comity.v1 import acts_pb2, reviews_pb2, watches_pb2
from comity.v1.officers_pb2 import Role
from deploy.stage import DOMAIN
from hub.services.accounts import passwords
from hub.services.accounts.roles import MEMBER_ROLES
from tests.databases import new_database
from tests.integration.hidden_notices import Hidden, every
from tests.integration.hidden_story import Story, play
from tests.integration.officers import Served, serving, tokens_of
from tests.integration.probes import (
    ENROLMENT,
    Answer,
    Caller,
    caller_of,
    methods,
    names_something,
    naming,
    told,
)
from tests.integration.tried import BY_NAME, TRIED, submissions, versions
from tests.stages import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

KENYA, BRAZIL = "KE-NCB", "BR-NCB"
SYSTEM = "system"
SUBMIT = "/comity.v1.ActService/SubmitActs"
LOG_OUT = "/comity.v1.SessionService/LogOut"
# What is about notices is asked about each of them, everything else about one.
_ABOUT_NOTICES = ("Act", "Notice", "Review", "Ledger", "Watch")


@dataclass(slots=True)
class World:
    """A hub with hidden notices, and everything that two agencies were answered."""

    served: Served
    story: Story
    kenya: list[Answer] = field(default_factory=list)
    brazil: list[Answer] = field(default_factory=list)


async def ask_everything(caller: Caller, agency: Agency, story: Story) -> None:
    """Calls every RPC as somebody of an agency."""
    paths = sorted(methods(), key=lambda path: (path == LOG_OUT, path))
    for path in paths:
        method = methods()[path]
        if ENROLMENT in path:
            continue
        hidden = list(story.hidden.values())
        if not path.startswith(tuple(f"/comity.v1.{name}Service" for name in _ABOUT_NOTICES)):
            hidden = hidden[:1]
        for one in hidden:
            request = naming(method.input_type, one).SerializeToString()
            await caller.ask(path, method, [request])
        if path == SUBMIT and caller.role != SYSTEM:
            continue  # officers submit the same in bulk
        tried = TRIED.get(path)
        for requests in () if tried is None else tried(story, agency):
            await caller.ask(path, method, requests)
        if path.endswith("/WatchEvents"):
            for traffic, last in story.last_ids.items():
                opening = watches_pb2.OpenWatch(
                    name=f"curious.{caller.role.lower()}",
                    traffic=traffic,
                    start=watches_pb2.WATCH_START_FIRST,
                )
                await caller.watch(opening, last=last)


async def ask_to_enrol(served: Served, story: Story, answers: list[Answer]) -> None:
    """Calls what anybody may call, without a certificate."""
    authority = served.settings.ca_certificate.read_bytes()
    options = [("grpc.ssl_target_name_override", DOMAIN)]
    address = f"127.0.0.1:{served.hub.enrolment_port}"
    credentials = grpc.ssl_channel_credentials(authority)
    async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
        caller = Caller(channel, "anybody", None, answers)
        for path, method in methods().items():
            if ENROLMENT in path:
                for one in story.hidden.values():
                    request = naming(method.input_type, one).SerializeToString()
                    await caller.ask(path, method, [request])


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """The story of the hidden notices, and all that was asked after it."""
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    stage = Stage(tmp_path_factory.mktemp("leaks"), database_url=url, reviews=True)
    for agency in ("FR-NCB", BRAZIL, KENYA):
        stage.admit(agency)
    with (stage.folder / "hub" / "hub.toml").open("a", encoding="utf-8") as text:
        text.write('enrol_listen = "127.0.0.1:0"\n')
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "PARAMETERS", argon2.profiles.CHEAPEST)
        async with serving(stage) as served:
            made = World(served, await play(served))
            await _ask(made)
            yield made


async def _ask(world: World) -> None:
    served, story = world.served, world.story
    async with served.client(BRAZIL) as brazil:
        await ask_everything(caller_of(brazil, SYSTEM, None, world.brazil), brazil, story)
    async with served.client(KENYA) as kenya:
        await ask_everything(caller_of(kenya, SYSTEM, None, world.kenya), kenya, story)
    for role in sorted(MEMBER_ROLES):
        async with served.officer(KENYA, role) as (opened, _):
            token = tokens_of(opened).access_token
            caller = caller_of(opened, Role.Name(role), token, world.kenya)
            await ask_everything(caller, opened, story)
    await ask_to_enrol(served, story, world.kenya)


@pytest.mark.threat("T140")
async def test_every_rpc_is_tried() -> None:
    assert set(methods()) == BY_NAME | TRIED.keys()
    assert not BY_NAME & TRIED.keys()


@pytest.mark.threat("T140")
async def test_nothing_of_a_notice_reaches_who_may_not_have_it(world: World) -> None:
    assert told(world.kenya, every(world.story.hidden)) == []


@pytest.mark.threat("T140")
async def test_the_same_calls_tell_an_addressee_what_is_its_own(world: World) -> None:
    addressed = world.story.hidden["Addressed"]

    found = told(world.brazil, every({"Addressed": addressed}))

    for path, what in {
        "/comity.v1.NoticeService/GetNotice": "word",
        "/comity.v1.NoticeService/ListNotices": "id",
        "/comity.v1.NoticeService/ListNoticeActs": "entry of release_decision",
        "/comity.v1.WatchService/WatchEvents": "content salt of version",
        "/comity.v1.LedgerService/ListEntries": "entry of version",
    }.items():
        assert f"{path} tells system: {what} of Addressed" in found
    # To whom else it is addressed, nobody but the originator learns.
    assert not [line for line in found if "addressing salt" in line]


@pytest.mark.threat("T140")
async def test_who_was_recalled_or_suspended_is_told_that_and_no_more(world: World) -> None:
    suspended, narrowed = (world.story.hidden[name] for name in ("Suspended", "Narrowed"))
    blobs = [response for answer in world.kenya for response in answer.responses]

    assert any(suspended.notice_id.encode() in blob for blob in blobs)
    assert any(b"Said openly" in blob for blob in blobs)  # why it is suspended
    assert any(narrowed.notice_id.encode() in blob for blob in blobs)


@pytest.mark.threat("T140")
async def test_figures_of_reviews_tell_of_no_single_one(world: World) -> None:
    path = "/comity.v1.ReviewService/GetReviewStatistics"
    answers = [answer for answer in world.kenya if answer.path == path and answer.responses]

    for answer in answers:
        figures = reviews_pb2.GetReviewStatisticsResponse.FromString(answer.responses[0])
        assert (list(figures.counts), figures.merged) == ([], 0)
    assert answers


def _bare(path: str, answer: Answer) -> Any:
    """An answer without what tells how far the ledger is."""
    bare = []
    for response in answer.responses:
        message = message_factory.GetMessageClass(methods()[path].output_type)().FromString(
            response
        )
        if "proof" in message.DESCRIPTOR.fields_by_name:
            message.ClearField("proof")
        bare.append(message.SerializeToString(deterministic=True))
    return answer.code, answer.said, bare


def foreign(hidden: Mapping[str, Hidden]) -> list[Hidden]:
    return [one for one in hidden.values() if not one.was_read]


@pytest.mark.threat("T141")
async def test_not_yours_is_answered_as_not_there(world: World) -> None:
    paths = [
        path
        for path, method in methods().items()
        if names_something(method.input_type) and not method.client_streaming
    ]
    assert len(paths) >= 6
    async with world.served.officer(KENYA) as (kenya, _):
        for token in (None, tokens_of(kenya).access_token):
            caller = caller_of(kenya, "officer", token, [])
            for path in paths:
                for one in foreign(world.story.hidden):
                    bares = []
                    for asked in (one, Hidden.nowhere(one)):
                        request = naming(methods()[path].input_type, asked).SerializeToString()
                        answer = await caller.ask(path, methods()[path], [request])
                        bares.append(_bare(path, answer))
                    assert bares[0] == bares[1], (path, one.name)


@pytest.mark.threat("T141")
async def test_acts_about_what_is_not_yours_are_refused_as_about_what_is_not_there(
    world: World,
) -> None:
    async with world.served.client(KENYA) as kenya:
        caller = caller_of(kenya, SYSTEM, None, [])
        for one in foreign(world.story.hidden):
            asked = [[*submissions(h, kenya)] for h in (one, Hidden.nowhere(one))]
            for (kind, hidden), (_, nowhere) in zip(*asked, strict=True):
                answers = [await _submit(caller, acts) for acts in (hidden, nowhere)]
                assert answers[0].code != grpc.StatusCode.OK, (kind, one.name)
                assert _bare(SUBMIT, answers[0]) == _bare(SUBMIT, answers[1]), (kind, one.name)


@pytest.mark.threat("T141")
async def test_a_notice_of_ones_own_may_bear_the_id_of_another(world: World) -> None:
    """Else whether an id is taken would tell."""
    async with world.served.client(KENYA) as kenya:
        caller = caller_of(kenya, SYSTEM, None, [])
        for one in foreign(world.story.hidden):
            [answer] = [await _submit(caller, acts) for acts in versions(one, kenya)]
            assert answer.code == grpc.StatusCode.OK, answer.said


async def _submit(caller: Caller, acts: list[acts_pb2.Envelope]) -> Answer:
    request = acts_pb2.SubmitActsRequest(acts=acts).SerializeToString()
    return await caller.ask(SUBMIT, methods()[SUBMIT], [request])
