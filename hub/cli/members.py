"""`comity-hub agency suspend`, `reinstate`, `revoke`, `describe`, `end-key`; `comity-hub crl`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from comity.times import utc_now
from comity.v1 import agencies_pb2, membership_pb2
from hub.administration import Administration
from hub.cli.administrator import AdministratorOption, EmergencyOption, acting
from hub.cli.agency_description import parse_kind, parse_names, parse_policy, parse_publishes
from hub.cli.application import DEFAULT_FOLDER, Folder, agency_app, app, command
from hub.cli.enrolment import AgencyArgument
from hub.files import replace_public
from hub.services.applications import MACHINE_APPROVES
from hub.services.members import MembersService
from hub.settings import load_settings
from hub.store.enrolments import StoredApproval

Reason = Annotated[str, typer.Option(help="Why; all members see it. Names no person.")]


@agency_app.command()
@command
async def suspend(
    agency: AgencyArgument,
    reason: Reason,
    administrator: AdministratorOption = None,
    emergency: EmergencyOption = False,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Suspend an agency: within a second nothing passes from it or to it, until reinstated."""
    request = membership_pb2.ChangeAgencyStatusRequest(
        agency_id=agency, status=agencies_pb2.AGENCY_STATUS_SUSPENDED, reason=reason
    )
    async with _watching(folder, administrator, emergency=emergency) as (members, by):
        await members.change_status(by, request)
    typer.echo(f"Suspended {agency}. 'comity-hub agency reinstate' takes it back.")


@agency_app.command()
@command
async def reinstate(
    agency: AgencyArgument,
    reason: Reason,
    administrator: AdministratorOption = None,
    emergency: EmergencyOption = False,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Reinstate a suspended agency. It goes on where it stopped; its officers log in again."""
    request = membership_pb2.ChangeAgencyStatusRequest(
        agency_id=agency, status=agencies_pb2.AGENCY_STATUS_ACTIVE, reason=reason
    )
    async with _watching(folder, administrator, emergency=emergency) as (members, by):
        await members.change_status(by, request)
    typer.echo(f"Reinstated {agency}.")


@agency_app.command()
@command
async def revoke(
    agency: AgencyArgument,
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    administrator: AdministratorOption = None,
    emergency: EmergencyOption = False,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Revoke an agency, for good: its id is never a member's again."""
    request = membership_pb2.ChangeAgencyStatusRequest(
        agency_id=agency, status=agencies_pb2.AGENCY_STATUS_REVOKED, reason=reason
    )
    if not yes:
        typer.echo(
            f"Where {agency} may come back, suspend it: comity-hub agency suspend {agency}",
            err=True,
        )
        said = f"Revoke {agency} for good? Its id is never a member's again."
        typer.confirm(said, abort=True, err=True)
    async with _watching(folder, administrator, emergency=emergency) as (members, by):
        await members.change_status(by, request)
    typer.echo(f"Revoked {agency}, for good.")


@agency_app.command()
@command
async def describe(  # noqa: PLR0913, PLR0917 - each is an option of the command
    agency: AgencyArgument,
    reason: Reason,
    name: Annotated[str | None, typer.Option(help="Its name.")] = None,
    names: Annotated[
        list[str] | None, typer.Option(help="In a language, such as fr=Bureau; repeat.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="ncb, police, customs and so on.")] = None,
    contact: Annotated[str | None, typer.Option(help="E-mail or https address.")] = None,
    duty_line: Annotated[str | None, typer.Option(help="E.164, such as +12025550100.")] = None,
    publishes: Annotated[
        str | None, typer.Option(help="all, none, or kinds of notice such as red,yellow.")
    ] = None,
    searches: Annotated[bool | None, typer.Option(help="Whether it may search.")] = None,
    leads_country: Annotated[bool | None, typer.Option(help="Whether it leads.")] = None,
    outgoing: Annotated[
        str | None, typer.Option(help="What a lead asks of its country's notices: free, copied.")
    ] = None,
    administrator: AdministratorOption = None,
    emergency: EmergencyOption = False,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Change how an agency is described, and what its membership grants it.

    What is not given stays. --publishes and --searches stand for the whole of what is granted: give
    both.
    """
    changed = agencies_pb2.Agency(agency_id=agency, name=name or "", contact=contact or "")
    changed.duty_line = duty_line or ""
    changed.names.extend(parse_names(names or ()))
    changed.kind = parse_kind(kind) if kind else agencies_pb2.AGENCY_KIND_UNSPECIFIED
    changed.leads_country = bool(leads_country)
    if outgoing is not None:
        changed.outgoing_policy = parse_policy(outgoing)
    if (publishes is None) != (searches is None):
        raise typer.BadParameter("--publishes and --searches/--no-searches go together.")
    if publishes is not None:
        changed.scopes.publishes.extend(parse_publishes(publishes))
        changed.scopes.searches = bool(searches)
    given = {
        "name": name,
        "names": names,
        "kind": kind,
        "contact": contact,
        "duty_line": duty_line,
        "scopes": publishes,
        "leads_country": leads_country,
        "outgoing_policy": outgoing,
    }
    fields = [field for field, value in given.items() if value is not None]
    request = membership_pb2.DescribeAgencyRequest(
        agency=changed, fields=FieldMask(paths=fields), reason=reason
    )
    async with _watching(folder, administrator, emergency=emergency) as (members, by):
        await members.describe_any(by, request)
    typer.echo(f"Changed {agency}: {', '.join(fields)}.")


@agency_app.command("end-key")
@command
async def end_key(
    agency: AgencyArgument,
    key: Annotated[list[str], typer.Argument(help="Ids of keys or certificates, whole.")],
    reason: Reason,
    administrator: AdministratorOption = None,
    emergency: EmergencyOption = False,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """End keys or certificates of an agency: from now on nothing rests on them."""
    request = membership_pb2.EndKeysRequest(agency_id=agency, key_ids=key, reason=reason)
    async with _watching(folder, administrator, emergency=emergency) as (members, by):
        await members.end_any_keys(by, request)
    typer.echo(f"Ended {len(key)} of {agency}.")


@asynccontextmanager
async def _watching(
    folder: Path, administrator: str | None, *, emergency: bool
) -> AsyncIterator[tuple[MembersService, StoredApproval]]:
    """What members are watched over with, and who does it."""
    async with Administration(load_settings(folder), clock=utc_now) as administration:
        await administration.require_ledger()
        members, _ = await administration.watching()
        by = await acting(
            administration, administrator=administrator, emergency=emergency, step=MACHINE_APPROVES
        )
        yield members, by


@app.command()
@command
async def crl(
    out: Annotated[Path, typer.Option(help="Where to write it, in DER.")],
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Write the list of revoked certificates (RFC 5280), good for a day.

    For a Keycloak or a proxy beside the hub; the hub itself judges by the roster at every call.
    """
    async with Administration(load_settings(folder), clock=utc_now) as administration:
        await administration.require_ledger()
        _, revocations = await administration.watching()
        replace_public(out, await revocations.get())
    typer.echo(f"Wrote {out}.")
