"""`comity-hub directory load`: entries that States have notified the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from comity.errors import MalformedInput
from comity.times import utc_now
from directory.notation import parse_authorities
from directory.services.notified import require_well_formed
from hub.administration import Administration
from hub.cli.administrator import AdministratorOption, EmergencyOption, acting
from hub.cli.application import DEFAULT_FOLDER, Folder, command, directory_app
from hub.loading import load_notified
from hub.services.applications import MACHINE_APPROVES
from hub.settings import load_settings


@directory_app.command()
@command
async def load(
    file: Annotated[Path, typer.Argument(help="JSON, as directory/sample/authorities.json.")],
    note_verbale: Annotated[str, typer.Option(help="What the entries were notified by.")],
    administrator: AdministratorOption = None,
    emergency: EmergencyOption = False,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Enter what States have notified the hub: all entries of a file, or none.

    Each is an entry of the ledger, counts as verified today, and is kept by the hub until an agency
    leads its country. A hub that serves finds them at once.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise MalformedInput(f"{file} cannot be read: {error.strerror}.") from error
    authorities = parse_authorities(content)
    require_well_formed(authorities)
    async with Administration(load_settings(folder), clock=utc_now) as administration:
        await administration.require_ledger()
        by = await acting(
            administration, administrator=administrator, emergency=emergency, step=MACHINE_APPROVES
        )
        count = await load_notified(administration, authorities, note_verbale=note_verbale, by=by)
    typer.echo(f"Entered {count:,} authorities.")
