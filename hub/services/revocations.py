"""The revocation list: what whoever does not read the roster is told of certificates.

The hub itself judges by the roster, at every call. The list is for what stands beside it, such as
a Keycloak or a proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from comity.identity import AgencyId
from comity.roster import Roster
from comity.times import datetime_from_microseconds, datetime_from_timestamp, microseconds_from
from comity.v1 import agencies_pb2 as pb
from comity.v1 import ledger_pb2
from hub.services.membership import PAGE_ENTRIES, Membership
from hub.store.certificates import StoredCertificate, list_unexpired
from hub.store.database import Connection, Database
from hub.store.ledger import list_roster_entries

RENEW_AFTER = timedelta(hours=6)  # a quarter of a list's life; sooner where membership changes

_REASONS = {
    pb.AGENCY_STATUS_SUSPENDED: x509.ReasonFlags.certificate_hold,
    pb.AGENCY_STATUS_REVOKED: x509.ReasonFlags.privilege_withdrawn,
    pb.AGENCY_STATUS_LEFT: x509.ReasonFlags.cessation_of_operation,
}


@dataclass(frozen=True, slots=True)
class RevokedCertificate:
    """A certificate that is taken no longer, since when, and why."""

    serial_number: int
    revoked_at: datetime
    reason: x509.ReasonFlags


# Signs a list as of a moment; gives its DER.
SignList = Callable[[Sequence[RevokedCertificate], datetime], bytes]


class Revocations:
    """GetRevocationList. Signs anew where membership has changed, or a list is some hours old."""

    def __init__(
        self,
        database: Database,
        *,
        membership: Membership,
        sign: SignList,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._membership = membership
        self._sign = sign
        self._clock = clock
        self._signed: tuple[int | None, datetime, bytes] | None = None

    async def get(self) -> bytes:
        """The revocation list, DER.

        Raises: StoreUnavailable; InternalError where the authority's key is not at hand.
        """
        now, version = self._clock(), self._membership.version
        if self._signed is not None:
            signed_version, signed_at, signed = self._signed
            if signed_version == version and now - signed_at < RENEW_AFTER:
                return signed
        signed = self._sign(await self._list_revoked(now), now)
        self._signed = (version, now, signed)
        return signed

    async def _list_revoked(self, now: datetime) -> list[RevokedCertificate]:
        """What is taken no longer although its time is not over."""
        async with self._database.read() as connection:
            history = await _load_history(connection)
            certificates = await list_unexpired(connection, microseconds_from(now))
        found = (history.revoked(certificate) for certificate in certificates)
        return [revoked for revoked in found if revoked is not None]


@dataclass(frozen=True, slots=True)
class _History:
    """The roster, when each of its entries was written, and at which of them each agency came to
    its present status."""

    roster: Roster
    recorded_at: Mapping[int, datetime]
    status_entry: Mapping[AgencyId, int]

    def revoked(self, certificate: StoredCertificate) -> RevokedCertificate | None:
        agency = certificate.agency_id
        record = self.roster.keys.get((agency, certificate.certificate_id))
        if record is not None and record.ended_entry is not None:
            entry, reason = record.ended_entry, x509.ReasonFlags.superseded
        else:
            known = self.roster.agencies.get(agency)
            if known is None or known.status not in _REASONS:
                return None
            entry, reason = self.status_entry[agency], _REASONS[known.status]
        serial_number = int(certificate.serial_number, 16)
        return RevokedCertificate(serial_number, self.recorded_at[entry], reason)


async def _load_history(connection: Connection) -> _History:
    roster, first = Roster(), 0
    recorded_at: dict[int, datetime] = {}
    status_entry: dict[AgencyId, int] = {}
    while page := await list_roster_entries(connection, first, limit=PAGE_ENTRIES):
        for stored in page:
            entry = ledger_pb2.LedgerEntry.FromString(stored.entry)
            moment = datetime_from_timestamp(entry.recorded_at)
            recorded_at[stored.entry_index] = moment or datetime_from_microseconds(0)
            agency = AgencyId(entry.roster.agency.agency_id)
            before = roster.agencies.get(agency)
            if before is None or before.status != entry.roster.agency.status:
                status_entry[agency] = stored.entry_index
            roster.add_entry(stored.entry_index, entry.roster)
        first = page[-1].entry_index + 1
    return _History(roster, recorded_at, status_entry)
