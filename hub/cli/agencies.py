"""`comity-hub agency …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson

from comity.errors import MalformedInput
from comity.times import utc_now
from comity.v1.agencies_pb2 import AgencyStatus
from hub.administration import Administration, load_application
from hub.cli.application import DEFAULT_FOLDER, Folder, agency_app, command
from hub.settings import load_settings


@agency_app.command()
@command
async def add(
    application: Annotated[Path, typer.Option(help="The file that 'comity init' wrote.")],
    folder: Folder = DEFAULT_FOLDER,
    out: Annotated[
        Path | None, typer.Option(help="Where to write what the agency connects with.")
    ] = None,
) -> None:
    """Admit an agency and sign its certificate. Every member sees the entry.

    The same application again writes the same certificate again.
    """
    settings = load_settings(folder)
    verified = load_application(application, hub_domain=settings.domain)
    path = out or Path(f"{verified.agency}.admission.json")
    if path.is_dir() or not path.parent.is_dir():
        raise typer.BadParameter(f"{path} cannot be a file: --out names one in a folder.")
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_ledger()
        admission = await administration.admit(verified)
    _write_answer(path, MessageToJson(admission) + "\n")
    typer.echo(f"Admitted {verified.agency}. Hand {path} back to the agency; it holds no secret.")
    typer.echo("SHA-256 of the application, to be compared with what 'comity init' printed:")
    typer.echo(verified.digest.hex())


def _write_answer(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MalformedInput(
            f"{path} cannot be written: {error.strerror}. The agency is admitted; run the command "
            "again, with another --out."
        ) from error


@agency_app.command("list")
@command
async def list_agencies(folder: Folder = DEFAULT_FOLDER) -> None:
    """List the members, and who is on the way."""
    async with Administration(load_settings(folder), clock=utc_now) as administration:
        await administration.require_ledger()
        for agency in await administration.members():
            status = AgencyStatus.Name(agency.status).removeprefix("AGENCY_STATUS_").lower()
            typer.echo(f"{agency.agency_id:<20} {status:<10} {agency.name}")
