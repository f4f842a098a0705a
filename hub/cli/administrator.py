"""The administrator who acts at the hub's machine: logs in for one command, or nobody does.

Called by commands that let agencies in. Without a log-in (`--emergency`) the ledger names nobody,
which all members see.
"""

from __future__ import annotations

from typing import Annotated

import typer

from comity.errors import ComityError, LogInRequired, StepRequired, Violation
from comity.times import utc_now
from comity.v1.sessions_pb2 import LogInRequest
from hub.accounts import Accounts
from hub.administration import Administration
from hub.cli.secrets import (
    PASSWORD_FILE_VARIABLE,
    SECOND_FACTOR_FILE_VARIABLE,
    ask_name,
    is_anybody_there,
    names_file,
    read_or_ask,
)
from hub.own_agency import OWN_AGENCY_FOLDER
from hub.settings import Settings
from hub.store.enrolments import StoredApproval

AdministratorOption = Annotated[
    str | None,
    typer.Option(
        metavar="USER",
        help="The administrator who logs in; asked for if left out. COMITY_PASSWORD_FILE and "
        "COMITY_SECOND_FACTOR_FILE may name files with the rest.",
    ),
]
EmergencyOption = Annotated[
    bool,
    typer.Option("--emergency", help="Without an administrator's log-in; all members see it."),
]


async def acting(
    administration: Administration,
    *,
    administrator: str | None,
    emergency: bool,
    step: StoredApproval,
) -> StoredApproval:
    """Who acts: the administrator who logs in, or in an emergency the machine itself, as `step`.

    Raises: LogInRequired where nobody can log in here; LogInRefused, LogInDelayed, NotPermitted,
    StepRequired, MalformedInput, StoreUnavailable; KeyboardInterrupt.
    """
    if emergency:
        return _nobody(administrator, step)
    settings = administration.settings
    _require_built_in(settings)
    _require_askable(administrator)
    request = LogInRequest(
        user_name=administrator or ask_name("Administrator"),
        password=read_or_ask("Password", variable=PASSWORD_FILE_VARIABLE),
        second_factor=read_or_ask("Second factor", variable=SECOND_FACTOR_FILE_VARIABLE),
    )
    accounts = Accounts(settings, administration.database, clock=utc_now)
    try:
        return await accounts.identify_administrator(request)
    except StepRequired as error:
        raise _unfinished(settings, request.user_name, error) from error


def _nobody(administrator: str | None, step: StoredApproval) -> StoredApproval:
    if administrator is not None:
        raise typer.BadParameter("--emergency is without an administrator: give one of the two.")
    typer.echo("Nobody logs in: all members see that this is done at the hub's machine.", err=True)
    return step


def _require_built_in(settings: Settings) -> None:
    if settings.keycloak is not None:
        raise LogInRequired(
            "Administrators of this hub log in at its Keycloak, and no password passes through "
            f"Comity: 'comity login -p {_profile(settings)}', then 'comity admin ...' with the "
            "same -p; or --emergency, which all members see."
        )


def _require_askable(administrator: str | None) -> None:
    """Where nobody is at a terminal, everything has to be given already."""
    if is_anybody_there():
        return
    violations = [] if administrator else [Violation("--administrator", "is not given")]
    violations += [
        Violation(variable, "names no file")
        for variable in (PASSWORD_FILE_VARIABLE, SECOND_FACTOR_FILE_VARIABLE)
        if not names_file(variable)
    ]
    if violations:
        raise LogInRequired(
            "An administrator of the hub has to log in for this, and nobody can be asked here. "
            "Give what is missing; or --emergency, which all members see.",
            violations=violations,
        )


def _unfinished(settings: Settings, user_name: str, error: ComityError) -> StepRequired:
    profile = _profile(settings)
    commands = [f"comity login {user_name}", "comity password", "comity second-factor"]
    return StepRequired(
        "Set an own password and a second factor first: "
        + ", ".join(f"'{command} -p {profile}'" for command in commands)
        + ".",
        violations=error.violations,
    )


def _profile(settings: Settings) -> str:
    return f"{settings.folder}/{OWN_AGENCY_FOLDER}/"
