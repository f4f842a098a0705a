"""From an invitation to an agency that publishes, on both databases, over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agency_client.agency import open_agency
from agency_client.application import NewKeys
from agency_client.membership import consent_to_agency
from agency_client.profile import ENROLMENT, load_profile
from comity.acts import message_from_envelope
from comity.envelope import envelope_from_json
from comity.errors import (
    AgencyExists,
    ApplicationInvalid,
    ApprovedAlready,
    CertificateRefused,
    ConsentMissing,
    LogInRequired,
    MalformedInput,
    NotFound,
    NotPermitted,
    TokenRefused,
)
from comity.identity import AgencyId
from comity.rotation import sign_rotation
from comity.times import utc_now
from comity.v1 import membership_pb2 as pb
from comity.v1.agencies_pb2 import (
    AGENCY_STATUS_ACTIVE,
    AGENCY_STATUS_APPLIED,
    KEY_PURPOSE_SEALING,
    Admission,
    Application,
)
from comity.v1.enrolment_pb2 import (
    ENROLMENT_STATE_ADMITTED,
    ENROLMENT_STATE_AWAITS_APPROVAL,
    ENROLMENT_STATE_AWAITS_CONSENT,
)
from comity.v1.ledger_pb2 import (
    ROSTER_CHANGE_ADMITTED,
    ROSTER_CHANGE_APPLIED,
    ROSTER_CHANGE_APPROVED,
    ROSTER_CHANGE_ENROLLED_AGAIN,
    ROSTER_CHANGE_INVITED,
    ROSTER_CHANGE_REFUSED,
    RosterEntry,
)
from comity.v1.membership_pb2 import RotateKeysRequest
from comity.v1.officers_pb2 import OFFICER_STATUS_LOCKED
from hub.store.database import Database
from hub.store.ledger import list_roster_entries, roster_entry_of
from hub.store.officers import find_officer, update_officer
from tests.databases import new_database
from tests.integration.drafts import Draft
from tests.integration.enrolments import EnrolmentHub, enrolment_hub
from tests.stages import Stage


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    (tmp_path / "stage").mkdir()
    made = Stage(tmp_path / "stage", database_url=url)
    made.admit("BR-NCB")
    return made


@pytest.fixture
async def hub(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EnrolmentHub]:
    async with enrolment_hub(stage, monkeypatch) as serving:
        yield serving


async def apply(hub: EnrolmentHub, agency: str, folder: Path, *, code: str) -> bytes:
    """Everything that an agency does before it is approved; gives the application's digest."""
    enroller = hub.enroller(agency, folder)
    enroller.make_keys(name="Sample office", new=NewKeys(), now=utc_now())
    await enroller.verify_hub()
    await enroller.apply(code)
    await enroller.fetch_state()
    return enroller.application_digest()


async def fetch_admission(hub: EnrolmentHub, agency: str, folder: Path) -> Admission:
    response = await hub.enroller(agency, folder).fetch_state()
    assert response.state == ENROLMENT_STATE_ADMITTED
    return response.admission


async def enrol(
    hub: EnrolmentHub, agency: str, folder: Path, *, leads_country: bool = False
) -> None:
    code = await hub.invite(agency, leads_country=leads_country)
    digest = await apply(hub, agency, folder, code=code)
    assert await hub.approve(agency, digest)
    hub.enroller(agency, folder).join(await fetch_admission(hub, agency, folder))


async def roster_of(hub: EnrolmentHub, agency: str) -> list[RosterEntry]:
    database = Database(hub.settings.database_url)
    try:
        async with database.read() as connection:
            stored = await list_roster_entries(connection, 0, limit=100)
    finally:
        await database.dispose()
    entries = [roster_entry_of(one) for one in stored]
    return [entry for entry in entries if entry.agency.agency_id == agency]


async def test_an_agency_gets_in_by_code_and_two_approvals_and_publishes(
    hub: EnrolmentHub, tmp_path: Path
) -> None:
    folder = tmp_path / "FR-NCB"
    code = await hub.invite("FR-NCB", by="alice")
    digest = await apply(hub, "FR-NCB", folder, code=code)
    [waiting] = await hub.pending()
    assert digest.hex() == waiting.application_digest
    assert waiting.approvals == 1
    assert await hub.approve("FR-NCB", digest, by="bob")
    assert await hub.pending() == []

    profile = hub.enroller("FR-NCB", folder).join(await fetch_admission(hub, "FR-NCB", folder))

    assert load_profile(folder) == profile
    assert not (folder / ENROLMENT).exists()
    async with open_agency(hub.moved(profile)) as france:
        acts = Draft(france.profile.load_signing_keys()).acts()
        response = await france.client.submit_acts(acts)
        assert response.receipt.entry_index > 0
        await france.client.refresh_roster()
        assert france.trust.roster.agencies[AgencyId("FR-NCB")].status == AGENCY_STATUS_ACTIVE
    entries = await roster_of(hub, "FR-NCB")
    assert [(entry.change, list(entry.changed_by)) for entry in entries] == [
        (ROSTER_CHANGE_INVITED, ["ZZ-HUB"]),
        (ROSTER_CHANGE_APPLIED, []),
        (ROSTER_CHANGE_APPROVED, ["ZZ-HUB", "ZZ-HUB"]),
    ]
    assert digest == entries[-1].application_digest


async def test_an_agency_that_waits_is_no_member(hub: EnrolmentHub, tmp_path: Path) -> None:
    await apply(hub, "FR-NCB", tmp_path / "FR", code=await hub.invite("FR-NCB"))

    [*_, newest] = await roster_of(hub, "FR-NCB")
    assert newest.agency.status == AGENCY_STATUS_APPLIED
    assert list(newest.keys_added) == []
    response = await hub.enroller("FR-NCB", tmp_path / "FR").fetch_state()
    assert response.state == ENROLMENT_STATE_AWAITS_APPROVAL


@pytest.mark.threat("T83")
async def test_who_invited_cannot_approve_as_well(hub: EnrolmentHub, tmp_path: Path) -> None:
    code = await hub.invite("FR-NCB", by="alice")
    digest = await apply(hub, "FR-NCB", tmp_path / "FR", code=code)

    with pytest.raises(ApprovedAlready):
        await hub.approve("FR-NCB", digest, by="alice")

    assert await hub.approve("FR-NCB", digest, by="carol")


@pytest.mark.threat("T83")
async def test_another_digest_than_the_application_s_approves_nothing(
    hub: EnrolmentHub, tmp_path: Path
) -> None:
    digest = await apply(hub, "FR-NCB", tmp_path / "FR", code=await hub.invite("FR-NCB"))

    with pytest.raises(NotFound):
        await hub.approve("FR-NCB", bytes(32))
    with pytest.raises(NotFound):
        await hub.approve("KE-NCB", digest)
    with pytest.raises(MalformedInput):
        await hub.approve("FR-NCB", digest[:31])

    [waiting] = await hub.pending()
    assert waiting.approvals == 1


async def test_a_refused_agency_gets_in_by_another_invitation_with_the_same_keys(
    hub: EnrolmentHub, tmp_path: Path
) -> None:
    folder = tmp_path / "FR"
    digest = await apply(hub, "FR-NCB", folder, code=await hub.invite("FR-NCB"))
    await hub.refuse("FR-NCB")

    with pytest.raises(NotPermitted):
        await hub.enroller("FR-NCB", folder).fetch_state()
    assert not hub.enroller("FR-NCB", folder).has_applied
    [*_, newest] = await roster_of(hub, "FR-NCB")
    assert (newest.change, newest.reason) == (ROSTER_CHANGE_REFUSED, "Sample reason")
    with pytest.raises(NotFound):
        await hub.approve("FR-NCB", digest)
    with pytest.raises(NotFound):
        await hub.refuse("FR-NCB")

    assert digest == await apply(hub, "FR-NCB", folder, code=await hub.invite("FR-NCB"))
    assert await hub.approve("FR-NCB", digest)


async def test_a_member_that_lost_its_keys_gets_new_ones_and_the_old_ones_end(
    hub: EnrolmentHub, tmp_path: Path
) -> None:
    lost = load_profile(hub.stage.folder / "agencies" / "BR-NCB")
    await enrol(hub, "BR-NCB", tmp_path / "BR")

    [first, *_, newest] = await roster_of(hub, "BR-NCB")
    assert first.change == ROSTER_CHANGE_ADMITTED
    assert newest.change == ROSTER_CHANGE_ENROLLED_AGAIN
    assert {key.key_id for key in first.keys_added} == set(newest.key_ids_ended)
    assert first.agency == newest.agency
    async with open_agency(hub.moved(load_profile(tmp_path / "BR"))) as brazil:
        await brazil.client.get_checkpoint()
    async with open_agency(hub.moved(lost)) as with_lost_keys:
        with pytest.raises(CertificateRefused):
            await with_lost_keys.client.get_checkpoint()


@pytest.mark.threat("T84")
async def test_a_country_s_lead_agency_has_to_consent(hub: EnrolmentHub, tmp_path: Path) -> None:
    await enrol(hub, "FR-NCB", tmp_path / "lead", leads_country=True)
    folder = tmp_path / "FR-CUSTOMS"
    digest = await apply(hub, "FR-CUSTOMS", folder, code=await hub.invite("FR-CUSTOMS"))

    assert not await hub.approve("FR-CUSTOMS", digest, by="bob")
    with pytest.raises(ConsentMissing):
        await hub.approve("FR-CUSTOMS", digest, by="carol")
    response = await hub.enroller("FR-CUSTOMS", folder).fetch_state()
    assert response.state == ENROLMENT_STATE_AWAITS_CONSENT
    [waiting] = await hub.pending()
    assert waiting.awaits_consent

    await consent(hub, tmp_path / "lead", "FR-CUSTOMS", digest)

    await fetch_admission(hub, "FR-CUSTOMS", folder)
    [*_, newest] = await roster_of(hub, "FR-CUSTOMS")
    assert [len(one) for one in newest.statement_digests] == [32]


async def consent(hub: EnrolmentHub, folder: Path, agency: str, digest: bytes) -> None:
    """Signs by the client, and sends as an administrator of the lead agency."""
    async with open_agency(hub.moved(load_profile(folder))) as lead:
        sent: list[pb.ConsentToAgencyRequest] = []

        async def keep(_method: object, request: pb.ConsentToAgencyRequest) -> None:
            sent.append(request)

        lead.client.channel.call = keep  # type: ignore[method-assign, assignment]
        await consent_to_agency(lead, AgencyId(agency), digest)
    await hub.call("ConsentToAgency", sent[0], by="lea", folder=folder)


async def test_consent_before_the_second_approval_serves_as_well(
    hub: EnrolmentHub, tmp_path: Path
) -> None:
    await enrol(hub, "FR-NCB", tmp_path / "lead", leads_country=True)
    code = await hub.invite("FR-CUSTOMS")
    digest = await apply(hub, "FR-CUSTOMS", tmp_path / "FR", code=code)

    with pytest.raises(NotFound):
        await consent(hub, tmp_path / "lead", "FR-CUSTOMS", bytes(32))
    with pytest.raises(NotPermitted):  # Brazil leads no country
        await consent(hub, hub.stage.folder / "agencies" / "BR-NCB", "FR-CUSTOMS", digest)
    await consent(hub, tmp_path / "lead", "FR-CUSTOMS", digest)

    assert await hub.approve("FR-CUSTOMS", digest)


async def test_a_country_has_one_lead_agency(hub: EnrolmentHub, tmp_path: Path) -> None:
    await enrol(hub, "FR-NCB", tmp_path / "lead", leads_country=True)

    with pytest.raises(MalformedInput, match="lead agency already"):
        await hub.invite("FR-POLICE", leads_country=True)


async def test_only_administrators_of_the_hub_let_agencies_in(hub: EnrolmentHub) -> None:
    brazil = hub.stage.folder / "agencies" / "BR-NCB"
    request = pb.ListApplicationsRequest()

    with pytest.raises(LogInRequired):
        await hub.call("ListApplications", request, by=None)
    with pytest.raises(TokenRefused):
        await hub.call("ListApplications", request, by="nobody")
    with pytest.raises(NotPermitted):  # a reviewer
        await hub.call("ListApplications", request, by="rita")
    with pytest.raises(NotPermitted):  # who says to be one, on another agency's channel
        await hub.call("ListApplications", request, by="alice", folder=brazil)


async def test_an_application_that_waits_is_not_invited_over(
    hub: EnrolmentHub, tmp_path: Path
) -> None:
    await apply(hub, "FR-NCB", tmp_path / "FR", code=await hub.invite("FR-NCB"))

    with pytest.raises(AgencyExists):
        await hub.invite("FR-NCB")


async def test_who_is_admitted_at_the_machine_needs_its_code_no_longer(
    hub: EnrolmentHub,
) -> None:
    await hub.invite("FR-NCB")
    hub.stage.admit("FR-NCB")

    [_, newest] = await roster_of(hub, "FR-NCB")
    assert (newest.change, list(newest.changed_by)) == (ROSTER_CHANGE_ADMITTED, [])
    assert await hub.pending() == []


@pytest.mark.threat("T82")
async def test_a_key_that_came_in_while_its_application_waited_admits_nobody(
    hub: EnrolmentHub, tmp_path: Path
) -> None:
    """A member that enrols again adds its application's sealing key by its old keys: the entry of
    the approval would be one that nobody can fold, and the hub would stand still for good."""
    old = hub.moved(load_profile(hub.stage.folder / "agencies" / "BR-NCB"))
    code = await hub.invite("BR-NCB")
    digest = await apply(hub, "BR-NCB", tmp_path / "BR", code=code)
    application = Application.FromString(
        envelope_from_json((tmp_path / "BR" / "application.json").read_bytes()).payload
    )
    [sealing] = [key for key in application.keys if key.purpose == KEY_PURPOSE_SEALING]
    rotation = sign_rotation(
        hub_domain=old.hub_domain,
        agency=old.agency,
        keys_added=[sealing],
        key_ids_ended=[],
        now=utc_now(),
        old_keys=old.load_signing_keys(),
        new_keys=[],
    )
    request = RotateKeysRequest(rotation=message_from_envelope(rotation))
    await hub.call("RotateKeys", request, by=None, folder=old.folder)

    with pytest.raises(ApplicationInvalid, match="was a key before"):
        await hub.approve("BR-NCB", digest)

    assert [one.agency.agency_id for one in await hub.pending()] == ["BR-NCB"]
    async with open_agency(old) as still_served:
        await still_served.client.refresh_roster()


@pytest.mark.threat("T83")
async def test_an_approval_of_who_administers_the_hub_no_longer_does_not_count(
    hub: EnrolmentHub, tmp_path: Path
) -> None:
    code = await hub.invite("FR-NCB", by="alice")
    digest = await apply(hub, "FR-NCB", tmp_path / "FR", code=code)
    database = Database(hub.settings.database_url)
    try:
        async with database.write() as connection:
            alice = await find_officer(connection, "alice")
            assert alice is not None
            await update_officer(connection, replace(alice, status=OFFICER_STATUS_LOCKED))
    finally:
        await database.dispose()

    assert not await hub.approve("FR-NCB", digest, by="bob")
    assert await hub.approve("FR-NCB", digest, by="carol")
