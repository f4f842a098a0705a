"""Files of the directory over the wire, on both databases: what goes out, and what comes in."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import typst

from agency_client.agency import Agency
from agency_client.directory import ExportedFile
from comity.errors import (
    ComityError,
    LogInRequired,
    MalformedInput,
    NotFound,
    NotPermitted,
    QuotaExceeded,
    TooLarge,
)
from comity.v1 import authorities_pb2, ledger_pb2
from comity.v1 import directory_pb2 as pb
from comity.v1.officers_pb2 import ROLE_AUDITOR, ROLE_HUB_ADMINISTRATOR, ROLE_SUPERVISOR
from directory.files.csv_rows import parse_csv, write_csv
from directory.services.exports import MAX_EXPORT_ENTRIES
from directory.services.limits import OFFICER_FILES
from hub.store.access import list_access_records
from hub.store.database import Connection
from hub.store.ledger import ACCESS_RECORD, find_entries, load_head
from tests.databases import new_database
from tests.integration.directories import REASON, approve, ask, enter, get, new_authority
from tests.integration.officers import Served, serving
from tests.stages import Stage

# One hub and the same officers for each database: both take seconds.
pytestmark = pytest.mark.asyncio(loop_scope="module")

CASE = "Specimen 12/2026"
Records = list[authorities_pb2.AuthorityRecord]


@dataclass(frozen=True, slots=True)
class Cast:
    """Two officers of Brazil's, one of France's."""

    served: Served
    first: Agency
    second: Agency
    france: Agency


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path_factory.mktemp("files"), database_url=url)
    for agency in ("FR-NCB", "BR-NCB", "BR-POLICE"):
        made.admit(agency)
    yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as hub:
        yield hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(served: Served) -> AsyncIterator[Cast]:
    async with AsyncExitStack() as stack:
        first, _ = await stack.enter_async_context(served.officer("BR-NCB"))
        second, _ = await stack.enter_async_context(served.officer("BR-NCB", ROLE_SUPERVISOR))
        france, _ = await stack.enter_async_context(served.officer("FR-NCB"))
        yield Cast(served, first, second, france)


async def export(opened: Agency, *ids: str, **given: Any) -> ExportedFile:
    asked: dict[str, Any] = {"format": pb.FILE_FORMAT_CSV, "case_reference": CASE, **given}
    request = pb.ExportAuthoritiesRequest(authority_ids=ids, **asked)
    return await opened.client.directory.export(request)


async def import_(opened: Agency, content: bytes, **given: Any) -> pb.ImportAuthoritiesResponse:
    asked: dict[str, Any] = {"format": pb.FILE_FORMAT_CSV, "reason": REASON, **given}
    return await opened.client.directory.import_(pb.ImportHead(**asked), content)


def table(*authorities: authorities_pb2.Authority, version: int = 0) -> bytes:
    records = [authorities_pb2.AuthorityRecord(authority=a, version=version) for a in authorities]
    return write_csv(records, "Sample remark")


def named(number: int) -> authorities_pb2.Authority:
    return new_authority("BR", f"Autoridade de amostra {number} {secrets.token_hex(8)}")


async def waiting_ids(opened: Agency) -> set[str]:
    waiting = await opened.client.directory.list_proposals()
    return {each.authority.authority_id for each in waiting}


async def newest_access(connection: Connection) -> ledger_pb2.AccessRecord:
    size = (await load_head(connection)).size
    entries = await find_entries(connection, range(size - 1, max(size - 40, -1), -1))
    newest = max(i for i, entry in entries.items() if entry.record == ACCESS_RECORD)
    stored = await list_access_records(connection, newest)
    assert stored[-1].record is not None
    return ledger_pb2.AccessRecord.FromString(stored[-1].record)


async def test_a_dry_run_writes_nothing_and_counts(cast: Cast) -> None:
    rows = [named(n) for n in range(3)]
    before = await waiting_ids(cast.second)

    tried = await import_(cast.first, table(*rows), dry_run=True)

    assert (tried.new_rows, tried.changed_rows, tried.faulty_rows) == (3, 0, 0)
    assert not tried.import_id
    assert before == await waiting_ids(cast.second)


async def test_one_bad_row_of_twenty_writes_nothing_unless_partial(cast: Cast) -> None:
    rows = [named(n) for n in range(20)]
    rows[6].contacts[0].value = "+4412"
    rows[6].remarks[0].text = "<b>Sample</b>"
    before = await waiting_ids(cast.second)

    refused = await import_(cast.first, table(*rows))

    assert not refused.import_id
    assert {(8, "contacts, line 1"), (8, "remarks, line 1")} == {
        (fault.row, fault.field) for fault in refused.faults
    }
    assert all(fault.wrong and fault.right for fault in refused.faults if fault.field[0] == "c")
    assert before == await waiting_ids(cast.second)

    partial = await import_(cast.first, table(*rows), partial=True)

    assert (partial.new_rows, partial.faulty_rows) == (19, 1)
    assert len(partial.proposal_ids) == 19
    added = await waiting_ids(cast.second) - before
    assert added == {row.authority_id for n, row in enumerate(rows) if n != 6}


async def test_an_import_is_approved_as_a_whole_by_another_officer(cast: Cast) -> None:
    rows = [named(n) for n in range(25)]
    imported = await import_(cast.first, table(*rows))

    waiting = await cast.second.client.directory.list_proposals(imported.import_id)

    assert list(imported.proposal_ids) == [each.proposal_id for each in waiting]
    assert [row.authority_id for row in rows] == [each.authority.authority_id for each in waiting]
    assert {each.import_id for each in waiting} == {imported.import_id}
    with pytest.raises(ComityError):
        await approve(cast.first, waiting[0])
    for each in waiting:
        await approve(cast.second, each)
    assert not await cast.second.client.directory.list_proposals(imported.import_id)
    assert (await get(cast.france, rows[-1].authority_id)).authority == rows[-1]


@pytest.mark.parametrize("file_format", [pb.FILE_FORMAT_CSV, pb.FILE_FORMAT_JSON])
async def test_what_is_exported_comes_back_identical(cast: Cast, file_format: int) -> None:
    rows = [named(n) for n in range(2)]
    for row in rows:
        await enter(cast.first, cast.second, row)

    exported = await export(cast.first, *(r.authority_id for r in rows), format=file_format)
    again = await import_(cast.first, exported.content, format=file_format)

    assert (again.unchanged_rows, again.new_rows, again.changed_rows) == (2, 0, 0)
    assert not again.faults
    assert not again.import_id


async def test_a_changed_row_is_a_change_from_the_version_that_was_exported(cast: Cast) -> None:
    row = named(1)
    await enter(cast.first, cast.second, row)
    content = (await export(cast.first, row.authority_id)).content
    changed = content.replace(b"Autoridade de amostra", b"Autoridade mudada")

    imported = await import_(cast.first, changed)
    assert imported.changed_rows == 1
    [waiting] = await cast.second.client.directory.list_proposals(imported.import_id)
    assert [each.field for each in waiting.differences] == ["names[0].text"]
    await approve(cast.second, waiting)

    late = await import_(cast.first, content.replace(b"Autoridade", b"Outra"))
    assert [(fault.field, fault.row) for fault in late.faults] == [("version", 2)]
    assert "2" in late.faults[0].right


async def test_a_row_without_an_id_is_a_new_entry_and_never_a_namesake(cast: Cast) -> None:
    row = named(1)
    identity = row.authority_id
    row.authority_id = ""
    imported = await import_(cast.first, table(row))
    assert imported.new_rows == 1
    [waiting] = await cast.second.client.directory.list_proposals(imported.import_id)
    assert waiting.authority.authority_id not in ("", identity)
    await approve(cast.second, waiting)

    twice = await import_(cast.first, table(row))

    assert [fault.field for fault in twice.faults] == ["authority_id"]
    assert waiting.authority.authority_id in twice.faults[0].wrong


@pytest.mark.parametrize("has_ids", [False, True])
async def test_the_same_file_twice_names_the_proposals_that_wait(cast: Cast, has_ids: bool) -> None:
    rows = [named(n) for n in range(2)]
    for row in rows:
        row.authority_id = row.authority_id if has_ids else ""
    imported = await import_(cast.first, table(*rows))
    before = await waiting_ids(cast.second)

    for dry_run in (True, False):
        twice = await import_(cast.second, table(*rows), dry_run=dry_run, partial=True)
        places = [(fault.field, fault.row) for fault in twice.faults]
        assert places == [("authority_id", 2), ("authority_id", 3)]
        for fault, proposal_id in zip(twice.faults, imported.proposal_ids, strict=True):
            assert proposal_id in fault.wrong

    assert before == await waiting_ids(cast.second)


async def test_of_two_agencies_that_import_at_once_one_proposes_an_entry(cast: Cast) -> None:
    async with cast.served.officer("BR-POLICE") as (police, _):
        for number in range(5):
            row = named(number)
            row.authority_id = ""
            both = await asyncio.gather(
                import_(cast.first, table(row)), import_(police, table(row))
            )
            [won] = [each for each in both if each.import_id]
            [lost] = [each for each in both if not each.import_id]
            assert won.proposal_ids[0] in lost.faults[0].wrong


async def test_a_new_id_with_the_name_of_an_entry_is_refused_with_that_entrys_id(
    cast: Cast,
) -> None:
    row = named(1)
    await enter(cast.first, cast.second, row)
    again = new_authority("BR", row.names[0].text.upper().replace(" ", "  "))

    refused = await import_(cast.first, table(again))

    assert [fault.field for fault in refused.faults] == ["authority_id"]
    assert row.authority_id in refused.faults[0].wrong


@pytest.mark.threat("T133")
async def test_an_export_without_persons_is_never_imported(cast: Cast) -> None:
    row = named(1)
    row.contacts[1].functional = False
    await enter(cast.first, cast.second, row)
    for file_format in (pb.FILE_FORMAT_CSV, pb.FILE_FORMAT_JSON):
        async with cast.served.officer("BR-NCB", ROLE_AUDITOR) as (auditor, _):
            exported = await export(auditor, row.authority_id, format=file_format)
        assert b"Ada Specimen" not in exported.content
        assert row.contacts[1].value.encode() not in exported.content
        assert "left out" in exported.warnings[0]

        refused = await import_(cast.first, exported.content, format=file_format, partial=True)

        assert [fault.field for fault in refused.faults] == ["withheld"]
        assert not refused.import_id
    assert (await get(cast.first, row.authority_id)).authority == row


@pytest.mark.threat("T127")
async def test_an_export_is_on_record_with_its_case_before_it_leaves(cast: Cast) -> None:
    row = named(1)
    version = await enter(cast.first, cast.second, row)
    whom = (await cast.france.client.officers.who_am_i()).officer.officer_id
    urgent = ledger_pb2.LOOK_UP_PURPOSE_URGENT_CASE

    exported = await export(cast.france, row.authority_id, purpose=urgent)

    async with cast.served.database.read() as connection:
        access = await newest_access(connection)
    assert access.action == ledger_pb2.ACCESS_ACTION_EXPORT_AUTHORITIES
    assert (access.agency_id, access.officer_id) == ("FR-NCB", whom)
    assert (access.purpose, access.case_reference) == (urgent, CASE)
    assert [version.entry_index] == list(access.entry_indices)
    for part in ("Official use only", "FR-NCB", whom, access.request_id):
        assert part in exported.content.decode("utf-8-sig")


@pytest.mark.parametrize(
    ("file_format", "begins", "media_type"),
    [
        (pb.FILE_FORMAT_JSON, b"{", "application/json"),
        (pb.FILE_FORMAT_CSV, b"\xef\xbb\xbfversion,", "text/csv; charset=utf-8"),
        (pb.FILE_FORMAT_VCARD, b"BEGIN:VCARD\r\n", "text/vcard; charset=utf-8"),
        (pb.FILE_FORMAT_PDF, b"%PDF-", "application/pdf"),
        (pb.FILE_FORMAT_CALENDAR, b"BEGIN:VCALENDAR\r\n", "text/calendar; charset=utf-8"),
    ],
)
async def test_every_format_is_served(
    cast: Cast, file_format: int, begins: bytes, media_type: str
) -> None:
    row = named(1)
    await enter(cast.first, cast.second, row)

    exported = await export(cast.france, row.authority_id, format=file_format, language="fr")

    assert exported.content.startswith(begins)
    assert (exported.media_type, exported.count) == (media_type, 1)


async def test_an_export_says_which_letters_the_hub_has_no_font_for(cast: Cast) -> None:
    row = named(1)
    await enter(cast.first, cast.second, row)
    there = {family.lower() for family in typst.Fonts().families()}
    fonts = {"noto sans cjk sc", "noto sans sc", "source han sans sc"}

    pages = await export(cast.france, row.authority_id, format=pb.FILE_FORMAT_PDF, language="zh")

    assert bool(fonts & there) != any("中文" in each for each in pages.warnings)


async def test_the_hub_imports_what_a_state_notified(cast: Cast) -> None:
    row = new_authority("KE")
    keeper = authorities_pb2.Keeper(note_verbale="Specimen 8/2026")
    async with cast.served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (hub, _):
        refused = await import_(hub, table(row))
        imported = await import_(hub, table(row), keeper=keeper)
        [waiting] = await hub.client.directory.list_proposals(imported.import_id)

    assert [fault.field for fault in refused.faults] == ["keeper.note_verbale"]
    assert waiting.keeper.note_verbale == "Specimen 8/2026"


@pytest.mark.threat("T127")
async def test_an_export_that_cannot_be_is_refused_with_everything_at_fault(cast: Cast) -> None:
    with pytest.raises(MalformedInput) as refused:
        await cast.france.client.directory.export(
            pb.ExportAuthoritiesRequest(language="xx", case_reference="a\x1b")
        )
    assert {"case_reference", "format", "language", "filter"} <= {
        violation.field for violation in refused.value.violations
    }
    for given in ({"case_reference": ""}, {"case_reference": "x" * 81}, {"format": 99}):
        with pytest.raises(MalformedInput):
            await export(cast.france, named(1).authority_id, **given)
    with pytest.raises(NotFound):
        await export(cast.france, named(1).authority_id)
    with pytest.raises(MalformedInput, match="authority_ids"):
        await export(cast.france, *(named(n).authority_id for n in range(MAX_EXPORT_ENTRIES + 1)))


@pytest.mark.threat("T127")
async def test_exports_use_up_what_an_officer_is_shown_in_a_day(cast: Cast) -> None:
    rows = [named(n) for n in range(40)]
    imported = await import_(cast.first, table(*rows))
    waiting = await cast.second.client.directory.list_proposals(imported.import_id)
    for each in waiting:
        await approve(cast.second, each)
    ids = [row.authority_id for row in rows]
    async with cast.served.officer("FR-NCB") as (officer, _):
        with pytest.raises(QuotaExceeded, match="shown in a day"):
            for _ in range(26):
                await export(officer, *ids)


@pytest.mark.threat("T127")
async def test_more_than_an_export_holds_is_refused_and_not_cut_off(cast: Cast) -> None:
    rows = [named(n) for n in range(MAX_EXPORT_ENTRIES + 1)]
    imported = await import_(cast.first, table(*rows))
    waiting = await cast.second.client.directory.list_proposals(imported.import_id)
    for each in waiting:
        await approve(cast.second, each)
    request = pb.ExportAuthoritiesRequest(
        filter=pb.AuthorityFilter(countries=["BR"]),
        format=pb.FILE_FORMAT_JSON,
        case_reference=CASE,
    )
    with pytest.raises(MalformedInput, match="more than 150"):
        await cast.france.client.directory.export(request)


@pytest.mark.threat("T120")
async def test_another_countrys_entries_are_not_imported(cast: Cast) -> None:
    row = named(1)
    await enter(cast.first, cast.second, row)
    content = (await export(cast.france, row.authority_id)).content

    refused = await import_(cast.france, content.replace(b"Sample", b"Forged"))

    assert [fault.field for fault in refused.faults] == ["country"]
    assert not refused.import_id


@pytest.mark.threat("T124")
async def test_nobody_imports_or_exports_without_a_log_in_or_the_role(cast: Cast) -> None:
    content = table(named(1))
    async with cast.served.client("BR-NCB") as system:
        with pytest.raises(LogInRequired):
            await import_(system, content)
        with pytest.raises(LogInRequired):
            await export(system, named(1).authority_id)
    async with cast.served.officer("BR-NCB", ROLE_AUDITOR) as (auditor, _):
        with pytest.raises(NotPermitted):
            await import_(auditor, content)


@pytest.mark.threat("T134")
async def test_a_file_of_100_000_rows_is_refused_while_others_are_answered(cast: Cast) -> None:
    heading, first = table(named(1)).split(b"\r\n", 1)
    row = first.rsplit(b"#", 1)[0]
    short = b",".join([b"x"] * (heading.count(b",") + 1)) + b"\r\n"
    content = heading + b"\r\n" + short * 100_000 + row
    importing = asyncio.create_task(import_(cast.first, content))
    answered = 0
    while not importing.done():
        await ask(cast.france, "ListReports", pb.ListReportsRequest())
        answered += 1
        await asyncio.sleep(0.2)
    with pytest.raises(TooLarge, match="100,00"):
        await importing
    assert answered


@pytest.mark.threat("T134")
async def test_an_import_is_bounded_in_size_form_and_number(cast: Cast) -> None:
    async with cast.served.officer("BR-NCB") as (officer, _):
        await _find_bounds(officer)


async def _find_bounds(officer: Agency) -> None:
    with pytest.raises(TooLarge, match="16 MiB"):
        await import_(officer, b"x" * (16 * 1024 * 1024 + 1))
    for head in (
        {"format": pb.FILE_FORMAT_PDF},
        {"format": 0},
        {"reason": ""},
    ):
        with pytest.raises(MalformedInput):
            await import_(officer, table(named(1)), **head)
    with pytest.raises(MalformedInput, match="UTF-8"):
        await import_(officer, b"{", format=pb.FILE_FORMAT_JSON)
    with pytest.raises(QuotaExceeded, match="in an hour"):
        for _ in range(OFFICER_FILES.most + 1):
            await import_(officer, b"x", dry_run=True)


async def test_json_names_the_entry_and_the_field_at_fault(cast: Cast) -> None:
    row = named(1)
    exported = json.dumps({"authorities": [{"country": 7}, {"authorityId": row.authority_id}]})

    refused = await import_(cast.first, exported.encode(), format=pb.FILE_FORMAT_JSON)

    assert {(1, "entry"), (2, "names"), (2, "postal_address")} <= {
        (fault.row, fault.field) for fault in refused.faults
    }
    assert refused.faulty_rows == 2


async def test_a_heading_that_lacks_a_column_names_it(cast: Cast) -> None:
    content = table(named(1)).replace(b"withheld", b"witheld")

    refused = await import_(cast.first, content)

    assert {(1, "withheld"), (1, "witheld")} == {(f.row, f.field) for f in refused.faults}
    assert not parse_csv(content).rows
