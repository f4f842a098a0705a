"""Which roles there are for whom, and which of them administer."""

from __future__ import annotations

from comity.v1.officers_pb2 import (
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_AUDITOR,
    ROLE_HUB_ADMINISTRATOR,
    ROLE_HUB_REVIEWER,
    ROLE_OFFICER,
    ROLE_OVERSIGHT,
    ROLE_SUPERVISOR,
)

ADMINISTRATORS = frozenset({ROLE_AGENCY_ADMINISTRATOR, ROLE_HUB_ADMINISTRATOR})
MEMBER_ROLES = frozenset({ROLE_OFFICER, ROLE_SUPERVISOR, ROLE_AGENCY_ADMINISTRATOR, ROLE_AUDITOR})
HUB_ROLES = frozenset({ROLE_HUB_ADMINISTRATOR, ROLE_HUB_REVIEWER, ROLE_OVERSIGHT})

# How many have to be left: approvals at the hub take two.
MIN_HUB_ADMINISTRATORS = 2
MIN_AGENCY_ADMINISTRATORS = 1
