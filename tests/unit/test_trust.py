"""A client against an honest ledger, and against hubs that lie about it."""

from __future__ import annotations

import pytest

from agency_client.client import HubClient
from agency_client.trust import Trust
from comity.checkpoint import Checkpoint, origin_line, sign_checkpoint
from comity.errors import (
    CheckpointInvalid,
    EpochChanged,
    LedgerForked,
    LedgerRolledBack,
    MalformedInput,
    ProofInvalid,
)
from comity.keys import ED25519, generate_private_key
from comity.v1 import ledger_pb2
from tests.unit.small_ledger import DOMAIN, SmallHub, SmallLedger

FRANCE = generate_private_key(ED25519)


def make_ledger(notices: int = 9) -> SmallLedger:
    ledger = SmallLedger()
    ledger.add_roster("FR-NCB", added=[FRANCE])
    for _ in range(notices):
        ledger.publish("FR-NCB", FRANCE)
    return ledger


def make_client(ledger: SmallLedger) -> tuple[HubClient, SmallHub]:
    hub = SmallHub(ledger)
    trust = Trust(DOMAIN, ledger_keys=[ledger.ledger_key])
    return HubClient(hub, trust=trust), hub  # type: ignore[arg-type]


async def test_an_honest_ledger_is_followed() -> None:
    ledger = make_ledger()
    client, _ = make_client(ledger)
    sizes = []
    for size in (3, 4, 8, 8, 11):
        known = client.trust.size
        await client.accept_proof(
            ledger.proof([1, 2], known_size=known, size=size), [ledger.leaf(1), ledger.leaf(2)]
        )
        sizes.append(client.trust.size)

    assert sizes == [3, 4, 8, 8, 11]


async def test_a_proof_from_another_size_is_asked_for_anew() -> None:
    ledger = make_ledger()
    client, hub = make_client(ledger)
    await client.accept_proof(ledger.proof(size=5), [])
    asked = []
    prove = hub.answers["ProveConsistency"]

    def noting(request: ledger_pb2.ProveConsistencyRequest) -> object:
        asked.append((request.from_size, request.to_size))
        return prove(request)

    hub.answers["ProveConsistency"] = noting
    await client.accept_proof(ledger.proof(known_size=4), [])

    assert asked == [(5, 11)]
    assert client.trust.size == 11


async def test_an_answer_that_was_overtaken_is_an_earlier_state() -> None:
    ledger = make_ledger()
    client, _ = make_client(ledger)
    await client.accept_proof(ledger.proof(), [])

    checkpoint = await client.accept_proof(ledger.proof([2], size=6), [ledger.leaf(2)])

    assert checkpoint.size == 6
    assert client.trust.size == 11


@pytest.mark.threat("T31")
async def test_a_ledger_that_went_back_is_refused_with_both_sizes() -> None:
    ledger = make_ledger()
    client, hub = make_client(ledger)
    await client.get_checkpoint()
    del ledger.entries[7:]

    with pytest.raises(LedgerRolledBack, match=r"shows 7 entries and has shown 11"):
        await client.get_checkpoint()
    assert len(hub.pauses) > 1  # a hub of several processes may be behind itself for a moment
    assert client.trust.size == 11


async def test_a_hub_that_is_behind_itself_for_a_moment_is_waited_for() -> None:
    ledger = make_ledger()
    client, hub = make_client(ledger)
    await client.get_checkpoint()
    behind, prove = [MalformedInput(), MalformedInput()], hub.answers["ProveConsistency"]
    hub.answers["ProveConsistency"] = lambda r: behind.pop() if behind else prove(r)

    await client.accept_proof(ledger.proof(size=8), [])

    assert client.trust.size == 11


@pytest.mark.threat("T31")
async def test_another_root_at_the_same_size_is_a_fork() -> None:
    ledger = make_ledger()
    client, _ = make_client(ledger)
    await client.get_checkpoint()
    ledger.entries[5] = ledger.entries[4]

    with pytest.raises(LedgerForked):
        await client.get_checkpoint()


@pytest.mark.threat("T31")
async def test_a_changed_past_is_a_fork_however_it_is_proven() -> None:
    ledger = make_ledger()
    client, _ = make_client(ledger)
    await client.get_checkpoint()
    ledger.entries[5] = ledger.entries[4]
    ledger.publish("FR-NCB", FRANCE)

    with pytest.raises(LedgerForked):
        await client.accept_proof(ledger.proof(known_size=11), [])
    with pytest.raises(LedgerForked):
        await client.accept_proof(ledger.proof(), [])
    assert client.trust.size == 11


async def test_an_altered_entry_is_not_in_the_tree() -> None:
    ledger = make_ledger()
    client, _ = make_client(ledger)
    altered = ledger_pb2.LedgerLeaf(entry_index=3, entry=ledger.entries[4])

    with pytest.raises(ProofInvalid):
        await client.accept_proof(ledger.proof([3]), [altered])
    with pytest.raises(ProofInvalid):
        await client.accept_proof(ledger.proof([3]), [ledger.leaf(4)])


async def test_two_entries_at_one_place_are_refused_though_one_is_in_the_tree() -> None:
    ledger = make_ledger()
    client, _ = make_client(ledger)
    altered = ledger_pb2.LedgerLeaf(entry_index=3, entry=ledger.entries[4])

    with pytest.raises(ProofInvalid):
        await client.accept_proof(ledger.proof([3]), [altered, ledger.leaf(3)])


async def test_another_epoch_is_named() -> None:
    ledger = make_ledger()
    client, _ = make_client(ledger)
    ledger.epoch = 2

    with pytest.raises(
        EpochChanged, match=r"under hub.example/comity/epoch-2; accepted is .*epoch-1"
    ):
        await client.get_checkpoint()


async def test_a_checkpoint_by_another_key_is_refused() -> None:
    ledger = make_ledger()
    client, _ = make_client(ledger)
    ledger.key = generate_private_key(ED25519)

    with pytest.raises(CheckpointInvalid):
        await client.get_checkpoint()


@pytest.mark.threat("T32")
async def test_a_roster_entry_that_is_left_out_is_noticed() -> None:
    ledger = make_ledger(notices=1)
    ledger.add_roster("DE-BKA")
    left_out = ledger.add_roster("BR-PF")
    ledger.add_roster("KE-NCB")
    client, _ = make_client(ledger)
    ledger.roster.remove(left_out)

    with pytest.raises(LedgerForked):
        await client.refresh_roster()


async def test_the_roster_is_taken_up_where_it_stood() -> None:
    ledger = make_ledger()
    client, _ = make_client(ledger)
    await client.refresh_roster()
    ledger.add_roster("DE-BKA")
    await client.refresh_roster()

    assert {"FR-NCB", "DE-BKA"} == set(client.trust.roster.agencies)
    assert list(client.trust.roster_leaves) == [1, 11]


def test_something_else_is_no_roster_entry() -> None:
    ledger = make_ledger()
    trust = Trust(DOMAIN, ledger_keys=[ledger.ledger_key])

    with pytest.raises(ProofInvalid):
        trust.add_roster_leaf(ledger.leaf(2))


def test_every_tree_goes_on_from_the_empty_one() -> None:
    ledger = make_ledger()
    trust = Trust(DOMAIN, ledger_keys=[ledger.ledger_key])
    empty = Checkpoint(origin_line(DOMAIN, 1), 0, bytes(32))
    trust.advance(trust.open_note(sign_checkpoint(empty, ledger.key)), [])
    trust.advance(trust.open_note(ledger.note()), [])

    assert trust.size == 11
