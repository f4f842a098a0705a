"""`comity notice watch`: events as they come, for people and for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    ExerciseOption,
    JsonOption,
    ProfileOption,
    endless_command,
    notice_app,
    opened_agency,
)
from agency_client.cli.output import flush, json_from, safe, say, write, write_json

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from agency_client.alerts import MemberAlert
    from agency_client.events import VerifiedEvent
    from agency_client.inbox import KeptWindow
    from comity.errors import ComityError
    from comity.identity import AgencyId
    from comity.roster import Roster
    from comity.v1.watches_pb2 import OpenWatch

_WATCH_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")  # as the contract has it: OpenWatch.name


@notice_app.command()
@endless_command
async def watch(
    name: Annotated[
        str,
        typer.Option(metavar="NAME", help="The watch's name: the hub keeps its place under it."),
    ] = "terminal",
    from_start: Annotated[
        bool, typer.Option("--from-start", help="From the first entry of the ledger.")
    ] = False,
    count: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Stop after so many events of notices.")
    ] = None,
    exercise: ExerciseOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Write events as they come. A new watch begins now; the next time it goes on where it was.

    An event is confirmed once it is in the inbox and written out: none is lost, and after an
    interruption the last ones may come twice.
    """
    from comity.errors import Superseded
    from comity.v1 import notices_pb2, watches_pb2

    if not _WATCH_NAME.fullmatch(name):
        raise typer.BadParameter("--name has up to 64 of a to z, 0 to 9, '.', '_' and '-'.")
    opening = watches_pb2.OpenWatch(
        name=name,
        traffic=notices_pb2.TRAFFIC_EXERCISE if exercise else notices_pb2.TRAFFIC_LIVE,
        start=watches_pb2.WATCH_START_FIRST if from_start else watches_pb2.WATCH_START_UNSPECIFIED,
    )
    async with opened_agency(profile) as agency:
        try:
            await _write_events(agency, opening, count=count, json=json)
        except Superseded as error:
            words = f"The watch {opening.name!r} was opened elsewhere: give each its own --name."
            raise Superseded(words) from error


async def _write_events(
    agency: Agency, opening: OpenWatch, *, count: int | None, json: bool
) -> None:
    import asyncio

    from agency_client.alerts import alerts_of
    from agency_client.watching import Watch
    from comity.v1.notices_pb2 import TRAFFIC_EXERCISE

    left, is_exercise = count, opening.traffic == TRAFFIC_EXERCISE
    line = Line()
    watch = Watch(agency.client, opening, on_break=line.broke, on_open=line.opened)
    async with aclosing(watch.windows()) as windows:
        async for window in windows:
            if left == 0:
                continue  # Hung up: what was under way is read and left for the next time.
            shown = _first(window, left)
            await asyncio.to_thread(agency.inbox.commit_window, opening.name, shown, agency.trust)
            alerts = {a.entry_index: a for a in alerts_of(agency, shown.verified)}
            _write_window(shown, Shown(agency.trust.roster, alerts, is_exercise), json=json)
            watch.confirm(shown)
            if left is not None:
                left -= sum(event.is_of_notice for event in shown.verified)
                if left == 0:
                    watch.hang_up()


def _first(window: KeptWindow, count: int | None) -> KeptWindow:
    """As much of a window as holds so many events of notices."""
    from agency_client.inbox import KeptWindow

    if count is None:
        return window
    ends = [event.entry_index + 1 for event in window.verified if event.is_of_notice]
    if len(ends) < count:
        return window
    end = ends[count - 1]
    return KeptWindow(
        [event for event in window.verified if event.entry_index < end],
        [event for event in window.quarantined if event.entry_index < end],
        end,
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands beside the events of a window when they are shown."""

    roster: Roster
    alerts: Mapping[int, MemberAlert]
    is_exercise: bool

    def is_suspended(self, originator: AgencyId) -> bool:
        """Whether nothing of an originator may be acted on."""
        return self.roster.is_distrusted(originator)


def _write_window(window: KeptWindow, shown: Shown, *, json: bool) -> None:
    for event in window.verified:
        if json:
            write_json(_document(event, shown))
        else:
            write(_line(event, shown))
    for set_apart in window.quarantined:
        if json:
            document = {"event": "QUARANTINED", "entryIndex": set_apart.entry_index}
            write_json({**document, "reason": set_apart.reason})
        say(f"entry {set_apart.entry_index} does not verify: {safe(set_apart.reason)}")
    flush()


def _document(event: VerifiedEvent, shown: Shown) -> dict[str, Any]:
    from agency_client.events import DIRECTORY_CHANGED
    from comity.identity import AgencyId
    from comity.v1.events_pb2 import EventKind

    document: dict[str, Any] = {
        "event": EventKind.Name(event.kind).removeprefix("EVENT_KIND_"),
        "entryIndex": event.entry_index,
    }
    if event.kind == DIRECTORY_CHANGED:
        return document | {"directory": json_from(_entry(event).directory)}
    if not event.is_of_notice:
        alert = shown.alerts.get(event.entry_index)
        document |= {"roster": json_from(_roster_entry(event))}
        return document if alert is None else document | {"alert": _alert_document(alert)}
    document |= {
        "isOriginatorSuspended": shown.is_suspended(AgencyId(event.originator)),
        "originator": event.originator,
        "noticeId": event.notice_id,
        "isExercise": shown.is_exercise,
        "hasUnknownFields": event.has_unknown_fields,
    }
    if event.act is not None:
        return document | {"act": json_from(event.act.act)}
    entry = _entry(event)
    return document | ({"notice": json_from(entry.notice)} if entry.HasField("notice") else {})


def _alert_document(alert: MemberAlert) -> dict[str, Any]:
    return {
        "agency": alert.agency,
        "change": alert.change_words.upper().replace(" ", "_"),
        "reason": alert.reason,
        "noticesReceived": alert.received,
    }


def _line(event: VerifiedEvent, shown: Shown) -> str:
    from agency_client.alerts import alert_line
    from agency_client.authority_alerts import authority_alert_from, authority_alert_line
    from agency_client.event_text import event_line
    from agency_client.events import DIRECTORY_CHANGED
    from agency_client.field_text import code_words
    from agency_client.notice_text import SUSPENDED_WARNING
    from comity.identity import AgencyId
    from comity.v1.agencies_pb2 import AgencyStatus

    if event.kind == DIRECTORY_CHANGED:
        return authority_alert_line(authority_alert_from(event), safe)
    if not event.is_of_notice:
        if event.entry_index in shown.alerts:
            return alert_line(shown.alerts[event.entry_index], safe)
        agency = _roster_entry(event).agency
        status = code_words(AgencyStatus.DESCRIPTOR, agency.status)
        return f"member  {safe(agency.agency_id)}, {safe(agency.name)}: {status}"
    mark = ""
    if shown.is_suspended(AgencyId(event.originator)):
        mark = f"! {SUSPENDED_WARNING}  "
    mark += "EXERCISE  " if shown.is_exercise else ""
    return f"{mark}{event_line(event, safe)}"


def _roster_entry(event: VerifiedEvent) -> Any:
    return _entry(event).roster


def _entry(event: VerifiedEvent) -> Any:
    from agency_client.trust import parse_entry

    return parse_entry(event.message.leaf.entry)


class Line:
    """What people hear of the line to the hub: each trouble once, and when it is over."""

    def __init__(self) -> None:
        self._troubles: set[str] = set()

    def broke(self, error: ComityError) -> None:
        """The watch has broken off, or could not be opened."""
        if error.message not in self._troubles:
            self._troubles.add(error.message)
            say(f"comity: {safe(error.message)} Trying again until it is back.")

    def opened(self) -> None:
        """The watch is open."""
        if self._troubles:
            self._troubles.clear()
            say("comity: connected again.")
