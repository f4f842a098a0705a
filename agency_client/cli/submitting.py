"""`comity notice submit`, `send-kept`."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

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
    chosen_profile,
    command,
    notice_app,
    opened_agency,
    require_notice_id,
)
from agency_client.cli.checking import completed_drafts, say_warnings
from agency_client.cli.output import (
    flush,
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
    from agency_client.drafts import Draft
    from agency_client.signing import ActSigner
    from agency_client.submission import Outcome
    from comity.errors import Violation
    from comity.identity import AgencyId
    from comity.v1.acts_pb2 import AddressingRule, ReceiptedActs, SubmitActsRequest
    from comity.v1.notices_pb2 import Notice

BULK_FROM = 2  # one notice goes as one call and shows its refusal whole


def _writable(path: Path | None) -> Path | None:
    """A file for receipts as an option names it. Tried before anything is sent, and left as it is.

    A file that cannot be written is wrong usage.
    """
    if path is None:
        return None
    is_new = not path.exists()
    try:
        path.open("a").close()
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror}.") from None
    if is_new:
        path.unlink()
    return path


ReceiptOption = Annotated[
    Path | None,
    typer.Option(
        "--receipt",
        metavar="FILE",
        help="Write the receipts here too.",
        show_default=False,
        callback=_writable,
    ),
]


@notice_app.command()
@command
async def submit(  # noqa: PLR0913, PLR0917 - options of a command
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Notices or drafts as JSON; .jsonl: one to a line."),
    ],
    to: ToOption,
    except_: ExceptOption = None,
    and_later_members: LaterOption = False,
    exercise: ExerciseOption = False,
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="A received notice that they draw on: its conditions are carried.",
            show_default=False,
        ),
    ] = None,
    announce: Annotated[
        bool,
        typer.Option("--announce", help="Addressees may know of a request that is in review."),
    ] = False,
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Publish notices: signed, addressed, and receipted by the hub.

    Id, version and time of issue are filled in; a draft without a time of expiry lives a year.
    """
    from agency_client.drafts import read_drafts
    from agency_client.submission import saying_that_nothing_is_kept
    from comity.v1.notices_pb2 import TRAFFIC_EXERCISE, TRAFFIC_LIVE

    rule = stated_rule(to, except_, and_later_members=and_later_members)
    sources_cited = [require_notice_id(each, "--source: a notice's id") for each in source or ()]
    traffic = TRAFFIC_EXERCISE if exercise else TRAFFIC_LIVE
    drafts, unreadable = read_drafts(files, traffic=traffic)
    if unreadable:
        _refuse(drafts, unreadable, profile)
    async with opened_agency(profile) as agency:
        drawing = _drawing_on(agency, drafts, sources_cited)
        notices = _completed(agency, drawing)
        with saying_that_nothing_is_kept():
            addressees = await resolved_as_stated(agency, rule)
            signer = await agency.officer_signer()
        _require_onward(agency, notices, addressees)
        requests = _sign(signer, notices, rule, announces_processing=announce)
        outcomes = await _send(agency, requests)
        standing = await _standing_of_one(agency, outcomes)
    sources = {notice.notice_id: source for source, notice in notices}
    receipted = [o.receipted for o in outcomes if o.receipted is not None]
    report_receipted(receipted, json=json, to=addressees, receipt=receipt)
    if standing and not json:
        say(f"comity: {standing}")
    _report_refused(outcomes, sources, json=json)


def _refuse(
    drafts: Sequence[Draft], unreadable: Sequence[Violation], profile: str | None
) -> NoReturn:
    """Names what cannot be read, and with it everything at fault with the other files.

    Raises: MalformedInput.
    """
    from agency_client.checking import check_notices, require_sound
    from agency_client.policy import load_kept_policy
    from comity.errors import MalformedInput
    from comity.minimum.policy import builtin_policy

    try:
        policy = load_kept_policy(chosen_profile(profile))
    except MalformedInput:  # There is no profile yet; that is said once the files are right.
        policy = builtin_policy()
    require_sound(list(check_notices(completed_drafts(drafts), policy)), unreadable)
    raise MalformedInput("Not every file can be read.", violations=unreadable)


def _completed(agency: Agency, drafts: Sequence[Draft]) -> list[tuple[str, Notice]]:
    """Where each notice stood, and the whole of it. Says what the legal minimum warns of.

    Raises: MalformedInput, NoticeInvalid, LegalMinimumMissing.
    """
    from agency_client.checking import check_notices, require_sound
    from agency_client.policy import load_kept_policy

    signer = agency.signer()
    notices = [(draft.source, signer.completed(draft.notice)) for draft in drafts]
    checked = list(check_notices(notices, load_kept_policy(agency.profile)))
    require_sound(checked)
    say_warnings(checked)
    return notices


def _drawing_on(
    agency: Agency, drafts: Sequence[Draft], source_ids: Sequence[str]
) -> Sequence[Draft]:
    """The drafts with the received notices that they draw on. Raises: NotFound."""
    from dataclasses import replace

    from agency_client.onward import with_sources

    if not source_ids:
        return drafts
    return [replace(d, notice=with_sources(agency, d.notice, source_ids)) for d in drafts]


def _require_onward(
    agency: Agency, notices: Sequence[tuple[str, Notice]], addressees: Collection[AgencyId]
) -> None:
    """Requires that what was received may go on. Raises: NoticeInvalid, ReleaseRequired."""
    from agency_client.onward import require_onward

    for _, notice in notices:
        require_onward(agency, notice, addressees)


def _sign(
    signer: ActSigner,
    notices: Sequence[tuple[str, Notice]],
    rule: AddressingRule,
    *,
    announces_processing: bool,
) -> list[SubmitActsRequest]:
    """The signed acts of each notice, by the newest roster."""
    requests = []
    with progress("signing", len(notices)) as bar:
        for _, notice in notices:
            requests.append(
                signer.first_version(notice, rule, announces_processing=announces_processing)
            )
            bar.step()
    return requests


async def _send(agency: Agency, requests: Sequence[SubmitActsRequest]) -> list[Outcome]:
    from agency_client.submission import Outcome, Submitting
    from comity.acts import parse_act

    submitting = Submitting(agency)
    if len(requests) < BULK_FROM:
        receipted = await submitting.send(requests[0])
        return [Outcome(parse_act(receipted.acts[0]).notice_id, receipted, None)]
    with progress("sending", len(requests)) as bar:
        return await submitting.send_each(requests, on_outcome=lambda _: bar.step())


async def _standing_of_one(agency: Agency, outcomes: Sequence[Outcome]) -> str:
    """Where a single notice stands that was sent, unless it is published; what was sent is sent
    whatever becomes of asking."""
    from agency_client.failures import InboxFailed
    from agency_client.standing_text import review_lines
    from comity.errors import ComityError
    from comity.v1.events_pb2 import NOTICE_STATE_IN_REVIEW

    sent = [outcome for outcome in outcomes if outcome.receipted is not None]
    if len(sent) != 1 or len(outcomes) != 1:
        return ""
    try:
        record = await agency.client.get_notice(agency.profile.agency, sent[0].notice_id)
    except (ComityError, InboxFailed):
        return ""
    if record.state != NOTICE_STATE_IN_REVIEW:
        return ""
    return "in review, and seen by nobody else until then; " + "; ".join(
        review_lines(record.review, safe)
    )


def report_receipted(
    receipted: Sequence[ReceiptedActs],
    *,
    json: bool,
    to: Collection[AgencyId] | None,
    receipt: Path | None,
) -> None:
    """Says what the hub has on disk now, then writes the receipts where they are wanted.

    `to` is who is addressed at this moment; None where that has not changed.
    """
    from agency_client.addressing import addressees_text
    from comity.acts import parse_act

    whom = "" if to is None else f" to {addressees_text(to)}"
    addressees = {} if to is None else {"addressees": sorted(to)}
    for one in receipted:
        notice_id = parse_act(one.acts[0]).notice_id
        index = one.receipt.entry_index
        if json:
            document = {"noticeId": notice_id, "entryIndex": index, **addressees}
            write_json({**document, "receipted": json_from(one)})
        else:
            write(f"{notice_id}  sent{whom}; entry {index} of the ledger, receipt verified")
    if receipt is not None:
        flush()
        _write_receipts(receipt, receipted)


def _write_receipts(path: Path, receipted: Sequence[ReceiptedActs]) -> None:
    from google.protobuf.json_format import MessageToJson

    from comity.errors import MalformedInput

    lines = [MessageToJson(one, indent=None) for one in receipted]
    try:
        # It holds the notices: for its owner alone.
        with open(path, "w", encoding="utf-8", opener=partial(os.open, mode=0o600)) as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise MalformedInput(
            f"{path} cannot be written: {error.strerror}. What is listed above is sent; 'comity "
            "receipt show ID' writes its receipts."
        ) from error


def _report_refused(outcomes: Sequence[Outcome], sources: dict[str, str], *, json: bool) -> None:
    refused = [outcome for outcome in outcomes if outcome.error is not None]
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


@notice_app.command("send-kept")
@command
async def send_kept(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """Send what an interrupted command left unanswered; 'comity run' does so by itself."""
    from agency_client.submission import Submitting

    async with opened_agency(profile) as agency:
        waiting = agency.inbox.sent.count_unanswered()
        with progress("sending", waiting) as bar:
            outcomes = await Submitting(agency).send_kept(lambda _: bar.step())
    if not outcomes and not json:
        say("(nothing was left unanswered)")
    receipted = [o.receipted for o in outcomes if o.receipted is not None]
    report_receipted(receipted, json=json, to=None, receipt=None)
    _report_refused(outcomes, {}, json=json)
