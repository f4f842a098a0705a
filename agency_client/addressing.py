"""Whom a notice goes to: rules from what people write, and wider ones from those in force. No I/O.

Never states an addressee by itself: who is to receive a notice is always said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, MutableSequence

from comity.addressing import rule_names
from comity.errors import AddressingInvalid, MalformedInput, Violation
from comity.identity import AgencyId, country_from_agency_id, is_country_code, parse_agency_id
from comity.v1.acts_pb2 import AddressingRule

ALL = "all"
MAX_NAMED_ADDRESSEES = 10  # as many as are read at a glance


def rule_from_terms(to: Iterable[str], *, exceptions: Iterable[str] = ()) -> AddressingRule:
    """The rule that terms state: agency ids, country codes, or `all`, also divided by commas.

    Raises: AddressingInvalid with every term at fault.
    """
    rule = AddressingRule()
    violations = []
    for term in _divided(to):
        if term == ALL:
            rule.all_members = True
        elif not _add(term, rule.agencies, rule.countries):
            violations.append(Violation("to", f"{term!r} is no agency id, country code or 'all'"))
    for term in _divided(exceptions):
        if not _add(term, rule.except_agencies, rule.except_countries):
            violations.append(Violation("except", f"{term!r} is no agency id or country code"))
    if violations:
        raise AddressingInvalid(violations=violations)
    return rule


def _divided(terms: Iterable[str]) -> list[str]:
    return [part.strip() for term in terms for part in term.split(",")]


def _add(term: str, agencies: MutableSequence[str], countries: MutableSequence[str]) -> bool:
    """Adds a term to whichever it is one of; False where it is neither."""
    if is_country_code(term):
        countries.append(term)
        return True
    try:
        agencies.append(parse_agency_id(term))
    except MalformedInput:
        return False
    return True


def rule_with_copy(rule: AddressingRule, lead: AgencyId | None) -> AddressingRule:
    """The rule that names the lead agency as well, which gets a copy of what its country publishes.

    The same rule where there is no such agency, where it is named already, or nobody is.

    Raises: AddressingInvalid where the rule excludes it.
    """
    states_nobody = not (rule.all_members or rule.agencies or rule.countries)
    if lead is None or states_nobody or rule_names(rule, lead):
        return rule
    is_named_out = lead in rule.except_agencies
    if is_named_out or country_from_agency_id(lead) in rule.except_countries:
        term = lead if is_named_out else country_from_agency_id(lead)
        said = f"{term} cannot be excluded: {lead} leads the country and gets a copy"
        raise AddressingInvalid(violations=[Violation("--except", said)])
    copied = AddressingRule()
    copied.CopyFrom(rule)
    copied.agencies.append(lead)
    return copied


def wider_rule(
    current: AddressingRule, added: AddressingRule, *, members: Collection[AgencyId]
) -> AddressingRule:
    """The rule that names whom the current one names, and whom the added one names.

    An exclusion ends where the added rule names the same agency or country. Agencies that are no
    members any longer are left out: nobody can be addressed who is none.
    """
    known = frozenset(members)
    agencies = {*current.agencies, *added.agencies}
    return AddressingRule(
        agencies=sorted(a for a in agencies if AgencyId(a) in known or a in added.agencies),
        countries=sorted({*current.countries, *added.countries}),
        all_members=current.all_members or added.all_members,
        except_agencies=sorted(
            a for a in set(current.except_agencies) - set(added.agencies) if AgencyId(a) in known
        ),
        except_countries=sorted(set(current.except_countries) - set(added.countries)),
        and_later_members=current.and_later_members or added.and_later_members,
    )


def narrower_rule(current: AddressingRule, left_out: AddressingRule) -> AddressingRule:
    """The rule that names whom the current one names, less the agencies and countries that the
    exclusions of another name.

    Whoever is named by name is struck out; whoever would be named otherwise is excluded.
    """
    agencies, countries = set(left_out.except_agencies), set(left_out.except_countries)
    rule = AddressingRule()
    rule.CopyFrom(current)
    del rule.agencies[:], rule.countries[:], rule.except_agencies[:], rule.except_countries[:]
    rule.agencies.extend(
        a
        for a in current.agencies
        if a not in agencies and country_from_agency_id(AgencyId(a)) not in countries
    )
    rule.countries.extend(c for c in current.countries if c not in countries)
    is_named_otherwise = rule.all_members or bool(rule.countries)
    rule.except_agencies.extend(
        sorted({*current.except_agencies, *(agencies if is_named_otherwise else ())})
    )
    rule.except_countries.extend(
        sorted({*current.except_countries, *(countries if rule.all_members else ())})
    )
    return rule


def unmatched_countries(rule: AddressingRule, *, members: Collection[AgencyId]) -> list[str]:
    """The countries that a rule names or excludes, and that no member is of."""
    known = {country_from_agency_id(member) for member in members}
    return [c for c in (*rule.countries, *rule.except_countries) if c not in known]


def option_violations(
    error: AddressingInvalid, rule: AddressingRule, *, members: Collection[AgencyId]
) -> list[Violation]:
    """What is wrong with a rule, by the options that stated it; which country has no member."""
    named = [
        Violation("--except" if "except" in v.field else "--to", v.description)
        for v in error.violations
    ]
    nobody = unmatched_countries(AddressingRule(countries=rule.countries), members=members)
    return [*(Violation("--to", f"no member is of {country}") for country in nobody), *named]


def members_named(
    rule: AddressingRule, *, originator: AgencyId, members: Collection[AgencyId]
) -> list[AgencyId]:
    """The members that a rule names now, however many: none is no error."""
    return sorted(a for a in members if a != originator and rule_names(rule, a))


def rule_text(rule: AddressingRule) -> str:
    """A rule in words, in the terms that it was stated in."""
    named = ", ".join([*(["all"] if rule.all_members else []), *rule.agencies, *rule.countries])
    excluded = ", ".join([*rule.except_agencies, *rule.except_countries])
    without = f" except {excluded}" if excluded else ""
    return f"{named}{without}{', and later members' if rule.and_later_members else ''}"


def addressees_text(agencies: Collection[AgencyId]) -> str:
    """Whom a notice goes to, by name as far as that is read at a glance."""
    names = sorted(agencies)
    if len(names) <= MAX_NAMED_ADDRESSEES:
        return ", ".join(names) or "nobody yet"
    return f"{len(names)} agencies: {', '.join(names[:MAX_NAMED_ADDRESSEES])}, ..."
