"""What is left out of an entry for a caller: personal contact details, which few roles need.

Functional mailboxes and numbers are shown to everybody.
"""

from __future__ import annotations

from comity.authorities import without_persons
from comity.identity import AgencyId
from comity.v1 import authorities_pb2 as pb
from comity.v1.officers_pb2 import ROLE_OFFICER, ROLE_SUPERVISOR
from directory.services.calls import Caller, officer_of
from directory.services.keepers import KEEPING_ROLES

# Who works on cases has to reach the person who answers for one.
CASE_ROLES = frozenset({ROLE_OFFICER, ROLE_SUPERVISOR})


def works_on_cases(caller: Caller) -> bool:
    """Whether a caller's role needs personal contact details of every entry."""
    return bool(officer_of(caller).roles & CASE_ROLES)


def may_see_persons(caller: Caller, keeper_agency: AgencyId) -> bool:
    """Whether a caller's role needs personal contact details of an entry."""
    return works_on_cases(caller) or (
        caller.agency == keeper_agency and bool(officer_of(caller).roles & KEEPING_ROLES)
    )


def withhold_persons(record: pb.AuthorityRecord) -> None:
    """Leaves personal contact details out of a record, and says so where there were any."""
    record.contacts_withheld = _withhold(record.authority)
    _keep_functional(record.reachability.contacts)


def withhold_persons_of_version(version: pb.AuthorityVersion) -> None:
    """Leaves personal contact details out of a version; its salt would open nothing then."""
    version.contacts_withheld = _withhold(version.authority) or version.HasField("call_back")
    version.ClearField("call_back")
    if version.contacts_withheld:
        version.ClearField("salt")


def withhold_call(record: pb.AuthorityRecord, caller: Caller, keeper_agency: AgencyId) -> None:
    """Leaves out of the last contact test what is between who asked or called and the keeper, and
    of that what a role does not need: it may name a person and a person's number."""
    if not record.HasField("last_contact_test"):
        return
    test = record.last_contact_test
    is_theirs = caller.agency in (keeper_agency, test.agency_id)
    if is_theirs and officer_of(caller).roles & KEEPING_ROLES:
        return
    for field in ("contact", "spoken_to", "note"):
        test.ClearField(field)


def _withhold(authority: pb.Authority) -> bool:
    before = len(authority.contacts) + len(authority.persons)
    authority.CopyFrom(without_persons(authority))
    return len(authority.contacts) < before


def _keep_functional(contacts: object) -> None:
    kept = [each for each in contacts if each.functional]  # type: ignore[attr-defined]
    del contacts[:]  # type: ignore[attr-defined]
    contacts.extend(kept)  # type: ignore[attr-defined]
