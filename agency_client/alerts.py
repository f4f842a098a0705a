"""What members are alerted to: another was suspended, revoked or reinstated, has left, has had keys
ended or was enrolled again.

Never touches the network: an alert does not wait for a hub to count what it concerns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from agency_client.agency import Agency
from agency_client.events import ROSTER_CHANGED, VerifiedEvent
from agency_client.field_text import Safe, code_words
from agency_client.trust import Trust, parse_entry
from comity.identity import AgencyId
from comity.v1 import ledger_pb2
from comity.v1.notices_pb2 import TRAFFIC_LIVE

_STATUS_CHANGES = frozenset(
    {
        ledger_pb2.ROSTER_CHANGE_SUSPENDED,
        ledger_pb2.ROSTER_CHANGE_REVOKED,
        ledger_pb2.ROSTER_CHANGE_REINSTATED,
        ledger_pb2.ROSTER_CHANGE_LEFT,
    }
)
_CHANGES = _STATUS_CHANGES | {
    ledger_pb2.ROSTER_CHANGE_KEYS_ENDED,
    ledger_pb2.ROSTER_CHANGE_ENROLLED_AGAIN,
}

_Entries = list[tuple[int, ledger_pb2.RosterEntry]]


@dataclass(frozen=True, slots=True)
class MemberAlert:
    """A change of a member that stands now. `received` counts its live notices in the inbox that
    are not withdrawn."""

    agency: AgencyId
    change: ledger_pb2.RosterChange.ValueType
    reason: str
    entry_index: int
    received: int

    @property
    def change_words(self) -> str:
        """The change: suspended, revoked, reinstated, left, keys ended or enrolled again."""
        return code_words(ledger_pb2.RosterChange.DESCRIPTOR, self.change)


def alerts_of(agency: Agency, events: Sequence[VerifiedEvent]) -> list[MemberAlert]:
    """The alerts that the roster's events among some give rise to.

    A change that another has overtaken is none: who reads the ledger from its first entry is not
    alerted to a suspension of years ago.

    Raises: VerificationFailed, InboxFailed.
    """
    parsed = [
        (event.entry_index, parse_entry(event.message.leaf.entry).roster)
        for event in events
        if event.kind == ROSTER_CHANGED
    ]
    found = [(index, entry) for index, entry in parsed if entry.change in _CHANGES]
    known = _entries_by_agency(agency.trust) if found else {}
    return [
        _alert(agency, index, entry)
        for index, entry in found
        if _stands(index, entry, known.get(entry.agency.agency_id, []))
    ]


def _entries_by_agency(trust: Trust) -> dict[str, _Entries]:
    known: dict[str, _Entries] = defaultdict(list)
    for index, leaf in trust.roster_leaves.items():
        entry = parse_entry(leaf.entry).roster
        known[entry.agency.agency_id].append((index, entry))
    return known


def _stands(entry_index: int, entry: ledger_pb2.RosterEntry, known: _Entries) -> bool:
    """Whether no later entry of the agency has given it another status, or new keys for those that
    were ended."""
    later = [other for index, other in known if index > entry_index]
    if entry.change in _STATUS_CHANGES:
        return all(other.agency.status == entry.agency.status for other in later)
    return all(other.change != ledger_pb2.ROSTER_CHANGE_ENROLLED_AGAIN for other in later)


def _alert(agency: Agency, entry_index: int, entry: ledger_pb2.RosterEntry) -> MemberAlert:
    member = AgencyId(entry.agency.agency_id)
    return MemberAlert(
        agency=member,
        change=entry.change,
        reason=entry.reason,
        entry_index=entry_index,
        received=agency.inbox.received.count_in_force(member, traffic=TRAFFIC_LIVE),
    )


def alert_line(alert: MemberAlert, safe: Safe) -> str:
    """An alert on one line, with the commands that list what it concerns."""
    member = safe(alert.agency)
    return (
        f"ALERT  {member} {alert.change_words}: {safe(alert.reason)}; "
        f"{alert.received} of its notices in the inbox (comity notice list --from {member}); "
        f"your own that it is addressed by: comity notice list --held-by {member}"
    )
