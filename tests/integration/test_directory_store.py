"""The directory's store on both databases: nothing is overwritten, and no race is lost unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from comity.errors import AuthorityChanged, NotFound
from comity.v1 import authorities_pb2 as pb
from comity.v1.directory_pb2 import (
    PROPOSAL_STATUS_APPROVED,
    PROPOSAL_STATUS_OVERTAKEN,
    PROPOSAL_STATUS_WAITING,
)
from directory.differences import differences
from directory.store import authorities, proposals, reports
from directory.store.authorities import StoredVerification, StoredVersion
from directory.store.proposals import StoredProposal
from directory.store.reports import OpenReports, StoredReport
from directory.store.tables import NAMING_CONVENTION, metadata
from hub.store.database import Database
from hub.store.tables import NAMING_CONVENTION as NAMING_CONVENTION_OF_THE_HUB
from tests.databases import new_database
from tests.unit.authorities import AUTHORITY_ID, sample_authority
from tests.unit.hub_parts import sqlite_url

KEEPER = pb.Keeper(kind=pb.KEEPER_KIND_OWN_AGENCY, agency_id="GB-SCA")
OFFICER, OTHER_OFFICER = "officer-1", "officer-2"


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = sqlite_url(tmp_path)
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    database = Database(url)
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.dispose()


def first_version() -> StoredVersion:
    return StoredVersion(
        authority=sample_authority(),
        version=1,
        keeper=KEEPER,
        agency_id="GB-SCA",
        officer_id=OFFICER,
        approver_agency_id="GB-SCA",
        approver_officer_id=OTHER_OFFICER,
        changed_at=1_000_000,
        entry_index=7,
        salt=b"s" * 32,
    )


def later_version(earlier: StoredVersion, name: str, *, entry_index: int) -> StoredVersion:
    authority = sample_authority()
    authority.names[0].text = name
    call = pb.CallBack(number="+442079460000", spoken_to="Ada Specimen")
    return replace(
        earlier,
        authority=authority,
        version=earlier.version + 1,
        entry_index=entry_index,
        call_back=call,
    )


async def append(database: Database, *added: StoredVersion) -> None:
    async with database.write() as connection:
        for version in added:
            await authorities.append_version(connection, version)


def test_constraints_are_named_as_the_hub_names_them() -> None:
    assert NAMING_CONVENTION_OF_THE_HUB == NAMING_CONVENTION


async def test_every_version_is_kept_with_who_and_when(database: Database) -> None:
    first = first_version()
    second = later_version(first, "Sample Office", entry_index=9)

    await append(database, first, second)

    async with database.read() as connection:
        assert [second, first] == await authorities.list_versions(
            connection, AUTHORITY_ID, limit=10
        )
        assert [first] == await authorities.list_versions(
            connection, AUTHORITY_ID, before=2, limit=10
        )
        assert first == await authorities.get_version(connection, AUTHORITY_ID, 1)
        current = await authorities.find_authority(connection, AUTHORITY_ID)
    assert current is not None
    assert (second.authority, 2, KEEPER, None, 9) == (
        current.authority,
        current.version,
        current.keeper,
        current.verification,
        current.entry_index,
    )


@pytest.mark.parametrize("version", [0, 3, 2**31, 2**32 - 1])
async def test_a_version_that_is_none_is_not_found(database: Database, version: int) -> None:
    await append(database, first_version())

    async with database.read() as connection:
        with pytest.raises(NotFound):
            await authorities.get_version(connection, AUTHORITY_ID, version)


async def test_the_later_of_two_edits_is_told_what_was_changed(database: Database) -> None:
    first = first_version()
    await append(database, first, later_version(first, "Sample Office", entry_index=9))

    with pytest.raises(AuthorityChanged) as refusal:
        await append(database, later_version(first, "Sample Bureau", entry_index=10))

    [violation] = refusal.value.violations
    assert violation.field == "names[0].text"
    assert "Sample Office" in violation.description
    assert "Sample Central Authority" in violation.description
    async with database.read() as connection:
        assert len(await authorities.list_versions(connection, AUTHORITY_ID, limit=10)) == 2


@pytest.mark.parametrize(
    ("is_there", "version"), [(False, 2), (True, 1), (True, 4)], ids=["absent", "again", "ahead"]
)
async def test_a_version_that_follows_none_is_refused(
    database: Database, is_there: bool, version: int
) -> None:
    first = first_version()
    if is_there:
        await append(database, first)

    with pytest.raises(AuthorityChanged) as refusal:
        await append(database, replace(first, version=version))

    assert [violation.field for violation in refusal.value.violations] == ["base_version"]


async def test_a_verification_is_noted_without_a_new_version(database: Database) -> None:
    await append(database, first_version())
    verification = StoredVerification(
        5_000_000, "GB-SCA", OFFICER, pb.VERIFICATION_METHOD_CONFIRMATION
    )

    async with database.write() as connection:
        await authorities.record_verification(
            connection, AUTHORITY_ID, verification, entry_index=11
        )
        current = await authorities.find_authority(connection, AUTHORITY_ID)

    assert current is not None
    assert (verification, 1, 11) == (current.verification, current.version, current.entry_index)


async def test_nothing_that_is_not_there_is_verified(database: Database) -> None:
    verification = StoredVerification(1, "GB-SCA", OFFICER, pb.VERIFICATION_METHOD_CONFIRMATION)

    async with database.write() as connection:
        with pytest.raises(NotFound):
            await authorities.record_verification(
                connection, AUTHORITY_ID, verification, entry_index=1
            )


async def test_what_was_changed_is_read_anew_from_an_entry_of_the_ledger_on(
    database: Database,
) -> None:
    first = first_version()
    other = replace(first, authority=sample_authority(), entry_index=8)
    other.authority.authority_id = AUTHORITY_ID[:-1] + "b"
    await append(database, first, other, later_version(first, "Sample Office", entry_index=9))

    async with database.read() as connection:
        everything = await authorities.list_changed(connection, after_entry=-1, limit=10)
        some = await authorities.list_changed(connection, after_entry=8, limit=10)
        page = await authorities.list_changed(connection, after_entry=-1, limit=1)

    assert [each.entry_index for each in everything] == [8, 9]
    assert [each.entry_index for each in some] == [9]
    assert [each.entry_index for each in page] == [8]


def proposal(proposal_id: str, *, base_version: int) -> StoredProposal:
    return StoredProposal(
        proposal_id=proposal_id,
        authority=sample_authority(),
        base_version=base_version,
        keeper=KEEPER,
        agency_id="GB-SCA",
        officer_id=OFFICER,
        proposed_at=3_000_000,
        status=PROPOSAL_STATUS_WAITING,
        reason="Moved house.",
    )


async def test_a_proposal_waits_until_it_is_settled_once(database: Database) -> None:
    one, two = proposal("a", base_version=1), proposal("b", base_version=1)
    async with database.write() as connection:
        await proposals.add_proposal(connection, one)
        await proposals.add_proposal(connection, two)

    async with database.write() as connection:
        waiting = await proposals.list_waiting(connection, "GB", limit=10)
        await proposals.settle_proposal(
            connection, "a", PROPOSAL_STATUS_APPROVED, reason="Moved house."
        )
        with pytest.raises(NotFound):
            await proposals.settle_proposal(connection, "a", PROPOSAL_STATUS_APPROVED, reason="")
        left = await proposals.list_waiting(connection, "GB", limit=10)
        settled = await proposals.get_proposal(connection, "a")

    assert [one, two] == waiting
    assert [two] == left
    assert replace(one, status=PROPOSAL_STATUS_APPROVED) == settled


async def test_proposals_for_other_countries_do_not_wait_here(database: Database) -> None:
    async with database.write() as connection:
        await proposals.add_proposal(connection, proposal("a", base_version=1))

        assert await proposals.list_waiting(connection, "FR", limit=10) == []
        with pytest.raises(NotFound):
            await proposals.get_proposal(connection, "b")


async def test_a_new_version_overtakes_the_proposals_made_from_older_ones(
    database: Database,
) -> None:
    async with database.write() as connection:
        await proposals.add_proposal(connection, proposal("a", base_version=1))
        await proposals.add_proposal(connection, proposal("b", base_version=2))

        count = await proposals.overtake_proposals(connection, AUTHORITY_ID, version=2)

        assert count == 1
        overtaken = await proposals.get_proposal(connection, "a")
        waiting = await proposals.get_proposal(connection, "b")
    assert overtaken.status == PROPOSAL_STATUS_OVERTAKEN
    assert waiting.status == PROPOSAL_STATUS_WAITING


async def test_a_report_goes_to_the_keeper_until_it_is_closed(database: Database) -> None:
    report = StoredReport(
        report_id="r1",
        authority_id=AUTHORITY_ID,
        version=1,
        field="contacts[0].value",
        text="Nobody answers.",
        agency_id="FR-NCB",
        officer_id=OTHER_OFFICER,
        reported_at=4_000_000,
    )
    await append(database, first_version())
    async with database.write() as connection:
        await reports.add_report(connection, report)
        await reports.add_report(connection, replace(report, report_id="r2", reported_at=5_000_000))

        found = await reports.list_open_reports(connection, "GB", limit=1)
        of_all = await reports.list_open_reports(connection, None, limit=10)
        of_others = await reports.list_open_reports(connection, "FR", limit=10)
        before = await reports.count_open_reports(connection, [AUTHORITY_ID])
        await reports.close_report(connection, "r1", closed_at=6_000_000, outcome="New number.")
        with pytest.raises(NotFound):
            await reports.close_report(connection, "r1", closed_at=6_000_000, outcome="Again.")
        after = await reports.count_open_reports(connection, [AUTHORITY_ID])

    assert [(report, "GB", KEEPER)] == [(each.report, each.country, each.keeper) for each in found]
    assert [each.report.report_id for each in of_all] == ["r1", "r2"]
    assert of_others == []
    assert {AUTHORITY_ID: OpenReports(2, 4_000_000)} == before
    assert {AUTHORITY_ID: OpenReports(1, 5_000_000)} == after


def test_versions_differ_by_field_with_before_and_after() -> None:
    before, after = sample_authority(), sample_authority()
    after.contacts[0].value = "+442079460009"
    after.channels.append(pb.CHANNEL_DIPLOMATIC)
    after.ClearField("remarks")
    del after.names[1]

    found = {each.field: (each.before, each.after) for each in differences(before, after)}

    assert found["contacts[0].value"] == ('"+442079460000"', '"+442079460009"')
    assert found["channels[2]"] == ("", '"CHANNEL_DIPLOMATIC"')
    assert found["names[1]"] == ('{"language": "fr", "text": "Autorité centrale d\'exemple"}', "")
    assert set(found) == {"contacts[0].value", "channels[2]", "names[1]", "remarks"}
    assert differences(before, sample_authority()) == []
