"""What decisions over acts rest on, and what a decision comes to. Pure: values, no reads or writes.

Called by the modules of judgement; filled and written down by `acts.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from comity.acts import ActKind
from comity.errors import NotFound, NoticeNotInForce, NoticeWithdrawn
from comity.identity import AgencyId
from comity.minimum.policy import ReviewTerms
from comity.v1 import events_pb2, ledger_pb2, notices_pb2
from comity.v1.acts_pb2 import AddressingRule, RecallOutcome
from comity.v1.events_pb2 import EventKind, RecallKind
from comity.v1.ledger_pb2 import NoticeChange
from comity.v1.officers_pb2 import Role
from hub.store.acts import ActKey, StoredAct
from hub.store.audiences import Audience, audience_of
from hub.store.notices import NoticeKey, NoticeStanding
from hub.store.recalls import StoredRecall

PUBLISHED = events_pb2.NOTICE_STATE_PUBLISHED
WITHDRAWN = events_pb2.NOTICE_STATE_WITHDRAWN
IN_REVIEW = events_pb2.NOTICE_STATE_IN_REVIEW
INCOMPLETE = events_pb2.NOTICE_STATE_INCOMPLETE
REFUSED = events_pb2.NOTICE_STATE_REFUSED
SUSPENDED = events_pb2.NOTICE_STATE_SUSPENDED
CANCELLED = events_pb2.NOTICE_STATE_CANCELLED
EXPIRED = events_pb2.NOTICE_STATE_EXPIRED

IN_FORCE = frozenset({PUBLISHED})
STANDING = frozenset({PUBLISHED, SUSPENDED})
ENDED = frozenset({WITHDRAWN, CANCELLED, EXPIRED, REFUSED})

NO_AGENCY = AgencyId("")
NOBODY = audience_of(frozenset())

NOT_REVIEWED = ReviewTerms(
    reviewers=0, due=timedelta(), is_before_publication=False, sample_percent=0.0
)

_STATE_WORDS: Mapping[int, str] = {
    PUBLISHED: "published",
    IN_REVIEW: "in review",
    INCOMPLETE: "returned as incomplete",
    REFUSED: "refused",
    SUSPENDED: "suspended",
    CANCELLED: "cancelled",
    EXPIRED: "expired",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What membership lets an originator publish, and whom it has to address as well."""

    kinds: frozenset[notices_pb2.NoticeKind.ValueType]
    copied_to: AgencyId | None = None


@dataclass(slots=True)
class LedgerState:
    """What decisions rest on, read after the lock and kept up to date through a batch.

    `held` says which agencies hold somebody on a notice, `recalls` who has answered what.
    """

    now: datetime
    members: frozenset[AgencyId]
    acts: dict[ActKey, StoredAct]
    notices: dict[NoticeKey, NoticeStanding]
    terms: Mapping[AgencyId, Terms]
    audiences: dict[bytes, Audience] = field(default_factory=dict)
    # What rules of an originator come to: many notices of a batch are addressed alike.
    resolved: dict[tuple[AgencyId, bytes], Audience] = field(default_factory=dict)
    held: dict[NoticeKey, frozenset[AgencyId]] = field(default_factory=dict)
    recalls: dict[int, StoredRecall] = field(default_factory=dict)
    # The rules by which notices are addressed whose versions come without one.
    rules: dict[NoticeKey, AddressingRule] = field(default_factory=dict)
    # What is published of notices that others draw on, and of those that are addressed anew.
    sources: dict[NoticeKey, notices_pb2.Notice] = field(default_factory=dict)
    review: Callable[[notices_pb2.Notice], ReviewTerms] = lambda _: NOT_REVIEWED
    # How many addenda the version in force has, of notices that get another one; and of which of
    # them a review after publication is open.
    addenda: dict[NoticeKey, int] = field(default_factory=dict)
    looked_at: set[NoticeKey] = field(default_factory=set)
    # Of the officer who was logged in where what is judged now was handed in.
    roles: frozenset[Role.ValueType] = frozenset()
    # A number from 0 up to 100: which of what is published is looked at afterwards.
    draw: Callable[[], float] = lambda: 100.0
    hub_agency: AgencyId = NO_AGENCY


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same acts lie in the ledger already, at this entry."""

    entry_index: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """An entry of the hub that follows on an act, and for whom it is an event."""

    change: NoticeChange.ValueType
    event_kind: EventKind.ValueType
    hearers: Audience
    urgency: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewStart:
    """A review that begins with an act."""

    reviewers: int
    due_at: datetime
    nationalities: tuple[str, ...]
    is_after_publication: bool


@dataclass(frozen=True, slots=True)
class RecallStart:
    """A recall that begins with an act: whose copies are to go."""

    kind: RecallKind.ValueType
    addressees: Audience


@dataclass(frozen=True, slots=True)
class RecallAnswer:
    """What an agency answers to a recall."""

    recall_entry: int
    outcome: RecallOutcome.ValueType


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an accepted submission makes of its notice, and who hears of it.

    `addressees` is who the notice is addressed to afterwards, `hearers` who the event is for;
    `act_entry` is where the act that the event shows lies. What is None does not happen.
    """

    act_kind: ActKind.ValueType
    event_kind: EventKind.ValueType
    standing: NoticeStanding
    addressees: Audience
    hearers: Audience
    act_entry: int
    also_kept: tuple[Audience, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    review: ReviewStart | None = None
    # Of a review that has become pointless: its notice was withdrawn.
    ends_review: bool = False
    recall: RecallStart | None = None
    answer: RecallAnswer | None = None
    # The addressee holds somebody from now on, or nobody any longer.
    is_held: bool | None = None
    # Of the event, where it is more urgent than its notice.
    event_urgency: int | None = None


def require_state(
    standing: NoticeStanding | None, allowed: frozenset[events_pb2.NoticeState.ValueType]
) -> NoticeStanding:
    """The notice, where it stands in one of some states.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce.
    """
    if standing is None:
        raise NotFound()
    if standing.state in allowed:
        return standing
    if standing.state == WITHDRAWN:
        raise NoticeWithdrawn()
    words = _STATE_WORDS.get(standing.state, "ended")
    raise NoticeNotInForce(f"The notice is {words}; this cannot be done to it.")


def only(agency: AgencyId) -> Audience:
    """The audience of one agency."""
    return audience_of(frozenset({agency}))


def void_custody(state: LedgerState, standing: NoticeStanding) -> tuple[Announcement, ...]:
    """Tells everybody who holds somebody on a notice that it no longer stands."""
    return tuple(
        custody_announcement(holder) for holder in sorted(state.held.get(standing.key, frozenset()))
    )


def custody_announcement(holder: AgencyId) -> Announcement:
    """The urgent word to an agency that holds somebody."""
    return Announcement(
        change=ledger_pb2.NOTICE_CHANGE_CUSTODY_VOID,
        event_kind=events_pb2.EVENT_KIND_CUSTODY_VOID,
        hearers=only(holder),
        urgency=notices_pb2.URGENCY_IMMEDIATE,
    )


def recalled_from(addressees: Audience) -> Announcement:
    """The word to those who are addressed no longer."""
    return Announcement(
        change=ledger_pb2.NOTICE_CHANGE_RECALLED,
        event_kind=events_pb2.EVENT_KIND_RECALLED,
        hearers=addressees,
    )
