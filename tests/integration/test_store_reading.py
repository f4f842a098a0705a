"""Looking up: what was committed elsewhere just now, what is out of range, what goes on record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from comity.checkpoint import parse_unverified
from comity.errors import NotFound
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, roster_pb2
from hub.store.database import Database
from hub.store.ledger import load_head
from hub.store.tables import acts
from tests.databases import new_database
from tests.unit.hub_parts import (
    BRAZIL,
    FRANCE,
    KENYA,
    HubParts,
    begin,
    caller,
    new_draft,
    serving,
    sqlite_url,
)

MEMBERS = (FRANCE, BRAZIL, KENYA)
UINT64_ENDS = [2**63 - 1, 2**63, 2**64 - 1]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return new_database(request.getfixturevalue("postgres_url"))
    return sqlite_url(tmp_path)


@pytest.fixture
async def parts(url: str) -> AsyncIterator[HubParts]:
    database = Database(url)
    await begin(database, members=MEMBERS)
    async with serving(database) as parts:
        yield parts
    await database.dispose()


@pytest.fixture
async def other(parts: HubParts, url: str) -> AsyncIterator[HubParts]:
    """Another process of the same hub, that has not looked at the ledger since it was started."""
    database = Database(url)
    async with serving(database) as other:
        yield other
    await database.dispose()


async def committed_size(parts: HubParts) -> int:
    async with parts.database.read() as connection:
        return (await load_head(connection)).size


def size_proven(proof: ledger_pb2.LedgerProof) -> int:
    return parse_unverified(proof.checkpoint).size


async def test_a_notice_that_another_process_has_just_committed_comes_with_its_proof(
    parts: HubParts, other: HubParts
) -> None:
    draft = new_draft()
    receipt = await parts.submit(draft.acts())

    request = events_pb2.GetNoticeRequest(originator=FRANCE, notice_id=draft.notice.notice_id)
    one = await other.notices.get(caller(BRAZIL), request)

    assert receipt.entry_index == one.notice.version.leaf.entry_index
    assert receipt.entry_index < size_proven(one.proof)


async def test_a_page_that_another_process_has_just_added_to_comes_with_its_proof(
    parts: HubParts, other: HubParts
) -> None:
    published = [await parts.publish() for _ in range(3)]

    page = await other.notices.list_page(caller(BRAZIL), events_pb2.ListNoticesRequest())

    assert published == [record.version.leaf.entry_index for record in page.notices]
    assert published[-1] < size_proven(page.proof)


@pytest.mark.parametrize("first_index", UINT64_ENDS)
async def test_an_index_beyond_every_ledger_is_answered_with_nothing(
    parts: HubParts, first_index: int
) -> None:
    await parts.publish()

    entries = await parts.ledger.list_entries(
        caller(BRAZIL), ledger_pb2.ListEntriesRequest(first_index=first_index)
    )
    keys = await parts.ledger.list_agency_keys(
        roster_pb2.ListAgencyKeysRequest(first_index=first_index)
    )
    page = await parts.notices.list_page(
        caller(BRAZIL), events_pb2.ListNoticesRequest(first_index=first_index)
    )

    assert entries.leaf_hashes == b""
    assert not keys.entries
    assert not page.notices


@pytest.mark.parametrize("notice_id", ["", "no id", "\x00"])
async def test_a_notice_of_an_id_that_is_none_is_not_found(parts: HubParts, notice_id: str) -> None:
    request = events_pb2.GetNoticeRequest(originator=FRANCE, notice_id=notice_id)

    with pytest.raises(NotFound):
        await parts.notices.get(caller(BRAZIL), request)


@pytest.mark.threat("T17")
async def test_what_shows_nothing_of_anybody_leaves_no_entry(parts: HubParts) -> None:
    await parts.publish(to=acts_pb2.AddressingRule(agencies=[BRAZIL]))
    before = await committed_size(parts)

    page = await parts.notices.list_page(caller(KENYA), events_pb2.ListNoticesRequest())
    entries = await parts.ledger.list_entries(caller(KENYA), ledger_pb2.ListEntriesRequest())

    assert not page.notices
    assert entries.entries  # membership, which is nobody's own
    assert before == await committed_size(parts)


async def test_what_shows_something_leaves_an_entry(parts: HubParts) -> None:
    await parts.publish(to=acts_pb2.AddressingRule(agencies=[BRAZIL]))
    before = await committed_size(parts)

    await parts.notices.list_page(caller(BRAZIL), events_pb2.ListNoticesRequest())
    assert before + 1 == await committed_size(parts)
    await parts.ledger.list_entries(caller(BRAZIL), ledger_pb2.ListEntriesRequest())
    assert before + 2 == await committed_size(parts)


async def test_an_originator_reads_its_own_entries_without_its_acts_being_loaded(
    parts: HubParts,
) -> None:
    index = await parts.publish()
    async with parts.database.write() as connection:
        await connection.execute(delete(acts))

    listed = {}
    for agency in MEMBERS:
        page = await parts.ledger.list_entries(caller(agency), ledger_pb2.ListEntriesRequest())
        listed[agency] = index in {leaf.entry_index for leaf in page.entries}

    assert listed == {FRANCE: True, BRAZIL: True, KENYA: False}
