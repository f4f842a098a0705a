"""`--to`, `--except`, `--and-later-members`: whom a notice goes to is always said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.output import say

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from comity.identity import AgencyId
    from comity.v1.acts_pb2 import AddressingRule

ToOption = Annotated[
    list[str],
    typer.Option(
        "--to",
        metavar="TERM",
        help="Who receives it: an agency, a country, or 'all'. May be given repeatedly.",
    ),
]
ExceptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--except",
        metavar="TERM",
        help="Who does not: an agency or a country.",
        show_default=False,
    ),
]
LaterOption = Annotated[
    bool,
    typer.Option("--and-later-members", help="Also those who become members later."),
]


def stated_rule(
    to: Sequence[str], except_: Sequence[str] | None, *, and_later_members: bool
) -> AddressingRule:
    """The addressing that the options state; anything else is a usage error."""
    from agency_client.addressing import rule_from_terms
    from comity.errors import AddressingInvalid

    try:
        rule = rule_from_terms(to, exceptions=except_ or ())
    except AddressingInvalid as error:
        faults = "; ".join(f"--{v.field}: {v.description}" for v in error.violations)
        raise typer.BadParameter(faults) from None
    rule.and_later_members = and_later_members
    return rule


async def resolved_as_stated(agency: Agency, rule: AddressingRule) -> frozenset[AgencyId]:
    """The members that the options name now, by the newest roster.

    Says which terms name nobody, and who gets a copy.

    Raises: as `resolved`; HubUnavailable.
    """
    from agency_client.addressing import unmatched_countries

    await agency.client.refresh_roster()
    named = resolved(agency, rule)
    _say_who_gets_a_copy(agency, rule)
    for country in unmatched_countries(rule, members=agency.trust.roster.active_agencies()):
        say(f"comity: no member is of {country}.")
    return named


def resolved(agency: Agency, rule: AddressingRule) -> frozenset[AgencyId]:
    """The members that a rule names, and who gets a copy, as of the roster that is known here. The
    hub decides again.

    Raises: AddressingInvalid with every term at fault, by the options that stated them.
    """
    from agency_client.addressing import option_violations, rule_with_copy
    from comity.addressing import resolve_rule
    from comity.errors import AddressingInvalid

    members = agency.trust.roster.active_agencies()
    try:
        whole = rule_with_copy(rule, _copied_to(agency))
        return resolve_rule(whole, originator=agency.profile.agency, members=members)
    except AddressingInvalid as error:
        violations = option_violations(error, rule, members=members)
        raise AddressingInvalid("Nothing was sent.", violations=violations) from error


def _say_who_gets_a_copy(agency: Agency, rule: AddressingRule) -> None:
    from agency_client.addressing import rule_with_copy

    lead = _copied_to(agency)
    if rule_with_copy(rule, lead) is not rule:
        say(f"comity: addressed to {lead} as well: it leads the country.")


def _copied_to(agency: Agency) -> AgencyId | None:
    return agency.trust.roster.find_copied_lead(agency.profile.agency)
