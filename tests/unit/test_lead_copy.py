"""The lead agency's copy: in every signed addressing, whoever signs it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agency_client.addressing import rule_with_copy
from comity.acts import parse_act
from comity.errors import AddressingInvalid
from comity.identity import AgencyId
from comity.v1 import agencies_pb2
from comity.v1.acts_pb2 import AddressingRule
from tests.unit.members import Member

LEAD = AgencyId("FR-LEAD")


@pytest.mark.parametrize(
    ("rule", "agencies"),
    [
        (AddressingRule(agencies=["BR-NCB"]), ["BR-NCB", LEAD]),
        (AddressingRule(countries=["BR"]), [LEAD]),
        (AddressingRule(all_members=True), []),
        (AddressingRule(countries=["FR"]), []),
        (AddressingRule(agencies=[LEAD]), [LEAD]),
        (AddressingRule(), []),
    ],
    ids=["agency", "country", "all", "its country", "itself", "nobody stated"],
)
def test_a_rule_names_the_lead_agency_as_well(rule: AddressingRule, agencies: list[str]) -> None:
    before = AddressingRule.FromString(rule.SerializeToString())

    copied = rule_with_copy(rule, LEAD)

    assert agencies == list(copied.agencies)
    assert before == rule
    assert rule_with_copy(rule, None) is rule


@pytest.mark.parametrize(
    "rule",
    [
        AddressingRule(all_members=True, except_agencies=[LEAD]),
        AddressingRule(all_members=True, except_countries=["FR"]),
    ],
    ids=["agency", "country"],
)
def test_a_rule_that_excludes_the_lead_agency_is_refused(rule: AddressingRule) -> None:
    with pytest.raises(AddressingInvalid) as refused:
        rule_with_copy(rule, LEAD)

    assert LEAD in str(refused.value)


async def test_whatever_is_signed_is_addressed_to_the_lead_agency(tmp_path: Path) -> None:
    member = Member(tmp_path)
    lead = agencies_pb2.Agency(
        agency_id=LEAD, leads_country=True, status=agencies_pb2.AGENCY_STATUS_ACTIVE
    )
    member.enter([], [], agency=lead)
    agency = member.opened()
    await agency.client.refresh_roster()
    member.now += timedelta(seconds=1)

    rule = AddressingRule(agencies=["BR-NCB"])
    request = agency.signer().wider_addressing(agency.new_id(), b"\1" * 32, rule)

    [act] = request.acts
    assert list(parse_act(act).act.addressing.rule.agencies) == ["BR-NCB", LEAD]
