"""Officers as callers are shown them."""

from __future__ import annotations

from comity.v1 import officers_pb2
from hub.store.officers import StoredOfficer


def officer_message(officer: StoredOfficer) -> officers_pb2.Officer:
    """An officer of the contract."""
    return officers_pb2.Officer(
        officer_id=officer.officer_id,
        agency_id=officer.agency_id,
        user_name=officer.user_name,
        display_name=officer.display_name,
        nationality=officer.nationality,
        roles=sorted(officer.roles),
        status=officer.status,
        has_second_factor=officer.has_second_factor,
    )
