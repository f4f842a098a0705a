"""`comity login`, `logout`, `whoami`, `password`, `second-factor`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.application import JsonOption, ProfileOption, app, command, opened_agency
from agency_client.cli.output import safe, say, write, write_json
from agency_client.cli.secrets import read_new_password, read_password, read_second_factor

if TYPE_CHECKING:
    from agency_client.keycloak_login import DeviceLogIn
    from comity.v1.officers_pb2 import Officer


@app.command()
@command
async def login(
    user: Annotated[
        str | None, typer.Argument(metavar="USER", help="The user name; asked for if left out.")
    ] = None,
    profile: ProfileOption = None,
) -> None:
    """Log in as an officer. COMITY_PASSWORD_FILE may name a file with the password.

    Where the hub has a Keycloak, the log-in is at its page, in any browser, and USER is not asked.
    """
    from comity.v1.sessions_pb2 import IDENTITY_PROVIDER_KEYCLOAK

    async with opened_agency(profile) as agency:
        officers = agency.client.officers
        described = await officers.describe_log_in()
        if described.provider == IDENTITY_PROVIDER_KEYCLOAK:
            officer = await officers.log_in_by_device(described, _show_page)
            write(f"Logged in as {safe(officer.display_name)}.")
            return
        name = user or typer.prompt("User name", err=True)
        response = await officers.log_in(name, read_password(), read_second_factor())
    write(f"Logged in as {safe(response.officer.display_name)}.")
    if response.must_change_password:
        say("The password is a one-time one. Before anything else: comity password")
    if response.must_add_second_factor:
        say("Administrators need a second factor. Before anything else: comity second-factor")


def _show_page(begun: DeviceLogIn) -> None:
    write("Open this page in a browser, compare the code, and log in there:")
    write(f"  {safe(begun.verification_uri_complete)}")
    write(f"  code {safe(begun.user_code)}")
    sys.stdout.flush()


@app.command()
@command
async def logout(
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="End every log-in of this officer.")
    ] = False,
    profile: ProfileOption = None,
) -> None:
    """End the log-in."""
    async with opened_agency(profile) as agency:
        await agency.client.officers.log_out(everywhere=everywhere)
    write("Logged out.")


@app.command()
@command
async def whoami(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """Agency and officer, as the hub sees them."""
    async with opened_agency(profile) as agency:
        response = await agency.client.officers.who_am_i()
    if json:
        write_json(response)
        return
    write(f"agency   {response.agency_id}")
    if response.HasField("officer"):
        write(f"officer  {describe(response.officer)}")
    else:
        write("officer  nobody is logged in")


@app.command()
@command
async def password(profile: ProfileOption = None) -> None:
    """Change the password, which ends every other log-in.

    COMITY_PASSWORD_FILE and COMITY_NEW_PASSWORD_FILE may name files with the two.
    """
    async with opened_agency(profile) as agency:
        present = read_password("Present password")
        await agency.client.officers.change_password(present, read_new_password())
    write("The password is changed.")


@app.command("second-factor")
@command
async def second_factor(profile: ProfileOption = None) -> None:
    """Set a second factor: an app on a telephone that shows codes (TOTP)."""
    async with opened_agency(profile) as agency:
        uri = await agency.client.officers.begin_second_factor()
        write("Give this to the app; nobody else may see it:")
        write(f"  {safe(uri)}")
        say("Then type the six digits that the app shows:")
        sys.stdout.flush()
        codes = await agency.client.officers.confirm_second_factor(sys.stdin.readline().strip())
    write("The second factor is set. Each of these is good once in its place; keep them safe:")
    for code in codes:
        write(f"  {safe(code)}")


def describe(officer: Officer) -> str:
    """An officer on one line."""
    from comity.v1.officers_pb2 import OfficerStatus, Role

    roles = ",".join(role_text(Role.Name(role)) for role in officer.roles)
    status = OfficerStatus.Name(officer.status).removeprefix("OFFICER_STATUS_").lower()
    factor = "second factor" if officer.has_second_factor else "no second factor"
    shown = [officer.user_name, safe(officer.display_name), status, roles, factor]
    return "  ".join([safe(officer.officer_id), *map(safe, shown)])


def role_text(name: str) -> str:
    """How a role is written on the command line."""
    return name.removeprefix("ROLE_").lower().replace("_", "-")
