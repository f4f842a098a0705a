"""An entry as a process keeps it in memory, and what of it depends on the moment.

Never reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from comity.times import timestamp_from
from comity.v1 import authorities_pb2 as pb
from directory.freshness import due_at, freshness_at
from directory.hours import Hours, OpenState, hours_from


@dataclass(frozen=True, slots=True)
class KnownAuthority:
    """A valid entry with its hours made ready. `verified_at` is None where it never was.

    `entry_index` is of the newest entry of the ledger about it.
    """

    authority: pb.Authority
    version: int
    keeper: pb.Keeper
    hours: Hours
    verified_at: datetime | None
    verification: pb.Verification | None
    entry_index: int
    # Made ready because every search asks for them of many entries.
    due: datetime | None
    uses: frozenset[int]
    regions: frozenset[str]
    accepted_languages: frozenset[str]
    spoken_languages: frozenset[str]
    channels: frozenset[int]
    lasting: pb.AuthorityRecord  # what of its record does not depend on the moment
    # By urgent or not: what was made last, and the state of the office that it was made for.
    _reachable: dict[bool, tuple[OpenState, pb.Reachability]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def freshness(self, now: datetime) -> pb.Freshness.ValueType:
        """How far the entry can be relied on."""
        return freshness_at(now, self.due)

    def is_reliable(self, now: datetime) -> bool:
        """Whether it was confirmed in time."""
        return self.due is not None and now < self.due

    def is_reachable(self, now: datetime, *, urgent: bool) -> bool:
        """Whether somebody can be reached now; lines for urgent cases count in those only."""
        if pb.CONTACT_USE_DUTY in self.uses or (urgent and pb.CONTACT_USE_URGENT in self.uses):
            return True
        return pb.CONTACT_USE_OFFICE in self.uses and self.hours.is_open(now)

    def contacts_at(self, now: datetime, *, urgent: bool) -> Iterator[pb.ContactPoint]:
        """How somebody can be reached now, best first: the office, who is on duty, urgent lines."""
        uses = [pb.CONTACT_USE_OFFICE] if self.hours.is_open(now) else []
        uses += [pb.CONTACT_USE_DUTY]
        uses += [pb.CONTACT_USE_URGENT] if urgent else []
        for use in uses:
            yield from (each for each in self.authority.contacts if each.use == use)

    def record(self, now: datetime, *, urgent: bool = False) -> pb.AuthorityRecord:
        """The entry as it is shown at a moment. Withholds nothing: that is the services' to do."""
        record = pb.AuthorityRecord()
        self.fill(record, now, urgent=urgent)
        return record

    def fill(self, record: pb.AuthorityRecord, now: datetime, *, urgent: bool = False) -> None:
        """Makes an empty record this entry's, where it stands: a copy costs more than a look-up."""
        record.CopyFrom(self.lasting)
        record.freshness = self.freshness(now)
        record.reachability.CopyFrom(self._reachability(now, urgent=urgent))
        record.reachability.at.CopyFrom(timestamp_from(now))

    def _reachability(self, now: datetime, *, urgent: bool) -> pb.Reachability:
        """Whether the office is open, until when or from when on, and how to reach somebody."""
        state = self.hours.state_at(now)
        made_for, found = self._reachable.get(urgent, (None, None))
        if made_for is state and found is not None:
            return found
        found = pb.Reachability(
            office_open=state.is_open, contacts=list(self.contacts_at(now, urgent=urgent))
        )
        if state.until is not None:
            change = found.closes_at if state.is_open else found.opens_at
            change.CopyFrom(timestamp_from(state.until))
        self._reachable[urgent] = state, found
        return found


def known_from(
    authority: pb.Authority,
    *,
    version: int,
    keeper: pb.Keeper,
    verified_at: datetime | None,
    verification: pb.Verification | None = None,
    entry_index: int = 0,
) -> KnownAuthority:
    """A valid entry made ready."""
    due = due_at(verified_at, authority)
    lasting = pb.AuthorityRecord(
        authority=authority, version=version, keeper=keeper, last_verified=verification
    )
    if due is not None:
        lasting.confirmation_due_at.CopyFrom(timestamp_from(due))
    own = lasting.authority  # in memory once
    return KnownAuthority(
        own,
        version,
        keeper,
        hours_from(own.office_hours),
        verified_at,
        verification,
        entry_index,
        due=due,
        uses=frozenset(contact.use for contact in own.contacts),
        regions=frozenset(own.territory.regions),
        accepted_languages=frozenset(own.accepted_languages),
        spoken_languages=frozenset(own.spoken_languages),
        channels=frozenset(own.channels),
        lasting=lasting,
    )
