"""`comity notice check`: form and legal minimum of drafts, offline. Nothing is signed or sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    EXIT_REFUSED,
    JsonOption,
    ProfileOption,
    chosen_folder,
    chosen_profile,
    command,
    notice_app,
)
from agency_client.cli.output import safe, say, write, write_json

if TYPE_CHECKING:
    from agency_client.checking import CheckedNotice
    from agency_client.drafts import Draft
    from comity.errors import Violation
    from comity.minimum.policy import Finding, Policy
    from comity.v1.notices_pb2 import Notice


@notice_app.command()
@command
async def check(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Notices or drafts as JSON; .jsonl: one to a line."),
    ],
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", metavar="FOLDER", help="A hub's own policy files, in place of ours."
        ),
    ] = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Check notices against form and legal minimum. Works without a hub and sends nothing.

    By the hub's policy as the profile has kept it, else by the one that comes with this program.
    Errors block a notice, warnings do not. The exit code is 1 where there is an error.
    """
    from agency_client.checking import check_notices
    from agency_client.drafts import read_drafts
    from comity.v1.notices_pb2 import TRAFFIC_LIVE

    rules = _policy(policy, profile)
    drafts, unreadable = read_drafts(files, traffic=TRAFFIC_LIVE)
    checked = list(check_notices(completed_drafts(drafts), rules))
    for fault in unreadable:
        _report_unreadable(fault, json=json)
    for one in checked:
        _report(one, json=json)
    if unreadable or any(one.has_errors for one in checked):
        raise typer.Exit(EXIT_REFUSED)


def _policy(folder: Path | None, profile: str | None) -> Policy:
    """What is checked by, and says so. Raises: PolicyInvalid; MalformedInput."""
    from agency_client.policy import find_kept_policy
    from agency_client.profile import PROFILE_FILE
    from comity.minimum.policy import builtin_policy, load_policy

    if folder is not None:
        return load_policy(folder)
    is_there = chosen_folder(profile).joinpath(PROFILE_FILE).exists()
    if profile is not None or is_there:
        chosen = chosen_profile(profile)
        kept = find_kept_policy(chosen)
        if kept is not None:
            since = f"{kept.fetched_at:%Y-%m-%d %H:%M} UTC"
            say(f"Checked by the policy of {safe(chosen.hub_domain)} as it was on {since}.")
            return kept.policy()
    say("Checked by the policy that comes with this program; a hub may have its own.")
    return builtin_policy()


def completed_drafts(drafts: Sequence[Draft]) -> list[tuple[str, Notice]]:
    """The drafts with what would be filled in; a later version stays the version that it is."""
    import secrets

    from agency_client.signing import complete_draft
    from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
    from comity.times import utc_now

    now = utc_now()
    new_id = uuid7_from(now, secrets.token_bytes(UUID7_RANDOM_BYTES))
    return [(d.source, complete_draft(d.notice, now=now, new_id=lambda: new_id)) for d in drafts]


def _report_unreadable(fault: Violation, *, json: bool) -> None:
    if json:
        write_json({"source": fault.field, "unreadable": fault.description})
    else:
        write(f"{safe(fault.field)}: {safe(fault.description)}")


def _report(one: CheckedNotice, *, json: bool) -> None:
    if json:
        write_json(_document(one))
        return
    errors = len(one.faults) + len(one.errors)
    warnings = len(one.warnings) + len(one.disagreements)
    write(f"{safe(one.source)}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    for fault in one.faults:
        write(f"  error    {_field(fault.field)}: {safe(fault.description)} (form)")
    for finding in (*one.errors, *one.warnings):
        write(f"  {finding.severity:<8} {_field(finding.field)}: {safe(finding.description)}")
        write(f"           {safe(finding.satisfied_by)}")
        write(f"           rule {safe(finding.rule_id)}; {safe(finding.source)}")
    for one_fault in one.disagreements:
        write(f"  warning  {_field(one_fault.field)}: {safe(one_fault.description)}")


def _field(path: str) -> str:
    from agency_client.draft_form import json_path

    return safe(json_path(path)) if path else "the notice"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _document(one: CheckedNotice) -> dict[str, Any]:
    from agency_client.draft_form import json_path

    form = [{"field": json_path(f.field), "description": f.description} for f in one.faults]
    zones = [{"field": json_path(f.field), "description": f.description} for f in one.disagreements]
    findings = [_finding(finding) for finding in (*one.errors, *one.warnings)]
    return {
        "source": one.source,
        "isFit": not one.has_errors,
        "form": form,
        "minimum": findings,
        "zones": zones,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    from agency_client.draft_form import json_path

    return {
        "field": json_path(finding.field),
        "rule": finding.rule_id,
        "severity": str(finding.severity),
        "description": finding.description,
        "satisfiedBy": finding.satisfied_by,
        "source": finding.source,
    }


def say_warnings(checked: Sequence[CheckedNotice]) -> None:
    """Says what the legal minimum warns of, beside the result of another command."""
    for one in checked:
        for finding in one.warnings:
            where = f"{safe(one.source)}: {_field(finding.field)}"
            say(f"warning: {where}: {safe(finding.text)}")
        for fault in one.disagreements:
            say(f"warning: {safe(one.source)}: {_field(fault.field)}: {safe(fault.description)}")
