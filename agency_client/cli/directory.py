"""`comity directory …`: who handles it in another country, looked up on record."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from agency_client.cli.application import (
    EXIT_CODES,
    CommandGroup,
    JsonOption,
    ProfileOption,
    app,
    command,
    opened_agency,
)
from agency_client.cli.directory_filters import (
    ChannelOption,
    CompetenceOption,
    CountryOption,
    FreshnessOption,
    InstrumentOption,
    ReachableOption,
    SpokenOption,
    TextArgument,
    competence_from,
    filter_from,
    instrument_from,
    purpose_from,
)
from agency_client.cli.output import json_from, safe, say, write, write_json

directory_app = typer.Typer(
    cls=CommandGroup,
    help="Competent authorities of all countries. Every look-up is on record.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)
app.add_typer(directory_app, name="directory")

AuthorityArgument = Annotated[str, typer.Argument(metavar="ID", help="The entry's id.")]
PurposeOption = Annotated[
    str,
    typer.Option(
        help="case, urgent-case, keeping, audit or exercise; else what the role is there for.",
        show_default=False,
    ),
]

ShownInOption = Annotated[
    str,
    typer.Option(
        help="In words of ar, en, es, fr, pt, ru or zh, and by the clock of this machine.",
        show_default=False,
    ),
]


@directory_app.command()
@command
async def find(  # noqa: PLR0913, PLR0917 - each is an option of the command
    text: TextArgument = "",
    country: CountryOption = None,
    competence: CompetenceOption = None,
    instrument: InstrumentOption = "",
    language: SpokenOption = None,
    channel: ChannelOption = None,
    freshness: FreshnessOption = None,
    reachable: ReachableOption = False,
    limit: Annotated[int, typer.Option(min=1, max=50, help="At most.")] = 20,
    cursor: Annotated[str, typer.Option(help="From the page before.", show_default=False)] = "",
    shown_in: ShownInOption = "",
    purpose: PurposeOption = "",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Find authorities by whatever is known of them, the best match first."""
    from agency_client.authority_text import match_lines
    from comity.v1.directory_pb2 import FindAuthoritiesRequest

    query = filter_from(
        text,
        country=country,
        competence=competence,
        instrument=instrument,
        language=language,
        channel=channel,
        freshness=freshness,
        reachable=reachable,
    )
    request = FindAuthoritiesRequest(
        purpose=purpose_from(purpose), filter=query, limit=limit, cursor=cursor, language=shown_in
    )
    async with opened_agency(profile) as opened:
        page = await opened.client.directory.find(request)
    for match in page.matches:
        if json:
            write_json(json_from(match))
        else:
            for line in match_lines(match, safe):
                write(line)
    if not page.matches:
        wider = "; without --reachable something may." if reachable else "."
        say(f"Nothing matches{wider}")
    if page.next_cursor:
        say(f"There is more: --cursor {safe(page.next_cursor)}")


@directory_app.command()
@command
async def show(
    authority: AuthorityArgument,
    version: Annotated[int, typer.Option(min=0, help="As it was; 0 for now.")] = 0,
    shown_in: ShownInOption = "",
    purpose: PurposeOption = "",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Show an entry, once it is verified to be what the ledger has.

    With --json it is what 'propose' takes.
    """
    from agency_client.authority_text import (
        caveat_lines,
        reference_lines,
        rendered_lines,
        verified_lines,
        vouched_line,
    )
    from agency_client.entry_text import record_lines
    from agency_client.local_time import local_zone
    from comity.v1.directory_pb2 import GetAuthorityRequest

    request = GetAuthorityRequest(
        purpose=purpose_from(purpose),
        authority_id=authority,
        version=version,
        language=shown_in,
        time_zone=local_zone() if shown_in else "",
    )
    async with opened_agency(profile) as opened:
        verified = await opened.client.directory.get_verified(request)
    record = verified.record
    if json:
        write_json(json_from(record))
        say(vouched_line(verified.vouched_for).strip())
        return
    if shown_in:
        for line in rendered_lines(verified.card, safe):
            write(line)
        write("  (Above: the hub's words, which nothing vouches for. Below: the entry's own.)")
        words = [*reference_lines(record, safe), *verified_lines(record, safe)]
        words += caveat_lines(record, safe)
    else:
        words = list(record_lines(record, safe))
    for line in words:
        write(line)
    write(vouched_line(verified.vouched_for))


@directory_app.command()
@command
async def resolve(  # noqa: PLR0913, PLR0917 - each is an option of the command
    country: Annotated[str, typer.Argument(help="Such as BR.")],
    competence: Annotated[str, typer.Argument(help="Such as extradition.")],
    instrument: InstrumentOption = "",
    region: Annotated[str, typer.Option(help="Such as BR-SP.", show_default=False)] = "",
    urgent: Annotated[bool, typer.Option("--urgent", help="It cannot wait.")] = False,
    language: Annotated[list[str] | None, typer.Option(help="That you can write in.")] = None,
    shown_in: ShownInOption = "",
    purpose: PurposeOption = "",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Who handles it: one card for each instrument that both countries share, the best first."""
    from agency_client.authority_text import (
        card_lines,
        caveat_lines,
        reference_lines,
        rendered_lines,
    )
    from agency_client.local_time import local_zone
    from comity.errors import NotFound
    from comity.v1.directory_pb2 import ResolveAuthorityRequest

    code, article = instrument_from(instrument)
    request = ResolveAuthorityRequest(
        purpose=purpose_from(purpose or ("urgent-case" if urgent else "")),
        country=country,
        competence=competence_from(competence),
        instrument=code,
        article=article,
        region=region,
        urgent=urgent,
        languages=language or (),
        language=shown_in,
        time_zone=local_zone() if shown_in else "",
    )
    async with opened_agency(profile) as opened:
        resolutions = await opened.client.directory.resolve(request)
    if not resolutions:
        raise NotFound(f"The directory knows nobody in {country} for that.")
    for resolution in resolutions:
        if json:
            write_json(json_from(resolution))
            continue
        card = [*rendered_lines(resolution.card, safe), *reference_lines(resolution.record, safe)]
        card += caveat_lines(resolution.record, safe)
        for line in card if shown_in else card_lines(resolution, safe):
            write(line)
        write()


@directory_app.command()
@command
async def history(
    authority: AuthorityArgument,
    between: Annotated[
        tuple[int, int] | None, typer.Option(metavar="FROM TO", help="What two versions differ in.")
    ] = None,
    purpose: PurposeOption = "",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Who changed what of an entry, and when; the newest first."""
    from comity.v1.directory_pb2 import CompareVersionsRequest

    why = purpose_from(purpose)
    async with opened_agency(profile) as opened:
        if between is None:
            for version in await opened.client.directory.list_versions(authority, purpose=why):
                _write_version(version, json=json)
            return
        request = CompareVersionsRequest(
            purpose=why,
            authority_id=authority,
            from_version=between[0],
            to_version=between[1],
        )
        for difference in await opened.client.directory.compare(request):
            write_difference(difference, json=json)


def _write_version(version: Any, *, json: bool) -> None:
    from comity.times import datetime_from_timestamp

    if json:
        write_json(json_from(version))
        return
    by = f"{version.agency_id} {version.officer_id}".strip()
    approved = f"{version.approver_agency_id} {version.approver_officer_id}".strip()
    how = f", approved by {safe(approved)}" if approved else ""
    called = (
        f", called back on {safe(version.call_back.number)}" if version.call_back.number else ""
    )
    when = datetime_from_timestamp(version.changed_at)
    shown = f"{when:%Y-%m-%d %H:%M} UTC" if when else "?"
    write(f"{version.version:>4}  {shown}  by {safe(by)}{how}{called}; entry {version.entry_index}")


def write_difference(difference: Any, *, json: bool) -> None:
    """One field that differs."""
    if json:
        write_json(json_from(difference))
        return
    before, after = safe(difference.before) or "-", safe(difference.after) or "-"
    write(f"  {safe(difference.field)}: {before} -> {after}")


# The rest of the group: what keeps entries true, and files.
from agency_client.cli import directory_files, directory_keeping, directory_upkeep  # noqa: E402, F401
