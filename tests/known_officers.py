"""A table of officers in memory, as the hub's own is asked by a provider of identities."""

from __future__ import annotations

from dataclasses import dataclass, field

from comity.identity import AgencyId
from hub.services.accounts.directory import KnownOfficer


@dataclass
class KnownOfficers:
    """Officers by agency and name."""

    officers: dict[tuple[str, str], KnownOfficer] = field(default_factory=dict)

    async def find_by_subject(
        self, agency: AgencyId, *, subject: str, user_name: str
    ) -> KnownOfficer | None:
        assert subject
        return self.officers.get((agency, user_name))

    def find(self, officer_id: str) -> KnownOfficer | None:
        known = self.officers.values()
        return next((one for one in known if one.officer_id == officer_id), None)
