"""How an agency describes itself and is described: what may stand there, and who may change it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from comity.acts import has_unknown_fields
from comity.application import MAX_NAME_CHARS
from comity.errors import MalformedInput, Violation
from comity.identity import INTERNATIONAL_BODY, AgencyId, country_from_agency_id
from comity.roster import Roster
from comity.texts import code_and_text_violations
from comity.v1 import agencies_pb2 as pb

# What the hub's administrators may change, and what an agency's own administrator.
HUB_FIELDS = frozenset(
    {
        "name",
        "names",
        "kind",
        "contact",
        "duty_line",
        "scopes",
        "leads_country",
        "outgoing_policy",
    }
)
OWN_FIELDS = frozenset({"names", "contact", "duty_line", "outgoing_policy"})

MAX_CONTACT_CHARS = 254  # the longest address that e-mail has (RFC 5321 section 4.5.3.1.3)
MAX_NAMES = 40  # every member keeps them; no country has as many official languages

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164 as it is dialled, without spaces
_CONTACT = re.compile(r"https://[!-~]+|[!-?A-~]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")


def description_violations(agency: pb.Agency) -> list[Violation]:
    """What is wrong with how an agency is described, whatever is left out."""
    violations = code_and_text_violations(agency, "agency")
    if has_unknown_fields(agency):
        violations.append(Violation("agency", "holds fields that this version does not know"))
    if len(agency.name) > MAX_NAME_CHARS or not agency.name.isprintable():
        violations.append(Violation("agency.name", "is too long, or holds control characters"))
    violations += _names_violations(agency)
    if agency.contact and (
        len(agency.contact) > MAX_CONTACT_CHARS or not _CONTACT.fullmatch(agency.contact)
    ):
        said = "is no e-mail address and no https address"
        violations.append(Violation("agency.contact", said))
    if agency.duty_line and not _PHONE.fullmatch(agency.duty_line):
        said = "is no telephone number such as +12025550100"
        violations.append(Violation("agency.duty_line", said))
    if len(set(agency.scopes.publishes)) != len(agency.scopes.publishes):
        violations.append(Violation("agency.scopes.publishes", "names a kind twice"))
    return violations


def _names_violations(agency: pb.Agency) -> list[Violation]:
    languages = [name.language for name in agency.names]
    violations = []
    if len(languages) > MAX_NAMES:
        violations.append(Violation("agency.names", f"are more than {MAX_NAMES}"))
    if len(set(languages)) != len(languages):
        violations.append(Violation("agency.names", "has a language twice"))
    for number, name in enumerate(agency.names):
        text = name.text
        if not text.strip() or len(text) > MAX_NAME_CHARS or not text.isprintable():
            said = "is missing, too long, or holds control characters"
            violations.append(Violation(f"agency.names[{number}].text", said))
    return violations


def standing_violations(agency: pb.Agency, roster: Roster) -> list[Violation]:
    """What does not fit the other members, or is still missing, in a whole description."""
    violations = []
    if not agency.name.strip():
        violations.append(Violation("agency.name", "is missing"))
    if agency.kind == pb.AGENCY_KIND_UNSPECIFIED:
        violations.append(Violation("agency.kind", "is missing"))
    agency_id = AgencyId(agency.agency_id)
    if agency.leads_country:
        lead = roster.find_lead(agency_id)
        if country_from_agency_id(agency_id) == INTERNATIONAL_BODY:
            said = "an international body leads no country"
            violations.append(Violation("agency.leads_country", said))
        elif lead is not None:
            said = f"its country has a lead agency already, {lead}"
            violations.append(Violation("agency.leads_country", said))
    elif agency.outgoing_policy:
        said = "is only for who leads its country"
        violations.append(Violation("agency.outgoing_policy", said))
    return violations


def require_fields(fields: Sequence[str], *, may: Collection[str]) -> None:
    """Requires a change to name fields, and none but those that the caller may change.

    Raises: MalformedInput.
    """
    if not fields:
        raise MalformedInput(violations=[Violation("fields", "names nothing to change")])
    violations = [
        Violation("fields", f"{field} is not the caller's to change, or there is none such")
        for field in sorted(set(fields) - set(may))
    ]
    if violations:
        raise MalformedInput(violations=violations)


def described(agency: pb.Agency, changed: pb.Agency, fields: Sequence[str]) -> pb.Agency:
    """An agency with some of its fields changed; what is empty in `changed` is cleared, and so is
    the policy of who leads no longer."""
    result = pb.Agency()
    result.CopyFrom(agency)
    only = pb.Agency()
    only.CopyFrom(changed)
    for descriptor in pb.Agency.DESCRIPTOR.fields:
        if descriptor.name in fields:
            result.ClearField(descriptor.name)  # type: ignore[arg-type]
        else:
            only.ClearField(descriptor.name)  # type: ignore[arg-type]
    result.MergeFrom(only)
    if not result.leads_country and "outgoing_policy" not in fields:
        result.ClearField("outgoing_policy")
    return result
