"""`comity notice list`, `show`, `quarantine`: what the inbox and the hub hold."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    ExerciseOption,
    IdArgument,
    JsonOption,
    ProfileOption,
    argument,
    command,
    notice_app,
    opened_agency,
)
from agency_client.cli.output import json_from, safe, say, write, write_json

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from agency_client.inbox import HeldNotice
    from comity.acts import ParsedAct
    from comity.identity import AgencyId
    from comity.v1.acts_pb2 import Envelope


@notice_app.command("list")
@command
async def list_notices(
    own: Annotated[bool, typer.Option("--own", help="Those that this agency published.")] = False,
    originator: Annotated[
        str | None,
        typer.Option("--from", metavar="AGENCY", help="Those of one originator."),
    ] = None,
    held_by: Annotated[
        str | None,
        typer.Option(
            "--held-by", metavar="AGENCY", help="One's own that it is addressed by; asks the hub."
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Withdrawn and expired ones too.")] = False,
    exercise: ExerciseOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """List the notices of the inbox, which 'comity run' keeps filled. Works without the hub."""
    from agency_client.held import NoticeChoice
    from agency_client.notice_text import state_words
    from comity.acts import parse_act
    from comity.identity import AgencyId
    from comity.v1.notices_pb2 import TRAFFIC_EXERCISE, TRAFFIC_LIVE

    chosen = NoticeChoice(own, _agency_of("--from", originator), _agency_of("--held-by", held_by))
    shown = hidden = 0
    async with opened_agency(profile) as agency:
        for member in (chosen.originator, chosen.holder):
            await _require_member(agency, member)
        roster = agency.trust.roster
        async for one in chosen.notices(agency, TRAFFIC_EXERCISE if exercise else TRAFFIC_LIVE):
            is_suspended = roster.is_distrusted(AgencyId(one.originator))
            parsed = parse_act(one.version)
            notice = parsed.act.version.notice
            state = state_words(notice, is_withdrawn=one.withdrawal is not None, now=agency.clock())
            if not every and state != "in force":
                hidden += 1
                continue
            shown += 1
            if json:
                write_json(_document(one, parsed, state, is_suspended=is_suspended))
            else:
                write(_line(one, parsed, state, is_suspended=is_suspended))
    if not shown and not json:
        say(_nothing(own=own, holder=chosen.holder, hidden=hidden))


def _agency_of(option: str, text: str | None) -> AgencyId | None:
    from comity.identity import parse_agency_id

    return None if text is None else argument(option, text, parse_agency_id)


async def _require_member(agency: Agency, member: AgencyId | None) -> None:
    """Requires that an agency is or was a member. Asks the hub only where it is not known here.

    Raises: NotFound.
    """
    from comity.errors import AccessRefused, HubUnavailable, NotFound

    if member is None or member in agency.trust.roster.agencies:
        return
    known = "was never a member of this hub"
    try:
        await agency.client.refresh_roster()
    except (AccessRefused, HubUnavailable):
        known = f"is no member as far as is known here, at {agency.trust.size:,} entries"
    if member not in agency.trust.roster.agencies:
        raise NotFound(f"{member} {known}.")


def _nothing(*, own: bool, holder: AgencyId | None, hidden: int) -> str:
    """What stands for an empty list, and where there is something."""
    if holder is not None:
        beside = f"; withdrawn or expired: {hidden}, with --all" if hidden else ""
        return f"(no notice of your own that {holder} is addressed by{beside})"
    hints = [f"withdrawn or expired: {hidden}, with --all"] if hidden else []
    hints += [] if own else ["your own: --own", "the inbox is filled by 'comity run'"]
    return f"({'; '.join(['nothing', *hints])})"


def _line(one: HeldNotice, parsed: ParsedAct, state: str, *, is_suspended: bool) -> str:
    from agency_client.field_text import code_words
    from agency_client.notice_text import SUSPENDED_WARNING, headline
    from comity.v1.notices_pb2 import NoticeKind, Urgency

    notice = parsed.act.version.notice
    kind = code_words(NoticeKind.DESCRIPTOR, notice.kind).upper()
    urgency = code_words(Urgency.DESCRIPTOR, notice.urgency)
    beside = "" if state == "in force" else f"  [{state}]"
    mark = f"! {SUSPENDED_WARNING}  " if is_suspended else ""
    return f"{mark}{one.notice_id}  {one.originator:<10} {kind:<12} {urgency:<9} " + (
        f"{headline(notice, safe)}{beside}"
    )


def _document(
    one: HeldNotice, parsed: ParsedAct, state: str, *, is_suspended: bool
) -> dict[str, Any]:
    from comity.acts import has_unknown_fields

    document = {
        "isOriginatorSuspended": is_suspended,
        "originator": one.originator,
        "noticeId": one.notice_id,
        "state": state.replace(" ", "_").upper(),
        "entryIndex": one.entry_index,
        "hasUnknownFields": has_unknown_fields(parsed.act),
        "act": json_from(parsed.act),
        "envelope": json_from(one.version),
    }
    if one.withdrawal is not None:
        document["withdrawal"] = json_from(one.withdrawal)
    return document


@notice_app.command()
@command
async def show(
    notice_id: IdArgument,
    originator: Annotated[
        str | None,
        typer.Option("--from", metavar="AGENCY", help="Its originator, where it is not held here."),
    ] = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Show a notice: from the inbox, from what was sent, or else as the hub has it."""
    from agency_client.notice_text import notice_lines, state_words, withdrawal_line
    from comity.acts import has_unknown_fields, parse_act
    from comity.identity import AgencyId, parse_agency_id

    if originator is not None:
        argument("--from", originator, parse_agency_id)
    async with opened_agency(profile) as agency:
        found = await _find(agency, notice_id, originator)
        now = agency.clock()
        roster = agency.trust.roster
    members = roster.active_agencies()
    for one in found:
        is_suspended = roster.is_distrusted(AgencyId(one.originator))
        parsed = parse_act(one.version)
        notice = parsed.act.version.notice
        state = state_words(notice, is_withdrawn=one.withdrawal is not None, now=now)
        if json:
            document = _document(one, parsed, state, is_suspended=is_suspended)
            write_json(document | _addressed_document(one, members))
            continue
        lines = notice_lines(
            notice,
            originator=one.originator,
            state=state,
            is_suspended=is_suspended,
            has_unknown_fields=has_unknown_fields(parsed.act),
            safe=safe,
        )
        for line in lines:
            write(line)
        if one.addressing is not None:
            write(f"addressed to: {safe(_addressed(one.addressing, parsed.originator, members))}")
        if one.withdrawal is not None:
            write(withdrawal_line(parse_act(one.withdrawal).act.withdrawal, safe))
        write(f"Verified: entry {one.entry_index} of the ledger of {agency.profile.hub_domain}.")


def _addressed(envelope: Envelope, originator: AgencyId, members: Collection[AgencyId]) -> str:
    """The rule of an addressing, and who that is now as far as members are known here."""
    from agency_client.addressing import addressees_text, members_named, rule_text
    from comity.acts import parse_act

    rule = parse_act(envelope).act.addressing.rule
    named = members_named(rule, originator=originator, members=members)
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


async def _find(agency: Agency, notice_id: str, originator: str | None) -> list[HeldNotice]:
    from agency_client.held import fetch_held, find_held
    from comity.errors import NotFound

    held = find_held(agency, notice_id)
    if originator is not None:
        held = [one for one in held if one.originator == originator]
    if held:
        return held
    try:
        return [await fetch_held(agency, originator or agency.profile.agency, notice_id)]
    except NotFound as error:
        if originator is not None:
            raise
        raise NotFound(
            "It is neither held here nor one of your own. 'comity run' fetches what is addressed "
            "to you; --from AGENCY asks the hub for another's."
        ) from error


@notice_app.command()
@command
async def quarantine(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """List what was delivered and did not verify. Nothing of it may be acted on."""
    async with opened_agency(profile) as agency:
        found = agency.inbox.received.list_quarantined()
    for one in found:
        if json:
            document = {"entryIndex": one.entry_index, "reason": one.reason}
            write_json({**document, "event": json_from(one.message)})
        else:
            write(f"entry {one.entry_index}: {safe(one.reason)}")
    if not found and not json:
        say("(nothing)")
    if found and not json:
        say("Report these to the hub's administrators and to the originators that they name.")
