"""Admitting agencies: from a verified application to an entry in the roster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comity.application import VerifiedApplication
from comity.errors import AgencyExists
from comity.identity import AgencyId
from comity.v1 import agencies_pb2, events_pb2, ledger_pb2
from hub.services.membership import Membership
from hub.store.audiences import add_later_member
from hub.store.events import StoredEvent
from hub.store.transaction import LedgerTransaction


@dataclass(frozen=True, slots=True)
class Admittance:
    """An application that is to be entered, and the certificate signed for it."""

    verified: VerifiedApplication
    certificate_id: str


class AdmissionService:
    """The commit half of admitting; run by whoever has the hub's database."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    async def commit_many(
        self, transaction: LedgerTransaction, admittances: Sequence[Admittance]
    ) -> list[int | AgencyExists]:
        """Enters agencies into the roster and gives their entries."""
        await self._membership.refresh_within(transaction.connection, transaction.head)
        known: set[AgencyId] = set(self._membership.roster.agencies)
        results: list[int | AgencyExists] = []
        for admittance in admittances:
            agency = admittance.verified.agency
            if agency in known:
                results.append(AgencyExists(f"{agency} is in the roster already."))
                continue
            known.add(agency)
            results.append(await _enter(transaction, admittance))
        return results


async def _enter(transaction: LedgerTransaction, admittance: Admittance) -> int:
    verified = admittance.verified
    certificate = agencies_pb2.AgencyKey(
        key_id=admittance.certificate_id,
        purpose=agencies_pb2.KEY_PURPOSE_TLS,
        algorithm=agencies_pb2.KEY_ALGORITHM_ECDSA_P256_SHA256,
    )
    index = transaction.append_roster(
        ledger_pb2.RosterEntry(
            agency=agencies_pb2.Agency(
                agency_id=verified.agency,
                name=verified.application.name,
                status=agencies_pb2.AGENCY_STATUS_ACTIVE,
            ),
            keys_added=[*verified.application.keys, certificate],
            application_digest=verified.digest,
        )
    )
    await add_later_member(transaction.connection, verified.agency)
    transaction.add_event(_roster_event(index, verified.agency))
    return index


def _roster_event(entry_index: int, agency: AgencyId) -> StoredEvent:
    return StoredEvent(
        entry_index=entry_index,
        kind=events_pb2.EVENT_KIND_ROSTER_CHANGED,
        originator=agency,
        notice_id="",
        notice_kind=0,
        traffic=0,
        urgency=0,
        audience=None,
        act_entry=entry_index,
    )
