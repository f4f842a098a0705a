"""`comity-hub agency …`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson

from comity.application import VerifiedApplication
from comity.errors import MalformedInput
from comity.times import utc_now
from comity.v1.agencies_pb2 import AgencyStatus
from hub.administration import Administration, load_application
from hub.cli.application import (
    DEFAULT_FOLDER,
    Folder,
    agency_app,
    command,
    write_fingerprints,
)
from hub.settings import load_settings


@agency_app.command()
@command
async def add(
    application: Annotated[Path, typer.Option(help="The file that 'comity init' wrote.")],
    folder: Folder = DEFAULT_FOLDER,
    out: Annotated[
        Path | None, typer.Option(help="Where to write what the agency connects with.")
    ] = None,
    sha256: Annotated[
        str | None,
        typer.Option(help="The application's SHA-256, as the agency has told it by another way."),
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--yes", help="Yes, it was compared; for programs.")
    ] = False,
) -> None:
    """Admit an agency and sign its certificate. Every member sees the entry, and it stays.

    First compare the application's SHA-256 with the agency, by another way than the file came. The
    same application again writes the same certificate again.
    """
    settings = load_settings(folder)
    verified = load_application(application, hub_domain=settings.domain)
    path = out or Path(f"{verified.agency}.admission.json")
    if path.is_dir() or not path.parent.is_dir():
        raise typer.BadParameter(f"{path} cannot be a file: --out names one in a folder.")
    if not confirm:
        _require_compared(verified, sha256)
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_ledger()
        admission = await administration.admit(verified)
    _write_answer(path, MessageToJson(admission) + "\n")
    typer.echo(f"Admitted {verified.agency} by the application {verified.digest.hex()}.")
    typer.echo(f"Hand {path} back to the agency; it holds no secret.")
    typer.echo("What it compares with what 'comity join' prints, by another way, as SHA-256:")
    write_fingerprints(settings)


def _require_compared(verified: VerifiedApplication, told: str | None) -> None:
    digest = verified.digest.hex()
    if told is not None:
        if told.replace(" ", "").lower() != digest:
            raise MalformedInput(f"The application is another than was told: it has {digest}.")
        return
    typer.echo(f"{verified.agency} applies as {verified.application.name!r}. SHA-256:\n{digest}")
    if not sys.stdin.isatty():
        raise typer.BadParameter("Compare it with the agency, then give --sha256, or --yes.")
    typer.confirm("Did the agency tell the same by another way?", abort=True)


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
