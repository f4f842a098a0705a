"""`comity notice submit`, `revise`, `widen`, `withdraw`, `send-kept`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.application import (
    EXIT_REFUSED,
    ExerciseOption,
    JsonOption,
    ProfileOption,
    command,
    notice_app,
    opened_agency,
)
from agency_client.cli.output import (
    json_from,
    json_from_error,
    print_error,
    progress,
    safe,
    say,
    write,
    write_json,
)

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from agency_client.submission import Outcome
    from comity.identity import AgencyId
    from comity.v1.acts_pb2 import AddressingRule, ReceiptedActs

ToOption = Annotated[
    list[str],
    typer.Option(
        "--to", help="Who receives it: an agency, a country, or 'all'. May be given repeatedly."
    ),
]
ExceptOption = Annotated[
    list[str] | None,
    typer.Option("--except", help="Who does not: an agency or a country.", show_default=False),
]
LaterOption = Annotated[
    bool,
    typer.Option("--and-later-members", help="Also those who become members later."),
]
ReceiptOption = Annotated[
    Path | None,
    typer.Option("--receipt", help="Write the receipts here too.", show_default=False),
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The notice's id.")]

BULK_FROM = 2  # one notice goes as one call and shows its refusal whole


def stated_rule(
    to: Sequence[str], except_: Sequence[str] | None, *, and_later_members: bool
) -> AddressingRule:
    """The addressing that the options state; anything else is a usage error."""
    from agency_client.addressing import rule_from_terms
    from comity.errors import AddressingInvalid

    try:
        rule = rule_from_terms(to, exceptions=except_ or ())
    except AddressingInvalid as error:
        faults = "; ".join(f"--{v.field}: {v.description}" for v in error.violations)
        raise typer.BadParameter(faults) from None
    rule.and_later_members = and_later_members
    return rule


async def resolved(agency: Agency, rule: AddressingRule) -> frozenset[AgencyId]:
    """The members that a rule names now. The hub decides again when it takes the notice.

    Raises: AddressingInvalid with every term at fault.
    """
    from comity.addressing import resolve_rule

    await agency.client.refresh_roster()
    return resolve_rule(
        rule,
        originator=agency.profile.agency,
        members=agency.trust.roster.active_agencies(),
    )


@notice_app.command()
@command
async def submit(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Notices or drafts as JSON; .jsonl: one to a line."),
    ],
    to: ToOption,
    except_: ExceptOption = None,
    and_later_members: LaterOption = False,
    exercise: ExerciseOption = False,
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Publish notices: signed, addressed, and receipted by the hub.

    Id, version and time of issue are filled in; a draft without a time of expiry lives a year.
    """
    from agency_client.drafts import load_drafts, verify_drafts
    from agency_client.submission import Submitting
    from comity.v1.notices_pb2 import TRAFFIC_EXERCISE, TRAFFIC_LIVE

    rule = stated_rule(to, except_, and_later_members=and_later_members)
    drafts = load_drafts(files, traffic=TRAFFIC_EXERCISE if exercise else TRAFFIC_LIVE)
    async with opened_agency(profile) as agency:
        signer = agency.signer()
        notices = [(draft.source, signer.completed(draft.notice)) for draft in drafts]
        verify_drafts(notices)
        addressees = await resolved(agency, rule)
        sources = {notice.notice_id: source for source, notice in notices}
        with progress("signing", len(notices)) as bar:
            requests = []
            for _, notice in notices:
                requests.append(signer.first_version(notice, rule))
                bar.step()
        submitting = Submitting(agency)
        if len(requests) < BULK_FROM:
            receipted = [await submitting.send(requests[0])]
            refused: list[Outcome] = []
        else:
            with progress("sending", len(requests)) as bar:
                outcomes = await submitting.send_each(requests, on_outcome=lambda _: bar.step())
            receipted = [o.receipted for o in outcomes if o.receipted is not None]
            refused = [o for o in outcomes if o.error is not None]
    report_receipted(receipted, json=json, to=len(addressees), receipt=receipt)
    _report_refused(refused, sources, json=json)


def report_receipted(
    receipted: Sequence[ReceiptedActs], *, json: bool, to: int | None, receipt: Path | None
) -> None:
    """Says what the hub has on disk now."""
    from comity.acts import parse_act

    if receipt is not None:
        _write_receipts(receipt, receipted)
    whom = "" if to is None else f" to {to} {'agency' if to == 1 else 'agencies'}"
    for one in receipted:
        notice_id = parse_act(one.acts[0]).notice_id
        index = one.receipt.entry_index
        if json:
            write_json({"noticeId": notice_id, "entryIndex": index, "receipted": json_from(one)})
        else:
            write(f"{notice_id}  sent{whom}; entry {index} of the ledger, receipt verified")


def _write_receipts(path: Path, receipted: Sequence[ReceiptedActs]) -> None:
    from google.protobuf.json_format import MessageToJson

    lines = [MessageToJson(one, indent=None) for one in receipted]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _report_refused(refused: Sequence[Outcome], sources: dict[str, str], *, json: bool) -> None:
    for outcome in refused:
        if outcome.error is None:
            continue
        source = sources.get(outcome.notice_id, outcome.notice_id)
        if json:
            write_json({"source": source, "refused": json_from_error(outcome.error)})
        else:
            say(f"{safe(source)}: refused")
            print_error(outcome.error)
    if refused:
        raise typer.Exit(EXIT_REFUSED)


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
    from agency_client.drafts import load_drafts
    from agency_client.submission import Submitting

    async with opened_agency(profile) as agency:
        submitting = Submitting(agency)
        latest = await submitting.fetch_latest(notice_id)
        [draft] = load_drafts([file], traffic=latest.act.version.notice.traffic)
        request = agency.signer().next_version(draft.notice, latest)
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
    from agency_client.submission import Submitting
    from comity.acts import parse_act

    added = stated_rule(to, None, and_later_members=and_later_members)
    async with opened_agency(profile) as agency:
        await resolved(agency, added)  # Says which terms are at fault.
        record = await agency.client.get_notice(agency.profile.agency, notice_id)
        current = parse_act(record.addressing.envelope).act.addressing.rule
        rule = wider_rule(current, added, members=agency.trust.roster.active_agencies())
        addressees = await resolved(agency, rule)
        latest = parse_act(record.version.envelope)
        request = agency.signer().wider_addressing(notice_id, latest.digest, rule)
        receipted = await Submitting(agency).send(request)
    report_receipted([receipted], json=json, to=len(addressees), receipt=receipt)


@notice_app.command()
@command
async def withdraw(
    notice_id: IdArgument,
    reason: Annotated[
        str,
        typer.Option(
            help="purpose-achieved, legal-basis-ended, issued-in-error, delisted, or other."
        ),
    ],
    details: Annotated[
        str | None, typer.Option(help="Which other reason; further words.", show_default=False)
    ] = None,
    language: Annotated[str, typer.Option(help="The language of the details.")] = "en",
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """End a notice: nobody may act on it any longer."""
    from agency_client.submission import Submitting
    from comity.v1.acts_pb2 import WithdrawalReason
    from comity.v1.notices_pb2 import LocalizedText

    code = f"WITHDRAWAL_REASON_{reason.upper().replace('-', '_')}"
    if code not in WithdrawalReason.keys()[1:]:
        raise typer.BadParameter(f"--reason: {reason!r} is none of those that --help names.")
    texts = [LocalizedText(language=language, text=details, original=True)] if details else []
    async with opened_agency(profile) as agency:
        submitting = Submitting(agency)
        latest = await submitting.fetch_latest(notice_id)
        request = agency.signer().withdrawal(
            notice_id, latest.digest, reason=WithdrawalReason.Value(code), details=texts
        )
        receipted = await submitting.send(request)
    report_receipted([receipted], json=json, to=None, receipt=receipt)


@notice_app.command("send-kept")
@command
async def send_kept(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """Send what an interrupted command left unanswered; 'comity run' does so by itself."""
    from agency_client.submission import Submitting

    async with opened_agency(profile) as agency:
        waiting = agency.inbox.sent.count_unanswered()
        with progress("sending", waiting) as bar:
            outcomes = await Submitting(agency).send_kept(lambda _: bar.step())
    receipted = [o.receipted for o in outcomes if o.receipted is not None]
    report_receipted(receipted, json=json, to=None, receipt=None)
    _report_refused([o for o in outcomes if o.error is not None], {}, json=json)
