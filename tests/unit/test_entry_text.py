"""An entry is shown whole: whoever confirms it has seen every field."""

from __future__ import annotations

import pytest

from agency_client.entry_text import record_lines
from comity.v1 import authorities_pb2 as pb
from tests.unit.authorities import sample_authority

# The id and the country stand in the heading; a number of days is said where there is none too.
FIELDS = [field.name for field in pb.Authority.DESCRIPTOR.fields]


def shown(authority: pb.Authority) -> list[str]:
    return list(record_lines(pb.AuthorityRecord(authority=authority, version=1), str))


def full() -> pb.Authority:
    authority = sample_authority()
    person = authority.persons.add(name="Ada Specimen", title="Ms", alternate=True)
    person.functions.add(language="en", text="Head of section", original=True)
    authority.territory.regions.append("GB-ENG")
    authority.asset_recovery_networks.append("CARIN")
    for name in ("units", "double_criminality_details", "legal_requirements", "evidence_limits"):
        texts = getattr(authority, name)
        texts.add(language="en", text=f"Sample of {name}", original=True)
    for name in ("urgent_procedure", "remarks"):
        getattr(authority, name).add(language="en", text=f"Sample of {name}", original=True)
    for name in ("accepts_interpol", "encryption_required", "signature_required"):
        setattr(authority, name, pb.LEGAL_ANSWER_YES)
    authority.double_criminality = pb.LEGAL_ANSWER_CONDITIONAL
    authority.abbreviations.append("SCA")
    authority.formats.append("odt")
    authority.documents.add(document="ARREST_WARRANT")
    authority.links.add(kind=pb.LINK_KIND_LAW, url="https://authority.example/law")
    authority.confirm_every_days = 90
    return authority


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_an_entry_is_shown(field: str) -> None:
    authority = full()
    whole = shown(authority)
    assert pb.Authority.DESCRIPTOR.fields_by_name[field] in [f for f, _ in authority.ListFields()]
    authority.ClearField(field)  # type: ignore[arg-type]

    assert shown(authority) != whole


def test_an_entry_that_was_changed_since_it_was_verified_says_so() -> None:
    record = pb.AuthorityRecord(authority=full(), version=4)
    record.last_verified.version = 4
    assert "CHANGED" not in "".join(record_lines(record, str))
    record.last_verified.version = 3

    lines = list(record_lines(record, str))

    assert any("CHANGED" in line and "since version 3" in line for line in lines)
    assert any("--between 3 4" in line for line in lines)


@pytest.mark.parametrize("field", ["holidays", "special_days", "week", "time_zone"])
def test_all_of_the_hours_is_shown(field: str) -> None:
    authority = full()
    hours = authority.office_hours
    hours.holidays.add(month=12, day=25)
    hours.special_days.add(date={"year": 2026, "month": 12, "day": 24})
    whole = shown(authority)
    hours.ClearField(field)  # type: ignore[arg-type]

    assert shown(authority) != whole
