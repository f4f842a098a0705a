"""What of a contact test is shown to whom: it may name a person, and a person's number."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from comity.identity import AgencyId
from comity.v1 import authorities_pb2 as pb
from comity.v1.officers_pb2 import (
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_AUDITOR,
    ROLE_OFFICER,
    Role,
)
from directory.services.withholding import withhold_call

KEEPER = AgencyId("BR-NCB")


@dataclass(frozen=True)
class Somebody:
    roles: frozenset[Role.ValueType]
    officer_id: str = "an officer"


@dataclass(frozen=True)
class Calling:
    agency: AgencyId
    officer: Somebody
    request_id: str = "a request"


@pytest.mark.threat("T125")
@pytest.mark.parametrize(
    ("agency", "role", "is_told"),
    [
        ("FR-NCB", ROLE_OFFICER, True),
        ("FR-NCB", ROLE_AUDITOR, False),
        ("BR-NCB", ROLE_AGENCY_ADMINISTRATOR, True),
        ("BR-NCB", ROLE_AUDITOR, False),
        ("KE-NCB", ROLE_OFFICER, False),
    ],
)
def test_who_was_spoken_to_is_shown_to_both_sides_and_to_roles_that_need_it(
    agency: str, role: Role.ValueType, is_told: bool
) -> None:
    record = pb.AuthorityRecord()
    record.last_contact_test.agency_id = "FR-NCB"
    record.last_contact_test.contact = "+442079460099"
    record.last_contact_test.spoken_to = "Ada Specimen"

    withhold_call(record, Calling(AgencyId(agency), Somebody(frozenset({role}))), KEEPER)

    assert is_told is bool(record.last_contact_test.spoken_to)
    assert is_told is bool(record.last_contact_test.contact)
    assert record.last_contact_test.agency_id == "FR-NCB"
