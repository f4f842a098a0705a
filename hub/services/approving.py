"""The commit halves of letting in: approvals, refusals, a lead agency's consent.

Who is admitted gets its certificate inside the same transaction, so that none is ever signed for
an agency that is not entered. That keeps the ledger's lock for some milliseconds, a few times a
year.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from comity.acts import envelope_from_message
from comity.application import VerifiedApplication, verify_application
from comity.consent import VerifiedConsent
from comity.errors import ApprovedAlready, ComityError, ConsentMissing, NotFound, NotPermitted
from comity.identity import AgencyId
from comity.roster import Roster
from comity.v1 import acts_pb2, ledger_pb2
from comity.v1 import agencies_pb2 as pb
from hub.services.admission import Admittance, enter_new_keys, enter_new_member
from hub.services.enrolling import agency_on_the_way, changed_by, decide_each
from hub.services.issued_certificates import stored_certificate
from hub.services.membership import Membership
from hub.services.roster_changes import append_change, is_gone, is_member, roster_within
from hub.store.enrolments import (
    EnrolmentStage,
    StoredApproval,
    StoredEnrolment,
    delete_approvals,
    find_enrolment,
    list_approvals,
    put_approvals,
    put_enrolment,
)
from hub.store.transaction import LedgerTransaction

NEEDED_APPROVALS = 2  # nobody is let in by one person alone

# Signs and keeps an agency's certificate; raises a ComityError where that cannot be done now.
Issue = Callable[[VerifiedApplication], x509.Certificate]

_MAY_BE_REFUSED = (EnrolmentStage.INVITED, EnrolmentStage.CHALLENGED, EnrolmentStage.APPLIED)


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's word that an application, known by its digest, is the agency's own."""

    agency: AgencyId
    application_digest: bytes
    by: StoredApproval


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody's word that an agency is not let in now, and why."""

    agency: AgencyId
    reason: str
    by: StoredApproval


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A lead agency's verified consent, and its envelope."""

    verified: VerifiedConsent
    envelope: acts_pb2.Envelope


def awaits_consent(roster: Roster, enrolment: StoredEnrolment) -> bool:
    """Whether the country's lead agency has still to consent; a member needs none again."""
    if enrolment.consent is not None or is_member(roster.agencies.get(enrolment.agency_id)):
        return False
    return roster.find_lead(enrolment.agency_id) is not None


class Approving:
    """What letting in writes."""

    def __init__(self, membership: Membership, *, hub_domain: str, issue: Issue) -> None:
        self._membership = membership
        self._hub_domain = hub_domain
        self._issue = issue

    async def approve_many(
        self, transaction: LedgerTransaction, approvals: Sequence[Approval]
    ) -> list[bool | ComityError]:
        """Takes approvals, and tells of each whether it was the last one that was needed."""
        return await decide_each(partial(self._approve, transaction), approvals)

    async def _approve(self, transaction: LedgerTransaction, approval: Approval) -> bool:
        """1. That application waits. 2. It was not approved by the same before. 3. What else is
        needed is there: then the agency is admitted."""
        roster = await roster_within(transaction, self._membership)
        enrolment = await _waiting(  # 1
            transaction, roster, approval.agency, application_digest=approval.application_digest
        )
        given = await list_approvals(transaction.connection, approval.agency)
        if approval.by.approver in {one.approver for one in given}:  # 2
            raise ApprovedAlready()
        if len(given) >= NEEDED_APPROVALS:
            raise ConsentMissing()
        given.append(approval.by)
        if len(given) >= NEEDED_APPROVALS and not awaits_consent(roster, enrolment):  # 3
            await self._admit(transaction, roster, enrolment, given)
            return True
        await put_approvals(transaction.connection, approval.agency, given)
        return False

    async def consent_many(
        self, transaction: LedgerTransaction, consents: Sequence[GivenConsent]
    ) -> list[ComityError | None]:
        """Takes lead agencies' consents; who has its approvals already is admitted."""
        return await decide_each(partial(self._consent, transaction), consents)

    async def _consent(self, transaction: LedgerTransaction, given: GivenConsent) -> None:
        consent = given.verified
        roster = await roster_within(transaction, self._membership)
        if roster.find_lead(consent.agency) != consent.lead:
            raise NotPermitted("The caller does not lead that agency's country.")
        found = await _waiting(
            transaction, roster, consent.agency, application_digest=consent.application_digest
        )
        enrolment = replace(found, consent=given.envelope.SerializeToString(deterministic=True))
        approvals = await list_approvals(transaction.connection, consent.agency)
        if len(approvals) >= NEEDED_APPROVALS:
            await self._admit(transaction, roster, enrolment, approvals)
        else:
            await put_enrolment(transaction.connection, enrolment)

    async def refuse_many(
        self, transaction: LedgerTransaction, refusals: Sequence[Refusal]
    ) -> list[int | ComityError]:
        """Refuses applications, and takes invitations back. Members see the reason."""
        return await decide_each(partial(self._refuse, transaction), refusals)

    async def _refuse(self, transaction: LedgerTransaction, refusal: Refusal) -> int:
        enrolment = await find_enrolment(transaction.connection, refusal.agency)
        if enrolment is None or enrolment.stage not in _MAY_BE_REFUSED:
            raise NotFound(f"{refusal.agency} is not on its way.")
        roster = await roster_within(transaction, self._membership)
        shown = agency_on_the_way(roster, enrolment)
        if shown.status == pb.AGENCY_STATUS_APPLIED:
            shown.status = pb.AGENCY_STATUS_INVITED
        refused = replace(enrolment, stage=EnrolmentStage.REFUSED)
        await put_enrolment(transaction.connection, refused)
        await delete_approvals(transaction.connection, refusal.agency)
        entry = ledger_pb2.RosterEntry(
            agency=shown,
            change=ledger_pb2.ROSTER_CHANGE_REFUSED,
            reason=refusal.reason,
            changed_by=changed_by([refusal.by]),
        )
        return append_change(transaction, entry)

    async def _admit(
        self,
        transaction: LedgerTransaction,
        roster: Roster,
        enrolment: StoredEnrolment,
        approvals: Sequence[StoredApproval],
    ) -> None:
        verified = self._verified(enrolment)
        certificate = self._issue(verified)  # before anything is written: it may fail
        agency, connection = enrolment.agency_id, transaction.connection
        admittance = Admittance(verified, stored_certificate(certificate, agency=agency))
        pem = certificate.public_bytes(Encoding.PEM)
        admitted = replace(enrolment, stage=EnrolmentStage.ADMITTED, certificate=pem)
        await put_enrolment(connection, admitted)
        await put_approvals(connection, agency, approvals)
        entry = ledger_pb2.RosterEntry(
            agency=agency_on_the_way(roster, enrolment),
            changed_by=changed_by(approvals),
            statement_digests=_statement_digests(enrolment),
        )
        if is_member(roster.agencies.get(agency)):
            entry.change = ledger_pb2.ROSTER_CHANGE_ENROLLED_AGAIN
            ended = [r.key.key_id for r in roster.keys_of(agency) if r.ended_entry is None]
            await enter_new_keys(transaction, entry, admittance, ended=ended)
        else:
            entry.change = ledger_pb2.ROSTER_CHANGE_APPROVED
            if roster.find_lead(agency) is not None:  # since it was invited; one leads
                entry.agency.leads_country = False
            await enter_new_member(transaction, entry, admittance)

    def _verified(self, enrolment: StoredEnrolment) -> VerifiedApplication:
        envelope = acts_pb2.Envelope.FromString(enrolment.application or b"")
        return verify_application(envelope_from_message(envelope), hub_domain=self._hub_domain)


async def _waiting(
    transaction: LedgerTransaction, roster: Roster, agency: AgencyId, *, application_digest: bytes
) -> StoredEnrolment:
    enrolment = await find_enrolment(transaction.connection, agency)
    if (
        enrolment is None
        or is_gone(roster.agencies.get(agency))  # since it applied
        or enrolment.stage is not EnrolmentStage.APPLIED
        or enrolment.application_digest != application_digest
    ):
        raise NotFound(
            f"No application of {agency} with that digest waits. If the agency reads out another "
            "digest than is listed, somebody else has used its code: refuse the application."
        )
    return enrolment


def _statement_digests(enrolment: StoredEnrolment) -> list[bytes]:
    if enrolment.consent is None:
        return []
    payload = acts_pb2.Envelope.FromString(enrolment.consent).payload
    return [hashlib.sha256(payload).digest()]
