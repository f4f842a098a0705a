"""The roster: agencies and their keys, folded from the ledger's roster entries.

The hub folds it from its own ledger, every client from the entries that it has verified, so that
both judge a signature by the same keys. Never takes a key from anywhere but a roster entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from comity.errors import ComityError, LedgerForked
from comity.identity import INTERNATIONAL_BODY, AgencyId, country_from_agency_id
from comity.keys import PublicKey, parse_public_key
from comity.v1 import agencies_pb2
from comity.v1.ledger_pb2 import RosterEntry
from comity.v1.notices_pb2 import NoticeKind

SIGNING = agencies_pb2.KEY_PURPOSE_SIGNING
ACTIVE = agencies_pb2.AGENCY_STATUS_ACTIVE
SUSPENDED = agencies_pb2.AGENCY_STATUS_SUSPENDED
# Nothing of theirs may be acted on: they are out of the exchange against their will.
DISTRUSTED = frozenset({SUSPENDED, agencies_pb2.AGENCY_STATUS_REVOKED})


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key of an agency and where in the ledger it is valid: from the first entry, up to but not
    including the ending one."""

    agency_id: AgencyId
    key: agencies_pb2.AgencyKey
    first_entry: int
    ended_entry: int | None = None

    def is_valid_at(self, entry_index: int) -> bool:
        """Whether an act recorded at this entry may rest on the key."""
        return self.first_entry <= entry_index and (
            self.ended_entry is None or entry_index < self.ended_entry
        )


class Roster:
    """Agencies and keys as of the last roster entry that was added. Mutable, no I/O."""

    def __init__(self) -> None:
        self.agencies: dict[AgencyId, agencies_pb2.Agency] = {}
        self.keys: dict[tuple[AgencyId, str], KeyRecord] = {}
        self.last_entry: int | None = None
        self._key_ids: dict[AgencyId, list[str]] = {}
        self._parsed: dict[str, PublicKey] = {}
        self._current: dict[AgencyId, dict[str, PublicKey]] = {}

    def copy(self) -> Roster:
        """A roster of its own that says the same."""
        copied = Roster()
        copied.agencies, copied.keys = dict(self.agencies), dict(self.keys)
        copied.last_entry = self.last_entry
        copied._key_ids = {agency: list(ids) for agency, ids in self._key_ids.items()}
        copied._parsed = dict(self._parsed)
        return copied

    def add_entry(self, entry_index: int, entry: RosterEntry) -> None:
        """Takes the next roster entry.

        1. It follows the last one.
        2. What ends was current, and what is added is new: a key has one period.

        Raises: LedgerForked, and then nothing was taken.
        """
        predecessor = entry.predecessor if entry.HasField("predecessor") else None
        if predecessor != self.last_entry:  # 1
            raise LedgerForked("A roster entry does not follow the one before it.")
        agency_id = AgencyId(entry.agency.agency_id)
        self._require_periods(agency_id, entry)  # 2
        self.agencies[agency_id] = entry.agency
        for key_id in entry.key_ids_ended:
            record = self.keys[agency_id, key_id]
            self.keys[agency_id, key_id] = replace(record, ended_entry=entry_index)
        for key in entry.keys_added:
            self.keys[agency_id, key.key_id] = KeyRecord(agency_id, key, entry_index)
            self._key_ids.setdefault(agency_id, []).append(key.key_id)
        self.last_entry = entry_index
        self._current.pop(agency_id, None)

    def _require_periods(self, agency_id: AgencyId, entry: RosterEntry) -> None:
        if not all(self.has_current_key(agency_id, key_id) for key_id in entry.key_ids_ended):
            raise LedgerForked("A roster entry ends a key that is not current.")
        added = [key.key_id for key in entry.keys_added]
        if len(set(added)) != len(added) or any((agency_id, k) in self.keys for k in added):
            raise LedgerForked("A roster entry adds a key that was there before.")

    def keys_of(self, agency_id: AgencyId) -> list[KeyRecord]:
        """Every key that an agency has or had, in the order of their entries."""
        return [self.keys[agency_id, key_id] for key_id in self._key_ids.get(agency_id, ())]

    def active_agencies(self) -> frozenset[AgencyId]:
        """The agencies that are members now."""
        return frozenset(a for a, agency in self.agencies.items() if agency.status == ACTIVE)

    def is_active(self, agency_id: AgencyId) -> bool:
        """Whether an agency is a member now."""
        agency = self.agencies.get(agency_id)
        return agency is not None and agency.status == ACTIVE

    def is_suspended(self, agency_id: AgencyId) -> bool:
        """Whether an agency is out of the exchange, and may come back."""
        agency = self.agencies.get(agency_id)
        return agency is not None and agency.status == SUSPENDED

    def is_distrusted(self, agency_id: AgencyId) -> bool:
        """Whether an agency was suspended or revoked: what it published is not to be acted on."""
        agency = self.agencies.get(agency_id)
        return agency is not None and agency.status in DISTRUSTED

    def find_lead(self, agency_id: AgencyId) -> AgencyId | None:
        """The lead agency of another agency's country, suspended or not; an international body has
        none, and who leads has none."""
        country = country_from_agency_id(agency_id)
        if country == INTERNATIONAL_BODY:
            return None
        return min((a for a in self.leads_of(country) if a != agency_id), default=None)

    def leads_of(self, country: str) -> list[AgencyId]:
        """The agencies that lead a country, suspended or not; one at most, unless a hub erred."""
        return [
            agency_id
            for agency_id, known in self.agencies.items()
            if country_from_agency_id(agency_id) == country
            and known.leads_country
            and known.status in (ACTIVE, SUSPENDED)
        ]

    def find_copied_lead(self, agency_id: AgencyId) -> AgencyId | None:
        """The lead agency that what an agency publishes has to be addressed to as well, if any.

        None where the lead lets it go freely, or is no active member: then nothing reaches it.
        """
        lead = self.find_lead(agency_id)
        if lead is None or not self.is_active(lead):
            return None
        is_free = self.agencies[lead].outgoing_policy == agencies_pb2.OUTGOING_POLICY_FREE
        return None if is_free else lead

    def publishable_kinds(self, agency_id: AgencyId) -> frozenset[NoticeKind.ValueType]:
        """The kinds of notice that an agency's membership lets it publish."""
        agency = self.agencies.get(agency_id)
        return frozenset(agency.scopes.publishes) if agency is not None else frozenset()

    def has_current_key(self, agency_id: AgencyId, key_id: str) -> bool:
        """Whether a key or certificate is an agency's now."""
        record = self.keys.get((agency_id, key_id))
        return record is not None and record.ended_entry is None

    def has_current_certificate(self, agency_id: AgencyId, certificate_id: str) -> bool:
        """Whether a certificate is an agency's now; a key of another purpose is none."""
        record = self.keys.get((agency_id, certificate_id))
        return (
            record is not None
            and record.ended_entry is None
            and record.key.purpose == agencies_pb2.KEY_PURPOSE_TLS
        )

    def signing_keys(self, agency_id: AgencyId) -> Mapping[str, PublicKey]:
        """An agency's signing keys that are valid now, by key id."""
        keys = self._current.get(agency_id)
        if keys is None:
            keys = self._public_keys(
                record for record in self.keys_of(agency_id) if record.ended_entry is None
            )
            self._current[agency_id] = keys
        return keys

    def every_signing_key(self, agency_id: AgencyId) -> Mapping[str, PublicKey]:
        """The signing keys that an agency has or had, by key id."""
        return self._public_keys(self.keys_of(agency_id))

    def signing_keys_at(self, agency_id: AgencyId, entry_index: int) -> Mapping[str, PublicKey]:
        """An agency's signing keys that were valid at an entry, by key id."""
        return self._public_keys(
            record for record in self.keys_of(agency_id) if record.is_valid_at(entry_index)
        )

    def _public_keys(self, records: Iterable[KeyRecord]) -> dict[str, PublicKey]:
        keys: dict[str, PublicKey] = {}
        for record in records:
            if record.key.purpose != SIGNING:
                continue
            try:
                keys[record.key.key_id] = self._parse(record.key)
            except ComityError:
                continue  # A key of an algorithm that this version does not know verifies nothing.
        return keys

    def _parse(self, key: agencies_pb2.AgencyKey) -> PublicKey:
        parsed = self._parsed.get(key.key_id)
        if parsed is None:
            parsed = parse_public_key(key.public_key)
            # Else one agency's entry could put a key of its own in the place of another's.
            if parsed.key_id != key.key_id:
                raise LedgerForked("A key's id is not that of the key.")
            self._parsed[key.key_id] = parsed
        return parsed
