"""The directory over the wire, on both databases: who changes what, and what is shown to whom."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from agency_client.agency import Agency
from agency_client.authority_proof import VouchedFor
from comity.authorities import authority_digest, without_persons
from comity.commitment import verify_authority_commitment
from comity.errors import (
    ApprovedAlready,
    AuthorityChanged,
    AuthorityInvalid,
    CursorInvalid,
    LogInRequired,
    MalformedInput,
    NotFound,
    NotPermitted,
    QuotaExceeded,
)
from comity.times import timestamp_from, utc_now
from comity.v1 import authorities_pb2, ledger_pb2
from comity.v1 import directory_pb2 as pb
from comity.v1.officers_pb2 import (
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_AUDITOR,
    ROLE_HUB_ADMINISTRATOR,
    ROLE_SUPERVISOR,
)
from directory.services import pages
from directory.services.entries import Entries
from directory.services.limits import OFFICER_CALLS
from hub.rpc.table import RULES, Admission
from hub.store.access import list_access_records
from hub.store.database import Connection
from hub.store.ledger import ACCESS_RECORD, find_entries, load_head
from tests.databases import new_database
from tests.integration.directories import REASON, approve, ask, enter, get, new_authority, propose
from tests.integration.officers import Served, serving
from tests.stages import Stage

RPCS = sorted(rpc for rpc in RULES if "DirectoryService" in rpc)


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
    made = Stage(tmp_path_factory.mktemp("directory"), database_url=url)
    for agency in ("FR-NCB", "BR-NCB", "BR-POLICE"):
        made.admit(agency)
    yield made


@pytest.fixture
async def served(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as hub:
        yield hub


@pytest.fixture
async def cast(served: Served) -> AsyncIterator[Cast]:
    async with AsyncExitStack() as stack:
        first, _ = await stack.enter_async_context(served.officer("BR-NCB"))
        second, _ = await stack.enter_async_context(served.officer("BR-NCB", ROLE_SUPERVISOR))
        france, _ = await stack.enter_async_context(served.officer("FR-NCB"))
        yield Cast(served, first, second, france)


def renamed(authority: authorities_pb2.Authority, name: str) -> authorities_pb2.Authority:
    changed = authorities_pb2.Authority()
    changed.CopyFrom(authority)
    changed.names[0].text = name
    return changed


def call_back(authority: authorities_pb2.Authority, **given: Any) -> authorities_pb2.CallBack:
    call = authorities_pb2.CallBack(
        number=authority.contacts[0].value,
        called_at=timestamp_from(utc_now() - timedelta(hours=1)),
        spoken_to="Ada Specimen",
    )
    for name, value in given.items():
        setattr(call, name, value)
    return call


async def newest_access(connection: Connection) -> ledger_pb2.AccessRecord:
    size = (await load_head(connection)).size
    entries = await find_entries(connection, range(size - 1, max(size - 40, -1), -1))
    newest = max(i for i, entry in entries.items() if entry.record == ACCESS_RECORD)
    stored = await list_access_records(connection, newest)
    assert stored[-1].record is not None
    return ledger_pb2.AccessRecord.FromString(stored[-1].record)


@pytest.mark.threat("T124")
async def test_every_rpc_is_refused_without_a_log_in(served: Served) -> None:
    methods = pb.DESCRIPTOR.services_by_name["DirectoryService"].methods_by_name
    assert len(RPCS) == len(methods)
    async with served.client("FR-NCB") as system:
        for rpc in RPCS:
            assert RULES[rpc].admission is Admission.OFFICER, rpc
            name = rpc.rpartition("/")[2]
            if methods[name].server_streaming:
                continue  # files: test_nobody_imports_or_exports_without_a_log_in_or_the_role
            with pytest.raises(LogInRequired):
                await ask(system, name, getattr(pb, f"{name}Request")())


@pytest.mark.threat("T126")
async def test_an_entry_by_two_officers_is_in_the_ledger_and_found(cast: Cast) -> None:
    authority = new_authority("BR", "Autoridade de amostra")
    waiting = await propose(cast.first, authority)
    assert waiting.version == 0
    assert waiting.proposal.keeper.agency_id == "BR-NCB"
    with pytest.raises(NotFound):
        await get(cast.france, authority.authority_id)
    listed = await ask(cast.second, "ListProposals", pb.ListProposalsRequest())
    assert waiting.proposal in listed.proposals

    version = await approve(cast.second, waiting.proposal)

    async with cast.served.database.read() as connection:
        stored = (await find_entries(connection, [version.entry_index]))[version.entry_index]
    entry = ledger_pb2.LedgerEntry.FromString(stored.entry).directory
    assert (entry.authority_id, entry.version, entry.agency_id) == (
        authority.authority_id,
        1,
        "BR-NCB",
    )
    verify_authority_commitment(
        entry.authority_commitment, authority_digest=authority_digest(authority), salt=version.salt
    )
    request = pb.FindAuthoritiesRequest(
        filter=pb.AuthorityFilter(countries=["BR"], text="autoridade amostra")
    )
    found = await ask(cast.france, "FindAuthorities", request)
    assert authority.authority_id in [m.record.authority.authority_id for m in found.matches]
    assert found.matches[0].reasons


@pytest.mark.threat("T121")
async def test_nobody_approves_what_is_their_own(cast: Cast) -> None:
    waiting = await propose(cast.first, new_authority("BR"))
    with pytest.raises(ApprovedAlready):
        await approve(cast.first, waiting.proposal)
    with pytest.raises(NotFound):
        await approve(cast.france, waiting.proposal)
    await approve(cast.second, waiting.proposal)
    with pytest.raises(NotFound):
        await approve(cast.second, waiting.proposal)


@pytest.mark.threat("T121")
async def test_what_is_approved_is_what_was_looked_at(cast: Cast) -> None:
    waiting = await propose(cast.first, new_authority("BR"))
    request = pb.ApproveChangeRequest(
        proposal_id=waiting.proposal.proposal_id, authority_digest="00" * 32
    )
    with pytest.raises(MalformedInput, match="authority_digest"):
        await ask(cast.second, "ApproveChange", request)


@pytest.mark.threat("T120")
async def test_another_countrys_agency_changes_nothing(cast: Cast) -> None:
    authority = new_authority("BR")
    with pytest.raises(NotPermitted):
        await propose(cast.france, authority)
    await enter(cast.first, cast.second, authority)
    with pytest.raises(NotPermitted, match="BR-NCB keeps"):
        await propose(cast.france, renamed(authority, "Forged"), base=1)
    confirming = pb.ConfirmAuthorityRequest(authority_id=authority.authority_id, version=1)
    with pytest.raises(NotPermitted):
        await ask(cast.france, "ConfirmAuthority", confirming)
    assert (await get(cast.france, authority.authority_id)).version == 1


@pytest.mark.threat("T120")
async def test_an_agency_of_the_same_country_keeps_its_own_entries_only(cast: Cast) -> None:
    authority = new_authority("BR")
    await enter(cast.first, cast.second, authority)
    async with cast.served.officer("BR-POLICE") as (police, _):
        with pytest.raises(NotPermitted):
            await propose(police, renamed(authority, "Other"), base=1)
        waiting = await propose(police, new_authority("BR"))
    assert waiting.proposal.keeper.agency_id == "BR-POLICE"
    with pytest.raises(NotFound):
        await approve(cast.second, waiting.proposal)


async def test_the_later_of_two_edits_is_told_what_changed(cast: Cast) -> None:
    authority = new_authority("BR")
    await enter(cast.first, cast.second, authority)
    edits = [await propose(cast.first, renamed(authority, f"Sample {n}"), base=1) for n in (1, 2)]

    results = await asyncio.gather(
        *(approve(cast.second, each.proposal) for each in edits), return_exceptions=True
    )

    [lost] = [each for each in results if isinstance(each, BaseException)]
    assert isinstance(lost, AuthorityChanged)
    assert [violation.field for violation in lost.violations] == ["names[0].text"]
    assert (await get(cast.first, authority.authority_id)).version == 2
    with pytest.raises(AuthorityChanged):
        await propose(cast.first, renamed(authority, "Late"), base=1)


async def test_a_page_of_versions_ends_before_its_answer_is_too_large(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = new_authority("BR")
    await enter(cast.first, cast.second, authority)
    moved = authorities_pb2.Authority()
    moved.CopyFrom(authority)
    moved.contacts[0].value = "+442079460009"
    await propose(cast.first, moved, base=1, call_back=call_back(authority))
    request = pb.ListAuthorityVersionsRequest(authority_id=authority.authority_id)

    monkeypatch.setattr(pages, "MAX_ITEMS_BYTES", 1)

    page = await ask(cast.first, "ListAuthorityVersions", request)
    assert ([each.version for each in page.versions], page.more) == ([2], True)
    history = await cast.first.client.directory.list_versions(authority.authority_id)
    assert [each.version for each in history] == [2, 1]


async def test_telephone_and_hours_take_effect_with_a_call_on_the_old_number(cast: Cast) -> None:
    authority = new_authority("BR")
    await enter(cast.first, cast.second, authority)
    moved = authorities_pb2.Authority()
    moved.CopyFrom(authority)
    moved.contacts[0].value = "+442079460009"
    moved.office_hours.week[0].intervals[0].opens = "10:00"

    changed = await propose(cast.first, moved, base=1, call_back=call_back(authority))

    assert changed.version == 2
    assert (await get(cast.france, authority.authority_id)).authority == moved
    history = await ask(
        cast.first,
        "ListAuthorityVersions",
        pb.ListAuthorityVersionsRequest(authority_id=authority.authority_id),
    )
    assert [version.version for version in history.versions] == [2, 1]
    assert history.versions[0].call_back.spoken_to == "Ada Specimen"
    assert history.versions[1].approver_officer_id != history.versions[1].officer_id


def spoil(
    fault: str, moved: authorities_pb2.Authority, call: authorities_pb2.CallBack
) -> authorities_pb2.CallBack:
    if fault == "a mailbox":
        moved.contacts[2].value = "forged@sca.example"
    elif fault == "a name":
        moved.names[0].text = "Forged"
    elif fault == "another number":
        call.number = moved.contacts[0].value
    elif fault == "long ago":
        call.called_at.CopyFrom(timestamp_from(utc_now() - timedelta(days=8)))
    else:
        call.spoken_to = ""
    return call


@pytest.mark.threat("T122")
async def test_one_officer_changes_nothing_else(cast: Cast) -> None:
    authority = new_authority("BR")
    await enter(cast.first, cast.second, authority)
    for fault, field in {
        "a mailbox": "authority.contacts",
        "a name": "authority.names",
        "another number": "call_back.number",
        "long ago": "call_back.called_at",
        "nobody": "call_back.spoken_to",
    }.items():
        moved = authorities_pb2.Authority()
        moved.CopyFrom(authority)
        moved.contacts[0].value = "+442079460009"
        call = spoil(fault, moved, call_back(authority))
        with pytest.raises(MalformedInput) as refused:
            await propose(cast.first, moved, base=1, call_back=call)
        assert [field] == [violation.field for violation in refused.value.violations], fault
    assert (await get(cast.first, authority.authority_id)).version == 1


async def test_a_malformed_entry_names_every_field_and_leaves_nothing(cast: Cast) -> None:
    authority = new_authority("BR")
    authority.country = "QQ"
    authority.contacts[0].value = "12"
    with pytest.raises(AuthorityInvalid) as refused:
        await propose(cast.first, authority)
    assert {"country", "contacts[0].value"} <= {v.field for v in refused.value.violations}


async def test_a_refused_change_is_gone_and_a_change_of_nothing_is_none(cast: Cast) -> None:
    authority = new_authority("BR")
    await enter(cast.first, cast.second, authority)
    with pytest.raises(MalformedInput, match="nothing changes"):
        await propose(cast.first, authority, base=1)
    waiting = await propose(cast.first, renamed(authority, "Other"), base=1)
    request = pb.RefuseChangeRequest(proposal_id=waiting.proposal.proposal_id, reason=REASON)
    await ask(cast.second, "RefuseChange", request)
    with pytest.raises(NotFound):
        await approve(cast.second, waiting.proposal)


async def test_the_hub_enters_what_a_state_notified_by_note_verbale(cast: Cast) -> None:
    authority = new_authority("KE")
    async with (
        cast.served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (one, _),
        cast.served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (other, _),
    ):
        with pytest.raises(MalformedInput, match="note_verbale"):
            await propose(one, authority)
        keeper = authorities_pb2.Keeper(note_verbale="Specimen 4/2026")
        waiting = await propose(one, authority, keeper=keeper)
        await approve(other, waiting.proposal)
    record = await get(cast.france, authority.authority_id)
    assert record.keeper.kind == authorities_pb2.KEEPER_KIND_HUB
    assert record.keeper.note_verbale == "Specimen 4/2026"


async def test_a_confirmed_entry_is_fresh_and_says_by_whom(cast: Cast) -> None:
    authority = new_authority("BR")
    await enter(cast.first, cast.second, authority)
    unverified = await get(cast.france, authority.authority_id)
    assert unverified.freshness == authorities_pb2.FRESHNESS_UNVERIFIED
    stale = pb.ConfirmAuthorityRequest(authority_id=authority.authority_id, version=2)
    with pytest.raises(AuthorityChanged):
        await ask(cast.first, "ConfirmAuthority", stale)

    confirming = pb.ConfirmAuthorityRequest(authority_id=authority.authority_id, version=1)
    answer = await ask(cast.first, "ConfirmAuthority", confirming)

    record = await get(cast.france, authority.authority_id)
    assert record.freshness == authorities_pb2.FRESHNESS_FRESH
    assert record.last_verified == answer.verification
    assert record.last_verified.version == 1
    assert record.confirmation_due_at == answer.confirmation_due_at
    async with cast.served.database.read() as connection:
        access = await newest_access(connection)
        index = max(access.entry_indices)
        stored = (await find_entries(connection, [index]))[index]
    entry = ledger_pb2.LedgerEntry.FromString(stored.entry).directory
    assert entry.change == ledger_pb2.DIRECTORY_CHANGE_CONFIRMED


async def test_anybody_reports_and_the_keeper_deals_with_it(cast: Cast) -> None:
    authority = new_authority("BR")
    await enter(cast.first, cast.second, authority)
    request = pb.ReportAuthorityRequest(
        authority_id=authority.authority_id, version=1, field="contacts[0].value", text="Sample"
    )
    report = (await ask(cast.france, "ReportAuthority", request)).report
    assert (await get(cast.france, authority.authority_id)).open_reports == 1
    assert (await get(cast.first, authority.authority_id)).oldest_report_at == report.reported_at
    listing = pb.ListReportsRequest()
    assert report not in (await ask(cast.france, "ListReports", listing)).reports
    assert report in (await ask(cast.first, "ListReports", listing)).reports

    closing = pb.CloseReportRequest(report_id=report.report_id, outcome="Sample outcome")
    with pytest.raises(NotFound):
        await ask(cast.france, "CloseReport", closing)
    closed = (await ask(cast.first, "CloseReport", closing)).report
    assert closed.outcome == "Sample outcome"
    assert closed.HasField("closed_at")
    assert (await get(cast.france, authority.authority_id)).open_reports == 0
    for bad in ({"version": 2}, {"text": " "}, {"text": "a\x1b[31m"}):
        spoilt = pb.ReportAuthorityRequest()
        spoilt.CopyFrom(request)
        for name, value in bad.items():
            setattr(spoilt, name, value)
        with pytest.raises(MalformedInput):
            await ask(cast.france, "ReportAuthority", spoilt)


@pytest.mark.threat("T124")
async def test_every_look_up_is_on_record_with_who_and_why_and_what(cast: Cast) -> None:
    authority = new_authority("BR", "Quaternary Specimen Bureau")
    version = await enter(cast.first, cast.second, authority)
    urgent = ledger_pb2.LOOK_UP_PURPOSE_URGENT_CASE
    identity = authority.authority_id
    requests = {
        "FindAuthorities": pb.FindAuthoritiesRequest(
            purpose=urgent, filter=pb.AuthorityFilter(text="quaternary specimen bureau"), limit=1
        ),
        "GetAuthority": pb.GetAuthorityRequest(purpose=urgent, authority_id=identity),
        "ListAuthorityVersions": pb.ListAuthorityVersionsRequest(
            purpose=urgent, authority_id=identity
        ),
        "CompareVersions": pb.CompareVersionsRequest(
            purpose=urgent, authority_id=identity, from_version=1, to_version=1
        ),
    }
    whom = (await cast.france.client.officers.who_am_i()).officer.officer_id
    for name, request in requests.items():
        await ask(cast.france, name, request)
        async with cast.served.database.read() as connection:
            access = await newest_access(connection)
        assert access.action == ledger_pb2.ACCESS_ACTION_LOOK_UP_AUTHORITIES, name
        assert (access.agency_id, access.officer_id) == ("FR-NCB", whom), name
        assert access.purpose == urgent, name
        assert [version.entry_index] == list(access.entry_indices), name
    await ask(cast.france, "GetAuthority", pb.GetAuthorityRequest(authority_id=identity))
    async with cast.served.database.read() as connection:
        access = await newest_access(connection)
    assert access.purpose == ledger_pb2.LOOK_UP_PURPOSE_CASE


@pytest.mark.threat("T125")
async def test_personal_contact_details_are_for_who_works_on_cases(cast: Cast) -> None:
    authority = new_authority("BR")
    authority.contacts[1].functional = False
    await enter(cast.first, cast.second, authority)
    history = pb.ListAuthorityVersionsRequest(authority_id=authority.authority_id)
    async with cast.served.officer("FR-NCB", ROLE_AUDITOR) as (auditor, _):
        record = await get(auditor, authority.authority_id)
        versions = (await ask(auditor, "ListAuthorityVersions", history)).versions
    assert record.contacts_withheld
    assert not record.authority.persons
    assert all(contact.functional for contact in record.authority.contacts)
    assert all(contact.functional for contact in record.reachability.contacts)
    assert versions[0].contacts_withheld
    assert not versions[0].authority.persons
    assert not versions[0].salt
    whole = await get(cast.france, authority.authority_id)
    assert whole.authority == authority
    assert not whole.contacts_withheld
    async with cast.served.officer("BR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (keeper, _):
        assert (await get(keeper, authority.authority_id)).authority == authority


@pytest.mark.threat("T126")
async def test_who_is_shown_an_entry_verifies_it_with_persons_and_without(cast: Cast) -> None:
    authority = new_authority("BR")
    authority.contacts[1].functional = False
    version = await enter(cast.first, cast.second, authority)
    request = pb.GetAuthorityRequest(authority_id=authority.authority_id)
    whole = await cast.france.client.directory.get_verified(request)
    async with cast.served.officer("FR-NCB", ROLE_AUDITOR) as (auditor, _):
        without = await auditor.client.directory.get_verified(request)
        request.with_proof = True
        answer = await ask(auditor, "GetAuthority", request)

    assert (VouchedFor.WHOLE, authority) == (whole.vouched_for, whole.record.authority)
    assert VouchedFor.WITHOUT_PERSONS is without.vouched_for
    assert without_persons(authority) == without.record.authority
    assert not answer.proof.salt
    assert version.entry_index == answer.proof.leaf.entry_index


async def test_an_older_version_is_verified_as_what_it_was(cast: Cast) -> None:
    authority = new_authority("BR")
    await enter(cast.first, cast.second, authority)
    changed = new_authority("BR", "Renamed authority")
    changed.authority_id = authority.authority_id
    await approve(cast.second, (await propose(cast.first, changed, base=1)).proposal)
    request = pb.GetAuthorityRequest(authority_id=authority.authority_id, version=1)
    first = await cast.france.client.directory.get_verified(request)
    request.version = 0
    newest = await cast.france.client.directory.get_verified(request)

    assert (VouchedFor.WHOLE, authority) == (first.vouched_for, first.record.authority)
    assert (VouchedFor.WHOLE, changed) == (newest.vouched_for, newest.record.authority)


async def test_resolving_answers_with_article_documents_and_reason(cast: Cast) -> None:
    authority = new_authority("BR")
    authority.territory.regions[:] = ["BR-SP"]
    await enter(cast.first, cast.second, authority)
    request = pb.ResolveAuthorityRequest(
        country="BR",
        competence=authorities_pb2.COMPETENCE_EXTRADITION,
        instrument="UNTOC",
        article="16",
        region="BR-SP",
        languages=["fr"],
    )
    answer = (await ask(cast.france, "ResolveAuthority", request)).resolutions[0]
    assert (answer.basis.instrument, list(answer.basis.articles)) == ("UNTOC", ["16"])
    assert pb.RESOLUTION_REASON_AS_ASKED in answer.reasons
    assert answer.languages[0] == "fr"
    assert "ARREST_WARRANT" in [document.document for document in answer.documents]


async def test_answers_come_in_the_language_that_was_asked_for(cast: Cast) -> None:
    authority = new_authority("BR", f"Sample {secrets.token_hex(4)}")
    await enter(cast.first, cast.second, authority)
    case = pb.ResolveAuthorityRequest(
        country="BR",
        competence=authorities_pb2.COMPETENCE_EXTRADITION,
        language="ar",
        time_zone="Asia/Tokyo",
    )
    resolutions = (await ask(cast.france, "ResolveAuthority", case)).resolutions
    query = pb.AuthorityFilter(text=authority.names[0].text)
    search = pb.FindAuthoritiesRequest(filter=query, language="ar")
    found = (await ask(cast.france, "FindAuthorities", search)).matches[0]
    entry = pb.GetAuthorityRequest(authority_id=authority.authority_id, language="ar")
    async with cast.served.officer("FR-NCB", ROLE_AUDITOR) as (auditor, _):
        withheld = (await ask(auditor, "GetAuthority", entry)).card
    shown = (await ask(cast.france, "GetAuthority", entry)).card
    case.language = ""

    assert found.country_name == "البرازيل"
    assert all("البرازيل" in fields_of(each.card)["country"] for each in resolutions)
    assert "Ada Specimen" in fields_of(shown)["persons"][0]
    assert "persons" not in fields_of(withheld)
    plain = (await ask(cast.france, "ResolveAuthority", case)).resolutions
    assert not any(each.card for each in plain)


def fields_of(card: Sequence[pb.RenderedField]) -> dict[str, list[str]]:
    return {each.name: list(each.lines) for each in card}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("FindAuthorities", {"filter": {"countries": ["QQ"]}}, "filter.countries[0]"),
    ("FindAuthorities", {"language": "de"}, "language"),
    ("GetAuthority", {"language": "xx"}, "language"),
    ("GetAuthority", {"time_zone": "Etc/GMT+1"}, "time_zone"),
    ("FindAuthorities", {"filter": {"article": "16"}}, "filter.instrument"),
    ("FindAuthorities", {"filter": {"languages": ["english"]}}, "filter.languages[0]"),
    ("FindAuthorities", {"filter": {"text": "x" * 201}}, "filter.text"),
    ("FindAuthorities", {"filter": {"freshness": [77]}}, "filter.freshness[0]"),
    ("FindAuthorities", {"purpose": 77}, "purpose"),
    ("ResolveAuthority", {"country": "QQ", "competence": 2}, "country"),
    ("ResolveAuthority", {"country": "BR"}, "competence"),
    ("ResolveAuthority", {"country": "BR", "competence": 2, "instrument": "X"}, "instrument"),
    (
        "ResolveAuthority",
        {"country": "BR", "competence": 2, "instrument": "UNTOC", "article": "999"},
        "article",
    ),
]


async def test_what_there_cannot_be_is_named(cast: Cast) -> None:
    for name, asked, field in WRONG:
        with pytest.raises(MalformedInput) as refused:
            await ask(cast.france, name, getattr(pb, f"{name}Request")(**asked))
        assert field in [violation.field for violation in refused.value.violations]


async def test_a_cursor_is_good_for_its_own_query_alone(cast: Cast) -> None:
    for number in range(2):
        await enter(cast.first, cast.second, new_authority("BR", f"Sample {number}"))
    request = pb.FindAuthoritiesRequest(filter=pb.AuthorityFilter(countries=["BR"]), limit=1)
    page = await ask(cast.france, "FindAuthorities", request)
    request.cursor = page.next_cursor
    following = await ask(cast.france, "FindAuthorities", request)
    assert following.matches[0].record.authority != page.matches[0].record.authority
    request.filter.countries[:] = ["BR", "KE"]
    with pytest.raises(CursorInvalid):
        await ask(cast.france, "FindAuthorities", request)


@pytest.mark.threat("T123")
async def test_an_officer_who_asks_like_a_program_is_told_to_wait(cast: Cast) -> None:
    request = pb.FindAuthoritiesRequest(filter=pb.AuthorityFilter(countries=["KE"]), limit=1)
    with pytest.raises(QuotaExceeded) as refused:
        for _ in range(OFFICER_CALLS.most + 1):
            await ask(cast.france, "FindAuthorities", request)
    assert refused.value.retry_after_seconds is not None
    async with cast.served.officer("FR-NCB") as (colleague, _):
        await ask(colleague, "FindAuthorities", request)


async def test_another_process_finds_what_this_one_has_entered(cast: Cast) -> None:
    """Whose memory is another: it reads what the ledger has entered since it last looked."""
    there = Entries(cast.served.database)
    await there.refresh()
    authority = new_authority("BR")
    await enter(cast.first, cast.second, authority)
    with pytest.raises(NotFound):
        there.get(authority.authority_id)
    await there.refresh()
    assert there.get(authority.authority_id).authority == authority
