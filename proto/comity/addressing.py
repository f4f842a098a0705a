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
    return _Terms(rule).name(agency)


def is_as_wide(rule: AddressingRule, other: AddressingRule) -> bool:
    """Whether a rule names every agency that another names, those that will join one day included.

    May say no where only an enumeration of all agencies could tell; never says yes wrongly.
    """
    terms, others = _Terms(rule), _Terms(other)
    if others.all_members and not terms.all_members:
        return False
    return (
        all(terms.name_country(country) for country in others.countries_named())
        and all(terms.name(agency) for agency in others.agencies if others.name(agency))
        and not any(others.name(agency) for agency in terms.except_agencies)
        and not any(others.name_country(country) for country in terms.except_countries)
    )


class _Terms:
    """A rule's terms, to be looked up."""

    def __init__(self, rule: AddressingRule) -> None:
        self.all_members = rule.all_members
        self.agencies = frozenset(map(AgencyId, rule.agencies))
        self.countries = frozenset(rule.countries)
        self.except_agencies = frozenset(map(AgencyId, rule.except_agencies))
        self.except_countries = frozenset(rule.except_countries)

    def name(self, agency: AgencyId) -> bool:
        """Whether they name an agency."""
        country = country_from_agency_id(agency)
        if agency in self.except_agencies or country in self.except_countries:
            return False
        return self.all_members or agency in self.agencies or country in self.countries

    def name_country(self, country: str) -> bool:
        """Whether they name the agencies of a country, save those excluded one by one."""
        return country not in self.except_countries and (
            self.all_members or country in self.countries
        )

    def countries_named(self) -> frozenset[str]:
        """The countries that are named as such and not excluded."""
        return self.countries - self.except_countries


def resolve_rule(
    rule: AddressingRule, *, originator: AgencyId, members: Collection[AgencyId]
) -> frozenset[AgencyId]:
    """The members that a rule names, its originator left out.

    Raises: AddressingInvalid with every term at fault: no rule stated, a malformed or unknown
    agency, a malformed country, a term that stands twice, a rule that names nobody.
    """
    violations = _form_violations(rule) + _unknown_agencies(rule, members)
    if violations:
        raise AddressingInvalid(violations=violations)
    terms = _Terms(rule)
    named = frozenset(a for a in members if a != originator and terms.name(a))
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
    if any(len(set(term)) != len(term) for term in terms):
        return [Violation("rule", "has a term that stands twice")]
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
