"""Who keeps an entry: its own agency, else the country's lead agency, else the hub.

Judged by the roster at the moment of a change. Never trusts what a request says of its keeper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from comity.errors import MalformedInput, NotPermitted, Violation
from comity.identity import AgencyId, country_from_agency_id
from comity.roster import Roster
from comity.v1 import authorities_pb2 as pb
from comity.v1.officers_pb2 import (
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_HUB_ADMINISTRATOR,
    ROLE_OFFICER,
    ROLE_SUPERVISOR,
    Role,
)

# Who may change entries, each of those that the own agency keeps.
KEEPING_ROLES: frozenset[Role.ValueType] = frozenset(
    {ROLE_OFFICER, ROLE_SUPERVISOR, ROLE_AGENCY_ADMINISTRATOR, ROLE_HUB_ADMINISTRATOR}
)


@dataclass(frozen=True)  # without slots: the leads are found once
class Keepers:
    """The members now, and which of them is the hub's own agency. Made anew for each call."""

    roster: Roster
    hub_agency: AgencyId

    def keeper_now(self, kept: pb.Keeper, country: str) -> pb.Keeper:
        """Who keeps an entry now, that was kept by somebody when its version was made."""
        if kept.kind == pb.KEEPER_KIND_OWN_AGENCY and self.roster.is_active(
            AgencyId(kept.agency_id)
        ):
            return kept
        lead = self.find_lead(country)
        if lead is not None:
            return pb.Keeper(kind=pb.KEEPER_KIND_LEAD_AGENCY, agency_id=lead)
        if kept.kind == pb.KEEPER_KIND_HUB:
            return kept
        return pb.Keeper(kind=pb.KEEPER_KIND_HUB, agency_id=self.hub_agency)

    def keeper_to_enter(self, kept: pb.Keeper, country: str) -> pb.Keeper:
        """Whom the next version names: who is suspended is the keeper again when it comes back."""
        is_own = kept.kind == pb.KEEPER_KIND_OWN_AGENCY
        is_away = is_own and self.roster.is_suspended(AgencyId(kept.agency_id))
        return kept if is_away else self.keeper_now(kept, country)

    def keeper_of_new(self, asked: pb.Keeper, country: str, *, agency: AgencyId) -> pb.Keeper:
        """Who keeps a new entry that an agency proposes.

        1. The hub enters what a State notified, where no member leads the country. 2. The lead
        agency enters what it likes of its country, and every member what it is itself.

        Raises: NotPermitted, MalformedInput.
        """
        lead = self.find_lead(country)
        if agency == self.hub_agency:  # 1
            if lead is not None:
                raise NotPermitted(f"{lead} leads that country and keeps its entries.")
            return self.notified(asked)
        if country_from_agency_id(agency) != country:  # 2
            raise NotPermitted("That is an authority of another country.")
        is_leading = lead == agency and asked.kind != pb.KEEPER_KIND_OWN_AGENCY
        kind = pb.KEEPER_KIND_LEAD_AGENCY if is_leading else pb.KEEPER_KIND_OWN_AGENCY
        return pb.Keeper(kind=kind, agency_id=agency)

    def notified(self, asked: pb.Keeper) -> pb.Keeper:
        """The hub as the keeper of what a State notified it.

        Raises: MalformedInput where it does not say by what.
        """
        if not asked.note_verbale.strip():
            said = "is missing: what the State notified the hub by"
            raise MalformedInput(violations=[Violation("keeper.note_verbale", said)])
        keeper = pb.Keeper(kind=pb.KEEPER_KIND_HUB, agency_id=self.hub_agency)
        keeper.note_verbale = asked.note_verbale
        if asked.HasField("notified_on"):
            keeper.notified_on.CopyFrom(asked.notified_on)
        return keeper

    def find_lead(self, country: str) -> AgencyId | None:
        """The active lead agency of a country; who is suspended answers for nothing."""
        return self._leads.get(country)

    @cached_property
    def _leads(self) -> Mapping[str, AgencyId]:
        members = sorted(self.roster.active_agencies(), reverse=True)  # the first stays
        return {
            country_from_agency_id(agency): agency
            for agency in members
            if self.roster.agencies[agency].leads_country
        }


def require_keeper(keeper: pb.Keeper, agency: AgencyId) -> None:
    """Requires an agency to be the one that keeps an entry.

    Raises: NotPermitted.
    """
    if keeper.agency_id != agency:
        raise NotPermitted(f"{keeper.agency_id} keeps that entry. Report what is wrong in it.")
