"""Logging in with built-in accounts, over the wire: steps, refusals, delays, floods."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from comity.errors import (
    ComityError,
    LogInDelayed,
    LogInRefused,
    MalformedInput,
    NotPermitted,
    QuotaExceeded,
    StepRequired,
)
from comity.identity import AgencyId
from comity.v1 import ledger_pb2, sessions_pb2
from comity.v1.officers_pb2 import (
    OFFICER_STATUS_LOCKED,
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_HUB_ADMINISTRATOR,
)
from comity.v1.sessions_pb2_grpc import SessionServiceStub
from hub.services.accounts.delays import FREE_FAILURES, MAX_DELAY_SECONDS
from hub.services.accounts.passwords import PasswordHashing
from hub.store.access import list_access_records
from hub.store.audit import audit_ledger
from hub.store.ledger import ACCESS_RECORD, list_entries, load_head
from tests.databases import new_database
from tests.integration.officers import (
    PASSWORD,
    Served,
    call,
    serving,
)
from tests.stages import Stage

FLOOD, SMALL_FLOOD = 10_000, 300  # the large one on one database: it takes half a minute
AT_ONCE = 150  # on one channel


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path_factory.mktemp("accounts"), database_url=url)
    for agency in ("FR-NCB", "BR-NCB"):
        made.admit(agency)
    yield made


@pytest.fixture
async def served(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as hub:
        yield hub


async def records_of(served: Served, *, since: int) -> list[ledger_pb2.AccessRecord]:
    async with served.database.read() as connection:
        entries = await list_entries(connection, since, limit=1_000)
        found = []
        for entry in entries:
            if entry.record == ACCESS_RECORD:
                found += await list_access_records(connection, entry.entry_index)
    return [ledger_pb2.AccessRecord.FromString(one.record or b"") for one in found]


async def ledger_size(served: Served) -> int:
    async with served.database.read() as connection:
        return (await load_head(connection)).size


async def test_an_officer_who_logged_in_is_known_by_the_token(served: Served) -> None:
    async with served.officer("FR-NCB") as (france, person):
        me = await france.client.officers.who_am_i()

    assert ("FR-NCB", person.user_name) == (me.agency_id, me.officer.user_name)


async def test_an_agency_s_system_is_known_without_an_officer(served: Served) -> None:
    async with served.client("FR-NCB") as france:
        me = await france.client.officers.who_am_i()
        described = await france.client.officers.describe_log_in()

    assert not me.HasField("officer")
    assert described.provider == sessions_pb2.IDENTITY_PROVIDER_BUILT_IN


async def test_a_one_time_password_is_good_for_one_log_in(served: Served) -> None:
    name, one_time = await served.add("FR-NCB")
    async with served.client("FR-NCB") as france:
        response = await france.client.officers.log_in(name, one_time)
        assert response.must_change_password
        with pytest.raises(LogInRefused):
            await france.client.officers.log_in(name, one_time)


async def test_nothing_else_is_let_before_the_password_is_changed(served: Served) -> None:
    name, one_time = await served.add("FR-NCB")
    async with served.client("FR-NCB") as france:
        await france.client.officers.log_in(name, one_time)
        with pytest.raises(StepRequired):
            await france.client.get_checkpoint_note()
        with pytest.raises(StepRequired):
            await france.client.officers.begin_second_factor()
        await france.client.officers.change_password(one_time, PASSWORD)
        assert await france.client.get_checkpoint_note()


@pytest.mark.parametrize(
    ("agency", "role"),
    [("FR-NCB", ROLE_AGENCY_ADMINISTRATOR), ("ZZ-HUB", ROLE_HUB_ADMINISTRATOR)],
)
async def test_an_administrator_does_nothing_before_a_second_factor(
    served: Served, agency: str, role: Any
) -> None:
    name, one_time = await served.add(agency, role)
    async with served.client(agency) as opened:
        response = await opened.client.officers.log_in(name, one_time)
        assert response.must_add_second_factor
        await opened.client.officers.change_password(one_time, PASSWORD)
        with pytest.raises(StepRequired):
            await opened.client.officers.list_all()


@pytest.mark.threat("T91")
async def test_wrong_unknown_locked_and_missing_factor_look_the_same(served: Served) -> None:
    since = await ledger_size(served)
    locked, password = await served.add("FR-NCB")
    await served.accounts.set_status(AgencyId("FR-NCB"), locked, OFFICER_STATUS_LOCKED)
    async with served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (_, person):
        attempts = [
            (person.user_name, "not the password"),
            (person.user_name, PASSWORD),  # and no code
            ("nobody-of-this-name", PASSWORD),
            (locked, password),
        ]
        async with served.client("FR-NCB") as france:
            said = set()
            for name, tried in attempts:
                with pytest.raises(LogInRefused) as refused:
                    await france.client.officers.log_in(name, tried)
                said.add(str(refused.value))

    assert len(said) == 1
    records = await records_of(served, since=since)
    refusals = [r for r in records if r.action == ledger_pb2.ACCESS_ACTION_REFUSED_LOG_IN]
    assert [(r.agency_id, r.officer_id) for r in refusals] == [("FR-NCB", "")] * 4
    assert person.user_name.encode() not in b"".join(r.SerializeToString() for r in refusals)


@pytest.mark.threat("T91")
async def test_an_unknown_name_takes_the_path_of_a_known_one(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _ = await served.add("FR-NCB")
    verified: list[str] = []
    verify = PasswordHashing._verified

    async def counting(self: PasswordHashing, password: str, password_hash: str) -> bool:
        verified.append(password_hash)
        return await verify(self, password, password_hash)

    monkeypatch.setattr(PasswordHashing, "_verified", counting)
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if any(table in statement for table in ("credentials", "officers", "log_in_failures")):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    paths = []
    try:
        async with served.client("FR-NCB") as france:
            for tried in ("nobody-here", name):
                for _ in range(2):  # The first failure is inserted, later ones are counted.
                    statements.clear()
                    with pytest.raises(LogInRefused):
                        await france.client.officers.log_in(tried, "not the password")
                paths.append(list(statements))
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert paths[0]
    assert paths[0] == paths[1]
    assert len(verified) == 4


@pytest.mark.threat("T92")
async def test_failures_delay_an_account_and_no_other_and_not_for_long(served: Served) -> None:
    async with served.officer("FR-NCB") as (france, victim), served.officer("FR-NCB") as (_, other):
        for _ in range(FREE_FAILURES):
            with pytest.raises(LogInRefused):
                await france.client.officers.log_in(victim.user_name, "not the password")
        with pytest.raises(LogInDelayed) as delayed:
            await france.client.officers.log_in(victim.user_name, PASSWORD)
        await france.client.officers.log_in(other.user_name, PASSWORD)

        served.clock.ahead += timedelta(seconds=MAX_DELAY_SECONDS)
        await france.client.officers.log_in(victim.user_name, PASSWORD)

    assert 0 < (delayed.value.retry_after_seconds or 0) <= MAX_DELAY_SECONDS


@pytest.mark.threat("T92")
async def test_another_agency_cannot_delay_an_officer(served: Served) -> None:
    async with served.officer("FR-NCB") as (france, person), served.client("BR-NCB") as brazil:
        for _ in range(FREE_FAILURES):
            with pytest.raises(LogInRefused):
                await brazil.client.officers.log_in(person.user_name, "not the password")
        with pytest.raises(LogInDelayed):
            await brazil.client.officers.log_in(person.user_name, "not the password")

        await france.client.officers.log_in(person.user_name, PASSWORD)


@pytest.mark.threat("T92")
async def test_a_flood_of_wrong_passwords_disturbs_no_other_agency(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = Counter[str]()
    is_right = PasswordHashing.is_right

    async def counting(self: PasswordHashing, password: str, *, password_hash: str | None) -> bool:
        judged[password] += 1
        return await is_right(self, password, password_hash=password_hash)

    monkeypatch.setattr(PasswordHashing, "is_right", counting)

    at_once = asyncio.Semaphore(AT_ONCE)

    async def attempt(number: int) -> type[ComityError]:
        request = sessions_pb2.LogInRequest(user_name=f"name-{number % 7}", password="wrong")
        async with at_once:
            with pytest.raises(ComityError) as refused:
                await call(brazil, lambda c: SessionServiceStub(c).LogIn, request, token=None)
        return type(refused.value)

    async with served.officer("FR-NCB") as (_, person), served.client("BR-NCB") as brazil:
        count = FLOOD if served.settings.database_file is not None else SMALL_FLOOD
        flood = [asyncio.create_task(attempt(number)) for number in range(count)]
        async with served.client("FR-NCB") as france:
            for _ in range(3):
                await france.client.officers.log_in(person.user_name, PASSWORD)
                assert (await france.client.officers.who_am_i()).officer.user_name
        outcomes = Counter([await one for one in flood])

    assert sum(outcomes.values()) == count
    assert {LogInRefused, LogInDelayed, QuotaExceeded} >= outcomes.keys()
    # Delays pass while the flood goes on; still hardly any of it costs a computation.
    assert judged["wrong"] <= max(7 * (FREE_FAILURES + 1), count // 100)


@pytest.mark.parametrize("field", ["user_name", "password", "second_factor"])
async def test_what_is_larger_than_any_honest_log_in_is_refused(served: Served, field: str) -> None:
    request = sessions_pb2.LogInRequest(**{field: "x" * 5_000})
    async with served.client("FR-NCB") as france:
        with pytest.raises(MalformedInput):
            await call(france, lambda c: SessionServiceStub(c).LogIn, request, token=None)


async def test_the_ledger_of_a_hub_with_officers_verifies(served: Served) -> None:
    async with served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR):
        report = await audit_ledger(served.database, hub_domain=served.settings.domain)

    assert report.agencies == 3


@pytest.mark.threat("T94")
async def test_an_officer_without_the_role_manages_nobody(served: Served) -> None:
    async with served.officer("FR-NCB") as (france, _):
        with pytest.raises(NotPermitted):
            await france.client.officers.list_all()
