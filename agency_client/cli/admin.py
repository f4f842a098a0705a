"""`comity admin …` for administrators of the hub, `comity consent` for lead agencies."""

from __future__ import annotations

from typing import Annotated

import typer

from agency_client.cli.application import (
    EXIT_CODES,
    JsonOption,
    ProfileOption,
    app,
    argument,
    command,
    opened_agency,
)
from agency_client.cli.descriptions import (
    ContactOption,
    DutyLineOption,
    NamesOption,
    parse_kind,
    parse_names,
    parse_publishes,
)
from agency_client.cli.output import json_from, safe, write, write_json

admin_app = typer.Typer(
    help="For administrators of the hub.", epilog=EXIT_CODES, no_args_is_help=True
)
app.add_typer(admin_app, name="admin")

AgencyArgument = Annotated[str, typer.Argument(metavar="AGENCY", help="Its id, such as FR-NCB.")]
DigestOption = Annotated[
    str, typer.Option(help="SHA-256 of the application, as the agency reads it out.")
]


@admin_app.command()
@command
async def invite(  # noqa: PLR0913, PLR0917 - each is an option of the command
    agency: AgencyArgument,
    name: Annotated[str, typer.Option(help="Its name, as members shall see it.")] = "",
    kind: Annotated[str, typer.Option(help="ncb, police, customs and so on.")] = "",
    names: NamesOption = None,
    contact: ContactOption = None,
    duty_line: DutyLineOption = None,
    publishes: Annotated[
        str,
        typer.Option(metavar="KINDS", help="What it may publish: red,yellow and so on, all, none."),
    ] = "all",
    searches: Annotated[bool, typer.Option("--searches/--no-searches", help="It may search.")] = (
        True
    ),
    leads_country: Annotated[
        bool,
        typer.Option("--leads-country", help="Others of its country need its consent."),
    ] = False,
    hours: Annotated[
        int, typer.Option(min=1, max=336, help="How long the code is good for.")
    ] = 168,
    profile: ProfileOption = None,
) -> None:
    """Invite an agency, or a member that has lost its keys. Prints its code, once."""
    from agency_client.members_text import scopes_text
    from agency_client.membership import invite_agency
    from comity.identity import parse_agency_id
    from comity.v1.agencies_pb2 import AGENCY_KIND_UNSPECIFIED, Agency, AgencyScopes
    from comity.v1.membership_pb2 import InviteAgencyRequest

    invited = Agency(
        agency_id=argument("AGENCY", agency, parse_agency_id),
        name=name,
        names=parse_names(names or ()),
        kind=parse_kind(kind) if kind else AGENCY_KIND_UNSPECIFIED,
        contact=contact or "",
        duty_line=duty_line or "",
        scopes=AgencyScopes(publishes=parse_publishes(publishes), searches=searches),
        leads_country=leads_country,
    )
    request = InviteAgencyRequest(agency=invited, valid_hours=hours)
    async with opened_agency(profile) as opened:
        response = await invite_agency(opened, request)
    write(f"Invited {agency}. Hand over, by a way that nobody else reads, such as in person:")
    write(f"  code         {safe(response.code)}")
    write(f"  fingerprint  {safe(response.hub_fingerprint)}")
    write(f"It will be let {scopes_text(invited.scopes)}.")


@admin_app.command()
@command
async def applications(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """List the applications that wait for approval."""
    from agency_client.membership import list_applications

    async with opened_agency(profile) as opened:
        listed = await list_applications(opened)
    for one in listed.applications:
        if json:
            write_json(json_from(one))
            continue
        marks = [f"{one.approvals} of 2 approvals"]
        marks += ["the lead agency's consent is missing"] if one.awaits_consent else []
        marks += ["replaces the keys of a member"] if one.enrols_again else []
        write(f"{safe(one.agency.agency_id):<20} {safe(one.agency.name)}: {', '.join(marks)}")
        write(f"  {safe(one.application_digest)}")


@admin_app.command()
@command
async def approve(
    agency: AgencyArgument, digest: DigestOption, profile: ProfileOption = None
) -> None:
    """Approve an application that was compared with the agency by telephone."""
    from agency_client.membership import approve_application
    from comity.identity import parse_agency_id

    applicant, application = argument("AGENCY", agency, parse_agency_id), _digest(digest)
    async with opened_agency(profile) as opened:
        response = await approve_application(opened, applicant, application.hex())
    if response.admitted:
        write(f"Admitted {agency}.")
    else:
        write(f"Approved {agency}; it is not admitted yet: see 'comity admin applications'.")


@admin_app.command()
@command
async def refuse(
    agency: AgencyArgument,
    reason: Annotated[str, typer.Option(help="Why; all members see it. Names no person.")],
    profile: ProfileOption = None,
) -> None:
    """Refuse an application, or take an invitation back."""
    from agency_client.membership import refuse_application
    from comity.identity import parse_agency_id

    applicant = argument("AGENCY", agency, parse_agency_id)
    async with opened_agency(profile) as opened:
        await refuse_application(opened, applicant, reason)
    write(f"Refused {agency}. It may be invited again.")


@app.command()
@command
async def consent(
    agency: AgencyArgument, digest: DigestOption, profile: ProfileOption = None
) -> None:
    """Consent, as the country's lead agency, to another agency of the country. Signed."""
    from agency_client.membership import consent_to_agency
    from comity.identity import parse_agency_id

    applicant, application = argument("AGENCY", agency, parse_agency_id), _digest(digest)
    async with opened_agency(profile) as opened:
        await consent_to_agency(opened, applicant, application)
    write(f"{opened.profile.agency} has consented to {agency}.")


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise typer.BadParameter("--digest has 64 hexadecimal digits.")
    return digest
