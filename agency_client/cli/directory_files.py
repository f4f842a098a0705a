"""`comity directory export`, `import`: entries as files, in and out of the hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    EXIT_REFUSED,
    JsonOption,
    ProfileOption,
    command,
    opened_agency,
    read_file,
)
from agency_client.cli.directory import PurposeOption, directory_app
from agency_client.cli.directory_filters import (
    ChannelOption,
    CompetenceOption,
    CountryOption,
    FreshnessOption,
    InstrumentOption,
    ReachableOption,
    SpokenOption,
    TextArgument,
    code_from,
    filter_from,
    purpose_from,
)
from agency_client.cli.output import json_from, safe, say, write, write_json

if TYPE_CHECKING:
    from comity.v1.directory_pb2 import ImportAuthoritiesResponse

_WRITTEN = ("json", "csv", "vcard", "pdf", "calendar")
_READ = ("csv", "json")


@directory_app.command("export")
@command
async def export_entries(  # noqa: PLR0913, PLR0917 - each is an option of the command
    output: Annotated[Path, typer.Option(help="The file to write; only you may read it.")],
    case: Annotated[str, typer.Option(help="The reference of the case that it is for.")],
    file_format: Annotated[
        str, typer.Option("--format", help="json, csv, vcard, pdf or calendar.")
    ],
    identity: Annotated[
        list[str] | None, typer.Option("--id", help="An entry's id; repeat.")
    ] = None,
    text: TextArgument = "",
    country: CountryOption = None,
    competence: CompetenceOption = None,
    instrument: InstrumentOption = "",
    language: SpokenOption = None,
    channel: ChannelOption = None,
    freshness: FreshnessOption = None,
    reachable: ReachableOption = False,
    shown_in: Annotated[
        str, typer.Option(help="The file's own words: ar, en, es, fr, pt, ru or zh.")
    ] = "en",
    force: Annotated[bool, typer.Option("--force", help="Write over the file.")] = False,
    purpose: PurposeOption = "",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Export entries as a file: on record, marked with who and when, for official use only."""
    from agency_client.disk import write_secret, write_whole_secret_bytes
    from comity.errors import MalformedInput
    from comity.v1.directory_pb2 import ExportAuthoritiesRequest

    if output.exists() and not force:
        raise MalformedInput(f"{output} exists already; --force writes over it.")
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
    if bool(identity) == bool(query.ListFields()):
        raise typer.BadParameter("say which: by --id, or by what 'find' takes, such as --country.")
    request = ExportAuthoritiesRequest(
        purpose=purpose_from(purpose),
        case_reference=case,
        authority_ids=identity or (),
        format=_format(file_format, _WRITTEN),
        language=shown_in,
        filter=query,
    )
    async with opened_agency(profile) as opened:
        exported = await opened.client.directory.export(request)
    if force:
        write_whole_secret_bytes(output, exported.content)
    else:
        write_secret(output, exported.content)
    for warning in exported.warnings:
        say(safe(warning))
    if json:
        said = {"file": str(output), "count": exported.count, "warnings": [*exported.warnings]}
        write_json({**said, "mediaType": exported.media_type})
    else:
        write(f"{exported.count} entries in {output}. Official use only; do not pass on.")


@directory_app.command("import")
@command
async def import_entries(
    file: Annotated[Path, typer.Argument(help="As 'export' writes it in CSV or JSON.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    file_format: Annotated[
        str, typer.Option("--format", help="csv or json; else by the file's name.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Propose the right rows where others are wrong.")
    ] = False,
    note_verbale: Annotated[
        str, typer.Option(help="For the hub's officers: what a State notified it by.")
    ] = "",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Propose the entries of a file. Nothing is written where a row is wrong, unless --partial."""
    from comity.v1.authorities_pb2 import Keeper
    from comity.v1.directory_pb2 import ImportHead

    head = ImportHead(
        format=_format(file_format or file.suffix.removeprefix("."), _READ),
        dry_run=dry_run,
        partial=partial,
        reason=reason,
    )
    if note_verbale:
        head.keeper.CopyFrom(Keeper(note_verbale=note_verbale))
    content = read_file(file)
    async with opened_agency(profile) as opened:
        response = await opened.client.directory.import_(head, content)
    if json:
        write_json(json_from(response))
    else:
        _write_import(response, dry_run=dry_run)
    if response.faults:
        raise typer.Exit(EXIT_REFUSED)


def _write_import(response: ImportAuthoritiesResponse, *, dry_run: bool) -> None:
    for warning in response.warnings:
        say(safe(warning))
    for fault in response.faults:
        right = f"; right would be: {safe(fault.right)}" if fault.right else ""
        write(f"row {fault.row:>5}  {safe(fault.field)}: {safe(fault.wrong)}{right}")
    if response.faults_left_out:
        write(f"and {response.faults_left_out:,} more")
    counts = (
        f"{response.new_rows} new, {response.changed_rows} changed, "
        f"{response.unchanged_rows} unchanged, {response.faulty_rows} at fault"
    )
    write(counts)
    if response.import_id:
        write(f"Proposed: {len(response.proposal_ids)} entries. Another officer approves them:")
        write(f"  comity directory approve --import {safe(response.import_id)}")
    elif dry_run:
        write("Nothing was written: this was a trial.")
    elif response.faults:
        write("Nothing was written.")


def _format(text: str, formats: Sequence[str]) -> Any:
    """One of some formats by its name."""
    from comity.v1.directory_pb2 import FileFormat

    if not text:
        raise typer.BadParameter(f"--format is one of {', '.join(formats)}.")
    known = {each.upper(): FileFormat.Value(f"FILE_FORMAT_{each.upper()}") for each in formats}
    return code_from(text, known, "")
