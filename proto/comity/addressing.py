"""Who an addressing rule names. Both sides resolve rules with this and nothing else.

The client previews with it, the hub decides with it. Never widens a rule: an empty rule names
nobody and is refused.
"""

from __future__ import annotations

from collections.abc import Collection

from comity.errors import AddressingInvalid, InputRefused, Violation
from comity.identity import AgencyId, country_from_agency_id, is_country_code, parse_agency_id
from comity.v1.acts_pb2 import AddressingRule

MAX_RULE_TERMS = 1_000  # five times the agencies that a hub is built for


def rule_names(rule: AddressingRule, agency: AgencyId) -> bool:
    """Whether a rule names an agency, exclusions included."""
    country = country_from_agency_id(agency)
    if agency in rule.except_agencies or country in rule.except_countries:
        return False
    return rule.all_members or agency in rule.agencies or country in rule.countries


def resolve_rule(
    rule: AddressingRule, *, originator: AgencyId, members: Collection[AgencyId]
) -> frozenset[AgencyId]:
    """The members that a rule names, its originator left out.

    Raises: AddressingInvalid with every term at fault: no rule stated, a malformed or unknown
    agency, a malformed country, a rule that names nobody.
    """
    violations = _form_violations(rule) + _unknown_agencies(rule, members)
    if violations:
        raise AddressingInvalid(violations=violations)
    named = frozenset(a for a in members if a != originator and rule_names(rule, a))
    if not named and not rule.and_later_members:
        raise AddressingInvalid(
            violations=[Violation("rule", "names no member but its originator")]
        )
    return named


def _form_violations(rule: AddressingRule) -> list[Violation]:
    if not (rule.all_members or rule.agencies or rule.countries):
        return [Violation("rule", "states no addressee: name agencies, countries or all members")]
    terms = (rule.agencies, rule.countries, rule.except_agencies, rule.except_countries)
    if sum(len(term) for term in terms) > MAX_RULE_TERMS:
        return [Violation("rule", f"has more than {MAX_RULE_TERMS} terms")]
    countries = [("countries", c) for c in rule.countries]
    countries += [("except_countries", c) for c in rule.except_countries]
    agencies = [("agencies", a) for a in rule.agencies]
    agencies += [("except_agencies", a) for a in rule.except_agencies]
    violations = [
        Violation(f"rule.{field}", f"{code[:8]!r} is not a country code")
        for field, code in countries
        if not is_country_code(code)
    ]
    for field, agency in agencies:
        try:
            parse_agency_id(agency)
        except InputRefused:
            violations.append(Violation(f"rule.{field}", f"{agency[:24]!r} is not an agency id"))
    return violations


def _unknown_agencies(rule: AddressingRule, members: Collection[AgencyId]) -> list[Violation]:
    known = frozenset(members)
    named = [("agencies", a) for a in rule.agencies]
    named += [("except_agencies", a) for a in rule.except_agencies]
    return [
        Violation(f"rule.{field}", f"{agency[:24]!r} is not a member")
        for field, agency in named
        if agency not in known
    ]
