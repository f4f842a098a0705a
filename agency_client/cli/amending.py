"""`comity notice revise`, `widen`, `withdraw`: what an originator does to a notice later on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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

REASONS = "purpose-achieved, legal-basis-ended, issued-in-error, delisted, other"


@notice_app.command()
@command
async def revise(
    notice_id: IdArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new content, as JSON.")],
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Publish a new version of a notice. Its addressees stay."""
    from agency_client.drafts import faults_under, load_draft
    from agency_client.submission import Submitting, saying_that_nothing_is_kept
    from comity.errors import LegalMinimumMissing, NoticeInvalid

    async with opened_agency(profile) as agency:
        submitting = Submitting(agency)
        with saying_that_nothing_is_kept():
            latest = await submitting.fetch_latest(notice_id)
        draft = load_draft(file, traffic=latest.act.version.notice.traffic)
        try:
            request = agency.signer().next_version(draft.notice, latest)
        except (NoticeInvalid, LegalMinimumMissing) as error:
            faults = faults_under(draft.source, error)
            raise type(error)("Nothing was sent.", violations=faults) from error
        receipted = await submitting.send(request)
    report_receipted([receipted], json=json, to=None, receipt=receipt)


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
    """Address a notice to more agencies. Nobody is taken off: for that, withdraw it."""
    from agency_client.addressing import wider_rule
    from agency_client.submission import Submitting, saying_that_nothing_is_kept
    from comity.acts import parse_act

    added = stated_rule(to, None, and_later_members=and_later_members)
    async with opened_agency(profile) as agency:
        submitting = Submitting(agency)
        with saying_that_nothing_is_kept():
            await resolved_as_stated(agency, added)  # Says which terms are at fault.
            record = await submitting.fetch_own(notice_id)
        current = parse_act(record.addressing.envelope).act.addressing.rule
        rule = wider_rule(current, added, members=agency.trust.roster.active_agencies())
        addressees = resolved(agency, rule)
        latest = parse_act(record.version.envelope)
        request = agency.signer().wider_addressing(notice_id, latest.digest, rule)
        receipted = await submitting.send(request)
    report_receipted([receipted], json=json, to=addressees, receipt=receipt)


@notice_app.command()
@command
async def withdraw(
    notice_id: IdArgument,
    reason: Annotated[
        str,
        typer.Option(metavar="REASON", help=f"One of {REASONS}."),
    ],
    details: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Which other reason; further words.", show_default=False),
    ] = None,
    language: Annotated[
        str, typer.Option(metavar="CODE", help="The language of the details.")
    ] = "en",
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """End a notice: nobody may act on it any longer."""
    from agency_client.submission import Submitting, saying_that_nothing_is_kept
    from comity.v1.acts_pb2 import WithdrawalReason
    from comity.v1.notices_pb2 import LocalizedText

    code = f"WITHDRAWAL_REASON_{reason.upper().replace('-', '_')}"
    if code not in WithdrawalReason.keys()[1:]:
        raise typer.BadParameter(f"--reason: {reason!r} is none of {REASONS}.")
    texts = [LocalizedText(language=language, text=details, original=True)] if details else []
    async with opened_agency(profile) as agency:
        submitting = Submitting(agency)
        with saying_that_nothing_is_kept():
            latest = await submitting.fetch_latest(notice_id)
        request = agency.signer().withdrawal(
            notice_id, latest.digest, reason=WithdrawalReason.Value(code), details=texts
        )
        receipted = await submitting.send(request)
    report_receipted([receipted], json=json, to=None, receipt=receipt)
