"""Administrators manage their own agency's officers; whoever is locked is cut off."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from comity.commitment import verify_officer_commitment
from comity.errors import (
    LastAdministrator,
    LedgerForked,
    LogInRefused,
    MalformedInput,
    NotFound,
    NotPermitted,
    OfficerExists,
    TokenRefused,
)
from comity.v1 import ledger_pb2, watches_pb2
from comity.v1.officers_pb2 import (
    OFFICER_STATUS_ACTIVE,
    OFFICER_STATUS_LOCKED,
    OFFICER_STATUS_REMOVED,
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_AUDITOR,
    ROLE_HUB_ADMINISTRATOR,
    ROLE_HUB_REVIEWER,
    ROLE_OFFICER,
    ROLE_OVERSIGHT,
    AddOfficerRequest,
    ChangeOfficerRequest,
    OfficerStatus,
)
from hub.store.audit import audit_ledger
from hub.store.database import Connection
from hub.store.ledger import OFFICER_RECORD, list_entries, load_head
from hub.store.officers import find_opening
from tests.databases import new_database
from tests.integration.officers import PASSWORD, Served, serving
from tests.stages import Stage

WAIT_SECONDS = 30  # bounds a test that would never end; nothing here is timed


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path_factory.mktemp("officers"), database_url=url)
    for agency in ("FR-NCB", "BR-NCB"):
        made.admit(agency)
    yield made


@pytest.fixture
async def served(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as hub:
        yield hub


def request_for(name: str = "", **other: object) -> AddOfficerRequest:
    request = AddOfficerRequest(
        user_name=name or f"u{secrets.token_hex(4)}",
        display_name="Sample Person",
        roles=[ROLE_OFFICER],
    )
    request.MergeFrom(AddOfficerRequest(**other))  # type: ignore[arg-type]
    return request


async def test_an_administrator_adds_an_officer_who_logs_in(served: Served) -> None:
    async with served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (admin, _):
        added = await admin.client.officers.add(request_for())
        async with served.client("FR-NCB") as france:
            await france.client.officers.log_in(added.officer.user_name, added.one_time_password)

        listed = {o.officer_id: o for o in await admin.client.officers.list_all()}

    assert added.officer == listed[added.officer.officer_id]


async def test_a_name_is_taken_once_in_an_agency_and_free_in_another(served: Served) -> None:
    name = f"u{secrets.token_hex(4)}"
    async with (
        served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (france, _),
        served.officer("BR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (brazil, _),
    ):
        await france.client.officers.add(request_for(name))
        with pytest.raises(OfficerExists):
            await france.client.officers.add(request_for(name))
        await brazil.client.officers.add(request_for(name))


async def test_an_administrator_neither_sees_nor_touches_another_agency_s(served: Served) -> None:
    async with (
        served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (france, victim),
        served.officer("BR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (brazil, _),
        served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (hub, _),
    ):
        for other in (brazil, hub):
            seen = {o.agency_id for o in await other.client.officers.list_all()}
            assert {other.profile.agency} == seen
            change = ChangeOfficerRequest(
                officer_id=victim.officer_id, status=OFFICER_STATUS_LOCKED
            )
            with pytest.raises(NotFound) as theirs:
                await other.client.officers.change(change)
            with pytest.raises(NotFound):
                await other.client.officers.reset(victim.officer_id)
            change.officer_id = "01990000-0000-7000-8000-000000000000"
            with pytest.raises(NotFound) as nobodys:
                await other.client.officers.change(change)
            assert str(nobodys.value) == str(theirs.value)

        assert (await france.client.officers.who_am_i()).HasField("officer")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (request_for("Capital"), "user_name"),
        (request_for("x"), "user_name"),
        (request_for("sample", display_name="\x1b[31mred"), "display_name"),
        (request_for("sample", nationality="XX"), "nationality"),
        (request_for("sample", roles=[ROLE_HUB_ADMINISTRATOR]), "roles"),
        (request_for("sample", roles=[ROLE_OVERSIGHT]), "roles"),
        (AddOfficerRequest(user_name="nobody", display_name="Sample"), "roles"),
    ],
    ids=str,
)
async def test_what_is_wrong_with_an_officer_is_named(
    served: Served, request_: AddOfficerRequest, field: str
) -> None:
    async with served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (admin, _):
        with pytest.raises(MalformedInput) as refused:
            await admin.client.officers.add(request_)

    assert field in {violation.field for violation in refused.value.violations}


async def test_the_hub_s_officers_have_a_nationality_and_roles_of_the_hub(served: Served) -> None:
    async with served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (admin, _):
        for wrong in ([ROLE_OFFICER], [ROLE_OVERSIGHT, ROLE_HUB_REVIEWER]):
            request = AddOfficerRequest(user_name="wrong", display_name="Sample", roles=wrong)
            with pytest.raises(MalformedInput) as refused:
                await admin.client.officers.add(request)
            assert [v.field for v in refused.value.violations] == ["nationality", "roles"]
        request = AddOfficerRequest(
            user_name=f"u{secrets.token_hex(4)}",
            display_name="Sample",
            nationality="KE",
            roles=[ROLE_OVERSIGHT],
        )
        added = await admin.client.officers.add(request)

    assert list(added.officer.roles) == [ROLE_OVERSIGHT]


async def test_a_change_that_changes_nothing_is_refused(served: Served) -> None:
    async with served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (admin, person):
        with pytest.raises(MalformedInput):
            await admin.client.officers.change(ChangeOfficerRequest(officer_id=person.officer_id))


async def test_roles_that_are_taken_away_are_gone_at_once(served: Served) -> None:
    async with (
        served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (admin, _),
        served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (second, person),
    ):
        await second.client.officers.list_all()
        change = ChangeOfficerRequest(officer_id=person.officer_id, roles=[ROLE_AUDITOR])
        await admin.client.officers.change(change)
        with pytest.raises(NotPermitted):
            await second.client.officers.list_all()


async def test_a_locked_officer_is_out_and_comes_back_when_unlocked(served: Served) -> None:
    async with (
        served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (admin, _),
        served.officer("FR-NCB") as (france, person),
    ):
        change = ChangeOfficerRequest(officer_id=person.officer_id, status=OFFICER_STATUS_LOCKED)
        await admin.client.officers.change(change)
        assert not (await france.client.officers.who_am_i()).HasField("officer")
        with pytest.raises(LogInRefused):
            await france.client.officers.log_in(person.user_name, PASSWORD)

        change.status = OFFICER_STATUS_ACTIVE
        await admin.client.officers.change(change)
        await france.client.officers.log_in(person.user_name, PASSWORD)

        change.status = OFFICER_STATUS_REMOVED
        await admin.client.officers.change(change)
        change.status = OFFICER_STATUS_ACTIVE
        with pytest.raises(NotFound):
            await admin.client.officers.change(change)


async def test_a_reset_takes_password_and_second_factor_away(served: Served) -> None:
    async with (
        served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (admin, _),
        served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (france, person),
    ):
        password = await admin.client.officers.reset(person.officer_id)
        assert not (await france.client.officers.who_am_i()).HasField("officer")
        response = await france.client.officers.log_in(person.user_name, password)

    assert response.must_change_password
    assert response.must_add_second_factor


@pytest.mark.parametrize("status", [OFFICER_STATUS_LOCKED, OFFICER_STATUS_REMOVED])
@pytest.mark.threat("T96")
async def test_the_second_last_administrator_of_the_hub_stays(
    tmp_path: Path, status: OfficerStatus.ValueType
) -> None:
    async with (
        serving(Stage(tmp_path)) as served,
        served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (admin, _),
    ):
        others = [
            o.officer_id
            for o in await admin.client.officers.list_all()
            if o.user_name.startswith("admin-")
        ]
        assert len(others) == 2
        change = ChangeOfficerRequest(officer_id=others[0], status=status)
        await admin.client.officers.change(change)  # Three are more than two.
        change.officer_id = others[1]
        with pytest.raises(LastAdministrator):
            await admin.client.officers.change(change)
        with pytest.raises(LastAdministrator):
            await admin.client.officers.change(
                ChangeOfficerRequest(officer_id=others[1], roles=[ROLE_HUB_REVIEWER])
            )


async def test_an_agency_keeps_an_administrator(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.admit("FR-NCB")
    async with (
        serving(stage) as served,
        served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (admin, person),
    ):
        change = ChangeOfficerRequest(officer_id=person.officer_id, roles=[ROLE_OFFICER])
        with pytest.raises(LastAdministrator):
            await admin.client.officers.change(change)


async def test_changes_are_entries_that_commit_to_the_officer(served: Served) -> None:
    async with served.database.read() as connection:
        first = (await load_head(connection)).size
    async with served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (france, person):
        page = await france.client.list_entries(first)
        while not any(officer_entry(leaf).agency_id for leaf in page.entries):
            # It was added at the hub's machine, which the hub hears of in its next round.
            page = await france.client.list_entries(first)
    async with served.client("BR-NCB") as brazil, served.client("ZZ-HUB") as hub:
        others = [await c.client.list_entries(first) for c in (brazil, hub)]
    entries = {leaf.entry_index: officer_entry(leaf) for leaf in page.entries}
    own = {index: entry for index, entry in entries.items() if entry.agency_id}
    index = max(own)
    async with served.database.read() as connection:
        opening = await find_opening(connection, index)
        stored = await list_entries(connection, index, limit=1)

    assert opening is not None
    assert {"FR-NCB"} == {entry.agency_id for entry in own.values()}
    assert (person.officer_id, OFFICER_RECORD) == (opening.officer_id, stored[0].record)
    verify_officer_commitment(
        own[index].officer_commitment, officer_id=person.officer_id, salt=opening.salt or b""
    )
    assert person.officer_id.encode() not in stored[0].entry
    seen = [{leaf.entry_index for leaf in other.entries} for other in others]
    assert index not in seen[0]
    assert index in seen[1]


def officer_entry(leaf: ledger_pb2.LedgerLeaf) -> ledger_pb2.OfficerEntry:
    return ledger_pb2.LedgerEntry.FromString(leaf.entry).officer


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE officer_entries SET officer_id = 'another'",
        "DELETE FROM officer_entries",
        "INSERT INTO officer_entries (entry_index, officer_id) VALUES (0, 'nobody')",
    ],
)
async def test_an_audit_finds_what_was_changed_of_an_officer_s_entry(
    tmp_path: Path, forgery: str
) -> None:
    async with serving(Stage(tmp_path)) as served:
        async with served.database.write() as connection:
            await forge(connection, forgery)
        with pytest.raises(LedgerForked):
            await audit_ledger(served.database, hub_domain=served.settings.domain)


async def forge(connection: Connection, statement: str) -> None:
    await connection.execute(text(statement))


@pytest.mark.threat("T95")
async def test_a_watch_that_an_officer_opened_ends_with_the_officer(served: Served) -> None:
    commands: asyncio.Queue[watches_pb2.WatchEventsRequest] = asyncio.Queue()

    async def requests() -> AsyncIterator[watches_pb2.WatchEventsRequest]:
        while True:
            yield await commands.get()

    name = f"watch-{secrets.token_hex(4)}"
    opening = watches_pb2.WatchCommand(open=watches_pb2.OpenWatch(name=name))
    commands.put_nowait(watches_pb2.WatchEventsRequest(command=opening.SerializeToString()))
    async with served.officer("FR-NCB") as (france, person), asyncio.timeout(WAIT_SECONDS):
        with pytest.raises(TokenRefused):
            async for _ in france.client.open_watch(requests()):
                await served.accounts.set_status(
                    france.profile.agency, person.user_name, OFFICER_STATUS_LOCKED
                )
