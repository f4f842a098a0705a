"""`comity officer …`: for an agency's administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.application import (
    JsonOption,
    ProfileOption,
    command,
    officer_app,
    opened_agency,
)
from agency_client.cli.output import safe, write, write_json
from agency_client.cli.sessions import describe, role_text

if TYPE_CHECKING:
    from agency_client.officers import OfficerClient
    from comity.v1.officers_pb2 import Officer, Role

User = Annotated[str, typer.Argument(metavar="USER", help="The officer's user name.")]
Roles = Annotated[
    list[str] | None,
    typer.Option("--role", help="officer, supervisor, agency-administrator, auditor; repeat."),
]


@officer_app.command()
@command
async def add(
    user: User,
    name: Annotated[str, typer.Option(help="The officer's name, as colleagues see it.")],
    role: Roles = None,
    nationality: Annotated[str, typer.Option(help="ISO 3166 code; needed at the hub.")] = "",
    profile: ProfileOption = None,
) -> None:
    """Add an officer to the agency, and show the one-time password."""
    from comity.v1.officers_pb2 import AddOfficerRequest

    request = AddOfficerRequest(
        user_name=user,
        display_name=name,
        nationality=nationality,
        roles=_parse_roles(role or ["officer"]),
    )
    async with opened_agency(profile) as agency:
        response = await agency.client.officers.add(request)
    _write_password(user, response.one_time_password)


@officer_app.command("list")
@command
async def list_officers(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """List the agency's officers."""
    async with opened_agency(profile) as agency:
        found = await agency.client.officers.list_all()
    for officer in found:
        if json:
            write_json(officer)
        else:
            write(describe(officer))


@officer_app.command()
@command
async def change(
    user: User,
    role: Roles = None,
    status: Annotated[
        str | None, typer.Option(help="active, locked, or removed, which is for good.")
    ] = None,
    name: Annotated[str, typer.Option(help="Another name.")] = "",
    profile: ProfileOption = None,
) -> None:
    """Change roles, standing or name. Whoever is locked is cut off within a second."""
    from comity.v1.officers_pb2 import (
        OFFICER_STATUS_UNSPECIFIED,
        ChangeOfficerRequest,
        OfficerStatus,
    )

    names = {
        text.removeprefix("OFFICER_STATUS_").lower(): number
        for text, number in OfficerStatus.items()
        if number
    }
    if status is not None and status not in names:
        raise typer.BadParameter(f"--status is one of {', '.join(names)}.")
    async with opened_agency(profile) as agency:
        officer = await _find(agency.client.officers, user)
        changed = await agency.client.officers.change(
            ChangeOfficerRequest(
                officer_id=officer.officer_id,
                roles=_parse_roles(role or []),
                status=names[status] if status else OFFICER_STATUS_UNSPECIFIED,
                display_name=name,
            )
        )
    write(describe(changed))


@officer_app.command()
@command
async def reset(user: User, profile: ProfileOption = None) -> None:
    """Give a one-time password, and forget password and second factor."""
    async with opened_agency(profile) as agency:
        officer = await _find(agency.client.officers, user)
        password = await agency.client.officers.reset(officer.officer_id)
    _write_password(user, password)


async def _find(officers: OfficerClient, user: str) -> Officer:
    from comity.errors import NotFound

    for officer in await officers.list_all():
        if officer.user_name == user:
            return officer
    raise NotFound(f"The agency has no officer {user}.")


def _parse_roles(texts: list[str]) -> list[Role.ValueType]:
    from comity.v1.officers_pb2 import Role

    known = {role_text(name): number for name, number in Role.items() if number}
    if not known.keys() >= set(texts):
        raise typer.BadParameter(f"--role is one of {', '.join(known)}.")
    return [known[text] for text in texts]


def _write_password(user: str, password: str) -> None:
    write(f"One-time password of {safe(user)}, shown only now and good for one log-in:")
    write(f"  {safe(password)}")
