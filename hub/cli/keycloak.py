"""`comity-hub keycloak …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comity.errors import MalformedInput
from comity.identity import AgencyId
from comity.times import utc_now
from comity.v1.agencies_pb2 import AGENCY_STATUS_ACTIVE, AGENCY_STATUS_SUSPENDED
from hub.administration import Administration
from hub.certificates import certificate_id_of, parse_pair
from hub.cli.application import DEFAULT_FOLDER, EXIT_CODES, Folder, app, command
from hub.files import read_file, read_secret, replace_private
from hub.keycloak_files import keycloak_line, write_start_options
from hub.own_agency import OWN_AGENCY_FOLDER
from hub.settings import Settings, load_settings

if TYPE_CHECKING:
    from hub.identity.keycloak.connection import Administrator, KeycloakLine

keycloak_app = typer.Typer(
    help="The Keycloak that officers log in at.", epilog=EXIT_CODES, no_args_is_help=True
)
app.add_typer(keycloak_app, name="keycloak")


@keycloak_app.command()
@command
async def setup(
    folder: Folder = DEFAULT_FOLDER,
    options_only: Annotated[
        bool, typer.Option("--options-only", help="Only write what Keycloak is started with.")
    ] = False,
    administrator: Annotated[str, typer.Option(help="Keycloak's administrator.")] = "admin",
    password_file: Annotated[
        Path | None, typer.Option(help="A file with the password, instead of asking for it.")
    ] = None,
) -> None:
    """Make the realm, its clients and a group for each agency, and try it. May be repeated."""
    settings = load_settings(folder)
    written = write_start_options(settings, now=utc_now())
    if options_only:
        typer.echo(f"Wrote {written}: add the database's options and start Keycloak with it.")
        return
    line = keycloak_line(settings)
    login = _administrator(administrator, password_file)
    await _provision(settings, line, login)
    await _require_faultless(settings, line)
    typer.echo(f"The realm {line.realm.issuer} is set up, and hands out tokens as it has to.")


@keycloak_app.command()
@command
async def check(folder: Folder = DEFAULT_FOLDER) -> None:
    """Ask Keycloak for a token with the hub's certificate, and say what is wrong."""
    settings = load_settings(folder)
    line = keycloak_line(settings)
    await _require_faultless(settings, line)
    typer.echo(f"The realm {line.realm.issuer} hands out tokens as it has to.")


def _administrator(user_name: str, password_file: Path | None) -> Administrator:
    from hub.identity.keycloak.connection import Administrator

    if password_file is not None:
        return Administrator(user_name, read_secret(password_file).decode().rstrip("\r\n"))
    return Administrator(user_name, typer.prompt(f"Password of {user_name}", hide_input=True))


async def _provision(settings: Settings, line: KeycloakLine, login: Administrator) -> None:
    from hub.identity.keycloak.provisioning import provision

    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_ledger()
        members = await administration.members()
    there = (AGENCY_STATUS_ACTIVE, AGENCY_STATUS_SUSPENDED)
    agencies = [AgencyId(member.agency_id) for member in members if member.status in there]
    secret = await provision(line, login, agencies=agencies)
    replace_private(line.realm.secret, f"{secret}\n".encode())


async def _require_faultless(settings: Settings, line: KeycloakLine) -> None:
    from hub.identity.keycloak.inspection import find_faults

    home = settings.folder / OWN_AGENCY_FOLDER
    pair = read_secret(home / "tls-key.pem"), read_file(home / "certificate.pem")
    faults = await find_faults(line, certificate_id=certificate_id_of(parse_pair(*pair)))
    if faults:
        raise MalformedInput("Keycloak is not as it has to be.", violations=faults)
