"""Whom this agency holds on notices of others, and the alarm where such a notice no longer stands.

Never touches the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agency_client.agency import Agency
from agency_client.field_text import Safe
from agency_client.held import find_held, find_standing
from comity.acts import CUSTODY, parse_act
from comity.v1.acts_pb2 import CustodyAct
from comity.v1.notices_pb2 import TRAFFIC_EXERCISE


@dataclass(frozen=True, slots=True)
class CustodyAlert:
    """Somebody is held on a notice that no longer stands; `since` is when it ceased to (aware)."""

    originator: str
    notice_id: str
    reference: str
    state: str
    since: datetime
    is_exercise: bool

    def clock_text(self, now: datetime) -> str:
        """How long ago it ceased to stand: hours and minutes."""
        minutes = max(0, int((now - self.since).total_seconds() // 60))
        return f"{minutes // 60} h {minutes % 60:02} min"

    def line(self, now: datetime, safe: Safe) -> str:
        """The alarm on one line, with the command that ends it."""
        reference = f" (your number {safe(self.reference)})" if self.reference else ""
        mark = "EXERCISE  " if self.is_exercise else ""
        return (
            f"{mark}URGENT  the notice on which you hold this person no longer stands{reference}: "
            f"{self.notice_id} of {self.originator}, {self.state} for {self.clock_text(now)}. "
            f"Once released: {self.next_command}"
        )

    @property
    def next_command(self) -> str:
        """What ends the alarm."""
        return f"comity notice in-custody {self.notice_id} --from {self.originator} --released"


def open_custodies(agency: Agency) -> dict[tuple[str, str], CustodyAct]:
    """The notices on which this agency holds somebody, by originator and id, as it has said."""
    held: dict[tuple[str, str], CustodyAct] = {}
    for kept in agency.inbox.sent.list_of_kind(CUSTODY):
        if kept.refusal is not None:
            continue
        body: CustodyAct = parse_act(kept.request.acts[0]).body
        held.pop((body.notice_originator, body.notice_id), None)
        if body.in_custody:
            held[body.notice_originator, body.notice_id] = body
    return held


def custody_alerts(agency: Agency) -> list[CustodyAlert]:
    """The alarms that stand: somebody is held, and the notice is suspended, recalled or ended.

    Raises: InboxFailed.
    """
    alerts = []
    for (originator, notice_id), custody in open_custodies(agency).items():
        standing = find_standing(agency, originator, notice_id)
        if not standing.is_in_force and standing.since is not None:
            said = (custody.reference, standing.state, standing.since)
            is_exercise = _is_exercise(agency, originator, notice_id)
            alerts.append(CustodyAlert(originator, notice_id, *said, is_exercise))
    return alerts


def _is_exercise(agency: Agency, originator: str, notice_id: str) -> bool:
    """Whether a notice is no real case: as it is held, or was when it was erased."""
    held = [n for n in find_held(agency, notice_id) if n.originator == originator]
    if held:
        notice = parse_act(held[0].version).act.version.notice
        return bool(notice.traffic == TRAFFIC_EXERCISE)
    recalls = agency.inbox.recalls.list_recalls(notice_id=notice_id)
    return any(r.originator == originator and r.traffic == TRAFFIC_EXERCISE for r in recalls)
