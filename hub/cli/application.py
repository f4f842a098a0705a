"""The command itself: which subcommands there are, and how errors end it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from comity.errors import ComityError, HubUnavailable, VerificationFailed
from comity.v1.errors_pb2 import Reason
from hub.folder import load_fingerprints
from hub.settings import Settings

P = ParamSpec("P")

EXIT_REFUSED, EXIT_USAGE, EXIT_UNAVAILABLE, EXIT_NOT_VERIFIED = 1, 2, 3, 4
EXIT_INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT
EXIT_CODES = (
    "Exit codes: 0 done, 1 refused, or an error of this machine, 2 usage, 3 database away (try "
    "again), 4 verification failed, 130 interrupted."
)

Folder = Annotated[
    Path,
    typer.Option("--folder", "-f", envvar="COMITY_HUB_FOLDER", help="The hub's folder."),
]
DEFAULT_FOLDER = Path("hub-data")

app = typer.Typer(
    name="comity-hub",
    help="Run a Comity hub, as the user that it runs as.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
agency_app = typer.Typer(help="The hub's members.", epilog=EXIT_CODES, no_args_is_help=True)
app.add_typer(agency_app, name="agency")
officer_app = typer.Typer(help="Officers, of any agency.", epilog=EXIT_CODES, no_args_is_help=True)
app.add_typer(officer_app, name="officer")
directory_app = typer.Typer(
    help="The directory of authorities.", epilog=EXIT_CODES, no_args_is_help=True
)
app.add_typer(directory_app, name="directory")


def write_fingerprints(settings: Settings) -> None:
    """Writes what members compare the hub with, under the names that `comity join` uses."""
    authority, ledger_key = load_fingerprints(settings)
    typer.echo(f"  authority   {authority}\n  ledger key  {ledger_key}")


def command(function: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs an asynchronous command; an error of ours or of a file ends it with its exit code."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            asyncio.run(function(*args, **kwargs))
        except KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except ComityError as error:
            print_error(error)
            raise typer.Exit(exit_code_for(error)) from None
        except OSError as error:
            if error.filename is None:
                raise
            print(f"comity-hub: {error.filename}: {error.strerror}", file=sys.stderr)
            raise typer.Exit(EXIT_REFUSED) from None

    return run


def exit_code_for(error: ComityError) -> int:
    """The exit code of an error."""
    if isinstance(error, VerificationFailed):
        return EXIT_NOT_VERIFIED
    return EXIT_UNAVAILABLE if isinstance(error, HubUnavailable) else EXIT_REFUSED


def usage_error(error: ComityError) -> typer.BadParameter:
    """The same as an error of usage: what is at fault is an option's value."""
    faults = [f"{v.field}: {v.description}" for v in error.violations]
    return typer.BadParameter("; ".join(faults) or error.message)


def print_error(error: ComityError) -> None:
    """Writes an error with everything at fault to standard error."""
    reason = Reason.Name(error.reason).removeprefix("REASON_")
    print(f"comity-hub: {error.message} [{reason}]", file=sys.stderr)
    for violation in error.violations:
        print(f"  {violation.field}: {violation.description}", file=sys.stderr)


# The subcommands register themselves with the applications above.
from hub.cli import (  # noqa: E402, F401
    agencies,
    directory,
    enrolment,
    keycloak,
    ledger,
    members,
    officers,
    serving,
    setup,
)
