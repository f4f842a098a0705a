"""Recalls at the client: copies erased, kept under law or passed on, and each answered once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.act_signing import NoticeReference
from agency_client.custody import custody_alerts
from agency_client.held import find_standing
from agency_client.inbox import KeptWindow, Quarantined, Retention
from agency_client.profile import PROFILE_FILE, SIGNING_KEY
from agency_client.recall_settings import load_recall_settings
from agency_client.recalls import RecallAnswer, answer_recalls, list_owed, settle_copies
from agency_client.submission import Submitting
from agency_client.watching import verify_each
from comity.acts import parse_act
from comity.errors import (
    ComityError,
    HubUnreachable,
    MalformedInput,
    NotFound,
    RecallAnswered,
)
from comity.times import timestamp_from
from comity.v1 import acts_pb2, events_pb2, ledger_pb2
from comity.v1.notices_pb2 import TRAFFIC_EXERCISE, LocalizedText
from tests.unit.client_desk import FRANCE, ClientDesk

DELETED, RETAINED = acts_pb2.RECALL_OUTCOME_DELETED, acts_pb2.RECALL_OUTCOME_RETAINED
PASSED_ON = acts_pb2.RECALL_OUTCOME_PASSED_ON
NEVER_HELD = acts_pb2.RECALL_OUTCOME_NEVER_HELD
REASON = [LocalizedText(language="en", text="why")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClientDesk]:
    made = ClientDesk(tmp_path)
    yield made
    made.inbox.close()


async def answer(desk: ClientDesk) -> tuple[list[RecallAnswer], list[MalformedInput]]:
    answers: list[RecallAnswer] = []
    unanswered: list[MalformedInput] = []
    await answer_recalls(desk.agency, on_answer=answers.append, on_unanswered=unanswered.append)
    return answers, unanswered


def bodies(desk: ClientDesk) -> list[Any]:
    return [parse_act(envelope).body for envelope in desk.sent]


async def test_copies_are_erased_and_the_answer_is_signed_once(desk: ClientDesk) -> None:
    version = desk.publish()
    ended = desk.withdraw(version)

    for _ in range(2):
        await answer(desk)

    [body] = bodies(desk)
    assert (body.outcome, body.recall_entry) == (DELETED, ended)
    assert not desk.inbox.received.find_notices(desk.notice_id(version))
    assert not desk.inbox.received.list_notice_events("FR-NCB", desk.notice_id(version))
    [kept] = desk.inbox.sent.list_submissions(notice_id=desk.notice_id(version))
    assert kept.receipted is not None


@pytest.mark.parametrize("change", ["CANCELLED", "EXPIRED"])
async def test_what_the_hub_ends_is_recalled_too(desk: ClientDesk, change: str) -> None:
    version = desk.publish()
    ended = desk.ledger.decide(ledger_pb2.NoticeChange.Value(f"NOTICE_CHANGE_{change}"), version)
    desk.hear(events_pb2.EventKind.Value(f"EVENT_KIND_{change}"), ended)

    await answer(desk)

    assert [(DELETED, ended)] == [(body.outcome, body.recall_entry) for body in bodies(desk)]


async def test_what_was_never_held_is_said(desk: ClientDesk) -> None:
    unheard = desk.ledger.publish("FR-NCB", FRANCE)
    desk.withdraw(unheard)

    await answer(desk)

    assert [body.outcome for body in bodies(desk)] == [NEVER_HELD]


async def test_a_late_event_does_not_bring_back_what_is_erased(desk: ClientDesk) -> None:
    version = desk.publish()
    later = desk.ledger.act(
        "FR-NCB",
        FRANCE,
        addendum=acts_pb2.AddendumAct(**desk.ledger.reference(version), texts=REASON),
    )
    desk.withdraw(version)
    await answer(desk)

    desk.hear(events_pb2.EVENT_KIND_PUBLISHED, version)
    desk.hear(events_pb2.EVENT_KIND_ADDENDUM, later)

    assert not desk.inbox.received.find_notices(desk.notice_id(version))
    assert not desk.inbox.received.list_notice_events("FR-NCB", desk.notice_id(version))


async def test_what_did_not_verify_is_erased_as_well(desk: ClientDesk) -> None:
    version = desk.publish()
    trust = desk.agency.trust
    event = desk.ledger.event(events_pb2.EVENT_KIND_PUBLISHED, version)
    window = KeptWindow([], [Quarantined(version, "spoilt", event)], desk.ledger.size)
    desk.inbox.commit_window("inbox", window, trust)
    desk.withdraw(version)

    await answer(desk)

    assert not desk.inbox.received.list_quarantined()


async def test_law_keeps_a_copy_until_its_day(desk: ClientDesk) -> None:
    version = desk.publish()
    notice_id = desk.notice_id(version)
    until = (desk.now + timedelta(days=3)).date().isoformat()
    desk.inbox.recalls.save_retention("FR-NCB", notice_id, Retention("Act 9", until))
    desk.withdraw(version)
    await answer(desk)
    is_kept = desk.inbox.received.holds("FR-NCB", notice_id)
    desk.now += timedelta(days=5)
    await answer(desk)

    first, second = bodies(desk)
    assert is_kept
    assert (first.outcome, first.provision) == (RETAINED, "Act 9")
    assert second.outcome == DELETED
    assert not desk.inbox.received.holds("FR-NCB", notice_id)


async def test_the_profile_may_say_that_law_demands_to_keep(desk: ClientDesk) -> None:
    settings = '[recall]\nretain_provision = "Act 9"\nretain_days = 30\n'
    desk.agency.profile.path(PROFILE_FILE).write_text(settings, encoding="utf-8")
    desk.withdraw(desk.publish())

    await answer(desk)

    [body] = bodies(desk)
    assert body.outcome == RETAINED
    assert body.retained_until.month == 12


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("recall = 1", []),
        ('[recall]\nretain = "x"', ["recall.retain"]),
        ('[recall]\nretain_provision = "Act 9"', ["recall"]),
        ("[recall]\nretain_provision = 1\nretain_days = -1", ["provision", "days"]),
    ],
    ids=["no table", "unknown", "half", "of other types"],
)
def test_settings_at_fault_are_named(desk: ClientDesk, text: str, fields: list[str]) -> None:
    desk.agency.profile.path(PROFILE_FILE).write_text(text, encoding="utf-8")

    with pytest.raises(MalformedInput) as refused:
        load_recall_settings(desk.agency.profile)
    named = [violation.field for violation in refused.value.violations]
    assert len(named) == len(fields)
    assert all(field in name for field, name in zip(fields, named, strict=True))


async def test_whom_a_copy_went_to_is_said(desk: ClientDesk) -> None:
    version = desk.publish()
    desk.inbox.recalls.add_passed_on("FR-NCB", desk.notice_id(version), ["KE-NCB", "IT"])
    desk.withdraw(version)

    await answer(desk)

    [body] = bodies(desk)
    assert (body.outcome, list(body.passed_on_to)) == (PASSED_ON, ["IT", "KE-NCB"])
    assert not desk.inbox.received.holds("FR-NCB", desk.notice_id(version))


async def test_an_answer_that_a_hub_cannot_take_is_kept(desk: ClientDesk) -> None:
    desk.withdraw(desk.publish())
    desk.refusal = HubUnreachable()
    await answer(desk)
    await answer(desk)

    assert len(desk.inbox.sent.list_unanswered()) == 1


@pytest.mark.parametrize(("refusal", "is_owed"), [(RecallAnswered(), False), (NotFound(), True)])
async def test_an_answer_that_is_refused_is_owed_and_given_again_a_day_later(
    desk: ClientDesk, refusal: ComityError, is_owed: bool
) -> None:
    refusal.is_from_hub = True
    desk.withdraw(desk.publish())
    desk.refusal = refusal
    await answer(desk)
    desk.refusal = None
    await answer(desk)

    assert not desk.sent
    assert not desk.inbox.sent.list_unanswered()
    assert bool(list_owed(desk.agency)) == is_owed
    desk.now += timedelta(days=2)
    await answer(desk)
    assert bool(desk.sent) == is_owed
    assert not list_owed(desk.agency)


async def test_copies_are_erased_where_no_answer_can_be_signed(desk: ClientDesk) -> None:
    version = desk.publish()
    desk.withdraw(version)
    key = desk.agency.profile.path(SIGNING_KEY)
    pem = key.read_bytes()
    key.write_bytes(b"locked")

    _, [said] = await answer(desk)

    notice_id = desk.notice_id(version)
    assert f"comity recall answer {notice_id} --from FR-NCB" in said.message
    assert not desk.inbox.received.holds("FR-NCB", notice_id)
    key.write_bytes(pem)
    await answer(desk)
    assert [body.outcome for body in bodies(desk)] == [DELETED]


def narrowed(desk: ClientDesk) -> tuple[int, int]:
    """A notice that Germany is taken off again: its entry, and the hub's that tells of it."""
    version = desk.publish()
    addressing = desk.ledger.address("FR-NCB", FRANCE, version_entry=version)
    recalled = ledger_pb2.NOTICE_CHANGE_RECALLED
    entry = desk.ledger.decide(recalled, version, acts_entry=addressing)
    desk.hear(events_pb2.EVENT_KIND_RECALLED, entry)
    return version, entry


async def test_the_hubs_entry_says_what_is_no_longer_addressed(desk: ClientDesk) -> None:
    version, entry = narrowed(desk)
    other = desk.publish()

    await answer(desk)

    [body] = bodies(desk)
    assert (body.notice_id, body.recall_entry) == (desk.notice_id(version), entry)
    assert body.outcome == DELETED
    assert not desk.inbox.received.holds("FR-NCB", desk.notice_id(version))
    assert desk.inbox.received.holds("FR-NCB", desk.notice_id(other))


@pytest.mark.threat("T30")
@pytest.mark.threat("T161")
async def test_nothing_is_erased_for_a_recall_that_no_event_began(desk: ClientDesk) -> None:
    version = desk.publish()
    addressing = desk.ledger.address("FR-NCB", FRANCE, version_entry=version)
    trust = desk.agency.trust
    proof = desk.ledger.proof(known_size=trust.size)
    trust.advance(trust.open_note(desk.ledger.note()), proof.consistency_path)
    at_the_act = events_pb2.Event(
        kind=events_pb2.EVENT_KIND_RECALLED, leaf=desk.ledger.leaf(addressing)
    )
    verified, quarantined = verify_each([at_the_act], trust)
    desk.inbox.commit_window("w", KeptWindow(verified, quarantined, desk.ledger.size), trust)

    await answer(desk)

    assert len(quarantined) == 1
    assert not desk.sent
    assert desk.inbox.received.holds("FR-NCB", desk.notice_id(version))


async def test_who_is_addressed_again_receives_again(desk: ClientDesk) -> None:
    version, _ = narrowed(desk)
    notice_id = desk.notice_id(version)
    await answer(desk)
    was_held = desk.inbox.received.holds("FR-NCB", notice_id)
    added = desk.ledger.address("FR-NCB", FRANCE, version_entry=version)
    event = desk.ledger.event(events_pb2.EVENT_KIND_ADDRESSEE_ADDED, added, act_entry=version)
    trust = desk.agency.trust
    proof = desk.ledger.proof(known_size=trust.size)
    trust.advance(trust.open_note(desk.ledger.note()), proof.consistency_path)
    desk.inbox.commit_window("w", KeptWindow(*verify_each([event], trust), added + 1), trust)

    assert not was_held
    assert desk.inbox.received.holds("FR-NCB", notice_id)
    assert find_standing(desk.agency, "FR-NCB", notice_id).is_in_force


async def test_what_came_after_a_narrowing_is_not_erased_for_it(desk: ClientDesk) -> None:
    version, entry = narrowed(desk)
    notice_id = desk.notice_id(version)
    added = desk.ledger.address("FR-NCB", FRANCE, version_entry=version)
    event = desk.ledger.event(events_pb2.EVENT_KIND_ADDRESSEE_ADDED, added, act_entry=version)
    trust = desk.agency.trust
    proof = desk.ledger.proof(known_size=trust.size)
    trust.advance(trust.open_note(desk.ledger.note()), proof.consistency_path)
    desk.inbox.commit_window("w", KeptWindow(*verify_each([event], trust), added + 1), trust)

    await answer(desk)

    assert [(DELETED, entry)] == [(body.outcome, body.recall_entry) for body in bodies(desk)]
    assert desk.inbox.received.holds("FR-NCB", notice_id)
    assert find_standing(desk.agency, "FR-NCB", notice_id).is_in_force
    ended = desk.withdraw(version)
    await answer(desk)
    assert bodies(desk)[-1].recall_entry == ended
    assert not desk.inbox.received.holds("FR-NCB", notice_id)


async def test_a_recall_at_an_entry_that_a_restored_hub_gives_again_is_acted_on(
    desk: ClientDesk,
) -> None:
    ended = desk.withdraw(desk.publish())
    await answer(desk)
    trust = desk.agency.trust
    desk.inbox.begin_epoch(previous_origin=trust.origin, origin="new", restored_size=ended - 1)
    other = desk.ledger.event(
        events_pb2.EVENT_KIND_WITHDRAWN,
        desk.ledger.withdraw("FR-NCB", FRANCE, version_entry=desk.publish()),
    )
    [again], _ = verified_as_known(desk, other)
    again = replace(again, entry_index=ended)

    with desk.inbox._file.transaction() as connection:
        desk.inbox.recalls.add(connection, "new", [again])

    recalls = desk.inbox.recalls.list_recalls()
    assert [r.origin for r in recalls if r.recall_entry == ended] == [trust.origin, "new"]
    assert recalls[-1].notice_id == again.notice_id
    assert recalls[-1].erased_at is None


def verified_as_known(desk: ClientDesk, event: events_pb2.Event) -> Any:
    trust = desk.agency.trust
    proof = desk.ledger.proof(known_size=trust.size)
    trust.advance(trust.open_note(desk.ledger.note()), proof.consistency_path)
    return verify_each([event], trust)


async def test_an_agencys_own_notices_are_not_its_to_answer(desk: ClientDesk) -> None:
    desk.withdraw(desk.publish())
    owed = list_owed(desk.agency)
    object.__setattr__(desk.agency.profile, "agency", "FR-NCB")

    assert len(owed) == 1
    assert not list_owed(desk.agency)
    assert not settle_copies(desk.agency)


# --- custody --------------------------------------------------------------------------------------


async def hold(desk: ClientDesk, version: int, *, reference: str = "7") -> None:
    named = desk.ledger.reference(version)
    notice = NoticeReference("FR-NCB", named["notice_id"], named["version_digest"])
    request = desk.agency.signer().custody(
        notice, since=desk.now if reference else None, reference=reference
    )
    await Submitting(desk.agency).send(request)


async def test_who_holds_somebody_is_alarmed_until_nobody_is(desk: ClientDesk) -> None:
    version = desk.publish()
    await hold(desk, version)
    quiet = custody_alerts(desk.agency)
    desk.by_france(
        events_pb2.EVENT_KIND_SUSPENDED,
        suspension=acts_pb2.SuspensionAct(**desk.ledger.reference(version), reason=REASON),
    )
    [suspended] = custody_alerts(desk.agency)
    desk.withdraw(version)
    await answer(desk)
    [ended] = custody_alerts(desk.agency)
    await hold(desk, version, reference="")

    assert not quiet
    assert suspended.state == "suspended"
    assert ended.state == "withdrawn"
    line = ended.line(ended.since + timedelta(hours=2, minutes=5), str)
    assert line.startswith("URGENT  the notice on which you hold this person no longer stands")
    assert "withdrawn for 2 h 05 min" in line
    assert ended.next_command in line
    assert not custody_alerts(desk.agency)


async def test_an_exercise_alarms_nobody_in_earnest(desk: ClientDesk) -> None:
    version = desk.publish(traffic=TRAFFIC_EXERCISE)
    await hold(desk, version)
    desk.withdraw(version)
    [held] = custody_alerts(desk.agency)
    await answer(desk)
    [erased] = custody_alerts(desk.agency)

    for alert in (held, erased):
        assert alert.line(desk.now, str).startswith("EXERCISE  URGENT")


async def test_a_notice_that_has_run_out_alarms_as_well(desk: ClientDesk) -> None:
    version = desk.publish(expires_at=timestamp_from(desk.now + timedelta(days=1)))
    await hold(desk, version)
    desk.now += timedelta(days=2)

    [alert] = custody_alerts(desk.agency)

    assert (alert.state, alert.clock_text(desk.now)) == ("expired", "24 h 00 min")
