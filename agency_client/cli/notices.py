"""`comity notice list`, `quarantine`: what the inbox and the hub hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    ExerciseOption,
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
    from comity.v1.notices_pb2 import Notice


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
    every: Annotated[bool, typer.Option("--all", help="Those that are not in force too.")] = False,
    exercise: ExerciseOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """List the notices of the inbox, which 'comity run' keeps filled. Works without the hub."""
    from agency_client.held import NoticeChoice
    from agency_client.notice_standing import is_listed
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
            state = _state(agency, one, notice)
            if not every and not is_listed(state):
                hidden += 1
                continue
            shown += 1
            if json:
                write_json(held_document(one, parsed, state, is_suspended=is_suspended))
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
        beside = f"; no longer in force: {hidden}, with --all" if hidden else ""
        return f"(no notice of your own that {holder} is addressed by{beside})"
    hints = [f"no longer in force: {hidden}, with --all"] if hidden else []
    hints += [] if own else ["your own: --own", "the inbox is filled by 'comity run'"]
    return f"({'; '.join(['nothing', *hints])})"


def _state(agency: Agency, one: HeldNotice, notice: Notice) -> str:
    """How a notice stands: by what was heard of it, where it was received or is one's own."""
    from agency_client.held import find_standing
    from agency_client.notice_text import state_words

    standing = find_standing(agency, one.originator, one.notice_id)
    if not standing.is_in_force:
        return standing.state
    is_withdrawn = one.withdrawal is not None
    if standing.extension is not None and not is_withdrawn:
        return standing.state
    return state_words(notice, is_withdrawn=is_withdrawn, now=agency.clock())


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


def held_document(
    one: HeldNotice, parsed: ParsedAct, state: str, *, is_suspended: bool
) -> dict[str, Any]:
    """A held notice as a JSON document."""
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
