"""Members are watched over: suspended, reinstated, revoked, described; and they leave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from agency_client.agency import Agency
from comity.errors import (
    AddressingInvalid,
    AgencyNotActive,
    ComityError,
    LogInRequired,
    MalformedInput,
    NotFound,
    NotPermitted,
    QuotaExceeded,
    ScopeExceeded,
    TokenRefused,
    WrongStatus,
)
from comity.identity import AgencyId
from comity.v1 import acts_pb2, ledger_pb2, notices_pb2
from comity.v1 import agencies_pb2 as agencies
from comity.v1 import membership_pb2 as pb
from comity.v1.events_pb2 import ListNoticesRequest
from comity.v1.membership_pb2_grpc import MembershipServiceStub
from comity.v1.notices_pb2 import LocalizedText
from comity.v1.officers_pb2 import (
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_HUB_ADMINISTRATOR,
    ROLE_HUB_REVIEWER,
    ROLE_OFFICER,
    AddOfficerRequest,
    ChangeOfficerRequest,
    Role,
)
from hub.services.change_limits import MAX_CHANGES
from tests.databases import new_database
from tests.integration.drafts import Draft
from tests.integration.officers import Served, call, serving, tokens_of
from tests.stages import Stage

REASON = "Sample reason"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path_factory.mktemp("members"), database_url=url)
    for agency in ("FR-NCB", "FR-POLICE", "BR-NCB", "KE-NCB"):
        made.admit(agency)
    yield made


@pytest.fixture
async def served(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as hub:
        yield hub


@asynccontextmanager
async def administrator(served: Served) -> AsyncIterator[Agency]:
    async with served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (opened, _):
        yield opened


async def ask(opened: Agency, name: str, request: Any) -> Any:
    """One call as whoever is logged in, or as the agency's system."""
    return await opened.client.channel.call_once(
        lambda c: getattr(MembershipServiceStub(c), name), request
    )


async def change(opened: Agency, agency: str, status: int, reason: str = REASON) -> int:
    request = pb.ChangeAgencyStatusRequest(agency_id=agency, reason=reason)
    request.status = status  # type: ignore[assignment]
    response: pb.ChangeAgencyStatusResponse = await ask(opened, "ChangeAgencyStatus", request)
    return response.entry_index


async def describe(opened: Agency, fields: Sequence[str], **values: Any) -> int:
    described = agencies.Agency(**values)
    request = pb.DescribeAgencyRequest(
        agency=described, fields=FieldMask(paths=fields), reason=REASON
    )
    response: pb.DescribeAgencyResponse = await ask(opened, "DescribeAgency", request)
    return response.entry_index


async def entry_of(opened: Agency, index: int) -> ledger_pb2.RosterEntry:
    """A roster entry as a member has verified it."""
    await opened.client.refresh_roster()
    leaf = opened.trust.roster_leaves[index]
    return ledger_pb2.LedgerEntry.FromString(leaf.entry).roster


async def publish(
    opened: Agency, kind: notices_pb2.NoticeKind.ValueType | None = None, to: str = "BR-NCB"
) -> Draft:
    draft = Draft(opened.profile.load_signing_keys())
    draft.header.originator = opened.profile.agency
    draft.rule = acts_pb2.AddressingRule(agencies=[to])
    if kind is not None:
        draft.notice.kind = kind
    await opened.client.submit_acts(draft.acts())
    return draft


@pytest.mark.threat("T19")
async def test_a_suspended_agency_is_refused_until_it_is_reinstated(served: Served) -> None:
    async with administrator(served) as hub, served.client("KE-NCB") as kenya:
        await kenya.client.get_checkpoint()

        suspended = await change(hub, "KE-NCB", agencies.AGENCY_STATUS_SUSPENDED)
        with pytest.raises(AgencyNotActive):
            await kenya.client.get_checkpoint()
        with pytest.raises(WrongStatus):
            await change(hub, "KE-NCB", agencies.AGENCY_STATUS_SUSPENDED)
        reinstated = await change(hub, "KE-NCB", agencies.AGENCY_STATUS_ACTIVE)
        await kenya.client.get_checkpoint()

        entry = await entry_of(hub, suspended)
        assert entry.change == ledger_pb2.ROSTER_CHANGE_SUSPENDED
        assert (entry.reason, list(entry.changed_by)) == (REASON, ["ZZ-HUB"])
        entry = await entry_of(hub, reinstated)
        assert entry.change == ledger_pb2.ROSTER_CHANGE_REINSTATED


@pytest.mark.threat("T95")
async def test_suspending_an_agency_ends_its_officers_log_ins(served: Served) -> None:
    async with (
        administrator(served) as hub,
        served.officer("KE-NCB", ROLE_OFFICER) as (kenya, _),
    ):
        token = tokens_of(kenya).access_token
        await change(hub, "KE-NCB", agencies.AGENCY_STATUS_SUSPENDED)
        await change(hub, "KE-NCB", agencies.AGENCY_STATUS_ACTIVE)

        with pytest.raises(TokenRefused):
            await call(
                kenya,
                lambda c: MembershipServiceStub(c).LeaveHub,
                pb.LeaveHubRequest(reason=REASON),
                token=token,
            )


@pytest.mark.parametrize(
    ("agency", "status", "reason", "expected"),
    [
        ("SE-NCB", agencies.AGENCY_STATUS_SUSPENDED, REASON, NotFound),
        ("ZZ-HUB", agencies.AGENCY_STATUS_SUSPENDED, REASON, WrongStatus),
        ("ZZ-HUB", agencies.AGENCY_STATUS_REVOKED, REASON, WrongStatus),
        ("BR-NCB", agencies.AGENCY_STATUS_ACTIVE, REASON, WrongStatus),
        ("BR-NCB", agencies.AGENCY_STATUS_LEFT, REASON, MalformedInput),
        ("BR-NCB", agencies.AGENCY_STATUS_UNSPECIFIED, REASON, MalformedInput),
        ("BR-NCB", 77, REASON, MalformedInput),
        ("BR-NCB", agencies.AGENCY_STATUS_SUSPENDED, " ", MalformedInput),
        ("BR-NCB", agencies.AGENCY_STATUS_SUSPENDED, "two\nlines", MalformedInput),
        ("BR-NCB", agencies.AGENCY_STATUS_SUSPENDED, "x" * 501, MalformedInput),
        ("br", agencies.AGENCY_STATUS_SUSPENDED, REASON, MalformedInput),
    ],
)
async def test_a_status_that_cannot_be_is_refused(
    served: Served, agency: str, status: int, reason: str, expected: type[ComityError]
) -> None:
    async with administrator(served) as hub:
        with pytest.raises(expected):
            await change(hub, agency, status, reason)


@pytest.mark.parametrize(
    ("agency", "role"),
    [
        ("ZZ-HUB", ROLE_HUB_REVIEWER),
        ("FR-NCB", ROLE_AGENCY_ADMINISTRATOR),
        ("FR-NCB", ROLE_OFFICER),
    ],
)
@pytest.mark.threat("T110")
async def test_nobody_but_the_hubs_administrators_suspends(
    served: Served, agency: str, role: Role.ValueType
) -> None:
    async with served.officer(agency, role) as (opened, _):
        with pytest.raises(NotPermitted):
            await change(opened, "BR-NCB", agencies.AGENCY_STATUS_SUSPENDED)
    async with served.client(agency) as system:
        with pytest.raises(LogInRequired):
            await change(system, "BR-NCB", agencies.AGENCY_STATUS_SUSPENDED)


@pytest.mark.threat("T111")
async def test_what_is_not_in_its_scopes_an_agency_does_not_publish(served: Served) -> None:
    """And what it has published it can withdraw all the same."""
    red, yellow = notices_pb2.NOTICE_KIND_RED, notices_pb2.NOTICE_KIND_YELLOW
    async with administrator(served) as hub, served.client("KE-NCB") as kenya:
        before = await publish(kenya)
        withdrawal = before.withdrawal()
        await describe(
            hub,
            ["scopes"],
            agency_id="KE-NCB",
            scopes=agencies.AgencyScopes(publishes=[yellow]),
        )
        with pytest.raises(ScopeExceeded):
            await publish(kenya)
        with pytest.raises(ScopeExceeded):
            await kenya.client.submit_acts([before.next_version()])
        await kenya.client.submit_acts([withdrawal])
        await describe(
            hub,
            ["scopes"],
            agency_id="KE-NCB",
            scopes=agencies.AgencyScopes(publishes=[red, yellow]),
        )
        await publish(kenya)


@pytest.mark.threat("T112")
async def test_a_lead_agency_has_a_copy_unless_it_lets_notices_go_freely(served: Served) -> None:
    async with (
        administrator(served) as hub,
        served.client("FR-POLICE") as police,
        served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (lead, _),
    ):
        with pytest.raises(NotPermitted):
            await describe(lead, ["leads_country"], agency_id="FR-NCB", leads_country=True)
        await describe(hub, ["leads_country"], agency_id="FR-NCB", leads_country=True)
        with pytest.raises(AddressingInvalid, match="FR-NCB"):
            await publish(police)
        await publish(police, to="FR-NCB")
        policy = agencies.OUTGOING_POLICY_FREE
        # Else one administrator of the hub could go round a country's consent and copies.
        with pytest.raises(NotPermitted):
            await describe(hub, ["outgoing_policy"], agency_id="FR-NCB", outgoing_policy=policy)
        with pytest.raises(NotPermitted):
            await describe(hub, ["leads_country"], agency_id="FR-NCB", leads_country=False)
        await describe(lead, ["outgoing_policy"], agency_id="FR-NCB", outgoing_policy=policy)
        await publish(police)
        await describe(lead, ["leads_country"], agency_id="FR-NCB", leads_country=False)


@pytest.mark.parametrize(
    ("fields", "values", "expected"),
    [
        (["name"], {"name": ""}, "agency.name"),
        (["name"], {"name": "a\x1b[31mb"}, "agency.name"),
        (["kind"], {}, "agency.kind"),
        (["kind"], {"kind": 77}, "agency.kind"),
        (["contact"], {"contact": "javascript:alert(1)"}, "agency.contact"),
        (["contact"], {"contact": "a b@agency.example"}, "agency.contact"),
        (["duty_line"], {"duty_line": "0033 1"}, "agency.duty_line"),
        (
            ["names"],
            {"names": [LocalizedText(language="fr", text="A")] * 2},
            "agency.names",
        ),
        (["names"], {"names": [LocalizedText(language="French", text="A")]}, "language"),
        (["status"], {"status": agencies.AGENCY_STATUS_LEFT}, "fields"),
        (["agency_id"], {}, "fields"),
        ([], {}, "fields"),
        (["outgoing_policy"], {"outgoing_policy": 1}, "agency.outgoing_policy"),
        (
            ["scopes"],
            {"scopes": agencies.AgencyScopes(publishes=[notices_pb2.NOTICE_KIND_RED] * 2)},
            "agency.scopes.publishes",
        ),
    ],
)
async def test_a_description_that_cannot_be_names_the_field(
    served: Served, fields: list[str], values: dict[str, Any], expected: str
) -> None:
    async with administrator(served) as hub:
        await hub.client.refresh_roster()
        before = hub.trust.roster.agencies["BR-NCB"].SerializeToString()  # type: ignore[index]
        with pytest.raises(MalformedInput) as refused:
            await describe(hub, fields, agency_id="BR-NCB", **values)
        assert any(expected in violation.field for violation in refused.value.violations)
        await hub.client.refresh_roster()
        assert before == hub.trust.roster.agencies["BR-NCB"].SerializeToString()  # type: ignore[index]


async def test_an_agency_describes_what_is_its_own_and_nothing_else(served: Served) -> None:
    async with served.officer("BR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (brazil, _):
        values = {"contact": "ncb@bureau.example", "duty_line": "+12025550123"}
        index = await describe(brazil, list(values), agency_id="BR-NCB", **values)
        entry = await entry_of(brazil, index)
        assert (entry.agency.contact, entry.agency.duty_line) == tuple(values.values())
        assert list(entry.changed_by) == ["BR-NCB"]

        with pytest.raises(MalformedInput, match="scopes is not the caller's"):
            await describe(brazil, ["scopes"], agency_id="BR-NCB")
        with pytest.raises(NotPermitted):
            await describe(brazil, ["contact"], agency_id="FR-NCB")


@pytest.mark.threat("T17")
async def test_an_agency_that_changes_itself_again_and_again_is_told_to_wait(
    served: Served,
) -> None:
    async with served.officer("BR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (brazil, _):
        with pytest.raises(QuotaExceeded) as refused:
            for number in range(MAX_CHANGES + 1):
                contact = f"office-{number}@bureau.example"
                await describe(brazil, ["contact"], agency_id="BR-NCB", contact=contact)
        assert refused.value.retry_after_seconds is not None


async def test_only_the_callers_own_notices_that_an_agency_holds_are_listed(
    served: Served,
) -> None:
    async with served.client("FR-NCB") as france, served.client("BR-NCB") as brazil:
        held = await publish(france, to="KE-NCB")
        await publish(france, to="BR-NCB")

        async def listed(opened: Agency, held_by: str) -> set[str]:
            found, first = set[str](), 0
            while True:
                request = ListNoticesRequest(held_by=held_by, first_index=first)
                page = await opened.client.list_notices(request)
                acts = [acts_pb2.Act.FromString(r.version.envelope.payload) for r in page.notices]
                found |= {act.version.notice.notice_id for act in acts}
                if not (first := page.next_index):
                    return found

        assert held.notice.notice_id in await listed(france, "KE-NCB")
        assert held.notice.notice_id not in await listed(france, "BR-NCB")
        assert held.notice.notice_id not in await listed(brazil, "KE-NCB")
        with pytest.raises(MalformedInput):
            await listed(france, "%")


async def test_an_agency_leaves_for_good_and_is_invited_no_more(served: Served) -> None:
    served.stage.admit("ES-NCB")
    request = pb.LeaveHubRequest(reason=REASON)
    async with served.officer("ES-NCB", ROLE_AGENCY_ADMINISTRATOR) as (spain, _):
        index = (await ask(spain, "LeaveHub", request)).entry_index
        with pytest.raises(AgencyNotActive):
            await spain.client.get_checkpoint()
    async with administrator(served) as hub:
        entry = await entry_of(hub, index)
        assert (entry.change, list(entry.changed_by)) == (
            ledger_pb2.ROSTER_CHANGE_LEFT,
            ["ES-NCB"],
        )
        with pytest.raises(WrongStatus):
            await change(hub, "ES-NCB", agencies.AGENCY_STATUS_ACTIVE)


@pytest.mark.threat("T110")
async def test_who_has_left_can_be_revoked_and_its_notices_warn(served: Served) -> None:
    served.stage.admit("PT-NCB")
    async with served.officer("PT-NCB", ROLE_AGENCY_ADMINISTRATOR) as (portugal, _):
        await ask(portugal, "LeaveHub", pb.LeaveHubRequest(reason=REASON))
    async with administrator(served) as hub:
        await change(hub, "PT-NCB", agencies.AGENCY_STATUS_REVOKED)
        await hub.client.refresh_roster()
        assert hub.trust.roster.is_distrusted(AgencyId("PT-NCB"))


@pytest.mark.threat("T83")
async def test_no_administrator_of_the_hub_makes_another_over_the_network(served: Served) -> None:
    async with (
        administrator(served) as hub,
        served.officer("ZZ-HUB", ROLE_HUB_REVIEWER) as (
            _,
            reviewer,
        ),
    ):
        officers = hub.client.officers
        me = (await officers.who_am_i()).officer
        with pytest.raises(NotPermitted, match="machine"):
            await officers.add(
                AddOfficerRequest(
                    user_name="sock.puppet",
                    display_name="Sample",
                    nationality="FR",
                    roles=[ROLE_HUB_ADMINISTRATOR],
                )
            )
        with pytest.raises(NotPermitted, match="machine"):
            await officers.reset(me.officer_id)
        promotion = ChangeOfficerRequest(officer_id=reviewer.officer_id)
        promotion.roles.append(ROLE_HUB_ADMINISTRATOR)
        with pytest.raises(NotPermitted, match="machine"):
            await officers.change(promotion)


@pytest.mark.threat("T17")
async def test_a_description_that_every_member_would_keep_for_ever_is_bounded(
    served: Served,
) -> None:
    languages = [f"{a}{b}" for a in "abcd" for b in "abcdefghij"]
    names = [LocalizedText(language=language, text="\U0001f600" * 190) for language in languages]
    async with administrator(served) as hub:
        with pytest.raises(MalformedInput, match="bytes in all"):
            await describe(hub, ["names"], agency_id="BR-NCB", names=names)


async def test_a_revoked_agency_is_never_a_member_again(served: Served) -> None:
    served.stage.admit("IT-NCB")
    async with administrator(served) as hub, served.client("IT-NCB") as italy:
        await change(hub, "IT-NCB", agencies.AGENCY_STATUS_SUSPENDED)
        await change(hub, "IT-NCB", agencies.AGENCY_STATUS_REVOKED)
        with pytest.raises(AgencyNotActive):
            await italy.client.get_checkpoint()
        with pytest.raises(WrongStatus):
            await change(hub, "IT-NCB", agencies.AGENCY_STATUS_ACTIVE)
