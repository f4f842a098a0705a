"""`comity-hub serve`."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AsyncExitStack, nullcontext, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from comity.errors import MalformedInput
from comity.times import utc_now
from hub.administration import Administration
from hub.cli.application import (
    DEFAULT_FOLDER,
    EXIT_REFUSED,
    Folder,
    app,
    command,
    usage_error,
)
from hub.folder import held_alone, require_serving_files
from hub.logs import configure_logs, log_lost_error
from hub.renewing import expiry_warnings
from hub.settings import Settings, load_settings

if TYPE_CHECKING:
    from hub.app import RunningHub

WARN_EVERY_SECONDS = 86_400.0  # of a certificate that runs out, until somebody renews it

_log = logging.getLogger("hub.cli")


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
    if listen is not None:
        settings = _listening_on(settings, listen)
    require_serving_files(settings, now=utc_now())
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_ledger()
        await administration.require_durable()
        is_sqlite = administration.database.is_sqlite
    with held_alone(settings.folder) if is_sqlite else nullcontext():
        await _serve(settings)


def _listening_on(settings: Settings, listen: str) -> Settings:
    try:
        return settings.listening_on(listen)
    except MalformedInput as error:
        raise usage_error(error) from error


async def _serve(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_lost_error)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        hub = await _start(stack, settings)
        enrolment = f", enrolment on port {hub.enrolment_port}" if hub.enrolment_port else ""
        typer.echo(f"Serving {settings.domain} on port {hub.port}{enrolment}.")
        hub.failed.add_done_callback(lambda _: stopped.set())
        while not stopped.is_set():
            _warn_of_expiry(settings)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), WARN_EVERY_SECONDS)
    if hub.failed.done():
        job = hub.failed.result()
        typer.echo(f"comity-hub: the job {job!r} failed, the log says how.", err=True)
        raise typer.Exit(EXIT_REFUSED)
    typer.echo("Stopped.")


async def _start(stack: AsyncExitStack, settings: Settings) -> RunningHub:
    from hub.app import running_hub  # gRPC takes a while to import; the other commands need none

    try:
        return await stack.enter_async_context(running_hub(settings))
    except RuntimeError as error:
        if "bind" not in str(error):
            raise
        raise MalformedInput(f"Nothing can be served on {settings.listen}; is it taken?") from error


def _warn_of_expiry(settings: Settings) -> None:
    try:
        warnings = expiry_warnings(settings, now=utc_now())
    except MalformedInput as error:
        warnings = [error.message]
    for warning in warnings:
        _log.warning("%s", warning)
