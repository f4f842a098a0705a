"""Renewing a certificate over the wire: what goes on, what ends, and who does it by itself."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agency_client import membership, renewal, runner
from agency_client.agency import Agency, open_agency
from agency_client.membership import change_status
from agency_client.renewal import renew
from agency_client.runner import keep_inbox_filled
from agency_client.tls_pair import load_tls_pair
from comity.errors import CertificateRefused
from comity.identity import AgencyId
from comity.v1 import agencies_pb2
from comity.v1.officers_pb2 import ROLE_AGENCY_ADMINISTRATOR, ROLE_HUB_ADMINISTRATOR
from tests.databases import new_database
from tests.integration.conftest import DATABASES
from tests.integration.drafts import Draft
from tests.integration.officers import Served, serving, tokens_of
from tests.stages import Stage
from tests.unit.members import Cut, Heard, Interrupted

WAIT_SECONDS = 30  # bounds a test that would never end; nothing here is timed
FRANCE, BRAZIL = AgencyId("FR-NCB"), AgencyId("BR-NCB")


@pytest.fixture(params=DATABASES)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path, database_url=url)
    for agency in (FRANCE, BRAZIL):
        made.admit(agency)
    return made


@pytest.fixture
async def hub(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as served:
        yield served


@asynccontextmanager
async def system(hub: Served, agency: str = FRANCE) -> AsyncIterator[Agency]:
    async with open_agency(hub.profile(agency)) as opened:
        yield opened


@asynccontextmanager
async def with_copy_of_before(hub: Served, folder: Path) -> AsyncIterator[Agency]:
    """A client that has the profile as it is at this moment, whatever becomes of it."""
    profile = hub.profile(FRANCE)
    shutil.copytree(profile.folder, folder)
    async with open_agency(replace(profile, folder=folder)) as opened:
        yield opened


async def count_certificates(opened: Agency) -> tuple[int, int]:
    """How many certificates of the agency are current in the roster, and how many have ended."""
    await opened.client.refresh_roster()
    records = opened.trust.roster.keys_of(opened.profile.agency)
    ends = [r.ended_entry for r in records if r.key.purpose == agencies_pb2.KEY_PURPOSE_TLS]
    return ends.count(None), len(ends) - ends.count(None)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(opened: Agency) -> AsyncIterator[Heard]:
    """`comity run`, and what it says."""
    heard = Heard()
    task = asyncio.create_task(keep_inbox_filled(opened, heard))
    try:
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def publish(france: Agency) -> str:
    draft = Draft(france.profile.load_signing_keys())
    await france.client.submit_acts(draft.acts())
    return draft.notice.notice_id


async def test_the_certificate_of_before_is_good_until_the_next_renewal(
    hub: Served, tmp_path: Path
) -> None:
    async with system(hub) as opened, with_copy_of_before(hub, tmp_path / "copy") as older:
        first = await renew(opened)
        await opened.client.get_checkpoint()
        await older.client.get_checkpoint()
        assert await count_certificates(opened) == (2, 0)

        await renew(opened)

        await opened.client.get_checkpoint()
        with pytest.raises(CertificateRefused):
            await older.client.get_checkpoint()
        assert await count_certificates(opened) == (2, 1)
    assert timedelta(days=89) < first.not_valid_after_utc - datetime.now(UTC) < timedelta(days=91)


async def test_a_renewal_whose_answer_was_lost_is_asked_for_again(
    hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with system(hub) as opened:
        with monkeypatch.context() as patched:
            lost = Cut(1, after=True).wrapped_call(membership.renew_certificate)
            patched.setattr(renewal, "renew_certificate", lost)
            with pytest.raises(Interrupted):
                await renew(opened)
        await opened.client.get_checkpoint()

        await renew(opened)

        await opened.client.get_checkpoint()
        assert await count_certificates(opened) == (2, 1)  # what nobody has received has ended


async def test_a_log_in_is_bound_to_the_new_certificate_and_goes_on(hub: Served) -> None:
    async with hub.officer(FRANCE, ROLE_AGENCY_ADMINISTRATOR) as (opened, person):
        token = tokens_of(opened).access_token
        await renew(opened)

        shown = await opened.client.officers.who_am_i()
        listed = await opened.client.officers.list_all()

        assert person.user_name == shown.officer.user_name
        assert person.user_name in {officer.user_name for officer in listed}
        assert token != tokens_of(opened).access_token


def let_be_due(monkeypatch: pytest.MonkeyPatch, opened: Agency) -> None:
    """Lets the time of the present certificate's renewal come. Not by the clock: the hub's stays,
    and takes no wish of the future."""
    present = load_tls_pair(opened.profile).certificate.serial_number

    def is_due(agency: Agency) -> bool:
        return load_tls_pair(agency.profile).certificate.serial_number == present

    monkeypatch.setattr(runner, "is_renewal_due", is_due)


async def test_run_renews_in_time_and_receives_on(
    hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with system(hub) as france, system(hub, BRAZIL) as brazil:
        before = load_tls_pair(brazil.profile).certificate
        early = await publish(france)
        let_be_due(monkeypatch, brazil)
        async with running(brazil) as heard:
            await until(lambda: "renewed" in heard.said)
            await until(lambda: bool(brazil.inbox.received.find_notices(early)))
            late = await publish(france)
            await until(lambda: bool(brazil.inbox.received.find_notices(late)))

    assert before != load_tls_pair(brazil.profile).certificate
    assert heard.said.count("renewed") == 1


async def test_run_does_not_renew_before_its_time(hub: Served) -> None:
    async with system(hub) as france, system(hub, BRAZIL) as brazil:
        brazil.clock = lambda: datetime.now(UTC) + timedelta(days=59)
        before = load_tls_pair(brazil.profile).certificate
        async with running(brazil) as heard:
            late = await publish(france)
            await until(lambda: bool(brazil.inbox.received.find_notices(late)))

    assert before == load_tls_pair(brazil.profile).certificate
    assert "renewed" not in heard.said


async def test_run_goes_on_where_it_stopped_once_the_agency_is_reinstated(
    hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LOOK_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(runner, "LOOK_AT_KEYS_SECONDS", 0.05)
    administrator = hub.officer(hub.settings.agency, ROLE_HUB_ADMINISTRATOR)
    async with administrator as (admin, _), system(hub) as france, system(hub, BRAZIL) as brazil:
        suspended, active = agencies_pb2.AGENCY_STATUS_SUSPENDED, agencies_pb2.AGENCY_STATUS_ACTIVE
        async with running(brazil) as heard:
            early = await publish(france)
            await until(lambda: bool(brazil.inbox.received.find_notices(early)))
            await change_status(admin, BRAZIL, suspended, "Sample reason")
            let_be_due(monkeypatch, brazil)
            await until(lambda: any(said.startswith("keys: ") for said in heard.said))
            assert "renewed" not in heard.said
            await change_status(admin, BRAZIL, active, "Sample reason")
            await until(lambda: "renewed" in heard.said)
            late = await publish(france)
            await until(lambda: bool(brazil.inbox.received.find_notices(late)))
            await until(lambda: "BR-NCB reinstated" in heard.said)

    assert any(said.startswith("inbox: The agency is not") for said in heard.said)
