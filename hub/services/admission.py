"""Admitting agencies: from a verified application to an entry in the roster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comity.application import VerifiedApplication
from comity.errors import AgencyExists
from comity.v1 import agencies_pb2, ledger_pb2, notices_pb2
from hub.services.issued_certificates import key_of_certificate
from hub.services.membership import Membership
from hub.services.roster_changes import append_change, roster_within
from hub.store.audiences import add_later_member
from hub.store.certificates import StoredCertificate, insert_certificate
from hub.store.enrolments import delete_enrolment
from hub.store.transaction import LedgerTransaction

_ON_THE_WAY = (agencies_pb2.AGENCY_STATUS_INVITED, agencies_pb2.AGENCY_STATUS_APPLIED)


@dataclass(frozen=True, slots=True)
class Admittance:
    """An application that is to be entered, and the certificate signed for it."""

    verified: VerifiedApplication
    certificate: StoredCertificate


def every_scope() -> agencies_pb2.AgencyScopes:
    """Everything that membership can grant: whoever admits without saying more means that."""
    kinds = [kind for kind in notices_pb2.NoticeKind.values() if kind]
    return agencies_pb2.AgencyScopes(publishes=kinds, searches=True)


class AdmissionService:
    """The commit half of admitting without approvals; run by whoever has the hub's database."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    async def commit_many(
        self, transaction: LedgerTransaction, admittances: Sequence[Admittance]
    ) -> list[int | AgencyExists]:
        """Enters agencies into the roster and gives their entries.

        An agency that is on its way by invitation is admitted all the same, and its code is void.
        """
        return [await self._commit(transaction, admittance) for admittance in admittances]

    async def _commit(
        self, transaction: LedgerTransaction, admittance: Admittance
    ) -> int | AgencyExists:
        agency = admittance.verified.agency
        roster = await roster_within(transaction, self._membership)
        known = roster.agencies.get(agency)
        if known is not None and known.status not in _ON_THE_WAY:
            return AgencyExists(f"{agency} is in the roster already.")
        entry = ledger_pb2.RosterEntry(
            agency=agencies_pb2.Agency(
                agency_id=agency,
                name=admittance.verified.application.name,
                scopes=every_scope(),
            ),
            change=ledger_pb2.ROSTER_CHANGE_ADMITTED,
        )
        await delete_enrolment(transaction.connection, agency)
        return await enter_new_member(transaction, entry, admittance)


async def enter_new_member(
    transaction: LedgerTransaction, entry: ledger_pb2.RosterEntry, admittance: Admittance
) -> int:
    """Enters who was no member, active from here on, with its keys; gives the entry's index."""
    entry.agency.status = agencies_pb2.AGENCY_STATUS_ACTIVE
    await _add_keys(transaction, entry, admittance)
    await add_later_member(transaction.connection, admittance.verified.agency)
    return append_change(transaction, entry)


async def enter_new_keys(
    transaction: LedgerTransaction,
    entry: ledger_pb2.RosterEntry,
    admittance: Admittance,
    *,
    ended: Sequence[str],
) -> int:
    """Enters new keys and a new certificate of a member, in the place of all those before."""
    entry.key_ids_ended.extend(ended)
    await _add_keys(transaction, entry, admittance)
    return append_change(transaction, entry)


async def _add_keys(
    transaction: LedgerTransaction, entry: ledger_pb2.RosterEntry, admittance: Admittance
) -> None:
    await insert_certificate(transaction.connection, admittance.certificate)
    certificate = key_of_certificate(admittance.certificate)
    entry.keys_added.extend([*admittance.verified.application.keys, certificate])
    entry.application_digest = admittance.verified.digest
