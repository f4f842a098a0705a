"""Who may read what: notices, entries of the ledger, and the records of having read."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import psycopg
import pytest

from agency_client.agency import Agency
from comity.errors import MalformedInput, NotFound
from comity.merkle import leaf_hash
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2
from tests.integration.drafts import Draft, new_id
from tests.stages import Stage


@pytest.mark.threat("T10")
async def test_not_there_and_not_yours_look_the_same(
    france: Agency, kenya: Agency, draft: Draft
) -> None:
    await france.client.submit_acts(draft.acts())

    with pytest.raises(NotFound) as not_yours:
        await kenya.client.get_notice("FR-NCB", draft.notice.notice_id)
    with pytest.raises(NotFound) as not_there:
        await kenya.client.get_notice("FR-NCB", new_id())

    assert str(not_there.value) == str(not_yours.value)


@pytest.mark.threat("T11")
async def test_an_addressee_is_shown_no_addressing_and_the_originator_is(
    france: Agency, brazil: Agency, draft: Draft
) -> None:
    await france.client.submit_acts(draft.acts())

    theirs = await brazil.client.get_notice("FR-NCB", draft.notice.notice_id)
    own = await france.client.get_notice("FR-NCB", draft.notice.notice_id)

    assert not theirs.HasField("addressing")
    assert theirs.version.addressing_salt == b""
    assert own.HasField("addressing")
    assert own.addressing.addressing_salt != b""


@pytest.mark.threat("T10")
async def test_who_is_excluded_sees_nothing_of_a_notice_to_all(
    france: Agency, brazil: Agency, kenya: Agency, draft: Draft
) -> None:
    draft.rule = acts_pb2.AddressingRule(all_members=True, except_agencies=["KE-NCB"])
    await france.client.submit_acts(draft.acts())

    await brazil.client.get_notice("FR-NCB", draft.notice.notice_id)
    with pytest.raises(NotFound):
        await kenya.client.get_notice("FR-NCB", draft.notice.notice_id)


async def listed(agency: Agency, **request: object) -> list[str]:
    """The ids of all notices that an agency may list, over as many pages as there are."""
    ids: list[str] = []
    first_index = 0
    while True:
        page = await agency.client.list_notices(
            events_pb2.ListNoticesRequest(first_index=first_index, **request)  # type: ignore[arg-type]
        )
        for record in page.notices:
            act = acts_pb2.Act.FromString(record.version.envelope.payload)
            ids.append(act.version.notice.notice_id)
        first_index = page.next_index
        if not first_index:
            return ids


async def test_pages_hold_every_notice_once_and_none_of_others(
    france: Agency, brazil: Agency, kenya: Agency
) -> None:
    published = []
    for number in range(5):
        draft = Draft(france.profile.load_signing_keys())
        draft.notice.kind = notices_pb2.NOTICE_KIND_GREEN
        draft.notice.requested_actions[0].code = notices_pb2.ACTION_CODE_BE_WARNED
        draft.rule = acts_pb2.AddressingRule(agencies=["KE-NCB" if number % 2 else "BR-NCB"])
        await france.client.submit_acts(draft.acts())
        published.append(draft.notice.notice_id)
    green = events_pb2.NoticeFilter(kinds=[notices_pb2.NOTICE_KIND_GREEN])

    for_brazil = await listed(brazil, filter=green, limit=2)
    for_kenya = await listed(kenya, filter=green, limit=1)

    assert published[0::2] == [i for i in for_brazil if i in published]
    assert published[1::2] == [i for i in for_kenya if i in published]
    assert len(set(for_brazil)) == len(for_brazil)


async def test_exercise_is_listed_apart(france: Agency, brazil: Agency, draft: Draft) -> None:
    draft.notice.traffic = notices_pb2.TRAFFIC_EXERCISE
    await france.client.submit_acts(draft.acts())

    assert draft.notice.notice_id not in await listed(brazil)
    drills = await listed(brazil, traffic=notices_pb2.TRAFFIC_EXERCISE)
    assert draft.notice.notice_id in drills


@pytest.mark.threat("T10")
async def test_every_leaf_hash_is_given_and_bytes_only_to_who_is_party(
    france: Agency, brazil: Agency, kenya: Agency, draft: Draft
) -> None:
    answer = await france.client.submit_acts(draft.acts())
    index = answer.receipt.entry_index

    for agency, is_party in ((france, True), (brazil, True), (kenya, False)):
        page = await agency.client.list_entries(index, limit=1)
        assert leaf_hash(answer.receipt.entry) == page.leaf_hashes
        assert is_party == (index in {leaf.entry_index for leaf in page.entries})


async def test_membership_access_and_epochs_are_read_by_all(kenya: Agency) -> None:
    page = await kenya.client.list_entries(0)

    records = {
        ledger_pb2.LedgerEntry.FromString(leaf.entry).WhichOneof("record") for leaf in page.entries
    }
    assert {"roster", "epoch"} <= records


@pytest.mark.parametrize(("entry_index", "ledger_size"), [(2**40, 0), (0, 2**40), (5, 3)], ids=str)
async def test_a_proof_of_what_is_not_there_is_refused(
    kenya: Agency, entry_index: int, ledger_size: int
) -> None:
    with pytest.raises(MalformedInput):
        await kenya.client.prove_inclusion(entry_index, ledger_size=ledger_size)


@pytest.mark.parametrize(("from_size", "to_size"), [(0, 0), (2**40, 0), (1, 2**40), (5, 3)])
async def test_a_consistency_proof_of_sizes_that_are_none_is_refused(
    kenya: Agency, from_size: int, to_size: int
) -> None:
    with pytest.raises(MalformedInput):
        await kenya.client.prove_consistency(from_size, to_size=to_size)


def access_records(stage: Stage) -> list[ledger_pb2.AccessRecord]:
    """The access records in a hub's database."""
    statement = "SELECT record FROM access_records WHERE record IS NOT NULL"
    if stage.database_url is None:
        with closing(sqlite3.connect(stage.folder / "hub" / "hub.sqlite")) as connection:
            rows = connection.execute(statement).fetchall()
    else:
        with psycopg.connect(stage.database_url) as postgres:
            rows = postgres.execute(statement).fetchall()
    return [ledger_pb2.AccessRecord.FromString(record) for (record,) in rows]


@pytest.mark.threat("T55")
async def test_every_reading_is_on_record_before_its_answer(
    served: Stage, france: Agency, brazil: Agency, draft: Draft
) -> None:
    answer = await france.client.submit_acts(draft.acts())
    index = answer.receipt.entry_index

    await brazil.client.get_notice("FR-NCB", draft.notice.notice_id)
    assert ledger_pb2.ACCESS_ACTION_READ_NOTICE in actions_on(served, index)
    await listed(brazil)
    assert ledger_pb2.ACCESS_ACTION_LIST_NOTICES in actions_on(served, index)
    await brazil.client.list_entries(index, limit=1)
    assert ledger_pb2.ACCESS_ACTION_LIST_ENTRIES in actions_on(served, index)


def actions_on(stage: Stage, entry_index: int) -> set[int]:
    return {
        record.action
        for record in access_records(stage)
        if record.agency_id == "BR-NCB" and entry_index in record.entry_indices
    }
