"""`comity import un-list`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.addressing import (
    ExceptOption,
    LaterOption,
    ToOption,
    resolved_as_stated,
    stated_rule,
)
from agency_client.cli.application import (
    EXIT_REFUSED,
    ExerciseOption,
    JsonOption,
    ProfileOption,
    command,
    import_app,
    opened_agency,
)
from agency_client.cli.output import print_error, progress, say, write, write_json

if TYPE_CHECKING:
    from agency_client.importing import ImportReport


@import_app.command("un-list")
@command
async def un_list(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The Consolidated List as the UN publishes it.")
    ],
    to: ToOption,
    except_: ExceptOption = None,
    and_later_members: LaterOption = False,
    exercise: ExerciseOption = False,
    list_is_complete: Annotated[
        bool,
        typer.Option(
            "--list-is-complete",
            help="Somebody has seen that the list is whole: withdraw even most of what is there.",
        ),
    ] = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Publish the UN Security Council's Consolidated List: new, changed and delisted entries.

    The same file again publishes nothing. Interrupted, the same command goes on.
    """
    from agency_client.importing import import_un_list
    from agency_client.submission import saying_that_nothing_is_kept
    from agency_client.un_list import IssueTerms, plan_import, plan_mass_delisting

    rule = stated_rule(to, except_, and_later_members=and_later_members)
    async with opened_agency(profile) as agency:
        with saying_that_nothing_is_kept():
            await resolved_as_stated(agency, rule)
        make_terms = IssueTerms.exercise if exercise else IssueTerms.live
        make_plan = plan_mass_delisting if list_is_complete else plan_import
        with progress("sending") as bar:
            report = await import_un_list(
                agency,
                file,
                terms=make_terms(agency.clock()),
                rule=rule,
                make_plan=make_plan,
                on_start=lambda plan: bar.at(
                    0, len(plan.new) + len(plan.changed) + len(plan.delisted)
                ),
                on_outcome=lambda _: bar.step(),
            )
    _report(report, json=json)


def _report(report: ImportReport, *, json: bool) -> None:
    plan = report.plan
    refused = [outcome for outcome in report.outcomes if outcome.error is not None]
    figures = {
        "new": len(plan.new),
        "changed": len(plan.changed),
        "unchanged": len(plan.unchanged),
        "delisted": len(plan.delisted),
        "refused": len(refused),
    }
    if json:
        write_json(figures)
    else:
        write(", ".join(f"{count:,} {name}" for name, count in figures.items()))
    for outcome in refused:
        if outcome.error is not None:
            say(f"{outcome.notice_id}: refused")
            print_error(outcome.error)
    if refused:
        raise typer.Exit(EXIT_REFUSED)
