"""What a request says of an officer, read and judged by itself."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

from comity.errors import MalformedInput, Violation
from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.identity import INTERNATIONAL_BODY, AgencyId, is_country_code
from comity.v1 import officers_pb2
from comity.v1.officers_pb2 import (
    OFFICER_STATUS_ACTIVE,
    ROLE_OVERSIGHT,
    OfficerStatus,
    Role,
)
from hub.services.accounts.officers import OfficerChange
from hub.services.accounts.roles import HUB_ROLES, MEMBER_ROLES
from hub.services.accounts.tokens import TokenBytes
from hub.services.calls import Caller
from hub.store.officers import StoredOfficer

MAX_DISPLAY_NAME_CHARS = 200
NOT_STATED = INTERNATIONAL_BODY  # the first administrators' nationality, where `init` isn't told
_USER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


def parse_new_officer(
    request: officers_pb2.AddOfficerRequest,
    *,
    agency: AgencyId,
    own_agency: AgencyId,
    now: datetime,
    token_bytes: TokenBytes,
) -> StoredOfficer:
    """The officer that a request describes.

    Raises: MalformedInput with everything at fault.
    """
    violations = []
    if not _USER_NAME.fullmatch(request.user_name):
        violations.append(Violation("user_name", "is not 2 to 64 of a-z, 0-9, '.', '_' and '-'"))
    violations += _display_name_violations(request.display_name)
    is_of_hub = agency == own_agency
    if request.nationality and not is_country_code(request.nationality):
        violations.append(Violation("nationality", "is not a country code"))
    if is_of_hub and not request.nationality:
        violations.append(Violation("nationality", "has to be stated of the hub's officers"))
    violations += role_violations(request.roles, is_of_hub=is_of_hub)
    if violations:
        raise MalformedInput("The officer is malformed.", violations=violations)
    return StoredOfficer(
        officer_id=uuid7_from(now, token_bytes(UUID7_RANDOM_BYTES)),
        agency_id=agency,
        user_name=request.user_name,
        display_name=request.display_name,
        nationality=request.nationality,
        roles=frozenset(request.roles),
        status=OFFICER_STATUS_ACTIVE,
    )


def parse_change(
    request: officers_pb2.ChangeOfficerRequest, *, by: Caller, own_agency: AgencyId
) -> OfficerChange:
    """The change that a request describes.

    Raises: MalformedInput with everything at fault.
    """
    violations = []
    if request.roles:
        violations += role_violations(request.roles, is_of_hub=by.agency == own_agency)
    if request.display_name:
        violations += _display_name_violations(request.display_name)
    if request.status not in OfficerStatus.values():
        violations.append(Violation("status", "is not known"))
    if not (request.roles or request.status or request.display_name):
        violations.append(Violation("", "changes nothing"))
    if violations:
        raise MalformedInput("The change is malformed.", violations=violations)
    return OfficerChange(
        by.agency,
        request.officer_id,
        by,
        roles=frozenset(request.roles) or None,
        status=request.status or None,
        display_name=request.display_name or None,
    )


def role_violations(roles: Collection[Role.ValueType], *, is_of_hub: bool) -> list[Violation]:
    """What is wrong with the roles of an officer of the hub's own agency, or of a member."""
    allowed = HUB_ROLES if is_of_hub else MEMBER_ROLES
    if not roles or not allowed.issuperset(roles):
        names = ", ".join(Role.Name(role).removeprefix("ROLE_") for role in sorted(allowed))
        return [Violation("roles", f"has to be some of {names}")]
    if ROLE_OVERSIGHT in roles and len(set(roles)) > 1:
        return [Violation("roles", "OVERSIGHT watches over the others and goes with none")]
    return []


def _display_name_violations(name: str) -> list[Violation]:
    if name.strip() and len(name) <= MAX_DISPLAY_NAME_CHARS and name.isprintable():
        return []
    said = f"is not 1 to {MAX_DISPLAY_NAME_CHARS} characters that can be shown"
    return [Violation("display_name", said)]
