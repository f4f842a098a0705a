"""The inbox: what belongs together is committed together, and duplicates leave no trace."""

from __future__ import annotations

import itertools
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agency_client.events import ADDRESSEE_ADDED, NEW_VERSION, PUBLISHED, WITHDRAWN
from agency_client.failures import InboxFailed
from agency_client.inbox import Inbox, KeptWindow
from agency_client.inbox.file import PRIVATE_MODE
from agency_client.trust import SeenCheckpoint, Trust
from agency_client.watching import verify_each
from comity.errors import LedgerForked
from comity.keys import ED25519, generate_private_key
from comity.v1 import acts_pb2, events_pb2, notices_pb2
from tests.unit.small_ledger import DOMAIN, SmallLedger

FRANCE = generate_private_key(ED25519)
LIVE = notices_pb2.TRAFFIC_LIVE


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    opened = Inbox(tmp_path / "inbox.sqlite")
    yield opened
    opened.close()


def make_ledger() -> tuple[SmallLedger, Trust]:
    ledger = SmallLedger()
    ledger.add_roster("FR-NCB", added=[FRANCE])
    leaves = [ledger.leaf(index) for index in ledger.roster]
    return ledger, Trust(DOMAIN, ledger_keys=[ledger.ledger_key], roster_leaves=leaves)


def window_of(ledger: SmallLedger, trust: Trust, *events: events_pb2.Event) -> KeptWindow:
    trust.advance(
        trust.open_note(ledger.note()), ledger.proof(known_size=trust.size).consistency_path
    )
    return KeptWindow(*verify_each(events, trust), next_index=ledger.size)


def test_a_window_is_kept_with_its_place_and_what_was_learned(inbox: Inbox) -> None:
    ledger, trust = make_ledger()
    index = ledger.publish("FR-NCB", FRANCE)
    window = window_of(ledger, trust, ledger.event(PUBLISHED, index))

    new = inbox.commit_window("inbox", window, trust)

    assert [index] == [event.entry_index for event in new]
    assert inbox.received.find_cursor("inbox") == 3
    assert inbox.memory.find_checkpoint(trust.origin) == trust.checkpoint
    assert [leaf.entry_index for leaf in inbox.memory.list_roster_leaves()] == [1]
    assert [index] == [notice.entry_index for notice in inbox.received.notices(traffic=LIVE)]


def test_events_that_come_twice_are_new_once(inbox: Inbox) -> None:
    ledger, trust = make_ledger()
    first = ledger.event(PUBLISHED, ledger.publish("FR-NCB", FRANCE))
    inbox.commit_window("inbox", window_of(ledger, trust, first), trust)
    second = ledger.event(PUBLISHED, ledger.publish("FR-NCB", FRANCE))

    new = inbox.commit_window("inbox", window_of(ledger, trust, first, second), trust)

    assert [event.entry_index for event in new] == [3]
    assert inbox.received.count_notices() == 2


def test_a_notice_is_held_in_its_latest_version_with_its_withdrawal(inbox: Inbox) -> None:
    ledger, trust = make_ledger()
    first = ledger.publish("FR-NCB", FRANCE)
    notice_id = acts_pb2.Act.FromString(ledger.acts[first][0].payload).version.notice.notice_id
    newer = notices_pb2.Notice(notice_id=notice_id, version=2, traffic=LIVE)
    second = ledger.publish("FR-NCB", FRANCE, notice=newer)
    ended = ledger.withdraw("FR-NCB", FRANCE, version_entry=second)
    events = [
        ledger.event(PUBLISHED, first),
        ledger.event(NEW_VERSION, second),
        ledger.event(WITHDRAWN, ended),
    ]

    inbox.commit_window("inbox", window_of(ledger, trust, *events), trust)
    inbox.commit_window("again", window_of(ledger, trust, events[0]), trust)

    [held] = inbox.received.find_notices(notice_id)
    assert held.version == ledger.acts[second][0]
    assert held.withdrawal == ledger.acts[ended][0]
    assert held.entry_index == ended


def published_and_withdrawn(ledger: SmallLedger) -> tuple[str, list[events_pb2.Event]]:
    """A notice of two versions and its withdrawal: its id, and the events in their order."""
    first = ledger.publish("FR-NCB", FRANCE)
    notice_id = acts_pb2.Act.FromString(ledger.acts[first][0].payload).version.notice.notice_id
    newer = notices_pb2.Notice(notice_id=notice_id, version=2, traffic=LIVE)
    second = ledger.publish("FR-NCB", FRANCE, notice=newer)
    ended = ledger.withdraw("FR-NCB", FRANCE, version_entry=second)
    kinds = zip((PUBLISHED, NEW_VERSION, WITHDRAWN), (first, second, ended), strict=True)
    return notice_id, [ledger.event(kind, index) for kind, index in kinds]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_notice_is_the_same_when_its_events_come_in_another_order(
    inbox: Inbox, order: Sequence[int]
) -> None:
    ledger, trust = make_ledger()
    notice_id, events = published_and_withdrawn(ledger)

    for number in order:
        inbox.commit_window(f"watch-{number}", window_of(ledger, trust, events[number]), trust)

    [held] = inbox.received.find_notices(notice_id)
    assert events[1].act.envelope == held.version
    assert events[2].act.envelope == held.withdrawal
    assert events[2].leaf.entry_index == held.entry_index
    assert [held] == list(inbox.received.notices(traffic=LIVE))


def test_a_withdrawn_notice_stays_so_when_it_is_shown_to_a_later_addressee(inbox: Inbox) -> None:
    ledger, trust = make_ledger()
    first = ledger.publish("FR-NCB", FRANCE)
    ended = ledger.event(WITHDRAWN, ledger.withdraw("FR-NCB", FRANCE, version_entry=first))
    widened = ledger.address("FR-NCB", FRANCE, version_entry=first)
    added = ledger.event(ADDRESSEE_ADDED, widened, act_entry=first)

    inbox.commit_window("inbox", window_of(ledger, trust, ended, added), trust)

    [held] = inbox.received.notices(traffic=LIVE)
    assert ended.act.envelope == held.withdrawal


def test_a_withdrawal_alone_is_no_notice_yet(inbox: Inbox) -> None:
    ledger, trust = make_ledger()
    notice_id, [*_, ended] = published_and_withdrawn(ledger)

    inbox.commit_window("terminal", window_of(ledger, trust, ended), trust)

    assert inbox.received.count_notices() == 0
    assert not inbox.received.find_notices(notice_id)


def test_an_inbox_that_forgot_a_withdrawal_finds_it_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite"
    ledger, trust = make_ledger()
    notice_id, events = published_and_withdrawn(ledger)
    written = Inbox(path)
    written.commit_window("inbox", window_of(ledger, trust, *events), trust)
    written.close()
    with closing(sqlite3.connect(path)) as connection:  # as version 1 left it
        for table in ("recalls", "retentions", "passings_on"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DROP INDEX submissions_by_kind")
        for column in ("kind", "refusal", "is_reviewed"):
            connection.execute(f"ALTER TABLE submissions DROP COLUMN {column}")
        connection.execute("UPDATE notices SET withdrawal = NULL")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()

    opened = Inbox(path)

    [held] = opened.received.find_notices(notice_id)
    assert events[2].act.envelope == held.withdrawal
    assert [notice_id] == [recall.notice_id for recall in opened.recalls.list_recalls()]
    opened.close()


def test_what_does_not_verify_is_set_apart_with_the_reason(inbox: Inbox) -> None:
    ledger, trust = make_ledger()
    event = ledger.event(PUBLISHED, ledger.publish("FR-NCB", FRANCE))
    event.act.content_salt = bytes(32)

    inbox.commit_window("inbox", window_of(ledger, trust, event), trust)

    [set_apart] = inbox.received.list_quarantined()
    assert set_apart.message == event
    assert "commitment" in set_apart.reason
    assert inbox.received.count_notices() == 0
    assert inbox.received.find_cursor("inbox") == 3


def test_a_failure_leaves_nothing_of_a_window(inbox: Inbox) -> None:
    ledger, trust = make_ledger()
    window = window_of(ledger, trust, ledger.event(PUBLISHED, ledger.publish("FR-NCB", FRANCE)))
    broken = KeptWindow(window.verified, window.quarantined, None)  # type: ignore[arg-type]

    with pytest.raises(InboxFailed):
        inbox.commit_window("inbox", broken, trust)

    assert inbox.received.count_notices() == 0
    assert inbox.memory.find_checkpoint(trust.origin) is None


def test_two_commands_that_were_shown_different_ledgers_notice(inbox: Inbox) -> None:
    ledger, trust = make_ledger()
    window_of(ledger, trust)
    inbox.save_trust(trust)
    assert trust.checkpoint is not None
    seen = trust.checkpoint
    trust.checkpoint = SeenCheckpoint(seen.origin, seen.size, bytes(32), seen.note)

    with pytest.raises(LedgerForked, match="Two commands"):
        inbox.save_trust(trust)


def test_old_checkpoints_are_thinned_out_to_one_per_thousand_entries(inbox: Inbox) -> None:
    _ledger, trust = make_ledger()
    origin = trust.origin
    sizes = [10, 500, 990, 1_010, 1_500, 1_999, 2_000, 5_300, 5_310]
    for size in sizes:
        trust.checkpoint = SeenCheckpoint(origin, size, bytes(32), b"note")
        inbox.save_trust(trust)

    kept = [one.size for one in inbox.memory.list_checkpoints(origin)]
    newest = inbox.memory.find_checkpoint(origin, at_most=1_998)

    assert kept == [990, 1_999, 2_000, 5_300, 5_310]
    assert newest is not None
    assert newest.size == 990


def make_request(ledger: SmallLedger) -> acts_pb2.SubmitActsRequest:
    return acts_pb2.SubmitActsRequest(acts=[ledger.version("FR-NCB", FRANCE)])


def test_submissions_are_kept_byte_for_byte_until_they_are_answered(inbox: Inbox) -> None:
    ledger, _ = make_ledger()
    requests = [make_request(ledger) for _ in range(3)]
    kept = inbox.sent.add_submissions([("id", request) for request in requests], source="hand")
    receipted = acts_pb2.ReceiptedActs(acts=requests[1].acts)
    receipted.receipt.entry_index = 7

    inbox.sent.save_receipts([(kept[1].submission_id, receipted)])
    inbox.sent.save_refusals([(kept[0].submission_id, "why"), (kept[1].submission_id, "why")])

    assert [requests[2]] == [one.request for one in inbox.sent.list_unanswered()]
    assert [one.refusal for one in inbox.sent.list_submissions()] == ["why", None, None]
    [answered] = inbox.sent.list_receipted(first_index=7, end_index=8)
    assert answered.receipted == receipted


def test_a_new_epoch_divides_what_is_here_and_may_do_so_twice(inbox: Inbox) -> None:
    ledger, trust = make_ledger()
    events = [ledger.event(PUBLISHED, ledger.publish("FR-NCB", FRANCE)) for _ in range(3)]
    inbox.commit_window("inbox", window_of(ledger, trust, *events), trust)
    [kept] = inbox.sent.add_submissions([("id", make_request(ledger))], source="hand")
    receipted = acts_pb2.ReceiptedActs()
    receipted.receipt.entry_index = 4
    inbox.sent.save_receipts([(kept.submission_id, receipted)])

    for _ in range(2):
        inbox.begin_epoch(previous_origin=trust.origin, origin="new", restored_size=3)

    def entries(origin: str) -> list[int]:
        leaves = inbox.received.list_event_leaves(origin, first_index=0, end_index=9)
        return [leaf.entry_index for leaf in leaves]

    assert entries("new") == [2]
    assert entries(trust.origin) == [3, 4]
    assert inbox.received.find_cursor("inbox") == 3
    assert [kept] == inbox.sent.list_unanswered()
    assert inbox.received.count_notices() == 3


def test_editions_are_remembered(inbox: Inbox) -> None:
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    inbox.sent.save_edition("un-list", moment)

    assert inbox.sent.find_edition("un-list") == moment
    assert inbox.sent.find_edition("other") is None


def test_everything_is_there_after_closing_and_for_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite"
    ledger, trust = make_ledger()
    first = Inbox(path)
    window = window_of(ledger, trust, ledger.event(PUBLISHED, ledger.publish("FR-NCB", FRANCE)))
    first.commit_window("inbox", window, trust)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    first.close()
    second = Inbox(path)

    assert second.received.count_notices() == 1
    assert modes == {PRIVATE_MODE}
    second.close()


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.sqlite"
    garbage.write_bytes(b"no database" * 1_000)
    newer = tmp_path / "newer.sqlite"
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    for path in (garbage, newer, tmp_path / "missing" / "inbox.sqlite"):
        with pytest.raises(InboxFailed):
            Inbox(path)
