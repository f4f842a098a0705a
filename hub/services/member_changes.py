"""The commit halves of watching over members: status and description. Everybody hears of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from comity.errors import ComityError, MalformedInput, NotFound, WrongStatus
from comity.identity import AgencyId
from comity.roster import Roster
from comity.times import microseconds_from
from comity.v1 import agencies_pb2 as pb
from comity.v1 import ledger_pb2
from hub.services.descriptions import described, standing_violations
from hub.services.enrolling import changed_by, decide_each
from hub.services.membership import Membership
from hub.services.roster_changes import append_change, is_member, roster_within
from hub.store.enrolments import StoredApproval, delete_enrolment
from hub.store.sessions import end_sessions_of_agency
from hub.store.transaction import LedgerTransaction

# What an agency may become, from what, and how the ledger calls it.
_CHANGES = {
    pb.AGENCY_STATUS_SUSPENDED: ({pb.AGENCY_STATUS_ACTIVE}, ledger_pb2.ROSTER_CHANGE_SUSPENDED),
    pb.AGENCY_STATUS_ACTIVE: ({pb.AGENCY_STATUS_SUSPENDED}, ledger_pb2.ROSTER_CHANGE_REINSTATED),
    pb.AGENCY_STATUS_REVOKED: (
        {pb.AGENCY_STATUS_ACTIVE, pb.AGENCY_STATUS_SUSPENDED},
        ledger_pb2.ROSTER_CHANGE_REVOKED,
    ),
    pb.AGENCY_STATUS_LEFT: ({pb.AGENCY_STATUS_ACTIVE}, ledger_pb2.ROSTER_CHANGE_LEFT),
}
_FOR_GOOD = (pb.AGENCY_STATUS_REVOKED, pb.AGENCY_STATUS_LEFT)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """Somebody's word that an agency is from now on of another status, and why."""

    agency: AgencyId
    status: pb.AgencyStatus.ValueType
    reason: str
    by: StoredApproval


@dataclass(frozen=True, slots=True)
class DescriptionChange:
    """Fields of an agency's description that are to be as they are here."""

    agency: pb.Agency
    fields: Sequence[str]
    reason: str
    by: StoredApproval


class MemberChanges:
    """What watching over members writes; by a hub that serves and by its command line."""

    def __init__(self, membership: Membership, *, own_agency: AgencyId) -> None:
        self._membership = membership
        self._own_agency = own_agency

    async def change_status_many(
        self, transaction: LedgerTransaction, changes: Sequence[StatusChange]
    ) -> list[int | ComityError]:
        """Changes agencies' status, and gives the entries."""
        return await decide_each(partial(self._change_status, transaction), changes)

    async def _change_status(self, transaction: LedgerTransaction, change: StatusChange) -> int:
        """1. The change leads somewhere, and not the hub's own agency out. 2. Whoever is out is so
        with every log-in, and for good with every code. Keys stay in the roster: whatever they
        signed before is verified by them, and nothing of who is no active member is taken."""
        roster = await roster_within(transaction, self._membership)
        before, kind = self._require_change(roster, change)  # 1
        after = pb.Agency()
        after.CopyFrom(before)
        after.status = change.status
        entry = ledger_pb2.RosterEntry(
            agency=after, change=kind, reason=change.reason, changed_by=changed_by([change.by])
        )
        if change.status != pb.AGENCY_STATUS_ACTIVE:  # 2
            now = microseconds_from(transaction.now)
            await end_sessions_of_agency(transaction.connection, change.agency, now=now)
        if change.status in _FOR_GOOD:
            await delete_enrolment(transaction.connection, change.agency)
        return append_change(transaction, entry)

    def _require_change(
        self, roster: Roster, change: StatusChange
    ) -> tuple[pb.Agency, ledger_pb2.RosterChange.ValueType]:
        before = require_member(roster, change.agency)
        possible, kind = _CHANGES[change.status]
        if change.agency == self._own_agency:
            raise WrongStatus("The hub's own agency stays: its administrators are the hub's.")
        if before.status not in possible:
            name = pb.AgencyStatus.Name(before.status).removeprefix("AGENCY_STATUS_").lower()
            raise WrongStatus(f"{change.agency} is {name}.")
        return before, kind

    async def describe_many(
        self, transaction: LedgerTransaction, changes: Sequence[DescriptionChange]
    ) -> list[int | ComityError]:
        """Changes how agencies are described, and gives the entries."""
        return await decide_each(partial(self._describe, transaction), changes)

    async def _describe(self, transaction: LedgerTransaction, change: DescriptionChange) -> int:
        roster = await roster_within(transaction, self._membership)
        before = require_member(roster, AgencyId(change.agency.agency_id))
        after = described(before, change.agency, change.fields)
        # Only of what is changed: who was admitted at the hub's machine has no kind yet.
        named = {f"agency.{field}" for field in change.fields}
        violations = [v for v in standing_violations(after, roster) if v.field in named]
        if violations:
            raise MalformedInput(violations=violations)
        entry = ledger_pb2.RosterEntry(
            agency=after,
            change=ledger_pb2.ROSTER_CHANGE_DESCRIBED,
            reason=change.reason,
            changed_by=changed_by([change.by]),
        )
        return append_change(transaction, entry)


def require_member(roster: Roster, agency: AgencyId) -> pb.Agency:
    """An agency that was admitted and has neither left nor been revoked.

    Raises: NotFound where there was never one; WrongStatus.
    """
    known = roster.agencies.get(agency)
    if known is None:
        raise NotFound(f"{agency} is no member of this hub.")
    if not is_member(known):
        name = pb.AgencyStatus.Name(known.status).removeprefix("AGENCY_STATUS_").lower()
        raise WrongStatus(f"{agency} is {name}.")
    return known
