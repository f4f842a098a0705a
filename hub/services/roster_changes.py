"""Changing the roster inside a transaction: by what is judged, and how an entry gets there."""

from __future__ import annotations

from comity.identity import AgencyId
from comity.roster import Roster
from comity.v1 import agencies_pb2 as pb
from comity.v1 import events_pb2, ledger_pb2
from hub.services.membership import Membership
from hub.store.events import StoredEvent
from hub.store.transaction import LedgerTransaction

_MEMBER = (pb.AGENCY_STATUS_ACTIVE, pb.AGENCY_STATUS_SUSPENDED)
_GONE = (pb.AGENCY_STATUS_REVOKED, pb.AGENCY_STATUS_LEFT)


async def roster_within(transaction: LedgerTransaction, membership: Membership) -> Roster:
    """The roster as this transaction has it, with what was appended in it so far.

    To be asked for anew for each item: another change may be in the same batch.
    """
    if not transaction.roster_changes:
        await membership.refresh_within(transaction.connection, transaction.head)
        return membership.roster
    roster = membership.roster.copy()
    for index, entry in transaction.roster_changes:
        roster.add_entry(index, entry)
    return roster


def append_change(transaction: LedgerTransaction, entry: ledger_pb2.RosterEntry) -> int:
    """Appends a roster entry, with its event for everybody, and gives its index."""
    index = transaction.append_roster(entry)
    transaction.add_event(
        StoredEvent(
            entry_index=index,
            kind=events_pb2.EVENT_KIND_ROSTER_CHANGED,
            originator=AgencyId(entry.agency.agency_id),
            notice_id="",
            notice_kind=0,
            traffic=0,
            urgency=0,
            audience=None,
            act_entry=index,
        )
    )
    return index


def is_member(agency: pb.Agency | None) -> bool:
    """Whether an agency was admitted and has neither left nor been revoked."""
    return agency is not None and agency.status in _MEMBER


def is_gone(agency: pb.Agency | None) -> bool:
    """Whether an agency has left or was revoked, for good."""
    return agency is not None and agency.status in _GONE
