"""`comity admin suspend`, `reinstate`, `revoke`, `describe`, `end-key`: watching over members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.admin import AgencyArgument, admin_app
from agency_client.cli.application import ProfileOption, argument, command, opened_agency
from agency_client.cli.descriptions import (
    ContactOption,
    Description,
    DutyLineOption,
    NamesOption,
    OutgoingOption,
    ReasonOption,
    parse_publishes,
)
from agency_client.cli.output import say, write

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from comity.identity import AgencyId
    from comity.v1.agencies_pb2 import AgencyScopes


@admin_app.command()
@command
async def suspend(
    agency: AgencyArgument, reason: ReasonOption, profile: ProfileOption = None
) -> None:
    """Suspend an agency: within a second nothing passes, and its notices are not acted on."""
    await _change(agency, "SUSPENDED", reason, profile)
    write(f"'comity admin reinstate {agency}' takes it back in; it goes on where it stopped.")


@admin_app.command()
@command
async def reinstate(
    agency: AgencyArgument, reason: ReasonOption, profile: ProfileOption = None
) -> None:
    """Take a suspended agency back in."""
    await _change(agency, "ACTIVE", reason, profile)


@admin_app.command()
@command
async def revoke(
    agency: AgencyArgument,
    reason: ReasonOption,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Take an agency out for good: its id is never a member's again.

    Where it may come back, suspend it: 'comity admin suspend' stops as much, within a second.
    """
    from comity.identity import parse_agency_id

    argument("AGENCY", agency, parse_agency_id)
    if not yes:
        say(f"Where {agency} may come back, suspend it: comity admin suspend {agency}")
        typer.confirm(f"Revoke {agency} for good? Its id is never a member's again.", abort=True,
                      err=True)  # fmt: skip
    await _change(agency, "REVOKED", reason, profile)
    write("It is out for good: its id is never a member's again.")


async def _change(agency: str, status: str, reason: str, profile: str | None) -> None:
    from agency_client.membership import change_status
    from comity.identity import parse_agency_id
    from comity.v1.agencies_pb2 import AgencyStatus

    member = argument("AGENCY", agency, parse_agency_id)
    async with opened_agency(profile) as opened:
        value = AgencyStatus.Value(f"AGENCY_STATUS_{status}")
        index = await change_status(opened, member, value, reason)
    write(f"{agency} is {status.lower()}; entry {index} of the ledger.")


@admin_app.command()
@command
async def describe(  # noqa: PLR0913, PLR0917 - each is an option of the command
    agency: AgencyArgument,
    reason: ReasonOption,
    name: Annotated[
        str | None, typer.Option(help="Its name, as members shall see it.", show_default=False)
    ] = None,
    names: NamesOption = None,
    kind: Annotated[
        str | None, typer.Option(help="ncb, police, customs and so on.", show_default=False)
    ] = None,
    contact: ContactOption = None,
    duty_line: DutyLineOption = None,
    publishes: Annotated[
        str | None,
        typer.Option(
            metavar="KINDS",
            help="What it may publish: red,yellow and so on, all, none.",
            show_default=False,
        ),
    ] = None,
    searches: Annotated[
        bool | None,
        typer.Option("--searches/--no-searches", help="It may search.", show_default=False),
    ] = None,
    leads_country: Annotated[
        bool | None,
        typer.Option(
            "--leads-country/--no-leads-country",
            help="It speaks for its country.",
            show_default=False,
        ),
    ] = None,
    outgoing: OutgoingOption = None,
    profile: ProfileOption = None,
) -> None:
    """Change what members see of an agency, and what it may do. Only what is given changes."""
    from agency_client.membership import describe_agency
    from comity.identity import parse_agency_id

    member = argument("AGENCY", agency, parse_agency_id)
    description = Description()
    description.set_text("name", name)
    description.set_names(names)
    description.set_kind(kind)
    description.set_contact(contact, duty_line)
    description.set_leads_country(leads_country)
    description.set_outgoing(outgoing)
    async with opened_agency(profile) as opened:
        if publishes is not None or searches is not None:
            scopes = await _scopes(opened, member, publishes, searches)
            description.agency.scopes.CopyFrom(scopes)
            description.fields.append("scopes")
        index = await describe_agency(opened, description.request(member, reason))
    write(f"Described {agency}; entry {index} of the ledger.")


async def _scopes(
    opened: Agency, member: AgencyId, publishes: str | None, searches: bool | None
) -> AgencyScopes:
    """An agency's scopes with what the options say of them: the hub takes them whole."""
    from comity.v1.agencies_pb2 import AgencyScopes

    wanted = None if publishes is None else parse_publishes(publishes)
    await opened.client.refresh_roster()
    known = opened.trust.roster.agencies.get(member)
    scopes = AgencyScopes()
    if known is not None:
        scopes.CopyFrom(known.scopes)
    if wanted is not None:
        scopes.publishes[:] = wanted
    if searches is not None:
        scopes.searches = searches
    return scopes


@admin_app.command("end-key")
@command
async def end_key(
    agency: AgencyArgument,
    keys: Annotated[
        list[str],
        typer.Argument(metavar="KEY...", help="As 'comity agencies AGENCY' shows them, in full."),
    ],
    reason: ReasonOption,
    profile: ProfileOption = None,
) -> None:
    """End keys or certificates of an agency for good. Also for its own administrator."""
    from agency_client.membership import end_keys
    from comity.identity import parse_agency_id

    member = argument("AGENCY", agency, parse_agency_id)
    async with opened_agency(profile) as opened:
        index = await end_keys(opened, member, keys, reason=reason)
    write(f"Ended {len(keys)} of {agency}; entry {index} of the ledger.")
