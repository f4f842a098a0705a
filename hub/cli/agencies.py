"""`comity-hub agency …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson

from hub.administration import Administration, load_application
from hub.cli.application import DEFAULT_FOLDER, Folder, agency_app, command, utc_now
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
    """Admit an agency and sign its certificate. Every member sees the entry."""
    settings = load_settings(folder)
    verified = load_application(application, hub_domain=settings.domain)
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_migrated()
        admission = await administration.admit(verified)
    path = out or Path(f"{verified.agency}.admission.json")
    path.write_text(MessageToJson(admission) + "\n", encoding="utf-8")
    typer.echo(f"Admitted {verified.agency}. Hand {path} back to the agency; it holds no secret.")


@agency_app.command("list")
@command
async def list_agencies(folder: Folder = DEFAULT_FOLDER) -> None:
    """List the members."""
    async with Administration(load_settings(folder), clock=utc_now) as administration:
        for agency in await administration.members():
            typer.echo(f"{agency.agency_id:<20} {agency.name}")
