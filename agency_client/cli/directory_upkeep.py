"""`comity directory …` for what keeps entries true: what is due, and whether somebody is there."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.application import JsonOption, ProfileOption, command, opened_agency
from agency_client.cli.directory import AuthorityArgument, directory_app
from agency_client.cli.directory_keeping import as_utc
from agency_client.cli.output import json_from, safe, say, write, write_json

if TYPE_CHECKING:
    from comity.v1.authorities_pb2 import ContactTest
    from comity.v1.directory_pb2 import DueAuthority


@directory_app.command()
@command
async def due(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """List what has to be confirmed, with whom to call and what to type; longest past first.

    Your agency's entries; for who leads a country, and for the hub's administrators, also those
    that their keepers have not confirmed a fortnight after the day.
    """
    async with opened_agency(profile) as opened:
        found = await opened.client.directory.list_due()
    for each in found:
        if json:
            write_json(json_from(each))
        else:
            _write_due(each)
    if not found:
        say("Nothing has to be confirmed.")


@directory_app.command("test-contact")
@command
async def test_contact(  # noqa: PLR0913, PLR0917 - each is an option of the command
    authority: AuthorityArgument,
    contact: Annotated[str, typer.Option(help="That is in doubt, as the entry has it.")] = "",
    called: Annotated[str, typer.Option(metavar="NUMBER", help="You have called it.")] = "",
    spoken_to: Annotated[str, typer.Option(help="Who answered.")] = "",
    called_at: Annotated[
        datetime | None, typer.Option(help="When, in UTC; now if left out.")
    ] = None,
    unreached: Annotated[bool, typer.Option("--not-reached", help="Nobody answered.")] = False,
    note: Annotated[str, typer.Option(help="What came of the call.")] = "",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Ask whether somebody is there: the keeper answers with one command. Or note a call."""
    from comity.times import timestamp_from, utc_now
    from comity.v1.directory_pb2 import RecordContactCallRequest

    if called and contact:
        raise typer.BadParameter("--contact is for asking, --called for a call: one of the two.")
    if not called and (spoken_to or called_at or unreached or note):
        raise typer.BadParameter(
            "--spoken-to, --called-at, --not-reached and --note go with --called."
        )
    moment = utc_now() if called_at is None else as_utc(called_at)
    call = RecordContactCallRequest(
        authority_id=authority,
        number=called,
        called_at=timestamp_from(moment),
        reached=not unreached,
        spoken_to=spoken_to,
        note=note,
    )
    async with opened_agency(profile) as opened:
        directory = opened.client.directory
        if called:
            test = await directory.record_call(call)
        else:
            test = await directory.test_contact(authority, contact)
    _write_test(test, json=json)


@directory_app.command("answer-test")
@command
async def answer_test(
    test: Annotated[str, typer.Argument(metavar="TEST", help="The test's id.")],
    profile: ProfileOption = None,
) -> None:
    """Answer another agency that somebody is there."""
    async with opened_agency(profile) as opened:
        answered = await opened.client.directory.answer_test(test)
    write(f"Answered {safe(answered.agency_id)}: {safe(answered.test_id)}.")


@directory_app.command()
@command
async def tests(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """List contact tests of your agency's entries, and those that it asked for; newest first."""
    async with opened_agency(profile) as opened:
        found = await opened.client.directory.list_tests()
    for each in found:
        _write_test(each, json=json)


def _write_due(each: DueAuthority) -> None:
    from agency_client.due_text import due_lines

    for line in due_lines(each, safe):
        write(line)


def _write_test(test: ContactTest, *, json: bool) -> None:
    from agency_client.authority_text import contact_test_text

    if json:
        write_json(json_from(test))
        return
    write(f"{safe(test.test_id)}  {safe(test.authority_id)}")
    write(f"  {contact_test_text(test, safe)}")
