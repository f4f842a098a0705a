"""`comity notice show`: a notice as an officer reads it, how it stands, and a file of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    IdArgument,
    JsonOption,
    ProfileOption,
    command,
    notice_app,
    opened_agency,
)
from agency_client.cli.notices import held_document
from agency_client.cli.output import json_from, safe, write, write_json
from agency_client.cli.texts import stated_agency

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from agency_client.inbox import HeldNotice, HeldRecall
    from agency_client.notice_standing import NoticeStanding
    from comity.identity import AgencyId
    from comity.v1.acts_pb2 import Envelope
    from comity.v1.events_pb2 import ReviewStanding


@dataclass(frozen=True, slots=True)
class Found:
    """A notice, how it stands, and where its review does; `review` only as the hub has it."""

    held: HeldNotice
    standing: NoticeStanding
    review: ReviewStanding | None = None


@notice_app.command()
@command
async def show(
    notice_id: IdArgument,
    originator: Annotated[
        str | None,
        typer.Option("--from", metavar="AGENCY", help="Its originator, where it is not held here."),
    ] = None,
    hub: Annotated[
        bool, typer.Option("--hub", help="As the hub has it now; of one's own also its review.")
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it to a new file, its handling on top."),
    ] = None,
    for_: Annotated[
        list[str] | None,
        typer.Option(
            "--for",
            metavar="TERM",
            help="Whom the file is for: an agency or country. Refused where handling forbids it.",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Show a notice: from the inbox, from what was sent, or else as the hub has it."""
    from agency_client.cli.releases import stated_terms

    named, terms = stated_agency(originator), stated_terms("--for", for_ or [])
    if terms and to is None:
        raise typer.BadParameter("--for goes with --to, which names the file.")
    async with opened_agency(profile) as agency:
        erased = [] if hub else _erased(agency, notice_id, named)
        found = [] if erased else await _find(agency, notice_id, named, hub=hub)
        if to is not None and found:
            _write_file(agency, to, found, terms)
            return
    members = agency.trust.roster.active_agencies()
    for one in found:
        if json:
            write_json(_document(agency, one, members))
            continue
        for line in _lines(agency, one, members):
            write(line)
    for recall in erased:
        _write_erased(recall, json=json)


def _erased(agency: Agency, notice_id: str, originator: str | None) -> list[HeldRecall]:
    """The recalls on which the copies of a notice were erased here, where none is left."""
    if agency.inbox.received.find_notices(notice_id):
        return []
    return [
        recall
        for recall in agency.inbox.recalls.list_recalls(notice_id=notice_id)
        if recall.erased_at is not None and originator in (None, recall.originator)
    ]


def _write_erased(recall: HeldRecall, *, json: bool) -> None:
    from agency_client.field_text import code_words
    from agency_client.inbox.recalls import withdrawal_of
    from agency_client.notice_text import withdrawal_line
    from comity.v1.events_pb2 import RecallKind

    if json:
        write_json(
            {
                "originator": recall.originator,
                "noticeId": recall.notice_id,
                "state": RecallKind.Name(recall.kind).removeprefix("RECALL_KIND_"),
                "recallEntry": recall.recall_entry,
                "recalledAt": recall.begun_at.isoformat(),
                "erasedAt": None if recall.erased_at is None else recall.erased_at.isoformat(),
            }
        )
        return
    kind = code_words(RecallKind.DESCRIPTOR, recall.kind).upper()
    write(f"{kind} on {recall.begun_at:%Y-%m-%d %H:%M} UTC: nobody may act on it any longer.")
    write(f"notice {recall.notice_id} of {recall.originator}")
    withdrawal = withdrawal_of(recall)
    if withdrawal is not None:
        write(withdrawal_line(withdrawal, safe))
    write("Its copies are erased here: comity receipt show ID has the answer to the recall.")


def _lines(agency: Agency, one: Found, members: Collection[AgencyId]) -> Iterator[str]:
    from agency_client.notice_text import withdrawal_line
    from agency_client.standing_text import review_lines, standing_lines
    from comity.acts import parse_act

    held = one.held
    yield from _content_lines(agency, one)
    yield from standing_lines(one.standing, safe)
    if one.review is not None:
        yield from review_lines(one.review, safe)
    if held.addressing is not None:
        yield f"addressed to: {safe(_addressed(held.addressing, members))}"
    if held.withdrawal is not None:
        yield withdrawal_line(parse_act(held.withdrawal).act.withdrawal, safe)
    yield f"Verified: entry {held.entry_index} of the ledger of {agency.profile.hub_domain}."


def _content_lines(agency: Agency, one: Found) -> Iterator[str]:
    from agency_client.notice_text import notice_lines
    from comity.acts import has_unknown_fields, parse_act
    from comity.identity import AgencyId

    parsed = parse_act(one.held.version)
    return notice_lines(
        parsed.act.version.notice,
        originator=one.held.originator,
        state=one.standing.state,
        is_suspended=agency.trust.roster.is_distrusted(AgencyId(one.held.originator)),
        has_unknown_fields=has_unknown_fields(parsed.act),
        safe=safe,
    )


def _document(agency: Agency, one: Found, members: Collection[AgencyId]) -> dict[str, Any]:
    from agency_client.notice_standing import open_custodies, open_flags
    from comity.acts import ACKNOWLEDGEMENT, parse_act
    from comity.identity import AgencyId

    held, standing = one.held, one.standing
    is_suspended = agency.trust.roster.is_distrusted(AgencyId(held.originator))
    parsed = parse_act(held.version)
    document = held_document(held, parsed, standing.state, is_suspended=is_suspended)
    expires_at = standing.expires_at(parsed.act.version.notice)
    document |= {
        "expiresAt": None if expires_at is None else expires_at.isoformat(),
        "addenda": [json_from(each) for each in standing.addenda],
        "acknowledgedBy": sorted({a.originator for a in standing.of_kind(ACKNOWLEDGEMENT)}),
        "notExecutableAt": open_flags(standing),
        "inCustodyAt": {k: json_from(v) for k, v in open_custodies(standing).items()},
    }
    if one.review is not None:
        document["review"] = json_from(one.review)
    return document | _addressed_document(held, members)


def _addressed(envelope: Envelope, members: Collection[AgencyId]) -> str:
    """The rule of an addressing, and who that is now as far as members are known here."""
    from agency_client.addressing import addressees_text, members_named, rule_text
    from comity.acts import parse_act

    parsed = parse_act(envelope)
    rule = parsed.act.addressing.rule
    named = members_named(rule, originator=parsed.originator, members=members)
    return f"{rule_text(rule)}; now {addressees_text(named)}" if members else rule_text(rule)


def _addressed_document(one: HeldNotice, members: Collection[AgencyId]) -> dict[str, Any]:
    from agency_client.addressing import members_named
    from comity.acts import parse_act

    if one.addressing is None:
        return {}
    parsed = parse_act(one.addressing)
    rule = parsed.act.addressing.rule
    named = members_named(rule, originator=parsed.originator, members=members)
    return {"addressing": json_from(rule), "addressees": named}


async def _find(
    agency: Agency, notice_id: str, originator: str | None, *, hub: bool
) -> list[Found]:
    from agency_client.held import find_held, find_standing
    from comity.errors import NotFound

    held = [] if hub else find_held(agency, notice_id)
    if originator is not None:
        held = [one for one in held if one.originator == originator]
    if held:
        return [Found(one, find_standing(agency, one.originator, notice_id)) for one in held]
    try:
        return [await _fetch(agency, originator, notice_id)]
    except NotFound as error:
        if originator is not None:
            raise
        raise NotFound(
            "It is neither held here nor one of your own. 'comity run' fetches what is addressed "
            "to you; --from AGENCY asks the hub for another's."
        ) from error


async def _fetch(agency: Agency, originator: str | None, notice_id: str) -> Found:
    """A notice as the hub has it, with what was done about it."""
    from agency_client.held import held_from_record
    from agency_client.notice_standing import standing_from_record
    from agency_client.references import find_received

    if originator is None:
        received = find_received(agency, notice_id, None)
        originator = agency.profile.agency if received is None else received.originator
    record = await agency.client.get_notice(originator, notice_id)
    held = held_from_record(record)
    if originator != agency.profile.agency:
        return Found(held, standing_from_record(record))
    acts = await agency.client.list_notice_acts(originator, notice_id)
    review = record.review if record.HasField("review") else None
    return Found(held, standing_from_record(record, acts), review)


def _write_file(agency: Agency, path: Path, found: list[Found], terms: list[str]) -> None:
    """Writes a received notice to a file, where its handling allows that for whom it is; and keeps
    whom it was passed on to."""
    from agency_client.notice_files import handling_head, write_private
    from agency_client.onward import require_file_for
    from agency_client.standing_text import standing_lines
    from comity.errors import NotFound

    if len(found) > 1:
        raise NotFound("Several agencies have a notice of this id: say --from.")
    [one] = found
    require_file_for(agency, one.held, terms)
    lines = handling_head(one.held, terms, safe)
    lines += [*_content_lines(agency, one), *standing_lines(one.standing, safe)]
    write_private(path, lines)
    if one.held.originator != agency.profile.agency:
        place = (one.held.originator, one.held.notice_id)
        agency.inbox.recalls.add_passed_on(*place, terms)
    write(f"{path} is written, for {', '.join(terms) or 'this agency alone'}.")
