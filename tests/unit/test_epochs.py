"""After a hub was restored from a backup: what is accepted, what is refused, what is sent again."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agency_client.epochs import EpochReport, accept_epoch
from agency_client.ledger_audit import verify_ledger
from agency_client.profile import CERTIFICATE, HUB_CA
from comity.checkpoint import Checkpoint, sign_checkpoint
from comity.errors import EpochChanged, LedgerForked, MalformedInput
from comity.keys import ED25519, generate_private_key
from comity.v1 import ledger_pb2
from tests.unit.small_ledger import SmallLedger
from tests.unit.test_submission import FRANCE, Desk

RESTORED_SIZE = 5


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """An agency that has sent six notices, and seen the ledger after each."""
    made = Desk(tmp_path)
    for name in (CERTIFICATE, HUB_CA):
        made.agency.profile.path(name).write_text("unused")
    made.agency.profile.add_ledger_key(made.ledger.ledger_key)
    await made.agency.client.refresh_roster()
    for request in made.requests(6):
        await made.submitting.send(request)
        made.inbox.save_trust(made.agency.trust)
    yield made
    made.inbox.close()


def restore(
    desk: Desk, *, size: int = RESTORED_SIZE, epoch: int = 2, highest: bytes = b""
) -> SmallLedger:
    """What the hub goes on with: its first entries, under a new origin."""
    restored = copy.copy(desk.ledger)
    previous = restored.ledger_key.origin
    restored.epoch, restored.key = epoch, generate_private_key(ED25519)
    restored.entries = desk.ledger.entries[:size]
    restored.append(
        epoch=ledger_pb2.EpochEntry(
            epoch=epoch,
            origin=restored.ledger_key.origin,
            previous_origin=previous,
            restored_size=size,
            highest_presented_checkpoint=highest,
        )
    )
    desk.ledger = desk.hub.ledger = restored
    desk.hub._entries = {p: i for p, i in desk.hub._entries.items() if i < size}
    return restored


async def accept(desk: Desk, restored: SmallLedger) -> EpochReport:
    return await accept_epoch(desk.agency, restored.ledger_key)


async def test_the_agency_goes_on_and_sends_again_what_was_lost(desk: Desk) -> None:
    restored = restore(desk)
    with pytest.raises(EpochChanged):
        await desk.agency.client.get_checkpoint()

    report = await accept(desk, restored)

    assert report.restored_size == report.compared_size == RESTORED_SIZE
    assert [outcome.error for outcome in report.sent_again] == [None] * 3
    assert restored.size == RESTORED_SIZE + 1 + 3
    assert desk.agency.trust.origin == restored.ledger_key.origin
    assert [k.origin for k in desk.agency.profile.load_ledger_keys()][-1:] == [report.origin]
    assert (await verify_ledger(desk.agency)).receipts == 6


async def test_an_epoch_is_accepted_once(desk: Desk) -> None:
    restored = restore(desk)
    await accept(desk, restored)

    with pytest.raises(MalformedInput, match="accepted already"):
        await accept(desk, restored)


async def test_an_epoch_that_was_missed_is_passed_over(desk: Desk) -> None:
    missed = restore(desk)
    for request in desk.requests(4):
        desk.hub.take(request)
    restored = restore(desk, size=missed.size - 1, epoch=3)
    with pytest.raises(EpochChanged):
        await accept(desk, missed)

    report = await accept(desk, restored)

    assert report.restored_size == report.compared_size == RESTORED_SIZE
    assert [outcome.error for outcome in report.sent_again] == [None] * 3
    assert (await verify_ledger(desk.agency)).receipts == 6


async def test_an_epoch_that_does_not_follow_the_accepted_one_is_refused(desk: Desk) -> None:
    restore(desk)
    desk.ledger.epoch = 4  # what the next one calls the epoch before it
    restored = restore(desk, size=RESTORED_SIZE + 1, epoch=5)

    with pytest.raises(LedgerForked, match=r"does not record the beginning of .*epoch-4"):
        await accept(desk, restored)


async def test_a_second_restoration_is_compared_with_what_was_seen_before_the_first(
    desk: Desk,
) -> None:
    await accept(desk, restore(desk))

    report = await accept(desk, restore(desk, size=RESTORED_SIZE - 1, epoch=3))

    assert report.compared_size == RESTORED_SIZE - 1


async def test_another_past_than_was_seen_two_epochs_ago_is_refused(desk: Desk) -> None:
    await accept(desk, restore(desk))
    restored = restore(desk, size=RESTORED_SIZE - 1, epoch=3)
    restored.entries[2] = restored.entries[3]

    with pytest.raises(LedgerForked):
        await accept(desk, restored)


async def test_nothing_is_compared_where_nothing_so_small_was_seen(desk: Desk) -> None:
    report = await accept(desk, restore(desk, size=2))

    assert report.compared_size == 0


def _another_root(desk: Desk) -> bytes:
    shown = Checkpoint(desk.ledger.ledger_key.origin, desk.ledger.size, bytes(32))
    return sign_checkpoint(shown, desk.ledger.key)


@pytest.mark.parametrize(
    ("highest", "warning"),
    [
        (lambda desk: desk.ledger.note(7), "administrators knew of 7"),
        (_another_root, "shown other 8 entries"),
        (lambda _: b"no note", "does not verify"),
        (lambda desk: desk.ledger.note(), None),
        (lambda _: b"", None),
    ],
    ids=["fewer", "other", "garbage", "the same", "none"],
)
async def test_what_members_presented_is_compared_with_what_was_seen(
    desk: Desk, highest: Callable[[Desk], bytes], warning: str | None
) -> None:
    report = await accept(desk, restore(desk, highest=highest(desk)))

    assert (warning is not None) == len(report.warnings)
    assert (warning or "") in "".join(report.warnings)


@pytest.mark.threat("T34")
async def test_another_past_than_the_one_seen_is_refused_and_nothing_changes(desk: Desk) -> None:
    restored = restore(desk)
    restored.entries[3] = restored.entries[4]

    with pytest.raises(LedgerForked):
        await accept(desk, restored)
    assert len(desk.agency.profile.load_ledger_keys()) == 1
    assert desk.inbox.sent.count_unanswered() == 0


async def test_an_entry_that_lies_elsewhere_than_it_says_is_refused(desk: Desk) -> None:
    restored = restore(desk)
    restored.append(
        epoch=ledger_pb2.EpochEntry(epoch=2, origin=restored.ledger_key.origin, restored_size=4)
    )

    with pytest.raises(LedgerForked):
        await accept(desk, restored)


async def test_a_new_origin_without_a_beginning_is_refused(desk: Desk) -> None:
    restored = restore(desk)
    restored.entries.pop()
    restored.publish("FR-NCB", FRANCE)

    with pytest.raises(LedgerForked, match="does not record"):
        await accept(desk, restored)


async def test_an_audit_finds_the_whole_ledger_and_ones_own_in_it(desk: Desk) -> None:
    steps: list[tuple[int, int]] = []
    report = await verify_ledger(desk.agency, on_progress=lambda *step: steps.append(step))

    assert (report.size, report.receipts, report.agencies) == (8, 6, 1)
    assert report.checkpoints == 6
    assert steps == [(8, 8)]


async def test_an_audit_finds_a_receipt_that_the_ledger_has_not(desk: Desk) -> None:
    desk.ledger.publish("FR-NCB", FRANCE)
    other = desk.ledger.receipt(8)
    [first, *_] = desk.inbox.sent.list_submissions()
    assert first.receipted is not None
    other.entry_index = 3
    first.receipted.receipt.CopyFrom(other)
    desk.inbox.sent.save_receipts([(first.submission_id, first.receipted)])

    with pytest.raises(LedgerForked, match="Entry 3"):
        await verify_ledger(desk.agency)


async def test_an_audit_finds_leaves_that_make_another_root(desk: Desk) -> None:
    listing = desk.hub.answers["ListEntries"]

    def altered(request: ledger_pb2.ListEntriesRequest) -> ledger_pb2.ListEntriesResponse:
        page: ledger_pb2.ListEntriesResponse = listing(request)
        page.leaf_hashes = page.leaf_hashes[:-32] + bytes(32)
        del page.entries[-1]
        return page

    desk.hub.answers["ListEntries"] = altered
    with pytest.raises(LedgerForked):
        await verify_ledger(desk.agency)


async def test_an_audit_finds_an_entry_that_is_not_its_leaf(desk: Desk) -> None:
    listing = desk.hub.answers["ListEntries"]

    def altered(request: ledger_pb2.ListEntriesRequest) -> ledger_pb2.ListEntriesResponse:
        page: ledger_pb2.ListEntriesResponse = listing(request)
        page.entries[4].entry += b"\x00"
        return page

    desk.hub.answers["ListEntries"] = altered
    with pytest.raises(LedgerForked, match="Entry 4"):
        await verify_ledger(desk.agency)
