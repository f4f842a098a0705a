"""The commit halves of changing keys: renewed certificates, rotated keys, ended ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from comity.acts import envelope_from_message
from comity.application import NEEDED_PURPOSES
from comity.errors import (
    AgencyNotActive,
    CertificateRefused,
    ComityError,
    MalformedInput,
    RotationInvalid,
    Violation,
)
from comity.identity import AgencyId
from comity.roster import KeyRecord, Roster
from comity.rotation import VerifiedRotation, verify_rotation
from comity.v1 import acts_pb2, ledger_pb2
from comity.v1 import agencies_pb2 as pb
from hub.services.enrolling import changed_by, decide_each
from hub.services.issued_certificates import key_of_certificate
from hub.services.member_changes import require_member
from hub.services.membership import Membership
from hub.services.roster_changes import append_change, roster_within
from hub.store.certificates import StoredCertificate, insert_certificate
from hub.store.enrolments import StoredApproval
from hub.store.transaction import LedgerTransaction

MAX_CURRENT_KEYS = 8  # of one purpose: one in use, one to come, and room for several systems

_PURPOSE_NAMES = {
    pb.KEY_PURPOSE_SIGNING: "signing",
    pb.KEY_PURPOSE_SEALING: "sealing",
    pb.KEY_PURPOSE_WITNESS: "witness",
}


@dataclass(frozen=True, slots=True)
class Renewal:
    """A certificate that was signed for an agency, and the one that it called with."""

    agency: AgencyId
    called_with: str
    certificate: StoredCertificate


@dataclass(frozen=True, slots=True)
class Rotation:
    """An agency's signed change of keys. Verified by any signing key that the agency ever had:
    whether it is one of now is judged under the writer's lock."""

    verified: VerifiedRotation
    envelope: acts_pb2.Envelope


@dataclass(frozen=True, slots=True)
class KeyEnding:
    """Somebody's word that nothing rests on some keys and certificates any longer."""

    agency: AgencyId
    key_ids: Sequence[str]
    reason: str
    by: StoredApproval


class KeyChanges:
    """What changing keys writes."""

    def __init__(self, membership: Membership, *, hub_domain: str) -> None:
        self._membership = membership
        self._hub_domain = hub_domain

    async def renew_many(
        self, transaction: LedgerTransaction, renewals: Sequence[Renewal]
    ) -> list[int | ComityError]:
        """Enters renewed certificates, and gives the entries."""
        return await decide_each(partial(self._renew, transaction), renewals)

    async def _renew(self, transaction: LedgerTransaction, renewal: Renewal) -> int:
        """1. Agency and certificate are current still. 2. Besides the new one only the certificate
        of the call stays: one that never arrived, and those before, are of no use."""
        roster = await roster_within(transaction, self._membership)
        if not roster.has_current_key(renewal.agency, renewal.called_with):  # 1
            raise CertificateRefused()
        if not roster.is_active(renewal.agency):
            raise AgencyNotActive()
        ended = [  # 2
            record.key.key_id
            for record in _current(roster, renewal.agency)
            if record.key.purpose == pb.KEY_PURPOSE_TLS and record.key.key_id != renewal.called_with
        ]
        await insert_certificate(transaction.connection, renewal.certificate)
        entry = ledger_pb2.RosterEntry(
            agency=roster.agencies[renewal.agency],
            change=ledger_pb2.ROSTER_CHANGE_KEYS_ROTATED,
            keys_added=[key_of_certificate(renewal.certificate)],
            key_ids_ended=ended,
        )
        return append_change(transaction, entry)

    async def rotate_many(
        self, transaction: LedgerTransaction, rotations: Sequence[Rotation]
    ) -> list[int | ComityError]:
        """Enters changes of keys that agencies have signed, and gives the entries."""
        return await decide_each(partial(self._rotate, transaction), rotations)

    async def _rotate(self, transaction: LedgerTransaction, rotation: Rotation) -> int:
        """1. The same again, whose answer was lost, has the same entry. 2. The agency is active,
        and the signing key is its own still. 3. What ends is current, what comes was nobody's, and
        the agency is left with what it needs."""
        verified = rotation.verified
        agency = verified.agency
        roster = await roster_within(transaction, self._membership)
        if (entered := find_entered(roster, verified)) is not None:  # 1
            return entered
        if not roster.is_active(agency):  # 2
            raise AgencyNotActive()
        verify_rotation(
            envelope_from_message(rotation.envelope),
            hub_domain=self._hub_domain,
            agency=agency,
            signing_keys=roster.signing_keys(agency),
        )
        violations = _rotation_violations(roster, verified)  # 3
        if violations:
            raise RotationInvalid(violations=violations)
        entry = ledger_pb2.RosterEntry(
            agency=roster.agencies[agency],
            change=ledger_pb2.ROSTER_CHANGE_KEYS_ROTATED,
            keys_added=verified.keys_added,
            key_ids_ended=verified.key_ids_ended,
            statement_digests=[verified.digest],
        )
        return append_change(transaction, entry)

    async def end_many(
        self, transaction: LedgerTransaction, endings: Sequence[KeyEnding]
    ) -> list[int | ComityError]:
        """Ends keys and certificates, and gives the entries."""
        return await decide_each(partial(self._end, transaction), endings)

    async def _end(self, transaction: LedgerTransaction, ending: KeyEnding) -> int:
        roster = await roster_within(transaction, self._membership)
        agency = require_member(roster, ending.agency)
        violations = [
            Violation(f"key_ids[{number}]", "is no current key or certificate of the agency")
            for number, key_id in enumerate(ending.key_ids)
            if not roster.has_current_key(ending.agency, key_id)
        ]
        if violations:
            raise MalformedInput(violations=violations)
        entry = ledger_pb2.RosterEntry(
            agency=agency,
            change=ledger_pb2.ROSTER_CHANGE_KEYS_ENDED,
            key_ids_ended=ending.key_ids,
            reason=ending.reason,
            changed_by=changed_by([ending.by]),
        )
        return append_change(transaction, entry)


def find_entered(roster: Roster, verified: VerifiedRotation) -> int | None:
    """The entry of a change of keys that was entered already: all of what it adds is the agency's
    from one entry on, and all of what it ends has ended there."""
    added = [roster.keys.get((verified.agency, key.key_id)) for key in verified.keys_added]
    ended = [roster.keys.get((verified.agency, key_id)) for key_id in verified.key_ids_ended]
    entries = {None if record is None else record.first_entry for record in added}
    entries |= {None if record is None else record.ended_entry for record in ended}
    return entries.pop() if len(entries) == 1 else None


def _current(roster: Roster, agency: AgencyId) -> Iterable[KeyRecord]:
    return (record for record in roster.keys_of(agency) if record.ended_entry is None)


def _rotation_violations(roster: Roster, verified: VerifiedRotation) -> list[Violation]:
    used = {key_id for _, key_id in roster.keys}  # by whichever agency: none takes another's
    violations = [
        Violation(f"keys_added[{number}]", "was a key before")
        for number, key in enumerate(verified.keys_added)
        if key.key_id in used
    ]
    current = {
        record.key.key_id: record.key.purpose for record in _current(roster, verified.agency)
    }
    for number, key_id in enumerate(verified.key_ids_ended):
        if current.get(key_id) not in NEEDED_PURPOSES:
            said = "is no current signing, sealing or witness key of the agency"
            violations.append(Violation(f"key_ids_ended[{number}]", said))
    left = [purpose for key_id, purpose in current.items() if key_id not in verified.key_ids_ended]
    left += [key.purpose for key in verified.keys_added]
    for purpose in NEEDED_PURPOSES:
        name = _PURPOSE_NAMES[purpose]
        if purpose not in left:
            violations.append(Violation("key_ids_ended", f"leaves the agency no {name} key"))
        if left.count(purpose) > MAX_CURRENT_KEYS:
            said = f"leaves the agency more than {MAX_CURRENT_KEYS} {name} keys"
            violations.append(Violation("keys_added", said))
    return violations
