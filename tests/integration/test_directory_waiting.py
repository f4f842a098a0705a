"""What waits for an agency goes by who keeps an entry now, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from comity.identity import AgencyId
from comity.v1 import agencies_pb2, authorities_pb2
from comity.v1 import directory_pb2 as pb
from directory.entry import MAX_AUTHORITY_BYTES
from directory.services import pages
from directory.store.contact_tests import StoredContactTest, add_contact_test
from directory.store.proposals import StoredProposal, add_proposal
from directory.store.reports import StoredReport, add_report
from hub.store.database import Database
from tests.databases import new_database
from tests.integration.upkeep import HUB, START, HandClock, Upkeep, officer_of
from tests.unit.hub_parts import BRAZIL, FRANCE, begin, serving, sqlite_url

NOW = int(START.timestamp() * 1_000_000)


@pytest.fixture(params=["sqlite", "postgresql"])
async def hub(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Upkeep]:
    url = sqlite_url(tmp_path)
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    database, clock = Database(url), HandClock()
    await begin(database)
    async with serving(database, clock=clock) as parts:
        yield Upkeep(parts, clock)
    await database.dispose()


async def fill(hub: Upkeep, authority: authorities_pb2.Authority, number: int) -> None:
    """A proposal, a report and a contact test on an entry."""
    identity, kept_by = authority.authority_id, f"{authority.country}-NCB"
    kind = authorities_pb2.KEEPER_KIND_OWN_AGENCY
    async with hub.parts.database.write() as connection:
        await add_proposal(
            connection,
            StoredProposal(
                proposal_id=f"{number:03}",
                authority=authority,
                base_version=1,
                keeper=authorities_pb2.Keeper(kind=kind, agency_id=kept_by),
                agency_id=kept_by,
                officer_id="first",
                proposed_at=NOW,
                status=pb.PROPOSAL_STATUS_WAITING,
                reason="Sample reason",
            ),
        )
        text = {"version": 1, "field": "", "text": "Sample", "agency_id": "KE-NCB"}
        report = StoredReport(f"{number:03}", identity, officer_id="o", reported_at=NOW, **text)  # type: ignore[arg-type]
        await add_report(connection, report)
        await add_contact_test(
            connection,
            StoredContactTest(
                test_id=f"{number:03}",
                authority_id=identity,
                version=1,
                method=authorities_pb2.CONTACT_TEST_METHOD_EXCHANGE,
                contact="",
                agency_id="KE-NCB",
                officer_id="o",
                asked_at=NOW,
                recorded_at=NOW,
            ),
        )


async def waits_for(hub: Upkeep, agency: AgencyId) -> tuple[list[str], list[str], list[str]]:
    """The proposals, reports and contact tests that an officer of an agency is shown."""
    caller, waiting = officer_of(agency), hub.waiting
    proposals = await waiting.list_proposals(caller, pb.ListProposalsRequest())
    reports = await waiting.list_reports(caller, pb.ListReportsRequest())
    tests = await waiting.list_contact_tests(caller, pb.ListContactTestsRequest())
    return (
        [each.proposal_id for each in proposals.proposals],
        [each.report_id for each in reports.reports],
        [each.test_id for each in tests.tests],
    )


async def test_what_a_suspended_member_kept_waits_for_the_hub_and_then_for_who_leads(
    hub: Upkeep,
) -> None:
    await fill(hub, await hub.enter(FRANCE), 1)
    await fill(hub, await hub.enter(BRAZIL), 2)
    nothing: tuple[list[str], ...] = ([], [], [])

    assert await waits_for(hub, FRANCE) == (["001"], ["001"], ["001"])
    assert nothing == await waits_for(hub, HUB)
    await hub.change_agency(FRANCE, status=agencies_pb2.AGENCY_STATUS_SUSPENDED)
    await hub.parts.membership.refresh()

    assert await waits_for(hub, HUB) == (["001"], ["001"], ["001"])
    assert nothing == await waits_for(hub, FRANCE)
    await hub.change_agency(FRANCE, status=agencies_pb2.AGENCY_STATUS_ACTIVE, leads_country=True)
    await hub.parts.membership.refresh()

    assert nothing == await waits_for(hub, HUB)
    assert await waits_for(hub, FRANCE) == (["001"], ["001"], ["001"])
    assert await waits_for(hub, BRAZIL) == (["002"], ["002"], ["002"])


async def test_who_asked_sees_the_contact_test_too(hub: Upkeep) -> None:
    await fill(hub, await hub.enter(FRANCE), 1)

    assert await waits_for(hub, AgencyId("KE-NCB")) == ([], [], ["001"])


async def test_what_waits_comes_in_pages_though_others_wait_in_between(
    hub: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_ROWS", 2)
    entries = [await hub.enter(FRANCE if n % 3 == 0 else BRAZIL) for n in range(9)]
    for number, authority in enumerate(entries):
        await fill(hub, authority, number)
    await hub.change_agency(FRANCE, status=agencies_pb2.AGENCY_STATUS_SUSPENDED)
    await hub.parts.membership.refresh()
    caller, waiting = officer_of(HUB), hub.waiting

    first = await waiting.list_proposals(caller, pb.ListProposalsRequest(limit=2))
    rest = await waiting.list_proposals(
        caller, pb.ListProposalsRequest(limit=2, after_proposal_id="003")
    )

    assert ([p.proposal_id for p in first.proposals], first.more) == (["000", "003"], True)
    assert ([p.proposal_id for p in rest.proposals], rest.more) == (["006"], False)
    newest = await waiting.list_contact_tests(caller, pb.ListContactTestsRequest(limit=1))
    older = await waiting.list_contact_tests(
        caller, pb.ListContactTestsRequest(before_test_id="006")
    )
    assert ([t.test_id for t in newest.tests], newest.more) == (["006"], True)
    assert ([t.test_id for t in older.tests], older.more) == (["003", "000"], False)


async def test_what_is_due_is_looked_through_a_bounded_number_of_pages_at_a_time(
    hub: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_ROWS", 1)
    monkeypatch.setattr(pages, "MAX_PAGES", 2)
    ids = sorted([(await hub.enter(BRAZIL)).authority_id for _ in range(4)])
    theirs = (await hub.verified(BRAZIL)).authority_id  # not due for half a year
    caller, waiting = officer_of(HUB), hub.waiting
    seen, after, calls = [], "", 0
    hub.clock.now = START

    mine = await waiting.list_due(officer_of(BRAZIL), pb.ListDueAuthoritiesRequest(limit=3))
    while calls == 0 or after:
        page = await waiting.list_due(
            caller, pb.ListDueAuthoritiesRequest(after_authority_id=after)
        )
        seen += list(page.authorities)
        after, calls = page.next_after_authority_id, calls + 1

    assert (seen, calls) == ([], 3)  # nothing is escalated yet, and four entries are looked at
    assert ids[:2] == [each.record.authority.authority_id for each in mine.authorities]
    assert mine.next_after_authority_id == ids[1]
    assert theirs not in ids


LISTS: dict[str, tuple[type[Any], str, str, str]] = {
    "list_proposals": (
        pb.ListProposalsRequest,
        "after_proposal_id",
        "next_after_proposal_id",
        "proposals",
    ),
    "list_reports": (pb.ListReportsRequest, "after_report_id", "next_after_report_id", "reports"),
    "list_contact_tests": (
        pb.ListContactTestsRequest,
        "before_test_id",
        "next_before_test_id",
        "tests",
    ),
    "list_due": (
        pb.ListDueAuthoritiesRequest,
        "after_authority_id",
        "next_after_authority_id",
        "authorities",
    ),
}


async def pages_of(hub: Upkeep, name: str, agency: AgencyId) -> list[int]:
    """How many items each page has that an agency is shown, to the end."""
    request_class, start, following, items = LISTS[name]
    sizes: list[int] = []
    key = ""
    while not sizes or key:
        request = request_class(**{start: key})
        answer = await getattr(hub.waiting, name)(officer_of(agency), request)
        sizes.append(len(getattr(answer, items)))
        key = getattr(answer, following)
        assert getattr(answer, "more", bool(key)) == bool(key)
    return sizes


async def test_what_waits_is_looked_through_a_bounded_number_of_pages_at_a_time(
    hub: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_ROWS", 1)
    monkeypatch.setattr(pages, "MAX_PAGES", 2)
    for number in range(5):
        await fill(hub, await hub.enter(FRANCE if number == 4 else BRAZIL), number)
    await hub.change_agency(FRANCE, status=agencies_pb2.AGENCY_STATUS_SUSPENDED)
    await hub.parts.membership.refresh()

    assert await pages_of(hub, "list_proposals", HUB) == [0, 0, 1]
    assert await pages_of(hub, "list_reports", HUB) == [0, 0, 1]
    assert await pages_of(hub, "list_contact_tests", HUB) == [1, 0, 0]  # the newest first
    assert await pages_of(hub, "list_proposals", BRAZIL) == [2, 2, 0]


@pytest.mark.parametrize("name", LISTS)
async def test_a_page_ends_before_its_answer_is_too_large(
    hub: Upkeep, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for number in range(3):
        await fill(hub, await hub.enter(BRAZIL), number)
    assert await pages_of(hub, name, BRAZIL) == [3]

    monkeypatch.setattr(pages, "MAX_ITEMS_BYTES", 1)

    assert await pages_of(hub, name, BRAZIL) == [1, 1, 1]


def test_the_largest_items_that_there_are_fit_into_an_answer_of_grpc() -> None:
    largest = pb.ChangeProposal(reason="x" * (3 * MAX_AUTHORITY_BYTES))

    shown, key = pages.end_by_bytes([largest] * 20, lambda _: "here", "")

    assert (len(shown), key) == (7, "here")
    assert pb.ListProposalsResponse(proposals=shown).ByteSize() < 4 * 1_048_576
