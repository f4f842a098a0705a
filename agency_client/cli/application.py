"""The command itself: its subcommands, options that all share, and how errors end it.

Imports little: whatever takes its time to import is imported by the command that needs it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import cache, partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer
from typer.core import TyperArgument, TyperGroup

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from agency_client.failures import InboxFailed
    from agency_client.profile import Profile
    from comity.errors import ComityError

P = ParamSpec("P")
T = TypeVar("T")

EXIT_REFUSED, EXIT_USAGE, EXIT_UNREACHABLE, EXIT_NOT_VERIFIED = 1, 2, 3, 4
EXIT_INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT
EXIT_CODES = (
    "Exit codes: 0 done, 1 refused, or an error of this machine, 2 usage, 3 hub unreachable or "
    "unable to take this now (try again), 4 verification failed, 130 interrupted ('run' and "
    "'notice watch', which have no end of their own, then end with 0)."
)
ENVIRONMENT = (
    "Environment: COMITY_HOME is the folder of the profiles, COMITY_PROFILE the profile where "
    "--profile is not given, COMITY_PASSPHRASE_FILE a file (chmod 600) with the passphrase of its "
    "keys."
)
# As one comes to need them. What is not named here follows.
_ORDER = {
    "": (
        *("init", "enrol", "join", "status", "run", "login", "notice", "release", "recall"),
        *("review", "directory", "import", "receipt", "ledger", "agencies"),
    ),
    "notice": (
        *("new", "check", "submit", "list", "show", "watch", "correct", "addendum", "extend"),
        *("suspend", "resume", "withdraw", "widen", "narrow", "acknowledge", "flag"),
        *("in-custody", "send-kept", "quarantine"),
    ),
    "release": ("ask", "decide", "list"),
    "recall": ("status", "answer", "retain", "passed-on"),
    "review": ("list", "take", "show", "decide", "statistics"),
    "directory": (
        *("resolve", "find", "show", "history", "report", "export", "propose", "proposals"),
        *("approve", "refuse", "confirm", "due", "reports", "import", "test-contact"),
        *("answer-test", "tests"),
    ),
}
PASSPHRASE_FILE_VARIABLE = "COMITY_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        metavar="PROFILE",
        envvar="COMITY_PROFILE",
        help="The profile's name, or its folder (then with a slash).",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document per line.")]
ExerciseOption = Annotated[bool, typer.Option("--exercise", help="Exercise traffic, not live.")]


class CommandGroup(TyperGroup):
    """Commands in the order of their use, and their help without the names of Python's types."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None."""
        found = super().get_command(ctx, cmd_name)
        for parameter in [] if found is None else found.params:
            if isinstance(parameter, TyperArgument) or getattr(parameter, "is_flag", False):
                # What is left to say of these is their name.
                parameter.display_type_rich = lambda ctx: None  # type: ignore[attr-defined]
        return found

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands."""
        order = _ORDER.get("" if ctx.parent is None else str(ctx.info_name), ())
        names = super().list_commands(ctx)
        return sorted(names, key=lambda n: order.index(n) if n in order else len(order))


app = typer.Typer(
    name="comity",
    cls=CommandGroup,
    help="Exchange case notices through a Comity hub.",
    epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
notice_app = typer.Typer(
    cls=CommandGroup, help="Case notices.", epilog=EXIT_CODES, no_args_is_help=True
)
ledger_app = typer.Typer(
    cls=CommandGroup, help="The hub's ledger.", epilog=EXIT_CODES, no_args_is_help=True
)
receipt_app = typer.Typer(
    cls=CommandGroup, help="Receipts.", epilog=EXIT_CODES, no_args_is_help=True
)
import_app = typer.Typer(
    cls=CommandGroup, help="Notices from other systems.", epilog=EXIT_CODES, no_args_is_help=True
)
release_app = typer.Typer(
    cls=CommandGroup,
    help="Restrictions lifted by a notice's originator.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)
recall_app = typer.Typer(
    cls=CommandGroup, help="Copies that are asked back.", epilog=EXIT_CODES, no_args_is_help=True
)
review_app = typer.Typer(
    cls=CommandGroup,
    help="Notices that wait for the hub's reviewers.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)
officer_app = typer.Typer(help="The agency's officers.", epilog=EXIT_CODES, no_args_is_help=True)
app.add_typer(notice_app, name="notice")
app.add_typer(release_app, name="release")
app.add_typer(recall_app, name="recall")
app.add_typer(review_app, name="review")
app.add_typer(ledger_app, name="ledger")
app.add_typer(receipt_app, name="receipt")
app.add_typer(import_app, name="import")
app.add_typer(officer_app, name="officer")


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"comity {version('comity')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Holds the options of the command itself."""


def command(function: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs an asynchronous command; an error of ours ends it with its exit code."""
    return _ended_by_code(function, interrupted=EXIT_INTERRUPTED)


def endless_command(function: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """The same for a command that goes on until it is interrupted: then it is done."""
    return _ended_by_code(function, interrupted=0)


def _ended_by_code(
    function: Callable[P, Coroutine[Any, Any, None]], *, interrupted: int
) -> Callable[P, None]:
    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from agency_client.failures import InboxFailed
        from comity.errors import ComityError

        ours: tuple[type[ComityError | InboxFailed], ...] = (ComityError, InboxFailed)
        try:
            asyncio.run(function(*args, **kwargs))
        except KeyboardInterrupt:
            raise typer.Exit(interrupted) from None
        except BaseExceptionGroup as group:
            known, others = group.split(ours)
            if known is None or others is not None:
                raise
            _end(_worst(known))
        except ours as error:
            _end(error)

    return run


def _worst(group: BaseExceptionGroup[ComityError | InboxFailed]) -> ComityError | InboxFailed:
    """The error to end with where several tasks failed: what does not verify comes first."""
    errors: list[ComityError | InboxFailed] = []
    for one in group.exceptions:
        errors.append(_worst(one) if isinstance(one, BaseExceptionGroup) else one)
    return max(errors, key=exit_code_for)


def _end(error: ComityError | InboxFailed) -> None:
    from agency_client.cli.output import print_error

    print_error(error)
    raise typer.Exit(exit_code_for(error)) from None


def exit_code_for(error: ComityError | InboxFailed) -> int:
    """The exit code of an error."""
    from comity.errors import HubUnavailable, VerificationFailed

    if isinstance(error, VerificationFailed):
        return EXIT_NOT_VERIFIED
    return EXIT_UNREACHABLE if isinstance(error, HubUnavailable) else EXIT_REFUSED


def argument(name: str, text: str, parse: Callable[[str], T]) -> T:
    """What an argument says; a malformed one is a usage error."""
    from comity.errors import ComityError

    try:
        return parse(text)
    except ComityError as error:
        raise typer.BadParameter(f"{name}: {error.message}") from None


def require_notice_id(text: str, what: str = "a notice's id") -> str:
    """An id as it was typed; another text is a usage error."""
    from comity.identifiers import is_uuid7

    if not is_uuid7(text):
        raise typer.BadParameter(f"{what} is a UUIDv7 in lower case.")
    return text


def _notice_id(text: str) -> str:
    return require_notice_id(text)


IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The notice's id.", callback=_notice_id)
]


def chosen_folder(profile: str | None) -> Path:
    """The folder of the profile that a command is for."""
    from agency_client.profile import default_folder

    if profile is None:
        return default_folder()
    is_path = os.sep in profile or "/" in profile or profile in (".", "..")
    return Path(profile) if is_path else default_folder(profile)


def chosen_profile(profile: str | None) -> Profile:
    """The profile that a command is for.

    Raises: MalformedInput.
    """
    from agency_client.profile import load_profile

    return load_profile(chosen_folder(profile))


def read_passphrase(profile: Profile) -> bytes | None:
    """The passphrase of a profile's keys: from the file that the environment names, or asked for.

    Raises: MalformedInput.
    """
    from agency_client.disk import read_secret
    from agency_client.profile import SIGNING_KEY

    profile.require_private()
    if b"ENCRYPTED" not in read_secret(profile.path(SIGNING_KEY)).split(b"\n", 1)[0]:
        return None
    written = passphrase_from_file()
    if written is not None:
        return written
    return ask_secret("Passphrase")


def ask_secret(
    title: str, *, twice: bool = False, variable: str = PASSPHRASE_FILE_VARIABLE
) -> bytes:
    """A secret that is typed in, unseen; where it is new, twice.

    Raises: MalformedInput where nobody can be asked, with the variable that names a file in place
    of it; KeyboardInterrupt.
    """
    from comity.errors import MalformedInput

    if not sys.stdin.isatty():
        raise MalformedInput(f"{variable} has to name a file with it where nobody can be asked.")
    # The event loop would only note an interruption, and go on asking.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        entered: str = typer.prompt(title, hide_input=True, confirmation_prompt=twice, err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)
    return entered.encode()


def passphrase_from_file() -> bytes | None:
    """The passphrase in the file that the environment names, if it names one.

    Raises: MalformedInput where it cannot be read, or can be read by others.
    """
    from agency_client.disk import read_secret

    named = os.environ.get(PASSPHRASE_FILE_VARIABLE)
    return read_secret(Path(named)).rstrip(b"\r\n") if named else None


@asynccontextmanager
async def opened_agency(profile: str | None) -> AsyncIterator[Agency]:
    """The agency of a profile, ready to work, with the log-in of its officer if there is one.

    Raises: MalformedInput, InboxFailed.
    """
    from agency_client.agency import open_agency
    from agency_client.session import Session

    chosen = chosen_profile(profile)
    passphrase = cache(partial(read_passphrase, chosen))
    async with open_agency(chosen, passphrase=passphrase, session=Session(chosen)) as agency:
        yield agency


@asynccontextmanager
async def opened_system(profile: str | None) -> AsyncIterator[Agency]:
    """The same for what runs unattended: nobody's log-in goes with its calls, or ends them.

    Raises: MalformedInput, InboxFailed.
    """
    from agency_client.agency import open_agency

    chosen = chosen_profile(profile)
    async with open_agency(chosen, passphrase=cache(partial(read_passphrase, chosen))) as agency:
        yield agency


def read_file(path: Path) -> bytes:
    """The content of a file named on the command line.

    Raises: MalformedInput.
    """
    from comity.errors import MalformedInput

    try:
        return path.read_bytes()
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}.") from error


# The subcommands register themselves with the applications above.
from agency_client.cli import (  # noqa: E402, F401
    addressee_acts,
    addressees,
    admin,
    admin_members,
    agencies,
    amending,
    checking,
    descriptions,
    directory,
    enrolling,
    imports,
    keys,
    leaving,
    ledger,
    notices,
    officers,
    recalls,
    receipts,
    releases,
    reviews,
    running,
    sessions,
    setup,
    showing,
    submitting,
    templates,
    watches,
)
