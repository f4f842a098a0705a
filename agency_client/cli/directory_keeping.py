"""`comity directory propose`, `proposals`, `approve`, `refuse`, `confirm`, `report`, `reports`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    JsonOption,
    ProfileOption,
    command,
    opened_agency,
    read_file,
)
from agency_client.cli.directory import AuthorityArgument, directory_app, write_difference
from agency_client.cli.output import json_from, safe, say, write, write_json

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from comity.v1.directory_pb2 import ChangeProposal

ProposalArgument = Annotated[str, typer.Argument(metavar="PROPOSAL", help="The proposal's id.")]
ReasonOption = Annotated[str, typer.Option(help="Why.")]


@directory_app.command()
@command
async def propose(
    file: Annotated[Path, typer.Argument(help="An entry as 'show --json' writes it, changed.")],
    reason: ReasonOption,
    called: Annotated[
        str, typer.Option(metavar="NUMBER", help="The old number that was called back on.")
    ] = "",
    called_at: Annotated[
        datetime | None, typer.Option(help="When, in UTC; now if left out.")
    ] = None,
    spoken_to: Annotated[str, typer.Option(help="Who answered.")] = "",
    note_verbale: Annotated[
        str, typer.Option(help="For the hub's officers: what a State notified it by.")
    ] = "",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Propose an entry as it shall be: a second officer of your agency approves it.

    Telephone numbers and hours alone take effect at once if you have called the old number: give
    --called and --spoken-to.
    """
    from comity.times import timestamp_from, utc_now
    from comity.v1.authorities_pb2 import CallBack, Keeper
    from comity.v1.directory_pb2 import ProposeChangeRequest

    if called and not spoken_to:
        raise typer.BadParameter("--called goes with --spoken-to: who answered.")
    record = _read_record(file)
    if not record.version:
        say("The file names no version: this is proposed as a new entry.")
    request = ProposeChangeRequest(
        authority=record.authority, base_version=record.version, reason=reason
    )
    if called:
        moment = utc_now() if called_at is None else as_utc(called_at)
        request.call_back.CopyFrom(
            CallBack(number=compact(called), called_at=timestamp_from(moment), spoken_to=spoken_to)
        )
    if note_verbale:
        request.keeper.CopyFrom(Keeper(note_verbale=note_verbale))
    async with opened_agency(profile) as opened:
        response = await opened.client.directory.propose(request)
    if json:
        write_json(json_from(response))
    elif response.version:
        write(f"In effect: version {response.version} of {safe(record.authority.authority_id)}.")
    else:
        write(f"Proposed: {safe(response.proposal.proposal_id)}. Another officer approves it:")
        write(f"  comity directory approve {safe(response.proposal.proposal_id)}")


@directory_app.command()
@command
async def proposals(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """List what waits for an officer of your agency, with what it changes."""
    async with opened_agency(profile) as opened:
        waiting = await opened.client.directory.list_proposals()
    for proposal in waiting:
        if json:
            write_json(json_from(proposal))
        else:
            _write_proposal(proposal)


@directory_app.command()
@command
async def approve(
    proposal: Annotated[
        str, typer.Argument(metavar="PROPOSAL", help="The proposal's id; or --import.")
    ] = "",
    import_id: Annotated[
        str, typer.Option("--import", metavar="IMPORT", help="All of an import's.")
    ] = "",
    confirmed: Annotated[bool, typer.Option("--yes", help="Yes, it was looked at.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Put another officer's change in effect, or all of an import's, once you have looked."""
    if bool(proposal) == bool(import_id):
        raise typer.BadParameter("name a proposal, or an import with --import.")
    async with opened_agency(profile) as opened:
        found = [await _get_proposal(opened, proposal)] if proposal else []
        found = found or await opened.client.directory.list_proposals(import_id)
        for each in found:
            _write_proposal(each)
            _write_what_is_approved(each)
        if import_id:
            new = sum(not each.base_version for each in found)
            say(f"{len(found)} wait: {new} new entries, {len(found) - new} changed.")
        if found and not confirmed:
            typer.confirm("Is this right?", abort=True, err=True)
        await _approve_each(opened, found)


async def _approve_each(opened: Agency, proposals: Sequence[ChangeProposal]) -> None:
    """Approves one after the other; what is refused of several is said, and the others go on.

    Raises: the error of a single one; NotFound where nothing waits; AuthorityChanged.
    """
    from comity.errors import AuthorityChanged, NotFound, StateRefused

    if not proposals:
        raise NotFound("Nothing of that import waits for your agency.")
    refused = 0
    for proposal in proposals:
        try:
            version = await opened.client.directory.approve(proposal)
        except StateRefused as error:
            if len(proposals) == 1:
                raise
            refused += 1
            say(f"{safe(proposal.proposal_id)} is not in effect: {safe(str(error))}")
            continue
        write(f"In effect: version {version.version} of {safe(version.authority_id)}.")
    if refused:
        raise AuthorityChanged(f"{refused} of {len(proposals)} are not in effect.")


@directory_app.command()
@command
async def refuse(
    proposal: ProposalArgument, reason: ReasonOption, profile: ProfileOption = None
) -> None:
    """Refuse a change, or take your own one back. It is kept, with the reason."""
    async with opened_agency(profile) as opened:
        await opened.client.directory.refuse(proposal, reason)
    write(f"Refused {safe(proposal)}.")


@directory_app.command()
@command
async def confirm(
    authority: AuthorityArgument,
    version: Annotated[int, typer.Option(min=1, help="The version that you have looked at.")],
    profile: ProfileOption = None,
) -> None:
    """Say that an entry of your agency's is right as it is. It falls due again in half a year."""
    from comity.times import datetime_from_timestamp

    async with opened_agency(profile) as opened:
        confirmed = await opened.client.directory.confirm(authority, version)
    due = datetime_from_timestamp(confirmed.confirmation_due_at)
    write(f"Confirmed {safe(authority)}; due again on {due:%Y-%m-%d}." if due else "Confirmed.")


@directory_app.command()
@command
async def report(
    authority: AuthorityArgument,
    text: Annotated[str, typer.Argument(help="What is wrong, and how you know.")],
    field: Annotated[str, typer.Option(help="Such as contacts[0].value.")] = "",
    profile: ProfileOption = None,
) -> None:
    """Report that an entry is wrong. Its keeper is shown that, and everybody that it was."""
    from comity.v1.directory_pb2 import GetAuthorityRequest, ReportAuthorityRequest

    async with opened_agency(profile) as opened:
        record = await opened.client.directory.get(GetAuthorityRequest(authority_id=authority))
        request = ReportAuthorityRequest(
            authority_id=authority, version=record.version, field=field, text=text
        )
        reported = await opened.client.directory.report(request)
    write(f"Reported: {safe(reported.report_id)}, to {safe(record.keeper.agency_id)}.")


@directory_app.command()
@command
async def reports(
    close: Annotated[str, typer.Option(metavar="REPORT", help="One that was dealt with.")] = "",
    outcome: Annotated[str, typer.Option(help="What was done about it.")] = "",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """List the open reports on your agency's entries, the oldest first; or close one."""
    from comity.times import datetime_from_timestamp

    async with opened_agency(profile) as opened:
        if close:
            await opened.client.directory.close_report(close, outcome)
            write(f"Closed {safe(close)}.")
            return
        found = await opened.client.directory.list_reports()
    for one in found:
        if json:
            write_json(json_from(one))
            continue
        where = f" at {safe(one.field)}" if one.field else ""
        reported = datetime_from_timestamp(one.reported_at)
        when = f" on {reported:%Y-%m-%d}" if reported else ""
        write(f"{safe(one.report_id)}  {safe(one.authority_id)}{where}")
        write(f"  by {safe(one.agency_id)}{when}: {safe(one.text)}")
        write(f'  next: comity directory reports --close {safe(one.report_id)} --outcome "..."')


def _read_record(file: Path) -> Any:
    """An entry with its version; a bare entry is a new one.

    Raises: MalformedInput.
    """
    from google.protobuf.json_format import Parse, ParseError

    from comity.errors import MalformedInput
    from comity.v1.authorities_pb2 import Authority, AuthorityRecord

    content = read_file(file)
    try:
        if b'"authority"' in content:
            return Parse(content, AuthorityRecord())
        return AuthorityRecord(authority=Parse(content, Authority()))  # has no version: is new
    except (ParseError, UnicodeDecodeError) as error:
        raise MalformedInput(f"{file} is no entry as 'show --json' writes it: {error}") from error


def compact(number: str) -> str:
    """A number as entries hold it, of one as cards print it."""
    return "".join(number.split())


def as_utc(moment: datetime) -> datetime:
    """A time as it was typed."""
    from datetime import UTC

    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


async def _get_proposal(opened: Agency, proposal_id: str) -> ChangeProposal:
    """A proposal that waits for the own agency.

    Raises: NotFound.
    """
    from comity.errors import NotFound

    for found in await opened.client.directory.list_proposals():
        if found.proposal_id == proposal_id:
            return found
    raise NotFound("No such change waits for your agency.")


def _write_what_is_approved(proposal: ChangeProposal) -> None:
    """The entry as it shall be: the approval is to this, whatever the hub says that it changes."""
    from agency_client.entry_text import entry_lines

    write("  As it shall be:")
    for line in entry_lines(proposal.authority, safe):
        write(f"  {line}")


def _write_proposal(proposal: ChangeProposal) -> None:
    from agency_client.authority_text import name_of

    by = f"{proposal.agency_id} {proposal.officer_id}"
    name = safe(name_of(proposal.authority))
    write(
        f"{safe(proposal.proposal_id)}  {name} ({safe(proposal.authority.country)}), by {safe(by)}"
    )
    write(f"  why: {safe(proposal.reason)}")
    if not proposal.base_version:
        write("  a new entry")
        return
    for difference in proposal.differences:
        write_difference(difference, json=False)
