"""`comity-hub verify-ledger` and `new-epoch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from comity.checkpoint import Checkpoint, LedgerKey, open_checkpoint, parse_unverified
from comity.errors import MalformedInput
from comity.times import utc_now
from hub.administration import Administration
from hub.cli.application import DEFAULT_FOLDER, Folder, app, command
from hub.folder import load_ledger_key
from hub.settings import Settings, load_settings
from hub.store.audit import audit_ledger

Notes = Annotated[
    list[Path] | None,
    typer.Option("--checkpoint", help="A checkpoint, as a signed note, that was handed out."),
]


@app.command("verify-ledger")
@command
async def verify_ledger(folder: Folder = DEFAULT_FOLDER, checkpoint: Notes = None) -> None:
    """Recompute the whole ledger from its raw entries."""
    settings = load_settings(folder)
    handed_out = [_open_note(_read_note(path), settings) for path in checkpoint or []]
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_ledger()
        report = await audit_ledger(
            administration.database, hub_domain=settings.domain, handed_out=handed_out
        )
    typer.echo(
        f"The ledger verifies: {report.entries:,} entries, {report.acts:,} acts, "
        f"{report.accesses:,} access records, {report.agencies} agencies."
    )
    typer.echo(f"Root {report.root.hex()} under {report.origin}.")


@app.command("new-epoch")
@command
async def new_epoch(
    folder: Folder = DEFAULT_FOLDER,
    highest: Annotated[
        Path | None,
        typer.Option(help="The highest that members present; see 'comity ledger checkpoint'."),
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--yes", help="Yes, the ledger was restored and members were told.")
    ] = False,
) -> None:
    """Go on with a restored ledger under a new origin. Every member has to accept it."""
    settings = load_settings(folder)
    presented = b""
    if highest is not None:
        presented = _read_note(highest)
        _open_note(presented, settings)
    if not confirm:
        raise MalformedInput("A new epoch halts every member until it accepts; say --yes.")
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_ledger()
        key = await administration.begin_epoch(presented)
    typer.echo(f"The new epoch's key, to be told to members out of band:\n{key}")


def _read_note(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}.") from error


def _open_note(note: bytes, settings: Settings) -> Checkpoint:
    origin = parse_unverified(note).origin
    return open_checkpoint(note, LedgerKey(origin, load_ledger_key(settings).public))
