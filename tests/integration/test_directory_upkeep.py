"""The directory kept true, over the wire: what each agency hears, asks, answers and is shown."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from agency_client.agency import Agency
from agency_client.authority_alerts import AuthorityAlert, authority_alerts_of
from agency_client.trust import parse_entry
from agency_client.watching import Watch
from comity.errors import MalformedInput, NotFound, NotPermitted, QuotaExceeded
from comity.times import timestamp_from, utc_now
from comity.v1 import authorities_pb2, watches_pb2
from comity.v1 import directory_pb2 as pb
from comity.v1.events_pb2 import NoticeFilter
from comity.v1.officers_pb2 import (
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_AUDITOR,
    ROLE_HUB_ADMINISTRATOR,
    ROLE_SUPERVISOR,
)
from deploy.stage import DOMAIN
from directory.services import contact_limits, pages
from directory.store.tables import authorities
from hub.settings import load_settings
from hub.store.audit import audit_ledger
from hub.store.database import Database
from tests.databases import new_database
from tests.integration.directories import ask, enter, get, new_authority
from tests.integration.officers import Served, serving
from tests.integration.upkeep import Later, beside
from tests.stages import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

NARROW = NoticeFilter(originators=["KE-NCB"])  # wants nothing that anybody here publishes
NUMBER = "+442079460000"  # of every entry here, as tests/unit/authorities.py has it


@dataclass(frozen=True, slots=True)
class Cast:
    """Officers of Brazil's and France's, one of Brazil's police, an administrator of the hub."""

    served: Served
    # France keeps it; it was entered before the hub started, and has to be verified.
    unverified: authorities_pb2.Authority
    brazil: Agency
    second: Agency
    france: Agency
    other: Agency
    police: Agency
    hub: Agency

    async def enter(self, country: str) -> authorities_pb2.Authority:
        """A new entry that nobody has verified."""
        authority = new_authority(country)
        authority.ClearField("confirm_every_days")
        officers = {"BR": (self.brazil, self.second), "FR": (self.france, self.other)}[country]
        await enter(*officers, authority)
        return authority


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path_factory.mktemp("upkeep"), database_url=url)
    for agency in ("FR-NCB", "BR-NCB", "BR-POLICE"):
        made.admit(agency)
    yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(stage: Stage) -> AsyncIterator[Cast]:
    async with AsyncExitStack() as opened:
        settings = load_settings(stage.folder / "hub")
        database = Database(settings.database_url)
        unverified = await Later(database, settings.agency).enter("FR-NCB")
        await database.dispose()
        served = await opened.enter_async_context(serving(stage))
        people = [
            (await opened.enter_async_context(served.officer(agency, *roles)))[0]
            for agency, *roles in (
                ("BR-NCB",),
                ("BR-NCB", ROLE_SUPERVISOR),
                ("FR-NCB",),
                ("FR-NCB", ROLE_SUPERVISOR),
                ("BR-POLICE",),
                (served.settings.agency, ROLE_HUB_ADMINISTRATOR),
            )
        ]
        yield Cast(served, unverified, *people)


async def size_of(cast: Cast) -> int:
    return int((await cast.brazil.client.get_checkpoint()).size)


async def heard(
    opened: Agency, first_index: int, count: int, *, about: Collection[str] = ()
) -> list[AuthorityAlert]:
    """What an agency is told in its live watch from an entry on, until it has heard so much: of
    some authorities, or of any."""
    opening = watches_pb2.OpenWatch(
        name=f"w{secrets.token_hex(4)}",
        start=watches_pb2.WATCH_START_INDEX,
        first_index=first_index,
        filter=NARROW,
    )
    watch = Watch(opened.client, opening)
    found: list[AuthorityAlert] = []
    async with aclosing(watch.windows()) as windows:
        async for window in windows:
            assert window.quarantined == []
            alerts = authority_alerts_of(window.verified)
            found += [each for each in alerts if not about or each.authority_id in about]
            watch.confirm(window)
            if len(found) >= count:
                return found
    raise AssertionError("the watch has ended")


async def told_by(opened: Agency, first_index: int) -> list[tuple[str, ...]]:
    """To whom the entries tell something that an agency may fetch."""
    page = await opened.client.list_entries(first_index, limit=4_096)
    entries = [parse_entry(leaf.entry) for leaf in page.entries]
    return [tuple(e.directory.recipients) for e in entries if e.directory.recipients]


async def age(cast: Cast, authority: authorities_pb2.Authority, days: int) -> None:
    """Lets an entry have been due for so many days."""
    due = int((utc_now() - timedelta(days=days)).timestamp() * 1_000_000)
    async with cast.served.database.write() as connection:
        await connection.execute(
            update(authorities)
            .where(authorities.c.authority_id == authority.authority_id)
            .values(due_at=due)
        )


async def test_a_hub_that_serves_reminds_by_itself(cast: Cast) -> None:
    [alert, *_] = await heard(cast.france, 0, 1)

    assert (cast.unverified.authority_id, "due", 0) == (
        alert.authority_id,
        alert.what,
        alert.days_left,
    )


@pytest.mark.threat("T132")
async def test_each_keeper_hears_of_its_own_entries_and_the_hub_of_what_is_escalated(
    cast: Cast,
) -> None:
    entries = {"BR": await cast.enter("BR"), "FR": await cast.enter("FR")}
    for country, officer in (("BR", cast.brazil), ("FR", cast.france)):
        await officer.client.directory.confirm(entries[country].authority_id, 1)
    first, later = await size_of(cast), beside(cast.served)

    for days in (150, 173, 180, 194):
        await later.send_in(days)

    both = {each.authority_id for each in entries.values()}
    expected = [("due", 30), ("due", 7), ("due", 0), ("escalated", -14)]
    for country, officer in (("BR", cast.brazil), ("FR", cast.france)):
        found = await heard(officer, first, 4, about=both)
        assert {entries[country].authority_id} == {each.authority_id for each in found}
        assert expected == [(each.what, each.days_left) for each in found]
    to_hub = await heard(cast.hub, first, 2, about=both)
    assert {("escalated", -14)} == {(each.what, each.days_left) for each in to_hub}
    assert await told_by(cast.police, first) == []
    hub = cast.served.settings.agency
    assert {("BR-NCB",), ("BR-NCB", hub)} == set(await told_by(cast.brazil, first))
    assert {("BR-NCB", hub), ("FR-NCB", hub)} == set(await told_by(cast.hub, first))


async def test_a_contact_test_is_answered_with_one_command_and_shown(cast: Cast) -> None:
    authority = await cast.enter("BR")
    identity, first = authority.authority_id, await size_of(cast)
    france, brazil = cast.france.client.directory, cast.brazil.client.directory

    asked = await france.test_contact(identity, NUMBER)

    [alert] = await heard(cast.brazil, first, 1)
    assert (alert.what, alert.contact_test_id) == ("contact-test", asked.test_id)
    assert asked in await brazil.list_tests()
    assert asked in await france.list_tests()
    assert asked not in await cast.police.client.directory.list_tests()
    shown = (await get(cast.police, identity)).last_contact_test
    assert (shown.test_id, shown.agency_id, shown.contact) == (asked.test_id, "FR-NCB", "")
    assert not shown.HasField("answered_at")
    for stranger in (cast.france, cast.police):
        with pytest.raises(NotFound):
            await stranger.client.directory.answer_test(asked.test_id)

    answered = await brazil.answer_test(asked.test_id)

    [back] = await heard(cast.france, first, 1)
    assert (back.what, back.contact_test_id) == ("contact-test-answered", asked.test_id)
    assert answered == await brazil.answer_test(asked.test_id)
    assert (await get(cast.france, identity)).last_contact_test == answered
    assert answered.HasField("answered_at")
    await audit_ledger(cast.served.database, hub_domain=DOMAIN)


async def test_a_contact_test_that_cannot_be_is_refused(cast: Cast) -> None:
    identity = (await cast.enter("BR")).authority_id
    directory = cast.france.client.directory

    with pytest.raises(MalformedInput, match="none of the entry's"):
        await directory.test_contact(identity, "+442079460999")
    with pytest.raises(NotFound):
        await directory.test_contact(new_authority("BR").authority_id)
    with pytest.raises(NotFound):
        await directory.answer_test("none")
    with pytest.raises(NotPermitted, match="Your own agency"):
        await cast.brazil.client.directory.test_contact(identity)


@pytest.mark.threat("T130")
async def test_nobody_is_pestered_with_contact_tests(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (await cast.enter("BR")).authority_id, (await cast.enter("BR")).authority_id
    directory = cast.france.client.directory
    for _ in range(contact_limits.MAX_TESTS_OF_BOTH):
        await directory.test_contact(first)
    with pytest.raises(QuotaExceeded, match="of an entry by an agency"):
        await directory.test_contact(first)
    await directory.test_contact(second)

    monkeypatch.setattr(contact_limits, "MAX_TESTS_OF_ENTRY", 2)
    with pytest.raises(QuotaExceeded, match="contact tests of an entry in a day"):
        await cast.police.client.directory.test_contact(first)
    monkeypatch.setattr(contact_limits, "MAX_TESTS_OF_AGENCY", 1)
    with pytest.raises(QuotaExceeded, match="that an agency asks for"):
        await directory.test_contact(second)


def call(identity: str, **given: Any) -> pb.RecordContactCallRequest:
    fields: dict[str, Any] = {
        "authority_id": identity,
        "number": NUMBER,
        "called_at": timestamp_from(utc_now() - timedelta(hours=1)),
        "reached": True,
        "spoken_to": "Ada Specimen",
        "note": "Works.",
    }
    return pb.RecordContactCallRequest(**{**fields, **given})


async def test_a_call_is_noted_and_its_words_are_for_caller_and_keeper(cast: Cast) -> None:
    identity, first = (await cast.enter("BR")).authority_id, await size_of(cast)

    noted = await cast.hub.client.directory.record_call(call(identity))

    [alert] = await heard(cast.brazil, first, 1)
    assert (alert.what, alert.contact_test_id) == ("called", noted.test_id)
    assert noted.method == authorities_pb2.CONTACT_TEST_METHOD_CALL
    for insider in (cast.brazil, cast.hub):
        assert (await get(insider, identity)).last_contact_test == noted
    shown = (await get(cast.france, identity)).last_contact_test
    assert (shown.agency_id, shown.answered_at) == (cast.served.settings.agency, noted.answered_at)
    assert (shown.contact, shown.spoken_to, shown.note) == ("", "", "")
    with pytest.raises(NotFound):  # it was no question
        await cast.brazil.client.directory.answer_test(noted.test_id)

    missed = await cast.france.client.directory.record_call(
        call(identity, reached=False, spoken_to="")
    )
    assert not missed.HasField("answered_at")
    assert (await get(cast.brazil, identity)).last_contact_test == missed


async def test_an_old_call_that_is_noted_late_hides_no_newer_answer(cast: Cast) -> None:
    identity = (await cast.enter("BR")).authority_id
    asked = await cast.france.client.directory.test_contact(identity)
    answered = await cast.brazil.client.directory.answer_test(asked.test_id)

    noted = await cast.hub.client.directory.record_call(
        call(identity, reached=False, spoken_to="", note="")
    )

    assert noted.test_id > answered.test_id
    assert (await get(cast.brazil, identity)).last_contact_test == answered


async def test_an_answer_is_shown_though_somebody_asked_again_before_it(cast: Cast) -> None:
    identity = (await cast.enter("BR")).authority_id
    first = await cast.france.client.directory.test_contact(identity)
    again = await cast.police.client.directory.test_contact(identity)
    assert (await get(cast.brazil, identity)).last_contact_test.test_id == again.test_id

    answered = await cast.brazil.client.directory.answer_test(first.test_id)

    assert (await get(cast.brazil, identity)).last_contact_test == answered


async def test_the_client_goes_on_behind_pages_that_hold_nothing_for_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = (await cast.enter("BR")).authority_id
    asked = await cast.police.client.directory.test_contact(identity)
    for _ in range(contact_limits.MAX_TESTS_OF_BOTH):
        await cast.france.client.directory.test_contact(identity)

    monkeypatch.setattr(pages, "PAGE_ROWS", 2)
    monkeypatch.setattr(pages, "MAX_PAGES", 1)

    assert asked in await cast.police.client.directory.list_tests()


async def test_the_client_lists_all_though_an_answer_holds_one(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = [(await cast.enter("FR")).authority_id for _ in range(2)]
    brazil, france = cast.brazil.client.directory, cast.france.client.directory
    for identity in identities:
        request = pb.ReportAuthorityRequest(authority_id=identity, version=1, text="Sample")
        await brazil.report(request)
        await france.propose(
            pb.ProposeChangeRequest(authority=new_authority("FR"), reason="Sample")
        )
    reports, proposals = await france.list_reports(), await france.list_proposals()

    monkeypatch.setattr(pages, "MAX_ITEMS_BYTES", 1)

    assert reports == await france.list_reports()
    assert proposals == await france.list_proposals()
    assert len(reports) >= 2 <= len(proposals)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"number": "+442079460999"}, "number: is no telephone number of the entry"),
        ({"number": "office@sca.example"}, "number: is no telephone number of the entry"),
        ({"called_at": timestamp_from(utc_now() - timedelta(days=8))}, "called_at: is not within"),
        ({"called_at": timestamp_from(utc_now() + timedelta(hours=2))}, "called_at: is not within"),
        ({"spoken_to": ""}, "spoken_to: is missing"),
        ({"reached": False}, "spoken_to: goes with a call that somebody took"),
        ({"note": "a\x07b"}, "note: holds control characters"),
    ],
)
async def test_a_call_that_cannot_be_is_refused(
    cast: Cast, given: dict[str, Any], fault: str
) -> None:
    identity = (await cast.enter("BR")).authority_id

    with pytest.raises(MalformedInput, match=fault):
        await cast.france.client.directory.record_call(call(identity, **given))


@pytest.mark.threat("T130")
async def test_a_keeper_does_not_test_its_own_entry_and_nobody_buries_what_others_found(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = (await cast.enter("BR")).authority_id
    with pytest.raises(NotPermitted, match="confirm it"):
        await cast.brazil.client.directory.record_call(call(identity))
    monkeypatch.setattr(contact_limits, "MAX_CALLS_OF_BOTH", 1)
    await cast.france.client.directory.record_call(call(identity))
    with pytest.raises(QuotaExceeded, match="calls of an entry"):
        await cast.france.client.directory.record_call(call(identity))


async def test_what_is_due_is_listed_for_the_keeper_and_escalated_to_the_hub(cast: Cast) -> None:
    late, escalated = await cast.enter("BR"), await cast.enter("BR")
    await age(cast, late, 3)
    await age(cast, escalated, 20)
    report = pb.ReportAuthorityRequest(
        authority_id=escalated.authority_id, version=1, text="The line is dead."
    )
    await cast.france.client.directory.report(report)

    mine = {
        e.record.authority.authority_id: e for e in await cast.brazil.client.directory.list_due()
    }
    of_hub = {
        e.record.authority.authority_id: e for e in await cast.hub.client.directory.list_due()
    }

    assert (mine[late.authority_id].days_left, mine[late.authority_id].escalated) == (-3, False)
    assert late.authority_id not in of_hub
    shown = of_hub[escalated.authority_id]
    assert (shown.days_left, shown.escalated, shown.record.open_reports) == (-20, True, 1)
    assert shown.record.keeper.agency_id == "BR-NCB"
    # Whom to call, though the role sees no other personal contact details.
    assert list(escalated.persons) == list(shown.alternates)
    assert shown.record.contacts_withheld
    for stranger in (cast.france, cast.police):
        others = await stranger.client.directory.list_due()
        assert not {late.authority_id, escalated.authority_id} & {
            each.record.authority.authority_id for each in others
        }
    await cast.brazil.client.directory.confirm(escalated.authority_id, 1)
    assert escalated.authority_id not in {
        e.record.authority.authority_id for e in await cast.hub.client.directory.list_due()
    }


async def test_a_report_is_told_to_the_keeper_without_its_text(cast: Cast) -> None:
    identity, first = (await cast.enter("BR")).authority_id, await size_of(cast)
    request = pb.ReportAuthorityRequest(authority_id=identity, version=1, text="The line is dead.")

    reported = await cast.france.client.directory.report(request)

    [alert] = await heard(cast.brazil, first, 1)
    assert (alert.what, alert.report_id) == ("reported", reported.report_id)
    page = await cast.brazil.client.list_entries(first, limit=4_096)
    assert not any(b"The line is dead" in leaf.entry for leaf in page.entries)


@pytest.mark.threat("T130")
async def test_who_works_on_no_case_asks_nobody_and_who_keeps_nothing_answers_nobody(
    cast: Cast,
) -> None:
    identity = (await cast.enter("BR")).authority_id
    refused = {
        ROLE_AUDITOR: (
            ("TestContact", pb.TestContactRequest(authority_id=identity)),
            ("AnswerContactTest", pb.AnswerContactTestRequest()),
            ("RecordContactCall", call(identity)),
            ("ListContactTests", pb.ListContactTestsRequest()),
            ("ListDueAuthorities", pb.ListDueAuthoritiesRequest()),
        ),
        ROLE_AGENCY_ADMINISTRATOR: (
            ("TestContact", pb.TestContactRequest(authority_id=identity)),
            ("RecordContactCall", call(identity)),  # would tell whether it is a person's number
        ),
    }
    for role, calls in refused.items():
        async with cast.served.officer("FR-NCB", role) as (officer, _):
            for name, request in calls:
                with pytest.raises(NotPermitted):
                    await ask(officer, name, request)


async def test_the_ledger_with_all_of_this_verifies(cast: Cast) -> None:
    report = await audit_ledger(cast.served.database, hub_domain=DOMAIN)

    assert report.entries == await size_of(cast)
