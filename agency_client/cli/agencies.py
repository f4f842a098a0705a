"""`comity agencies`: who the members are, what has become of them, and which keys are theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    JsonOption,
    ProfileOption,
    app,
    argument,
    command,
    opened_agency,
)
from agency_client.cli.output import json_from, print_error, safe, say, write, write_json

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from comity.identity import AgencyId
    from comity.roster import KeyRecord


@app.command()
@command
async def agencies(
    agency: Annotated[
        str | None,
        typer.Argument(metavar="AGENCY", help="One of them, with its history and its keys."),
    ] = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """List the members as the ledger has them; of one also its history and its keys."""
    from comity.errors import NotFound
    from comity.identity import parse_agency_id

    member = None if agency is None else argument("AGENCY", agency, parse_agency_id)
    async with opened_agency(profile) as opened:
        await refresh_or_say(opened)
        if member is None:
            _list(opened, json=json)
        elif member in opened.trust.roster.agencies:
            (_write_documents if json else _write_one)(opened, member)
        else:
            raise NotFound(f"{member} was never a member of this hub.")


async def refresh_or_say(agency: Agency) -> None:
    """Brings the roster up to date; where the hub cannot be reached, says how old it is.

    Raises: VerificationFailed.
    """
    from comity.errors import AccessRefused, HubUnavailable

    try:
        await agency.client.refresh_roster()
    except (AccessRefused, HubUnavailable) as error:
        print_error(error)
        say(f"Shown as known here, at {agency.trust.size:,} entries of the ledger.")


def _list(opened: Agency, *, json: bool) -> None:
    from agency_client.members_text import member_line

    for _, found in sorted(opened.trust.roster.agencies.items()):
        if json:
            write_json(json_from(found))
        else:
            write(member_line(found, safe))


def _write_one(opened: Agency, member: AgencyId) -> None:
    from agency_client.members_text import history_of, key_line, member_lines, step_line

    roster = opened.trust.roster
    for line in member_lines(roster.agencies[member], safe):
        write(line)
    write("history:")
    for step in history_of(opened.trust, member):
        write(step_line(step, safe))
    write("keys:")
    for record in roster.keys_of(member):
        write(key_line(record))


def _write_documents(opened: Agency, member: AgencyId) -> None:
    from agency_client.members_text import history_of

    roster = opened.trust.roster
    history = [
        {
            "entryIndex": step.entry_index,
            "recordedAt": None if step.recorded_at is None else step.recorded_at.isoformat(),
            "entry": json_from(step.entry),
        }
        for step in history_of(opened.trust, member)
    ]
    keys = [key_document(record) for record in roster.keys_of(member)]
    write_json({"agency": json_from(roster.agencies[member]), "history": history, "keys": keys})


def key_document(record: KeyRecord) -> dict[str, Any]:
    """A key with its first and last entry, as a JSON document."""
    document = {"key": json_from(record.key), "firstEntry": record.first_entry}
    return document | {"endedEntry": record.ended_entry}
