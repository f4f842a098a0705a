"""How the agency itself stands with its hub: its membership, and whether its keys are current.

By the roster as it is verified here. Never touches the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256

from agency_client.agency import Agency
from agency_client.field_text import Safe, code_words
from agency_client.members_text import history_of
from agency_client.pending_keys import PendingKeys
from agency_client.tls_pair import load_certificate
from comity.errors import ComityError
from comity.roster import ACTIVE
from comity.v1 import agencies_pb2 as pb

_ENROL_AGAIN = "ask the hub's administrators to invite this agency again, then: comity enrol"
_FINISH = "comity keys rotate"
_ASK = "ask the hub's administrators why"
_NEXT_STEPS = {
    pb.AGENCY_STATUS_SUSPENDED: "ask the hub's administrators; 'comity run' goes on by itself "
    "once they reinstate it",
    pb.AGENCY_STATUS_REVOKED: "for good; the inbox stays as it is",
    pb.AGENCY_STATUS_LEFT: "for good; the inbox stays as it is",
}


@dataclass(frozen=True, slots=True)
class Membership:
    """What the agency is to the hub, since which entry, and the reason that the entry gives."""

    status: pb.AgencyStatus.ValueType
    entry_index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How the agency stands. What is None is not known here.

    `is_refused`: the hub says that the agency is no active member. `is_changing`: a change of keys
    was begun and is not finished.
    """

    membership: Membership | None
    is_signing_key_current: bool | None
    is_certificate_current: bool | None
    is_refused: bool
    is_changing: bool

    def document(self) -> dict[str, Any]:
        """The same as values of a JSON document."""
        known = self.membership
        membership = known and {
            "status": pb.AgencyStatus.Name(known.status).removeprefix("AGENCY_STATUS_"),
            "entryIndex": known.entry_index,
            "reason": known.reason,
        }
        return {
            "membership": membership,
            "isSigningKeyCurrent": self.is_signing_key_current,
            "isCertificateCurrent": self.is_certificate_current,
        }

    def words(self, safe: Safe) -> dict[str, str]:
        """The same in words, with what to do next, by the names of the document."""
        signing = _key_words(is_current=self.is_signing_key_current)
        if self.is_changing:
            state = _state(is_current=self.is_signing_key_current)
            signing = f"{state}; a change was begun. Next: {_FINISH}"
        return {
            "membership": self._membership_words(safe),
            "isSigningKeyCurrent": signing,
            "isCertificateCurrent": _key_words(is_current=self.is_certificate_current),
        }

    def _membership_words(self, safe: Safe) -> str:
        known = self.membership
        if known is None:
            return f"not active, says the hub. Next: {_ASK}" if self.is_refused else "?"
        reason = f": {safe(known.reason)}" if known.reason else ""
        status = code_words(pb.AgencyStatus.DESCRIPTOR, known.status)
        said = f"{status} by entry {known.entry_index}{reason}"
        if self.is_refused and known.status == ACTIVE:
            return f"{said}; no longer, says the hub. Next: {_ASK}"
        next_step = _NEXT_STEPS.get(known.status)
        return f"{said}. Next: {next_step}" if next_step else said


def find_standing(agency: Agency, *, is_refused: bool, reads_keys: bool) -> Standing:
    """How the agency stands as far as the roster is known here.

    The signing keys, whose passphrase may be asked for, are read only where `reads_keys`.
    """
    return Standing(
        find_membership(agency),
        _has_current_signing_keys(agency) if reads_keys else None,
        _has_current_certificate(agency),
        is_refused=is_refused,
        is_changing=PendingKeys(agency.profile).exist,
    )


def find_membership(agency: Agency) -> Membership | None:
    """The agency's membership; None where the roster is not known here."""
    found: Membership | None = None
    for step in history_of(agency.trust, agency.profile.agency):
        status = step.entry.agency.status
        if found is None or status != found.status:
            found = Membership(status, step.entry_index, step.entry.reason)
    return found


def _has_current_signing_keys(agency: Agency) -> bool | None:
    """Whether every signing key of the profile is the agency's now."""
    roster, own = agency.trust.roster, agency.profile.agency
    if own not in roster.agencies:
        return None
    try:
        keys = agency.profile.load_signing_keys(agency.passphrase())
    except ComityError:
        return None
    return all(roster.has_current_key(own, key.public.key_id) for key in keys)


def _has_current_certificate(agency: Agency) -> bool | None:
    """Whether the profile's certificate is the agency's now."""
    roster, own = agency.trust.roster, agency.profile.agency
    if own not in roster.agencies:
        return None
    try:
        _, certificate = load_certificate(agency.profile)
    except ComityError:
        return None
    return roster.has_current_key(own, certificate.fingerprint(SHA256()).hex())


def _key_words(*, is_current: bool | None) -> str:
    said = _state(is_current=is_current)
    return f"{said}. Next: {_ENROL_AGAIN}" if is_current is False else said


def _state(*, is_current: bool | None) -> str:
    if is_current is None:
        return "?"
    return "current" if is_current else "not current in the roster"
