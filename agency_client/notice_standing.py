"""How a notice stands: in force, suspended, ended; what was added; what others did about it.

From the events that were received and verified, or from a verified record of the hub. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agency_client.event_kinds import WITHDRAWN
from agency_client.inbox import HeldRecall
from agency_client.trust import parse_entry
from comity import acts
from comity.acts import ParsedAct, parse_act
from comity.times import datetime_from_timestamp
from comity.v1 import events_pb2 as pb
from comity.v1 import ledger_pb2
from comity.v1.acts_pb2 import AddendumAct, CustodyAct, ExtensionAct, SuspensionAct
from comity.v1.notices_pb2 import Notice

IN_FORCE, SUSPENDED, EXPIRED, RECALLED = "in force", "suspended", "expired", "recalled"
IN_REVIEW, RETURNED, REFUSED = "in review", "returned", "refused"
CORRECTION = "correction "  # before these three, where an earlier version stands meanwhile
_DECIDED = {
    ledger_pb2.NOTICE_CHANGE_RETURNED: RETURNED,
    ledger_pb2.NOTICE_CHANGE_REFUSED: REFUSED,
}
_STATES = {
    WITHDRAWN: "withdrawn",
    pb.EVENT_KIND_CANCELLED: "cancelled",
    pb.EVENT_KIND_EXPIRED: EXPIRED,
    pb.EVENT_KIND_SUSPENDED: SUSPENDED,
    pb.EVENT_KIND_RESUMED: IN_FORCE,
}
_RECALL_STATES = {
    pb.RECALL_KIND_WITHDRAWN: "withdrawn",
    pb.RECALL_KIND_CANCELLED: "cancelled",
    pb.RECALL_KIND_EXPIRED: EXPIRED,
    pb.RECALL_KIND_NARROWED: RECALLED,
}


@dataclass(slots=True)
class NoticeStanding:
    """How a notice stands, in words; `since` is when it came to stand so (aware).

    `by_addressees` are acknowledgements, flags, custody, answers and releases, in order.
    """

    state: str = IN_FORCE
    since: datetime | None = None
    suspension: SuspensionAct | None = None
    extension: ExtensionAct | None = None
    addenda: list[AddendumAct] = field(default_factory=list)
    by_addressees: list[ParsedAct] = field(default_factory=list)
    decision: ledger_pb2.NoticeEntry | None = None

    @property
    def is_in_force(self) -> bool:
        """Whether anybody may act on it."""
        return self.state == IN_FORCE

    def expires_at(self, notice: Notice) -> datetime | None:
        """Until when a version of it stands, its extension included (aware)."""
        if self.extension is not None:
            return datetime_from_timestamp(self.extension.expires_at)
        return datetime_from_timestamp(notice.expires_at)

    def of_kind(self, kind: acts.ActKind.ValueType) -> list[ParsedAct]:
        """What addressees did of a kind, in order."""
        return [act for act in self.by_addressees if act.kind == kind]


def is_listed(state: str) -> bool:
    """Whether a list shows what stands so: it stands, or its originator has to see to it."""
    return state.removeprefix(CORRECTION) in (IN_FORCE, IN_REVIEW, RETURNED, REFUSED)


def standing_from_events(
    events: Iterable[pb.Event],
    *,
    version: ParsedAct | None,
    recalls: Sequence[HeldRecall] = (),
    now: datetime,
) -> NoticeStanding:
    """How a notice stands by what was heard of it, in the order of the ledger.

    `version` is the one held; what is over another one does not count.
    """
    standing = NoticeStanding()
    for event in events:
        _take_event(standing, event)
        if event.kind == pb.EVENT_KIND_PROCESSING and version is None:
            standing.state = IN_REVIEW
    if version is not None:
        digest = version.digest
        standing.addenda = [a for a in standing.addenda if a.version_digest == digest]
        if standing.extension is not None and standing.extension.version_digest != digest:
            standing.extension = None
    for recall in recalls:
        if recall.erased_at is not None or version is not None:
            standing.state, standing.since = _RECALL_STATES[recall.kind], recall.begun_at
    if version is not None and standing.is_in_force:
        expires_at = standing.expires_at(version.act.version.notice)
        if expires_at is not None and expires_at <= now:
            standing.state, standing.since = EXPIRED, expires_at
    return standing


def take_review(
    standing: NoticeStanding,
    events: Iterable[pb.Event],
    *,
    version_entry: int,
    is_published: bool,
    was_published: bool,
) -> None:
    """Where one's own version stands that had to wait for reviewers, as far as it was heard.

    `is_published` says of this version that it is out, `was_published` of an earlier one.
    """
    if is_published or standing.state not in (IN_FORCE, SUSPENDED):
        return
    state = IN_REVIEW
    for event in events:
        entry = parse_entry(event.leaf.entry)
        if entry.notice.acts_entry == version_entry and entry.notice.change in _DECIDED:
            state = _DECIDED[entry.notice.change]
            standing.since = entry.recorded_at.ToDatetime(tzinfo=UTC)
    if standing.state == IN_FORCE:
        standing.state = f"{CORRECTION}{state}" if was_published else state


def _take_event(standing: NoticeStanding, event: pb.Event) -> None:
    entry = parse_entry(event.leaf.entry)
    if event.kind in _STATES:
        standing.state = _STATES[event.kind]
        standing.since = entry.recorded_at.ToDatetime(tzinfo=UTC)
        standing.suspension = None
    if entry.HasField("notice"):
        standing.decision = entry.notice
    if not event.HasField("act"):
        return
    parsed = parse_act(event.act.envelope)
    if parsed.kind == acts.SUSPENSION:
        standing.suspension = parsed.body
    elif parsed.kind == acts.EXTENSION:
        standing.extension = parsed.body
    elif parsed.kind == acts.ADDENDUM:
        standing.addenda.append(parsed.body)
    elif parsed.kind in acts.ADDRESSEE_KINDS or parsed.kind == acts.RELEASE_DECISION:
        standing.by_addressees.append(parsed)


def standing_from_record(
    record: pb.NoticeRecord, by_addressees: Iterable[pb.ActRecord] = ()
) -> NoticeStanding:
    """How a notice stands by a record of the hub that has been verified."""
    name = pb.NoticeState.Name(record.state).removeprefix("NOTICE_STATE_")
    state = IN_FORCE if record.state == pb.NOTICE_STATE_PUBLISHED else name.lower()
    standing = NoticeStanding(state=state.replace("_", " "))
    shown = [*record.addenda]
    shown += [record.suspension] if record.HasField("suspension") else []
    shown += [record.extension] if record.HasField("extension") else []
    for one in [*shown, *by_addressees]:
        _take_event(standing, pb.Event(leaf=one.leaf, act=one))
    if record.HasField("decision"):
        entry = parse_entry(record.decision.entry)
        standing.decision, standing.since = entry.notice, entry.recorded_at.ToDatetime(tzinfo=UTC)
    return standing


def open_custodies(standing: NoticeStanding) -> dict[str, CustodyAct]:
    """Who holds somebody on the notice, by agency."""
    held: dict[str, CustodyAct] = {}
    for act in standing.of_kind(acts.CUSTODY):
        held.pop(act.originator, None)
        if act.body.in_custody:
            held[act.originator] = act.body
    return held


def open_flags(standing: NoticeStanding) -> dict[str, str]:
    """Where the notice is not executable, by agency, with the reason."""
    flags: dict[str, str] = {}
    for act in standing.of_kind(acts.FLAG):
        flags.pop(act.originator, None)
        if act.body.not_executable:
            flags[act.originator] = "; ".join(text.text for text in act.body.reason)
    return flags
