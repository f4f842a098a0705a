"""Entering what States have notified the hub: many entries at once, at the hub's own machine.

Each gets its entry in the ledger. All of a file or nothing is entered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from comity.errors import AuthorityInvalid, ComityError, IdReused, Violation
from comity.identity import AgencyId
from comity.times import microseconds_from
from comity.v1 import authorities_pb2 as pb
from directory.entry import authority_violations
from directory.services.calls import RosterWithin, Transaction
from directory.services.keepers import Keepers
from directory.services.versions import enter_verification, enter_version, verification_now
from directory.store.authorities import StoredVersion, find_authority

MAX_NAMED = 50  # faults; who has more has another kind of file


@dataclass(frozen=True, slots=True)
class Notified:
    """Entries, the note verbale that they came with, and the officer who enters them."""

    authorities: Sequence[pb.Authority]
    note_verbale: str
    officer_id: str = ""  # empty where nobody was logged in


def require_well_formed(authorities: Sequence[pb.Authority]) -> None:
    """Requires entries to be well-formed, and none to be there twice.

    Raises: AuthorityInvalid, with every entry and field at fault.
    """
    violations = list(_faults(authorities))
    if violations:
        raise AuthorityInvalid(violations=violations[:MAX_NAMED])


def _faults(authorities: Sequence[pb.Authority]) -> Iterator[Violation]:
    seen: set[str] = set()
    for number, authority in enumerate(authorities):
        for each in authority_violations(authority):
            yield Violation(f"authorities[{number}].{each.field}", each.description)
        if authority.authority_id in seen:
            yield Violation(f"authorities[{number}].authority_id", "stands twice")
        seen.add(authority.authority_id)


class Notifications:
    """The commit half; by the hub's command line."""

    def __init__(self, *, roster_within: RosterWithin, hub_agency: AgencyId) -> None:
        self._roster_within = roster_within
        self._hub_agency = hub_agency

    async def enter_many(
        self, transaction: Transaction, items: Sequence[Notified]
    ) -> list[int | ComityError]:
        """Enters files of entries, and gives how many each had."""
        return [await self._enter(transaction, item) for item in items]

    async def _enter(self, transaction: Transaction, item: Notified) -> int | ComityError:
        """1. None of them is there. 2. Each is entered, and counts as verified by its State."""
        taken = [
            Violation(f"authorities[{number}].authority_id", "is in the directory already")
            for number, each in enumerate(item.authorities)
            if await find_authority(transaction.connection, each.authority_id) is not None
        ]
        if taken:  # 1
            return IdReused("Nothing was entered.", violations=taken[:MAX_NAMED])
        roster = await self._roster_within(transaction)
        asked = pb.Keeper(note_verbale=item.note_verbale)
        keeper = Keepers(roster, self._hub_agency).notified(asked)
        for authority in item.authorities:  # 2
            version = self._version(transaction, item, authority, keeper)
            await enter_version(transaction, version, roster=roster)
            current = await find_authority(transaction.connection, authority.authority_id)
            assert current is not None
            verification = verification_now(
                transaction,
                version=current.version,
                agency_id=self._hub_agency,
                officer_id=item.officer_id,
                method=pb.VERIFICATION_METHOD_NOTIFICATION,
            )
            await enter_verification(transaction, current, verification, roster=roster)
        return len(item.authorities)

    def _version(
        self,
        transaction: Transaction,
        item: Notified,
        authority: pb.Authority,
        keeper: pb.Keeper,
    ) -> StoredVersion:
        return StoredVersion(
            authority=authority,
            version=1,
            keeper=keeper,
            agency_id=self._hub_agency,
            officer_id=item.officer_id,
            changed_at=microseconds_from(transaction.now),
            entry_index=0,
            salt=transaction.new_salt(),
        )
