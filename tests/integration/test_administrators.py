"""Administrators who log in at the hub's own machine, beside a hub that serves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, text

from comity.errors import (
    LogInDelayed,
    LogInRefused,
    MalformedInput,
    NotPermitted,
    StepRequired,
)
from comity.identity import AgencyId
from comity.v1 import ledger_pb2
from comity.v1.officers_pb2 import (
    OFFICER_STATUS_LOCKED,
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_HUB_ADMINISTRATOR,
    ROLE_HUB_REVIEWER,
)
from comity.v1.sessions_pb2 import LogInRequest
from deploy.stage import DOMAIN
from hub.services.accounts.delays import FREE_FAILURES, MAX_DELAY_SECONDS
from hub.services.accounts.passwords import PasswordHashing
from hub.store.access import list_access_records
from hub.store.audit import audit_ledger
from hub.store.enrolments import StoredApproval
from hub.store.ledger import ACCESS_RECORD, list_entries, load_head
from tests.databases import new_database
from tests.integration.officers import PASSWORD, Person, Served, serving
from tests.stages import Stage

OWN = "ZZ-HUB"
STEP = timedelta(seconds=30)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path_factory.mktemp("administrators"), database_url=url)
    made.admit("FR-NCB")
    yield made


@pytest.fixture
async def served(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as hub:
        yield hub


@pytest.fixture
async def administrator(served: Served) -> AsyncIterator[Person]:
    """An administrator of the hub who has taken every step, and whose next code is good."""
    async with served.officer(OWN, ROLE_HUB_ADMINISTRATOR) as (_, person):
        served.clock.ahead += STEP
        yield person


async def identify(
    served: Served, user_name: str, password: str = PASSWORD, code: str = ""
) -> StoredApproval:
    request = LogInRequest(user_name=user_name, password=password, second_factor=code)
    return await served.accounts.identify_administrator(request)


async def refusals(served: Served, *, since: int) -> list[ledger_pb2.AccessRecord]:
    """The records of refused log-ins in the ledger, from an entry on."""
    found = []
    async with served.database.read() as connection:
        for entry in await list_entries(connection, since, limit=1_000):
            if entry.record == ACCESS_RECORD:
                found += await list_access_records(connection, entry.entry_index)
    records = [ledger_pb2.AccessRecord.FromString(one.record or b"") for one in found]
    return [r for r in records if r.action == ledger_pb2.ACCESS_ACTION_REFUSED_LOG_IN]


async def ledger_size(served: Served) -> int:
    async with served.database.read() as connection:
        return (await load_head(connection)).size


async def count_sessions(served: Served) -> int:
    async with served.database.read() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM sessions"))).scalar_one())


async def test_an_administrator_is_known_and_has_no_session_of_it(
    served: Served, administrator: Person
) -> None:
    since, sessions = await ledger_size(served), await count_sessions(served)

    known = await identify(served, administrator.user_name, code=administrator.code(served.clock))

    assert known == StoredApproval(administrator.officer_id, OWN)
    assert sessions == await count_sessions(served)
    assert await refusals(served, since=since) == []


@pytest.mark.threat("T91")
async def test_whatever_is_wrong_is_refused_and_recorded_as_over_the_network(
    served: Served, administrator: Person
) -> None:
    since = await ledger_size(served)
    locked, one_time = await served.add(OWN, ROLE_HUB_ADMINISTRATOR)
    await served.accounts.set_status(AgencyId(OWN), locked, OFFICER_STATUS_LOCKED)
    elsewhere, of_france = await served.add("FR-NCB", ROLE_AGENCY_ADMINISTRATOR)
    good_code = administrator.code(served.clock)
    attempts = [
        (administrator.user_name, "not the password", good_code),
        (administrator.user_name, PASSWORD, "000000"),
        ("nobody-of-this-name", PASSWORD, good_code),
        (locked, one_time, ""),
        (elsewhere, of_france, ""),
    ]

    said = set()
    for attempt in attempts:
        with pytest.raises(LogInRefused) as refused:
            await identify(served, *attempt)
        said.add(str(refused.value))

    assert len(said) == 1
    records = await refusals(served, since=since)
    assert [(r.agency_id, r.officer_id) for r in records] == [(OWN, "")] * len(attempts)
    assert len({r.request_id for r in records}) == len(attempts)
    assert (await audit_ledger(served.database, hub_domain=DOMAIN)).accesses >= len(attempts)


@pytest.mark.threat("T91")
async def test_at_the_machine_an_unknown_name_takes_the_path_of_a_known_one(
    served: Served, administrator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        for name in ("nobody-here", administrator.user_name):
            for _ in range(2):  # The first failure is inserted, later ones are counted.
                statements.clear()
                with pytest.raises(LogInRefused):
                    await identify(served, name, "not the password")
            paths.append(list(statements))
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert paths[0]
    assert paths[0] == paths[1]
    assert len(verified) == 4


@pytest.mark.threat("T92")
async def test_failures_at_the_machine_and_over_the_network_delay_alike(
    served: Served, administrator: Person
) -> None:
    async with served.client(OWN) as own:
        for _ in range(FREE_FAILURES - 1):
            with pytest.raises(LogInRefused):
                await identify(served, administrator.user_name, "not the password")
        with pytest.raises(LogInRefused):
            await own.client.officers.log_in(administrator.user_name, "not the password")
        since = await ledger_size(served)
        code = administrator.code(served.clock)
        with pytest.raises(LogInDelayed):
            await identify(served, administrator.user_name, code=code)
        with pytest.raises(LogInDelayed):
            await own.client.officers.log_in(administrator.user_name, PASSWORD, code)
        assert await refusals(served, since=since) == []

        served.clock.ahead += timedelta(seconds=MAX_DELAY_SECONDS)
        code = administrator.code(served.clock)
        known = await identify(served, administrator.user_name, code=code)

    assert known.approver == administrator.officer_id


async def test_who_does_not_administer_the_hub_may_not(served: Served) -> None:
    async with served.officer(OWN, ROLE_HUB_REVIEWER) as (_, reviewer):
        since = await ledger_size(served)
        with pytest.raises(NotPermitted):
            await identify(served, reviewer.user_name)

    assert await refusals(served, since=since) == []


async def test_a_one_time_password_is_not_enough_and_stays_good(served: Served) -> None:
    name, one_time = await served.add(OWN, ROLE_HUB_ADMINISTRATOR)

    faults = []
    for _ in range(2):
        with pytest.raises(StepRequired) as required:
            await identify(served, name, one_time)
        faults.append([v.field for v in required.value.violations])

    assert faults == [["password", "second_factor"]] * 2
    async with served.client(OWN) as own:
        response = await own.client.officers.log_in(name, one_time)
        assert response.must_change_password
    with pytest.raises(LogInRefused):  # It is used now.
        await identify(served, name, one_time)


async def test_a_second_factor_has_to_be_set(served: Served) -> None:
    name, one_time = await served.add(OWN, ROLE_HUB_ADMINISTRATOR)
    async with served.client(OWN) as own:
        await own.client.officers.log_in(name, one_time)
        await own.client.officers.change_password(one_time, PASSWORD)

    with pytest.raises(StepRequired) as required:
        await identify(served, name)

    assert [v.field for v in required.value.violations] == ["second_factor"]


@pytest.mark.threat("T93")
async def test_a_code_that_was_used_at_the_machine_is_good_nowhere(
    served: Served, administrator: Person
) -> None:
    code = administrator.code(served.clock)
    await identify(served, administrator.user_name, code=code)

    with pytest.raises(LogInRefused):
        await identify(served, administrator.user_name, code=code)
    async with served.client(OWN) as own:
        with pytest.raises(LogInRefused):
            await own.client.officers.log_in(administrator.user_name, PASSWORD, code)


async def test_what_is_too_long_is_not_judged(served: Served) -> None:
    since = await ledger_size(served)

    with pytest.raises(MalformedInput) as malformed:
        await identify(served, "x" * 65, "x" * 257, "0" * 65)

    faults = [violation.field for violation in malformed.value.violations]
    assert faults == ["user_name", "password", "second_factor"]
    assert since == await ledger_size(served)
