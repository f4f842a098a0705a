"""`comity-hub serve`."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import nullcontext
from typing import Annotated

import typer

from hub.administration import Administration
from hub.cli.application import DEFAULT_FOLDER, EXIT_REFUSED, Folder, app, command, utc_now
from hub.folder import held_alone
from hub.logs import configure_logs, log_lost_error
from hub.settings import Settings, load_settings


@app.command()
@command
async def serve(
    folder: Folder = DEFAULT_FOLDER,
    listen: Annotated[
        str | None, typer.Option(help="Another address than the configuration's.")
    ] = None,
) -> None:
    """Serve until told to stop."""
    configure_logs(logging.INFO)
    settings = load_settings(folder)
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_migrated()
        await administration.require_durable()
        is_sqlite = administration.database.is_sqlite
    with held_alone(settings) if is_sqlite else nullcontext():
        await _serve(settings if listen is None else settings.listening_on(listen))


async def _serve(settings: Settings) -> None:
    from hub.app import running_hub  # gRPC takes a while to import; the other commands need none

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_lost_error)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with running_hub(settings) as hub:
        typer.echo(f"Serving {settings.domain} on port {hub.port}.")
        hub.failed.add_done_callback(lambda _: stopped.set())
        await stopped.wait()
    if hub.failed.done():
        job = hub.failed.result()
        typer.echo(f"comity-hub: the job {job!r} failed, the log says how.", err=True)
        raise typer.Exit(EXIT_REFUSED)
    typer.echo("Stopped.")
