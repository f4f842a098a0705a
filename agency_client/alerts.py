"""What members are alerted to: another was suspended, revoked or reinstated, or has left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agency_client.agency import Agency
from agency_client.events import VerifiedEvent
from agency_client.field_text import Safe, code_words
from agency_client.held import fetch_held_by
from agency_client.trust import parse_entry
from comity.errors import AccessRefused, HubUnavailable
from comity.identity import AgencyId
from comity.v1 import ledger_pb2
from comity.v1.notices_pb2 import TRAFFIC_LIVE

_CHANGES = frozenset(
    {
        ledger_pb2.ROSTER_CHANGE_SUSPENDED,
        ledger_pb2.ROSTER_CHANGE_REVOKED,
        ledger_pb2.ROSTER_CHANGE_REINSTATED,
        ledger_pb2.ROSTER_CHANGE_LEFT,
    }
)


@dataclass(frozen=True, slots=True)
class MemberAlert:
    """A change of a member, and whom it concerns here.

    `received` counts its live notices in the inbox that are not withdrawn; `addressed` one's own
    that it is addressed by, None where the hub could not be asked.
    """

    agency: AgencyId
    change: ledger_pb2.RosterChange.ValueType
    reason: str
    entry_index: int
    received: int
    addressed: int | None

    @property
    def change_words(self) -> str:
        """The change: suspended, revoked, reinstated or left."""
        return code_words(ledger_pb2.RosterChange.DESCRIPTOR, self.change)


async def alerts_of(agency: Agency, events: Sequence[VerifiedEvent]) -> list[MemberAlert]:
    """The alerts that the roster's events among some give rise to.

    Raises: VerificationFailed, InboxFailed.
    """
    alerts = []
    for event in events:
        if event.act is None:
            entry = parse_entry(event.message.leaf.entry).roster
            if entry.change in _CHANGES:
                alerts.append(await _alert(agency, event.entry_index, entry))
    return alerts


async def _alert(agency: Agency, entry_index: int, entry: ledger_pb2.RosterEntry) -> MemberAlert:
    member = AgencyId(entry.agency.agency_id)
    return MemberAlert(
        agency=member,
        change=entry.change,
        reason=entry.reason,
        entry_index=entry_index,
        received=agency.inbox.received.count_in_force(member, traffic=TRAFFIC_LIVE),
        addressed=await _count_addressed(agency, member),
    )


async def _count_addressed(agency: Agency, member: AgencyId) -> int | None:
    try:
        return sum([1 async for _ in fetch_held_by(agency, member, TRAFFIC_LIVE)])
    except (AccessRefused, HubUnavailable):
        return None


def alert_line(alert: MemberAlert, safe: Safe) -> str:
    """An alert on one line, with the commands that list what it concerns."""
    member = safe(alert.agency)
    addressed = "?" if alert.addressed is None else alert.addressed
    return (
        f"ALERT  {member} {alert.change_words}: {safe(alert.reason)}; "
        f"{alert.received} of its notices in the inbox (comity notice list --from {member}), "
        f"addressed by {addressed} of your own (comity notice list --held-by {member})"
    )
