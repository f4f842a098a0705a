"""`comity-hub agency invite`, `applications`, `approve`, `refuse`: at the hub's own machine."""

from __future__ import annotations

from typing import Annotated

import typer

from comity.times import datetime_from_timestamp, utc_now
from comity.v1 import agencies_pb2, membership_pb2
from hub.administration import Administration
from hub.cli.administrator import AdministratorOption, EmergencyOption, acting
from hub.cli.agency_description import KINDS, parse_kind, parse_publishes
from hub.cli.application import DEFAULT_FOLDER, Folder, agency_app, command
from hub.services.applications import (
    DEFAULT_VALID_HOURS,
    MACHINE_APPROVES,
    MACHINE_INVITES,
)
from hub.settings import load_settings

AgencyArgument = Annotated[str, typer.Argument(metavar="AGENCY", help="Its id, such as FR-NCB.")]


@agency_app.command()
@command
async def invite(  # noqa: PLR0913, PLR0917 - each is an option of the command
    agency: AgencyArgument,
    name: Annotated[str, typer.Option(help="Its name, as members shall see it.")] = "",
    kind: Annotated[str, typer.Option(help=", ".join(KINDS))] = "",
    leads_country: Annotated[
        bool,
        typer.Option("--leads-country", help="Others of its country need its consent."),
    ] = False,
    publishes: Annotated[
        str, typer.Option(help="Which kinds of notice it may publish: all, none, or red,yellow.")
    ] = "all",
    searches: Annotated[
        bool, typer.Option("--searches/--no-searches", help="Whether it may search.")
    ] = True,
    hours: Annotated[int, typer.Option(help="How long the code is good for.")] = (
        DEFAULT_VALID_HOURS
    ),
    administrator: AdministratorOption = None,
    emergency: EmergencyOption = False,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Invite an agency, or a member that has lost its keys. Prints its code, once.

    A member keeps the name and the kind that it has. Whoever is invited again has a new code, and
    the old one is void.
    """
    if not hours > 0:
        raise typer.BadParameter("--hours is a number of hours from 1 on.")
    invited = agencies_pb2.Agency(
        agency_id=agency,
        name=name,
        leads_country=leads_country,
        scopes=agencies_pb2.AgencyScopes(publishes=parse_publishes(publishes), searches=searches),
    )
    if kind:
        invited.kind = parse_kind(kind)
    request = membership_pb2.InviteAgencyRequest(agency=invited, valid_hours=hours)
    settings = load_settings(folder)
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_ledger()
        applications = await administration.applications()
        by = await acting(
            administration, administrator=administrator, emergency=emergency, step=MACHINE_INVITES
        )
        response = await applications.invite(by, request)
    _echo_invitation(agency, response, domain=settings.domain)
    if not settings.enrol_listen:
        typer.echo("This hub has no enrol_listen in its configuration: nobody can enrol.", err=True)


def _echo_invitation(
    agency: str, response: membership_pb2.InviteAgencyResponse, *, domain: str
) -> None:
    expires_at = datetime_from_timestamp(response.expires_at)
    assert expires_at is not None
    typer.echo(f"Invited {agency}. Hand over, by a way that nobody else reads, such as in person:")
    typer.echo(f"  code         {response.code}")
    typer.echo(f"  fingerprint  {response.hub_fingerprint}")
    typer.echo(
        f"The code is good for once, until {expires_at:%Y-%m-%d %H:%M} UTC. The agency runs:"
    )
    typer.echo(
        f"  comity enrol {agency} --hub HOST:PORT --hub-domain {domain} "
        f"--fingerprint {response.hub_fingerprint}"
    )
    typer.echo("with the host and port of this hub's enrolment, and is asked for the code.")


@agency_app.command("applications")
@command
async def list_applications(folder: Folder = DEFAULT_FOLDER) -> None:
    """List the applications that wait for approval."""
    async with Administration(load_settings(folder), clock=utc_now) as administration:
        await administration.require_ledger()
        applications = await administration.applications()
        listed = await applications.list_applications()
    for one in listed.applications:
        marks = [f"{one.approvals} of 2 approvals"]
        marks += ["the lead agency's consent is missing"] if one.awaits_consent else []
        marks += ["replaces the keys of a member"] if one.enrols_again else []
        typer.echo(f"{one.agency.agency_id:<20} {one.agency.name}: {', '.join(marks)}")
        typer.echo(f"  {one.application_digest}")


@agency_app.command()
@command
async def approve(
    agency: AgencyArgument,
    digest: Annotated[
        str, typer.Option(help="SHA-256 of the application, as the agency reads it out.")
    ],
    administrator: AdministratorOption = None,
    emergency: EmergencyOption = False,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Approve an application that was compared with the agency by telephone."""
    request = membership_pb2.ApproveApplicationRequest(agency_id=agency, application_digest=digest)
    async with Administration(load_settings(folder), clock=utc_now) as administration:
        await administration.require_ledger()
        applications = await administration.applications()
        by = await acting(
            administration, administrator=administrator, emergency=emergency, step=MACHINE_APPROVES
        )
        response = await applications.approve(by, request)
    if response.admitted:
        typer.echo(f"Admitted {agency}.")
    else:
        typer.echo(f"Approved {agency}; it is not admitted yet: see 'agency applications'.")


@agency_app.command()
@command
async def refuse(
    agency: AgencyArgument,
    reason: Annotated[str, typer.Option(help="Why; all members see it. Names no person.")],
    administrator: AdministratorOption = None,
    emergency: EmergencyOption = False,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Refuse an application, or take an invitation back."""
    request = membership_pb2.RefuseApplicationRequest(agency_id=agency, reason=reason)
    async with Administration(load_settings(folder), clock=utc_now) as administration:
        await administration.require_ledger()
        applications = await administration.applications()
        by = await acting(
            administration, administrator=administrator, emergency=emergency, step=MACHINE_APPROVES
        )
        await applications.refuse(by, request)
    typer.echo(f"Refused {agency}. It may be invited again.")
