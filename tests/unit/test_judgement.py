"""What fits the state of the ledger: decided in order, each item seeing what came before it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from comity.acts import parse_act
from comity.errors import (
    AddressingInvalid,
    AddressingNarrowed,
    AgencyNotActive,
    ComityError,
    IdReused,
    IssuedInFuture,
    IssuedTooLongAgo,
    NotFound,
    NoticeExpired,
    NoticeInvalid,
    NoticeWithdrawn,
    NotLatestVersion,
)
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.times import timestamp_from
from comity.v1 import acts_pb2, events_pb2, notices_pb2
from hub.services.judgement import MAX_AGE, MAX_AHEAD, judge
from hub.services.ledger_state import Accepted, LedgerState, Repeated, Terms
from hub.services.submissions import Submission
from hub.store.acts import StoredAct
from hub.store.audiences import Audience
from tests.integration.drafts import Draft, new_id

FRANCE, BRAZIL, KENYA = AgencyId("FR-NCB"), AgencyId("BR-NCB"), AgencyId("KE-NCB")
KEY = generate_private_key(ED25519)


class World:
    """A state, and a draft over it; accepted acts change the state as the writer does."""

    def __init__(self) -> None:
        self.draft = Draft([KEY])
        members = frozenset({FRANCE, BRAZIL, KENYA})
        terms = {FRANCE: Terms(frozenset(notices_pb2.NoticeKind.values()))}
        self.state = LedgerState(datetime.now(UTC), members, {}, {}, terms)
        self.next_index = 10

    def judge(self, *acts: acts_pb2.Envelope) -> Accepted | Repeated:
        parsed = tuple(parse_act(envelope) for envelope in acts)
        submission = Submission(FRANCE, parsed, roster_entry=1)
        verdict = judge(submission, self.state, entry_index=self.next_index)
        if isinstance(verdict, Accepted):
            self._take(submission, verdict)
        return verdict

    def accepted(self, *acts: acts_pb2.Envelope) -> Accepted:
        verdict = self.judge(*acts)
        assert isinstance(verdict, Accepted)
        return verdict

    def _take(self, submission: Submission, verdict: Accepted) -> None:
        for act in submission.acts:
            self.state.acts[act.originator, act.act_id] = StoredAct(
                originator=act.originator,
                act_id=act.act_id,
                kind=act.kind,
                digest=act.digest,
                envelope=b"",
                entry_index=self.next_index,
                salt=b"",
            )
        self.state.notices[verdict.standing.key] = verdict.standing
        for audience in (verdict.addressees, verdict.hearers):
            self.state.audiences[audience.key] = audience
        self.next_index += 1


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def published(world: World) -> World:
    """A world with a notice of France's, addressed to Brazil."""
    world.accepted(*world.draft.acts())
    return world


def members_of(audience: Audience) -> set[AgencyId]:
    return set(audience.members)


def test_a_first_version_goes_to_whom_its_rule_names(world: World) -> None:
    world.draft.rule = acts_pb2.AddressingRule(all_members=True, except_countries=["KE"])

    verdict = world.accepted(*world.draft.acts())

    assert verdict.event_kind == events_pb2.EVENT_KIND_PUBLISHED
    assert {BRAZIL} == members_of(verdict.addressees) == members_of(verdict.hearers)
    assert (verdict.standing.version_entry, verdict.act_entry) == (10, 10)


def test_the_same_acts_again_are_repeated_even_when_too_old(published: World) -> None:
    acts = parse_again(published)
    published.state.now += MAX_AGE + timedelta(days=1)

    assert Repeated(10) == published.judge(*acts)


def parse_again(world: World) -> list[acts_pb2.Envelope]:
    """The acts that a world has accepted, signed anew over the same bytes."""
    version = world.draft.version()
    [addressing_id] = {key[1] for key in world.state.acts} - {world.draft.header.act_id}
    world.draft.other_header = lambda: _header(world, addressing_id)  # type: ignore[method-assign]
    return [version, world.draft.addressing()]


def _header(world: World, act_id: str) -> acts_pb2.ActHeader:
    header = acts_pb2.ActHeader()
    header.CopyFrom(world.draft.header)
    header.act_id = act_id
    return header


def test_an_act_id_with_other_bytes_is_refused(published: World) -> None:
    published.draft.notice.case_reference = "SAMPLE-OTHER"

    with pytest.raises(IdReused):
        published.judge(*published.draft.acts())


def test_who_is_no_member_any_longer_is_refused_before_anything_else(published: World) -> None:
    published.state.members = frozenset({BRAZIL, KENYA})

    with pytest.raises(AgencyNotActive):
        published.judge(*parse_again(published))


def set_issue_time(world: World, offset: timedelta) -> None:
    world.draft.notice.issued_at.CopyFrom(timestamp_from(world.state.now + offset))


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (MAX_AHEAD - SECOND, None),
        (MAX_AHEAD + SECOND, IssuedInFuture),
        (-MAX_AGE + SECOND, None),
        (-MAX_AGE - SECOND, IssuedTooLongAgo),
    ],
    ids=["as far ahead as may be", "further ahead", "as old as may be", "older"],
)
def test_the_time_of_issue_is_bounded(
    world: World, offset: timedelta, expected: type[ComityError] | None
) -> None:
    set_issue_time(world, offset)

    if expected is None:
        world.accepted(*world.draft.acts())
    else:
        with pytest.raises(expected):
            world.judge(*world.draft.acts())


def test_a_notice_that_has_expired_meanwhile_is_refused(world: World) -> None:
    acts = world.draft.acts()
    world.state.now += timedelta(days=29, hours=23)
    world.draft.notice.expires_at.CopyFrom(timestamp_from(world.state.now))
    set_issue_time(world, -SECOND)

    with pytest.raises(NoticeExpired):
        world.judge(*world.draft.acts())
    assert acts


Act = Callable[[Draft], acts_pb2.Envelope]


def next_version_of_another_kind(draft: Draft) -> acts_pb2.Envelope:
    draft.notice.kind = notices_pb2.NOTICE_KIND_BLUE
    return draft.next_version()


def skipping_a_version(draft: Draft) -> acts_pb2.Envelope:
    draft.notice.version += 1
    return draft.next_version()


def over_another_digest(draft: Draft) -> acts_pb2.Envelope:
    draft.digest = bytes(32)
    return draft.next_version()


def withdrawing_another_version(draft: Draft) -> acts_pb2.Envelope:
    draft.digest = bytes(32)
    return draft.withdrawal()


def first_version_again(draft: Draft) -> acts_pb2.Envelope:
    draft.header.act_id = new_id()
    return draft.version()


def narrower(draft: Draft) -> acts_pb2.Envelope:
    draft.rule = acts_pb2.AddressingRule(agencies=["KE-NCB"])
    return draft.addressing()


def over_another_version(draft: Draft) -> acts_pb2.Envelope:
    draft.digest = bytes(32)
    return draft.addressing()


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (next_version_of_another_kind, NoticeInvalid),
        (skipping_a_version, NotLatestVersion),
        (over_another_digest, NotLatestVersion),
        (withdrawing_another_version, NotLatestVersion),
        (first_version_again, IdReused),
        (narrower, AddressingNarrowed),
        (over_another_version, AddressingInvalid),
    ],
)
def test_what_does_not_follow_is_refused_and_changes_nothing(
    published: World, act: Act, expected: type[ComityError]
) -> None:
    before = dict(published.state.notices)

    with pytest.raises(expected):
        published.judge(act(published.draft))

    assert before == published.state.notices


@pytest.mark.parametrize("act", [Draft.next_version, Draft.withdrawal, Draft.addressing])
def test_an_act_on_what_is_not_there_is_refused(world: World, act: Act) -> None:
    world.draft.digest = bytes(32)

    with pytest.raises(NotFound):
        world.judge(act(world.draft))


@pytest.mark.parametrize("act", [Draft.next_version, Draft.withdrawal, Draft.addressing])
def test_nothing_follows_a_withdrawal(published: World, act: Act) -> None:
    published.accepted(published.draft.withdrawal())

    with pytest.raises(NoticeWithdrawn):
        published.judge(act(published.draft))


def test_a_wider_addressing_is_heard_by_those_it_adds_alone(published: World) -> None:
    published.draft.rule = acts_pb2.AddressingRule(all_members=True)

    verdict = published.accepted(published.draft.addressing())

    assert verdict.event_kind == events_pb2.EVENT_KIND_ADDRESSEE_ADDED
    assert {KENYA} == members_of(verdict.hearers)
    assert {BRAZIL, KENYA} == members_of(verdict.addressees)
    assert (verdict.standing.addressing_entry, verdict.act_entry) == (11, 10)


def test_who_has_left_need_not_be_named_again(published: World) -> None:
    published.state.members = frozenset({FRANCE, KENYA})
    published.draft.rule = acts_pb2.AddressingRule(agencies=["KE-NCB"])

    verdict = published.accepted(published.draft.addressing())

    assert {BRAZIL, KENYA} == members_of(verdict.addressees)


def test_a_version_may_come_with_a_wider_addressing(published: World) -> None:
    published.draft.rule = acts_pb2.AddressingRule(all_members=True)

    verdict = published.accepted(published.draft.next_version(), published.draft.addressing())

    assert verdict.event_kind == events_pb2.EVENT_KIND_NEW_VERSION
    assert {BRAZIL, KENYA} == members_of(verdict.hearers)
    assert (
        verdict.standing.version,
        verdict.standing.version_entry,
        verdict.standing.addressing_entry,
    ) == (2, 11, 11)
