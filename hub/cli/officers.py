"""`comity-hub officer …`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from comity.errors import ComityError, MalformedInput
from comity.identity import AgencyId, parse_agency_id
from comity.times import utc_now
from comity.v1.officers_pb2 import (
    OFFICER_STATUS_ACTIVE,
    OFFICER_STATUS_LOCKED,
    AddOfficerRequest,
    OfficerStatus,
    Role,
)
from hub.accounts import Accounts
from hub.administration import Administration
from hub.cli.application import DEFAULT_FOLDER, Folder, command, officer_app, usage_error
from hub.settings import Settings, load_settings

User = Annotated[str, typer.Argument(metavar="USER", help="The officer's user name.")]
OfAgency = Annotated[
    str | None, typer.Option("--agency", help="The officer's agency; the hub's own if left out.")
]


@officer_app.command()
@command
async def add(
    user: User,
    name: Annotated[str, typer.Option(help="The officer's name, as colleagues see it.")],
    role: Annotated[
        list[str], typer.Option(help="agency-administrator, officer, hub-administrator, …; repeat.")
    ],
    agency: OfAgency = None,
    nationality: Annotated[str, typer.Option(help="ISO 3166 code; needed at the hub.")] = "",
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Add an officer, and show the one-time password. Leaves an entry in the ledger."""
    request = AddOfficerRequest(
        user_name=user,
        display_name=name,
        nationality=nationality,
        roles=[_parse_role(text) for text in role],
    )
    async with _opened(folder) as (settings, accounts):
        try:
            password = await accounts.add(_agency(settings, agency), request)
        except MalformedInput as error:
            raise usage_error(error) from error
    _show(user, password)


@officer_app.command("list")
@command
async def list_officers(agency: OfAgency = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """List an agency's officers."""
    async with _opened(folder) as (settings, accounts):
        for officer in await accounts.list_all(_agency(settings, agency)):
            roles = ",".join(_role_text(r) for r in sorted(officer.roles))
            status = OfficerStatus.Name(officer.status).removeprefix("OFFICER_STATUS_").lower()
            factor = "second factor" if officer.has_second_factor else "no second factor"
            typer.echo(f"{officer.user_name:<24} {status:<8} {roles:<28} {factor}")


@officer_app.command()
@command
async def lock(user: User, agency: OfAgency = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """Lock an officer: every session ends within a second, and none begins."""
    async with _opened(folder) as (settings, accounts):
        await accounts.set_status(_agency(settings, agency), user, OFFICER_STATUS_LOCKED)
    typer.echo(f"{user} is locked.")


@officer_app.command()
@command
async def unlock(user: User, agency: OfAgency = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """Let an officer log in again."""
    async with _opened(folder) as (settings, accounts):
        await accounts.set_status(_agency(settings, agency), user, OFFICER_STATUS_ACTIVE)
    typer.echo(f"{user} may log in.")


@officer_app.command()
@command
async def reset(user: User, agency: OfAgency = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """Give a one-time password, and forget password and second factor; every session ends."""
    async with _opened(folder) as (settings, accounts):
        password = await accounts.reset(_agency(settings, agency), user)
    _show(user, password)


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[tuple[Settings, Accounts]]:
    settings = load_settings(folder)
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_ledger()
        yield settings, Accounts(settings, administration.database, clock=utc_now)


def _agency(settings: Settings, text: str | None) -> AgencyId:
    if text is None:
        return settings.agency
    try:
        return parse_agency_id(text)
    except ComityError as error:
        raise usage_error(error) from error


def _parse_role(text: str) -> Role.ValueType:
    name = f"ROLE_{text.upper().replace('-', '_')}"
    known_roles = [role for role in Role.values() if role]
    if name not in map(Role.Name, known_roles):
        known = ", ".join(map(_role_text, known_roles))
        raise typer.BadParameter(f"--role is one of {known}.")
    return Role.Value(name)


def _role_text(role: Role.ValueType) -> str:
    return Role.Name(role).removeprefix("ROLE_").lower().replace("_", "-")


def _show(user: str, password: str) -> None:
    typer.echo(f"One-time password of {user}, shown only now and good for one log-in:")
    typer.echo(f"  {password}")
