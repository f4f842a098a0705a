"""`comity notice widen`, `narrow`: whom a notice goes to, later on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.addressing import (
    LaterOption,
    ToOption,
    resolved,
    resolved_as_stated,
    stated_rule,
)
from agency_client.cli.application import (
    IdArgument,
    JsonOption,
    ProfileOption,
    command,
    notice_app,
    opened_agency,
)
from agency_client.cli.submitting import ReceiptOption, report_receipted

if TYPE_CHECKING:
    from collections.abc import Collection

    from comity.identity import AgencyId


@notice_app.command()
@command
async def widen(
    notice_id: IdArgument,
    to: ToOption,
    and_later_members: LaterOption = False,
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Address a notice to more agencies. Nobody is taken off: for that, narrow it."""
    from agency_client.addressing import wider_rule
    from agency_client.submission import Submitting, saying_that_nothing_is_kept
    from comity.acts import parse_act

    added = stated_rule(to, None, and_later_members=and_later_members)
    async with opened_agency(profile) as agency:
        submitting = Submitting(agency)
        with saying_that_nothing_is_kept():
            await resolved_as_stated(agency, added)  # Says which terms are at fault.
            record = await submitting.fetch_own(notice_id)
            latest = await submitting.fetch_in_force(notice_id)
            signer = await agency.officer_signer()
        current = parse_act(record.addressing.envelope).act.addressing.rule
        rule = wider_rule(current, added, members=agency.trust.roster.active_agencies())
        addressees = resolved(agency, rule)
        request = signer.wider_addressing(notice_id, latest.digest, rule)
        receipted = await submitting.send(request)
    report_receipted([receipted], json=json, to=addressees, receipt=receipt)


@notice_app.command()
@command
async def narrow(
    notice_id: IdArgument,
    except_: Annotated[
        list[str],
        typer.Option(
            "--except",
            metavar="TERM",
            help="Whom to take off: an agency or a country. May be given repeatedly.",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Recall their copies without asking.")] = False,
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Take addressees off a notice: their copies are recalled."""
    from agency_client.addressing import narrower_rule
    from agency_client.submission import Submitting, saying_that_nothing_is_kept
    from comity.acts import parse_act
    from comity.errors import AddressingInvalid, Violation

    left_out = stated_rule(["all"], except_, and_later_members=False)
    async with opened_agency(profile) as agency:
        submitting = Submitting(agency)
        with saying_that_nothing_is_kept():
            await agency.client.refresh_roster()
            record = await submitting.fetch_own(notice_id)
            latest = await submitting.fetch_in_force(notice_id)
            signer = await agency.officer_signer()
        current = parse_act(record.addressing.envelope).act.addressing.rule
        rule = narrower_rule(current, left_out)
        addressees = resolved(agency, rule)
        recalled = resolved(agency, current) - addressees
        if not recalled:
            fault = Violation("--except", "names nobody whom the notice is addressed to")
            raise AddressingInvalid("Nothing was sent.", violations=[fault])
        _require_meant(recalled, yes=yes)
        request = signer.narrower_addressing(notice_id, latest.digest, rule)
        receipted = await submitting.send(request)
    report_receipted([receipted], json=json, to=addressees, receipt=receipt)


def _require_meant(recalled: Collection[AgencyId], *, yes: bool) -> None:
    from agency_client.addressing import addressees_text

    whose = addressees_text(recalled)
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"it recalls the copies of {whose}: --yes says that it is meant.")
    if not typer.confirm(f"The copies of {whose} are recalled. Go on?", err=True):
        raise typer.Abort
