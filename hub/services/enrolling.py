"""The commit halves of getting in: an invitation, the code that is spent, the key that is proven.

Run in the ledger writer's transactions, by a hub that serves and by its command line.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from comity.application import VerifiedApplication
from comity.challenge import proof_digest
from comity.errors import (
    AgencyExists,
    ApplicationInvalid,
    CodeRefused,
    ComityError,
    MalformedInput,
    NotFound,
    Violation,
)
from comity.identity import AgencyId
from comity.roster import Roster
from comity.times import microseconds_from
from comity.v1 import acts_pb2, ledger_pb2
from comity.v1 import agencies_pb2 as pb
from hub.services.descriptions import standing_violations
from hub.services.membership import Membership
from hub.services.roster_changes import append_change, is_gone, is_member, roster_within
from hub.store.enrolments import (
    EnrolmentStage,
    StoredApproval,
    StoredEnrolment,
    find_enrolment,
    find_enrolment_by_application,
    put_approvals,
    put_enrolment,
)
from hub.store.transaction import LedgerTransaction

_NO_DIGEST = bytes(32)  # compared with where there is no invitation, so that it takes as long

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Invitation:
    """An agency that is to be let apply, once, until a time in microseconds."""

    agency: pb.Agency
    code_digest: bytes
    expires_at: int
    by: StoredApproval


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified application that came with a code, and the challenge made for it."""

    code_digest: bytes
    envelope: acts_pb2.Envelope
    verified: VerifiedApplication
    challenge: bytes
    proof_digest: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """The secret that an applicant has found in its challenge."""

    application_digest: bytes
    secret: bytes


async def decide_each(decide: Callable[[Item], Awaitable[Any]], items: Sequence[Item]) -> list[Any]:
    """What is decided for each item, an error of ours too. Nothing may be written before one."""
    results: list[Any] = []
    for item in items:
        try:
            results.append(await decide(item))
        except ComityError as error:
            results.append(error)
    return results


def require_code(
    enrolment: StoredEnrolment | None, code_digest: bytes, *, now: int
) -> StoredEnrolment:
    """The enrolment that a code is good for.

    Raises: CodeRefused, whatever is wrong: no invitation, another code, expired, taken back.
    """
    kept = _NO_DIGEST if enrolment is None else enrolment.code_digest
    is_same = hmac.compare_digest(kept, code_digest)
    if enrolment is None or not is_same or now >= enrolment.expires_at:
        raise CodeRefused()
    if enrolment.stage is EnrolmentStage.REFUSED:
        raise CodeRefused()
    return enrolment


def require_proof(enrolment: StoredEnrolment | None, secret: bytes) -> StoredEnrolment:
    """The enrolment whose challenge held a secret.

    Raises: NotFound, whether there is no such application or the secret is another.
    """
    kept = (enrolment.proof_digest if enrolment is not None else None) or _NO_DIGEST
    is_same = hmac.compare_digest(kept, proof_digest(secret))
    if enrolment is None or not is_same:
        raise NotFound("There is no such application, or this does not prove that it is yours.")
    return enrolment


class Enrolling:
    """What getting in writes."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    async def invite_many(
        self, transaction: LedgerTransaction, invitations: Sequence[Invitation]
    ) -> list[int | ComityError]:
        """Invites agencies, members that have lost their keys too. A code from before is void."""
        return await decide_each(partial(self._invite, transaction), invitations)

    async def _invite(self, transaction: LedgerTransaction, invitation: Invitation) -> int:
        agency = AgencyId(invitation.agency.agency_id)
        roster = await roster_within(transaction, self._membership)
        pending = await find_enrolment(transaction.connection, agency)
        if pending is not None and pending.stage is EnrolmentStage.APPLIED:
            raise AgencyExists(f"An application of {agency} waits: approve or refuse it first.")
        shown = _invited_agency(roster, invitation.agency)
        await put_enrolment(
            transaction.connection,
            StoredEnrolment(
                agency_id=agency,
                stage=EnrolmentStage.INVITED,
                agency=shown.SerializeToString(deterministic=True),
                code_digest=invitation.code_digest,
                expires_at=invitation.expires_at,
            ),
        )
        await put_approvals(transaction.connection, agency, [invitation.by])
        entry = ledger_pb2.RosterEntry(
            agency=shown,
            change=ledger_pb2.ROSTER_CHANGE_INVITED,
            changed_by=changed_by([invitation.by]),
        )
        return append_change(transaction, entry)

    async def apply_many(
        self, transaction: LedgerTransaction, arrivals: Sequence[Arrival]
    ) -> list[bytes | ComityError]:
        """Spends codes, and gives the challenges.

        The same application again, whose answer was lost on its way, has the same challenge.
        """
        return await decide_each(partial(self._apply, transaction), arrivals)

    async def _apply(self, transaction: LedgerTransaction, arrival: Arrival) -> bytes:
        agency, now = arrival.verified.agency, microseconds_from(transaction.now)
        found = await find_enrolment(transaction.connection, agency)
        enrolment = require_code(found, arrival.code_digest, now=now)
        if enrolment.challenge is not None:
            if enrolment.application_digest != arrival.verified.digest:
                raise CodeRefused()
            return enrolment.challenge
        roster = await roster_within(transaction, self._membership)
        _require_new_keys(roster, arrival.verified)
        taken = replace(
            enrolment,
            stage=EnrolmentStage.CHALLENGED,
            application=arrival.envelope.SerializeToString(deterministic=True),
            application_digest=arrival.verified.digest,
            applied_at=now,
            challenge=arrival.challenge,
            proof_digest=arrival.proof_digest,
        )
        await put_enrolment(transaction.connection, taken)
        return arrival.challenge

    async def prove_many(
        self, transaction: LedgerTransaction, proofs: Sequence[Proof]
    ) -> list[StoredEnrolment | ComityError]:
        """Takes opened challenges: from here on an application waits, and members see that."""
        return await decide_each(partial(self._prove, transaction), proofs)

    async def _prove(self, transaction: LedgerTransaction, proof: Proof) -> StoredEnrolment:
        found = await find_enrolment_by_application(
            transaction.connection, proof.application_digest
        )
        enrolment = require_proof(found, proof.secret)
        if enrolment.stage is not EnrolmentStage.CHALLENGED:
            return enrolment
        roster = await roster_within(transaction, self._membership)
        shown = agency_on_the_way(roster, enrolment)
        applied = replace(enrolment, stage=EnrolmentStage.APPLIED)
        await put_enrolment(transaction.connection, applied)
        entry = ledger_pb2.RosterEntry(
            agency=shown,
            change=ledger_pb2.ROSTER_CHANGE_APPLIED,
            application_digest=proof.application_digest,
        )
        append_change(transaction, entry)
        return applied


def changed_by(approvals: Sequence[StoredApproval]) -> list[str]:
    """The agencies of those who made a change; none at all where one of them did not log in."""
    agencies = [approval.approver_agency for approval in approvals]
    return agencies if all(agencies) else []


def agency_on_the_way(roster: Roster, enrolment: StoredEnrolment) -> pb.Agency:
    """How an agency shows once it has applied: a member stays as it stands."""
    agency = roster.agencies.get(enrolment.agency_id)
    shown = pb.Agency()
    if agency is not None and (is_member(agency) or is_gone(agency)):
        shown.CopyFrom(agency)
        return shown
    shown.ParseFromString(enrolment.agency)
    shown.status = pb.AGENCY_STATUS_APPLIED
    return shown


def _invited_agency(roster: Roster, invited: pb.Agency) -> pb.Agency:
    agency = AgencyId(invited.agency_id)
    known = roster.agencies.get(agency)
    shown = pb.Agency()
    if known is not None and is_member(known):
        shown.CopyFrom(known)
        return shown
    if is_gone(known):
        raise AgencyExists(f"{agency} has left, or was revoked, for good.")
    shown.CopyFrom(invited)
    shown.status = pb.AGENCY_STATUS_INVITED
    violations = standing_violations(shown, roster)
    if violations:
        raise MalformedInput("An agency is invited by name and kind.", violations=violations)
    return shown


def _require_new_keys(roster: Roster, verified: VerifiedApplication) -> None:
    violations = [
        Violation(f"keys[{number}]", "was a key of this agency before")
        for number, key in enumerate(verified.application.keys)
        if (verified.agency, key.key_id) in roster.keys
    ]
    if violations:
        raise ApplicationInvalid(violations=violations)
