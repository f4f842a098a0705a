"""Events and notices as a hub shows them: honest ones, and every way of lying about one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agency_client.events import (
    ADDRESSEE_ADDED,
    NEW_VERSION,
    PUBLISHED,
    ROSTER_CHANGED,
    WITHDRAWN,
    require_order,
    verify_event,
    verify_record,
)
from agency_client.trust import Trust
from agency_client.watching import verify_each
from comity.acts import VERSION
from comity.errors import (
    ComityError,
    LedgerForked,
    MalformedInput,
    ProofInvalid,
    SignatureInvalid,
    SigningKeyUnknown,
    WrongHub,
    WrongOriginator,
)
from comity.keys import ED25519, ML_DSA_65, generate_private_key
from comity.v1 import events_pb2, notices_pb2
from tests.unit.small_ledger import DOMAIN, SmallLedger

FRANCE, GERMANY, SECOND = (generate_private_key(ED25519) for _ in range(3))


def make_ledger() -> SmallLedger:
    ledger = SmallLedger()
    ledger.add_roster("FR-NCB", added=[FRANCE])
    ledger.add_roster("DE-BKA", added=[GERMANY])
    return ledger


def make_trust(ledger: SmallLedger) -> Trust:
    leaves = [ledger.leaf(index) for index in ledger.roster]
    return Trust(DOMAIN, ledger_keys=[ledger.ledger_key], roster_leaves=leaves)


def test_honest_events_verify() -> None:
    ledger = make_ledger()
    first = ledger.publish("FR-NCB", FRANCE)
    second = ledger.publish(
        "FR-NCB", FRANCE, notice=notices_pb2.Notice(notice_id=ledger.new_id(), version=2)
    )
    added = ledger.address("FR-NCB", FRANCE, version_entry=first)
    ended = ledger.withdraw("FR-NCB", FRANCE, version_entry=first)
    events = [
        ledger.event(ROSTER_CHANGED, 1),
        ledger.event(PUBLISHED, first),
        ledger.event(NEW_VERSION, second),
        ledger.event(ADDRESSEE_ADDED, added, act_entry=first),
        ledger.event(WITHDRAWN, ended),
    ]

    verified, quarantined = verify_each(events, make_trust(ledger))

    assert [1, first, second, added, ended] == [event.entry_index for event in verified]
    assert not quarantined


def published() -> tuple[SmallLedger, events_pb2.Event]:
    ledger = make_ledger()
    return ledger, ledger.event(PUBLISHED, ledger.publish("FR-NCB", FRANCE))


def _with_other_salt(event: events_pb2.Event) -> None:
    event.act.content_salt = bytes(32)


def _with_other_kind(event: events_pb2.Event) -> None:
    event.kind = NEW_VERSION


def _as_withdrawal(event: events_pb2.Event) -> None:
    event.kind = WITHDRAWN


def _of_unknown_kind(event: events_pb2.Event) -> None:
    event.kind = 77  # type: ignore[assignment]  # Of a later version.


def _lying_elsewhere(event: events_pb2.Event) -> None:
    event.act.leaf.CopyFrom(event.leaf)


def _without_signature(event: events_pb2.Event) -> None:
    del event.act.envelope.signatures[:]


def _with_broken_signature(event: events_pb2.Event) -> None:
    event.act.envelope.signatures[0].value = bytes(64)


def _with_other_payload(event: events_pb2.Event) -> None:
    event.act.envelope.payload += b"\x12\x00"


def _with_garbage(event: events_pb2.Event) -> None:
    event.act.envelope.payload = b"\xff"


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        (_with_other_salt, ProofInvalid),
        (_with_other_kind, ProofInvalid),
        (_as_withdrawal, ProofInvalid),
        (_of_unknown_kind, ProofInvalid),
        (_lying_elsewhere, ProofInvalid),
        (_without_signature, SigningKeyUnknown),
        (_with_broken_signature, SignatureInvalid),
        (_with_other_payload, ComityError),
        (_with_garbage, MalformedInput),
    ],
)
@pytest.mark.threat("T30")
def test_a_lie_is_refused(
    lie: Callable[[events_pb2.Event], None], error: type[ComityError]
) -> None:
    ledger, event = published()
    lie(event)

    with pytest.raises(error):
        verify_event(event, make_trust(ledger))


def test_what_fails_is_set_apart_and_holds_up_no_other() -> None:
    ledger, event = published()
    honest = ledger.event(PUBLISHED, ledger.publish("DE-BKA", GERMANY))
    _with_other_salt(event)

    verified, quarantined = verify_each([event, honest], make_trust(ledger))

    assert [honest.leaf.entry_index] == [one.entry_index for one in verified]
    assert [event.leaf.entry_index] == [one.entry_index for one in quarantined]
    assert "commitment" in quarantined[0].reason


def test_a_foreign_key_signs_for_nobody_else() -> None:
    ledger = make_ledger()
    index = ledger.publish("FR-NCB", GERMANY)

    with pytest.raises(SigningKeyUnknown):
        verify_event(ledger.event(PUBLISHED, index), make_trust(ledger))


@pytest.mark.threat("T30")
def test_an_entry_in_anothers_name_is_refused() -> None:
    ledger = make_ledger()
    index = ledger.record("DE-BKA", ledger.version("FR-NCB", FRANCE), kind=VERSION)

    with pytest.raises(WrongOriginator):
        verify_event(ledger.event(PUBLISHED, index), make_trust(ledger))


@pytest.mark.threat("T14")
def test_an_act_for_another_hub_is_refused() -> None:
    ledger = make_ledger()
    index = ledger.publish("FR-NCB", FRANCE, domain="other.example")

    with pytest.raises(WrongHub):
        verify_event(ledger.event(PUBLISHED, index), make_trust(ledger))


@pytest.mark.threat("T30")
def test_a_key_signs_between_its_first_and_its_last_entry_only() -> None:
    ledger = make_ledger()
    too_early = ledger.publish("FR-NCB", SECOND)
    ledger.add_roster("FR-NCB", added=[SECOND])
    in_time = ledger.publish("FR-NCB", SECOND)
    ledger.add_roster("FR-NCB", ended=[SECOND])
    too_late = ledger.publish("FR-NCB", SECOND)
    by_the_other = ledger.publish("FR-NCB", FRANCE)
    trust = make_trust(ledger)

    places = (too_early, in_time, too_late, by_the_other)
    verified, quarantined = verify_each([ledger.event(PUBLISHED, i) for i in places], trust)

    assert [in_time, by_the_other] == [one.entry_index for one in verified]
    assert [too_early, too_late] == [one.entry_index for one in quarantined]


@pytest.mark.threat("T32")
def test_a_roster_whose_end_is_kept_back_is_noticed() -> None:
    """The key was revoked, and the hub shows a reader the act but not the revocation."""
    ledger = make_ledger()
    blind = make_trust(ledger)
    ledger.add_roster("FR-NCB", ended=[FRANCE])
    by_a_revoked_key = ledger.publish("FR-NCB", FRANCE)

    with pytest.raises(LedgerForked, match="keeps back"):
        verify_each([ledger.event(PUBLISHED, by_a_revoked_key)], blind)


def test_an_entry_judged_by_an_older_roster_is_noticed_by_who_knows_the_newer() -> None:
    ledger = make_ledger()
    older = ledger.roster[-1]
    ledger.add_roster("FR-NCB", ended=[FRANCE])
    ledger.roster.append(older)  # what the hub writes into the entry
    entry = ledger.publish("FR-NCB", FRANCE)
    ledger.roster.pop()

    with pytest.raises(LedgerForked):
        verify_event(ledger.event(PUBLISHED, entry), make_trust(ledger))


def test_keys_are_looked_up_anew_when_the_roster_grows() -> None:
    ledger = make_ledger()
    trust = make_trust(ledger)
    before = ledger.event(PUBLISHED, ledger.publish("FR-NCB", FRANCE))
    verify_event(before, trust)
    trust.add_roster_leaf(ledger.leaf(ledger.add_roster("FR-NCB", added=[SECOND], ended=[FRANCE])))

    verify_event(before, trust)
    verify_event(ledger.event(PUBLISHED, ledger.publish("FR-NCB", SECOND)), trust)
    with pytest.raises(SigningKeyUnknown):
        verify_event(ledger.event(PUBLISHED, ledger.publish("FR-NCB", FRANCE)), trust)


def test_post_quantum_keys_sign_too() -> None:
    key = generate_private_key(ML_DSA_65)
    ledger = make_ledger()
    ledger.add_roster("FR-NCB", added=[key])

    verify_event(ledger.event(PUBLISHED, ledger.publish("FR-NCB", key)), make_trust(ledger))


def test_a_roster_event_has_to_be_of_the_roster() -> None:
    ledger = make_ledger()
    trust = make_trust(ledger)
    ledger.roster.pop()
    beside = ledger.add_roster("KE-NCB")

    with pytest.raises(ProofInvalid):
        verify_event(ledger.event(ROSTER_CHANGED, beside), trust)
    with pytest.raises(ProofInvalid):
        verify_event(events_pb2.Event(kind=ROSTER_CHANGED, leaf=ledger.leaf(0)), trust)


def test_an_addressee_is_added_by_the_originator_only() -> None:
    ledger = make_ledger()
    first = ledger.publish("FR-NCB", FRANCE)
    other = ledger.publish("DE-BKA", GERMANY)
    by_another = ledger.address("DE-BKA", GERMANY, version_entry=other)

    with pytest.raises(ProofInvalid):
        verify_event(ledger.event(ADDRESSEE_ADDED, by_another, act_entry=first), make_trust(ledger))


def test_unknown_fields_are_shown_and_not_refused() -> None:
    ledger = make_ledger()
    notice = notices_pb2.Notice.FromString(b"\x0a\x01x\x10\x01\x9a\x3f\x03new")
    notice.notice_id = ledger.new_id()
    index = ledger.publish("FR-NCB", FRANCE, notice=notice)

    assert verify_event(ledger.event(PUBLISHED, index), make_trust(ledger)).has_unknown_fields


def test_events_rise_through_their_window() -> None:
    ledger = make_ledger()
    places = [ledger.publish("FR-NCB", FRANCE) for _ in range(3)]
    events = [ledger.event(PUBLISHED, index) for index in places]
    end = places[-1] + 1

    require_order(events, first_index=places[0], next_index=end)
    for wrong in (events[::-1], [events[0], events[0]]):
        with pytest.raises(ProofInvalid):
            require_order(wrong, first_index=places[0], next_index=end)
    with pytest.raises(ProofInvalid):
        require_order(events, first_index=places[1], next_index=end)
    with pytest.raises(ProofInvalid):
        require_order(events, first_index=places[0], next_index=places[-1])


def make_record(
    ledger: SmallLedger, version: int, withdrawal: int | None
) -> events_pb2.NoticeRecord:
    record = events_pb2.NoticeRecord(state=events_pb2.NOTICE_STATE_PUBLISHED)
    _show(record.version, ledger, version)
    if withdrawal is not None:
        record.state = events_pb2.NOTICE_STATE_WITHDRAWN
        _show(record.withdrawal, ledger, withdrawal)
    return record


def _show(record: events_pb2.ActRecord, ledger: SmallLedger, index: int) -> None:
    record.envelope.CopyFrom(ledger.acts[index][0])
    record.leaf.CopyFrom(ledger.leaf(index))
    record.content_salt, record.addressing_salt = ledger.salts[index]


def test_a_notice_verifies_as_it_stands() -> None:
    ledger = make_ledger()
    first = ledger.publish("FR-NCB", FRANCE)
    addressing = ledger.address("FR-NCB", FRANCE, version_entry=first)
    ended = ledger.withdraw("FR-NCB", FRANCE, version_entry=first)
    record = make_record(ledger, first, ended)
    _show(record.addressing, ledger, addressing)

    assert verify_record(record, make_trust(ledger)).originator == "FR-NCB"


def test_a_notice_is_withdrawn_by_its_own_withdrawal_only() -> None:
    ledger = make_ledger()
    first, second = (ledger.publish("FR-NCB", FRANCE) for _ in range(2))
    ended = ledger.withdraw("FR-NCB", FRANCE, version_entry=second)
    hidden = make_record(ledger, second, ended)
    hidden.state = events_pb2.NOTICE_STATE_PUBLISHED

    with pytest.raises(ProofInvalid):
        verify_record(make_record(ledger, first, ended), make_trust(ledger))
    with pytest.raises(ProofInvalid):
        verify_record(hidden, make_trust(ledger))


def test_an_addressing_of_another_notice_is_refused() -> None:
    ledger = make_ledger()
    first, second = (ledger.publish("FR-NCB", FRANCE) for _ in range(2))
    record = make_record(ledger, first, None)
    _show(record.addressing, ledger, ledger.address("FR-NCB", FRANCE, version_entry=second))

    with pytest.raises(ProofInvalid):
        verify_record(record, make_trust(ledger))
