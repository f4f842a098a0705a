"""Members in words: who they are, what they may do, what has become of them. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agency_client.field_text import Safe, code_words
from agency_client.trust import Trust, parse_entry
from comity.identity import AgencyId, country_from_agency_id
from comity.roster import KeyRecord
from comity.times import datetime_from_timestamp
from comity.v1.agencies_pb2 import (
    KEY_PURPOSE_TLS,
    OUTGOING_POLICY_FREE,
    Agency,
    AgencyKind,
    AgencyScopes,
    AgencyStatus,
    KeyAlgorithm,
    KeyPurpose,
)
from comity.v1.ledger_pb2 import (
    ROSTER_CHANGE_ADMITTED,
    ROSTER_CHANGE_APPROVED,
    ROSTER_CHANGE_DESCRIBED,
    ROSTER_CHANGE_INVITED,
    ROSTER_CHANGE_KEYS_ENDED,
    ROSTER_CHANGE_KEYS_ROTATED,
    ROSTER_CHANGE_REFUSED,
    ROSTER_CHANGE_REINSTATED,
    ROSTER_CHANGE_REVOKED,
    ROSTER_CHANGE_SUSPENDED,
    RosterChange,
    RosterEntry,
)
from comity.v1.notices_pb2 import NoticeKind

# What somebody has to have made; who applies, renews or leaves is the agency of the entry itself.
_BY_SOMEBODY = frozenset(
    {
        ROSTER_CHANGE_ADMITTED,
        ROSTER_CHANGE_INVITED,
        ROSTER_CHANGE_APPROVED,
        ROSTER_CHANGE_SUSPENDED,
        ROSTER_CHANGE_REINSTATED,
        ROSTER_CHANGE_REVOKED,
        ROSTER_CHANGE_REFUSED,
        ROSTER_CHANGE_DESCRIBED,
        ROSTER_CHANGE_KEYS_ENDED,
    }
)


@dataclass(frozen=True, slots=True)
class RosterStep:
    """One change of an agency, with its entry and when the hub recorded it (aware)."""

    entry_index: int
    recorded_at: datetime | None
    entry: RosterEntry


def history_of(trust: Trust, agency: AgencyId) -> list[RosterStep]:
    """Every change of an agency, from the first."""
    steps = []
    for index, leaf in sorted(trust.roster_leaves.items()):
        parsed = parse_entry(leaf.entry)
        if parsed.roster.agency.agency_id == agency:
            moment = datetime_from_timestamp(parsed.recorded_at)
            steps.append(RosterStep(index, moment, parsed.roster))
    return steps


def scopes_text(scopes: AgencyScopes) -> str:
    """What membership grants beyond reading: kinds to publish, searching."""
    every = set(NoticeKind.values()[1:])
    if every <= set(scopes.publishes):
        published = "publish every kind of notice"
    else:
        kinds = [code_words(NoticeKind.DESCRIPTOR, kind).upper() for kind in scopes.publishes]
        published = f"publish {', '.join(kinds)}" if kinds else ""
    granted = [part for part in (published, "search" if scopes.searches else "") if part]
    return " and ".join(granted) or "observe only"


def member_line(agency: Agency, safe: Safe) -> str:
    """A member on one line."""
    status = code_words(AgencyStatus.DESCRIPTOR, agency.status)
    kind = code_words(AgencyKind.DESCRIPTOR, agency.kind) if agency.kind else "?"
    lead = ", leads its country" if agency.leads_country else ""
    country = country_from_agency_id(AgencyId(agency.agency_id))
    return (
        f"{safe(agency.agency_id):<18} {status:<9} {country}  {safe(agency.name)} "
        f"({kind}{lead}): may {scopes_text(agency.scopes)}"
    )


def member_lines(agency: Agency, safe: Safe) -> Iterator[str]:
    """How a member is described and reached."""
    yield member_line(agency, safe)
    yield from (f"  {safe(name.language)}: {safe(name.text)}" for name in agency.names)
    yield f"  contact    {safe(agency.contact) or '?'}"
    yield f"  duty line  {safe(agency.duty_line) or '?'}"
    if agency.leads_country:
        is_free = agency.outgoing_policy == OUTGOING_POLICY_FREE
        asked = "go where they are addressed" if is_free else "are copied to it"
        yield f"  notices of its country's other agencies {asked}"


def step_line(step: RosterStep, safe: Safe) -> str:
    """A change of a member on one line: entry, time, what, by whom, why."""
    what = _change_words(step.entry)
    moment = f"{step.recorded_at:%Y-%m-%d %H:%M} UTC" if step.recorded_at else "?"
    by = ", ".join(map(safe, step.entry.changed_by))
    if not by and step.entry.change in _BY_SOMEBODY:
        by = "nobody: at the hub's machine, without a log-in"
    who = f" by {by}" if by else ""
    reason = f": {safe(step.entry.reason)}" if step.entry.reason else ""
    return f"  entry {step.entry_index:<6} {moment}  {what}{who}{reason}"


def _change_words(entry: RosterEntry) -> str:
    """What has changed; of keys, whether it was only the certificate."""
    added = [key.purpose for key in entry.keys_added]
    is_renewal = bool(added) and all(purpose == KEY_PURPOSE_TLS for purpose in added)
    if entry.change == ROSTER_CHANGE_KEYS_ROTATED and is_renewal:
        return "certificate renewed"
    return code_words(RosterChange.DESCRIPTOR, entry.change)


def key_line(record: KeyRecord) -> str:
    """A key on one line: purpose, algorithm, id in full, its first and last entry."""
    purpose = code_words(KeyPurpose.DESCRIPTOR, record.key.purpose)
    algorithm = code_words(KeyAlgorithm.DESCRIPTOR, record.key.algorithm)
    ended = "" if record.ended_entry is None else f", ended by entry {record.ended_entry}"
    return f"  {purpose:<8} {record.key.key_id}  {algorithm}, since {record.first_entry}{ended}"
