"""`comity recall status`, `answer`, `retain`, `passed-on`: copies that are asked back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    IdArgument,
    JsonOption,
    ProfileOption,
    command,
    opened_agency,
    recall_app,
)
from agency_client.cli.output import safe, say, write, write_json
from agency_client.cli.releases import stated_terms
from agency_client.cli.submitting import ReceiptOption, report_receipted
from agency_client.cli.texts import FromOption, stated_agency

if TYPE_CHECKING:
    from datetime import datetime

    from agency_client.agency import Agency
    from comity.v1.events_pb2 import Recall, RecallAddressee


@recall_app.command()
@command
async def status(
    notice_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="A notice's id; without it, all.", show_default=False),
    ] = None,
    originator: FromOption = None,
    every: Annotated[bool, typer.Option("--all", help="Those that all have answered too.")] = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Who has answered a recall, and who has not for how long; asks the hub."""
    from agency_client.cli.application import require_notice_id
    from comity.v1.events_pb2 import ListRecallsRequest

    named = stated_agency(originator)
    if notice_id is not None:
        require_notice_id(notice_id)
    async with opened_agency(profile) as agency:
        owner = named or (agency.profile.agency if notice_id else "")
        request = ListRecallsRequest(
            originator=owner, notice_id=notice_id or "", open=not every and notice_id is None
        )
        recalls = await agency.client.list_recalls(request)
        now = agency.clock()
    for recall in recalls:
        if json:
            write_json(_document(recall, now))
        else:
            _write(recall, now)
    if not recalls and not json:
        say("(no recall is open)" if not every else "(nothing was recalled)")


def _begun(recall: Recall) -> datetime | None:
    from comity.times import datetime_from_timestamp

    return datetime_from_timestamp(recall.begun_at)


def _ago(recall: Recall, now: datetime) -> str:
    begun = _begun(recall)
    if begun is None:
        return "?"
    minutes = max(0, int((now - begun).total_seconds() // 60))
    days, rest = divmod(minutes, 1440)
    return f"{days} days" if days > 1 else f"{days * 24 + rest // 60} h {rest % 60:02} min"


def _outcome(addressee: RecallAddressee) -> str | None:
    from agency_client.field_text import code_words
    from comity.acts import parse_act
    from comity.v1.acts_pb2 import RecallOutcome

    if not addressee.HasField("answer"):
        return None
    body = parse_act(addressee.answer.envelope).body
    beside = [body.provision, ", ".join(body.passed_on_to)]
    words = "; ".join(safe(each) for each in beside if each)
    said = code_words(RecallOutcome.DESCRIPTOR, body.outcome)
    return f"{said} ({words})" if words else said


def _write(recall: Recall, now: datetime) -> None:
    from agency_client.field_text import code_words
    from comity.v1.events_pb2 import RecallKind

    kind = code_words(RecallKind.DESCRIPTOR, recall.kind)
    erased = ", erased at the hub" if recall.HasField("erasure") else ""
    write(f"{recall.notice_id}  {safe(recall.originator)}  {kind} {_ago(recall, now)} ago{erased}")
    for addressee in recall.addressees:
        said = _outcome(addressee) or f"NOT ANSWERED for {_ago(recall, now)}"
        write(f"  {safe(addressee.agency_id):<12} {said}")


def _document(recall: Recall, now: datetime) -> dict[str, Any]:
    from comity.v1.events_pb2 import RecallKind

    begun = _begun(recall)
    return {
        "kind": RecallKind.Name(recall.kind).removeprefix("RECALL_KIND_"),
        "originator": recall.originator,
        "noticeId": recall.notice_id,
        "recallEntry": recall.recall_entry,
        "begunAt": None if begun is None else begun.isoformat(),
        "openForSeconds": None if begun is None else int((now - begun).total_seconds()),
        "isErasedAtHub": recall.HasField("erasure"),
        "addressees": [
            {"agency": one.agency_id, "answer": _outcome(one)} for one in recall.addressees
        ],
    }


@recall_app.command()
@command
async def answer(
    notice_id: IdArgument,
    originator: FromOption = None,
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Delete what is recalled, or keep what law demands, and say so; 'comity run' does it too."""
    from agency_client.recalls import settle_copies
    from agency_client.submission import Submitting
    from comity.errors import NotFound

    named = stated_agency(originator)
    async with opened_agency(profile) as agency:
        answers = [
            one
            for one in settle_copies(agency)
            if one.recall.notice_id == notice_id and named in (None, one.recall.originator)
        ]
        if not answers:
            raise NotFound("No recall of this notice is unanswered here.")
        signer = await agency.officer_signer()
        receipted = [await Submitting(agency).send(one.request(signer)) for one in answers]
    report_receipted(receipted, json=json, to=None, receipt=receipt)


@recall_app.command()
@command
async def retain(
    notice_id: IdArgument,
    provision: Annotated[
        str, typer.Option(metavar="TEXT", help="The law that demands to keep it.")
    ],
    until: Annotated[str, typer.Option(metavar="DAY", help="The last day: YYYY-MM-DD.")],
    originator: FromOption = None,
    profile: ProfileOption = None,
) -> None:
    """Keep a notice under a law, although it is recalled or may be. It is erased after the day."""
    from datetime import date

    from agency_client.inbox import Retention
    from comity.errors import MalformedInput

    named = stated_agency(originator)
    try:
        last = date.fromisoformat(until)
    except ValueError:
        raise typer.BadParameter(f"--until: {until!r} is no day such as 2027-05-01.") from None
    if not provision.strip():
        raise typer.BadParameter("--provision: names no law.")
    async with opened_agency(profile) as agency:
        if last < agency.clock().date():
            raise MalformedInput(f"--until: {until} is past.")
        owner = _owner(agency, notice_id, named)
        _require_not_erased(agency, owner, notice_id)
        retention = Retention(provision.strip(), last.isoformat())
        agency.inbox.recalls.save_retention(owner, notice_id, retention)
    write(f"{notice_id}  is kept until {last.isoformat()}, if it is recalled.")


@recall_app.command("passed-on")
@command
async def passed_on(
    notice_id: IdArgument,
    to: Annotated[
        list[str], typer.Option(metavar="TERM", help="The agency or country that has a copy.")
    ],
    originator: FromOption = None,
    profile: ProfileOption = None,
) -> None:
    """Record whom a received notice was passed on to: a recall is answered with it."""
    named, terms = stated_agency(originator), stated_terms("--to", to)
    async with opened_agency(profile) as agency:
        owner = _owner(agency, notice_id, named)
        agency.inbox.recalls.add_passed_on(owner, notice_id, terms)
        names = agency.inbox.recalls.list_passed_on(owner, notice_id)
    write(f"{notice_id}  was passed on to {', '.join(names)}.")


def _owner(agency: Agency, notice_id: str, named: str | None) -> str:
    """The originator of a notice that is held or recalled here. Raises: NotFound."""
    from agency_client.references import find_received
    from comity.errors import NotFound

    held = find_received(agency, notice_id, named)
    if held is not None:
        return held.originator
    recalls = agency.inbox.recalls.list_recalls(notice_id=notice_id)
    owners = sorted({r.originator for r in recalls if named in (None, r.originator)})
    if len(owners) != 1:
        raise NotFound("No notice of this id is held here, nor was recalled.")
    return owners[0]


def _require_not_erased(agency: Agency, owner: str, notice_id: str) -> None:
    from comity.errors import NotFound

    if not agency.inbox.received.holds(owner, notice_id):
        raise NotFound("Its copies are erased here already: there is nothing to keep.")
