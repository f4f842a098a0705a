"""`comity ledger verify`, `checkpoint`, `accept-epoch`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.application import (
    EXIT_REFUSED,
    JsonOption,
    ProfileOption,
    argument,
    chosen_profile,
    command,
    ledger_app,
    opened_agency,
)
from agency_client.cli.output import print_error, progress, safe, say, write, write_json

LINE_DIGITS = 32  # half of a root: whole it is compared between members, and fits narrow screens

if TYPE_CHECKING:
    from agency_client.epochs import EpochReport


@ledger_app.command()
@command
async def verify(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """Recompute the whole ledger, and find all that this agency has received and sent in it."""
    from agency_client.ledger_audit import verify_ledger

    async with opened_agency(profile) as agency:
        with progress("entries") as bar:
            report = await verify_ledger(agency, on_progress=bar.at)
    if json:
        write_json(
            {
                "origin": report.origin,
                "size": report.size,
                "root": report.root.hex(),
                "readable": report.readable,
                "received": report.received,
                "receipts": report.receipts,
                "checkpoints": report.checkpoints,
                "agencies": report.agencies,
            }
        )
        return
    write(f"The ledger verifies: {report.size:,} entries under")
    write(f"{report.origin}.")
    root = report.root.hex()
    write(f"Root {root[:LINE_DIGITS]}")
    write(f"     {root[LINE_DIGITS:]}")
    write(f"It goes on from {_counted(report.checkpoints, 'checkpoint')} seen before.")
    write(
        f"In it: {_counted(report.agencies, 'agency', 'agencies')}, "
        f"{_counted(report.received, 'event')} received,"
    )
    write(f"{_counted(report.receipts, 'receipt')} for what was sent from here;")
    write(f"{_counted(report.readable, 'entry', 'entries')} readable here.")


def _counted(count: int, one: str, several: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


@ledger_app.command()
@command
async def checkpoint(profile: ProfileOption = None) -> None:
    """Write the newest checkpoint that this agency has verified, as a signed note.

    A hub that was restored from a backup asks its members for it.
    """
    from comity.errors import NotFound

    async with opened_agency(profile) as agency:
        newest = agency.trust.checkpoint
    if newest is None:
        raise NotFound("This profile has seen no checkpoint yet.")
    typer.echo(newest.note.decode(), nl=False)


@ledger_app.command("accept-epoch")
@command
async def accept_new_epoch(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="The new ledger's key, told by another way.")
    ],
    confirm: Annotated[
        bool, typer.Option("--yes", help="Accept without asking; for programs.")
    ] = False,
    profile: ProfileOption = None,
) -> None:
    """Go on with a hub that was restored from a backup, under its new ledger key."""
    from agency_client.epochs import accept_epoch
    from agency_client.locks import RUN_LOCK, held_alone
    from comity.checkpoint import parse_verifier_key

    new_key = argument("KEY", key, parse_verifier_key)
    with held_alone(chosen_profile(profile), RUN_LOCK):
        async with opened_agency(profile) as agency:
            write(f"Accepted until now:  {agency.trust.origin}")
            write(f"To be accepted:      {new_key.origin}")
            if not confirm:
                typer.confirm("Did the hub's administrators tell you this key?", abort=True)
            report = await accept_epoch(agency, new_key)
    _report_restored(report)
    again = [outcome for outcome in report.sent_again if outcome.error is None]
    write(f"Sent again what was lost: {len(again):,}. Next: comity run")
    for outcome in report.sent_again:
        if outcome.error is not None:
            say(f"{outcome.notice_id} could not be sent again:")
            print_error(outcome.error)
    if len(again) < len(report.sent_again):
        raise typer.Exit(EXIT_REFUSED)


def _report_restored(report: EpochReport) -> None:
    write(f"The first {report.restored_size:,} entries were restored.")
    if report.compared_size:
        write("The new tree goes on from them as this agency has seen them")
        write(f"(compared at {report.compared_size:,} entries).")
    else:
        write("This agency remembers none of them: nothing could be compared.")
    for warning in report.warnings:
        say(f"comity: {safe(warning)}")
