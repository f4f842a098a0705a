"""How the hub itself ends a notice: cancelled by its reviewers, or expired.

Called inside a transaction by whoever has decided it. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from comity.identity import AgencyId
from comity.v1 import events_pb2, ledger_pb2
from hub.services.ledger_state import CANCELLED, EXPIRED, Announcement, custody_announcement, only
from hub.services.notice_writes import NoticeWrites
from hub.store.audiences import Audience, audience_of
from hub.store.notices import NoticeStanding

_CHANGES = {
    CANCELLED: ledger_pb2.NOTICE_CHANGE_CANCELLED,
    EXPIRED: ledger_pb2.NOTICE_CHANGE_EXPIRED,
}
_EVENTS = {
    CANCELLED: events_pb2.EVENT_KIND_CANCELLED,
    EXPIRED: events_pb2.EVENT_KIND_EXPIRED,
}
_RECALLS = {
    CANCELLED: events_pb2.RECALL_KIND_CANCELLED,
    EXPIRED: events_pb2.RECALL_KIND_EXPIRED,
}


def lapse_notice(writes: NoticeWrites, standing: NoticeStanding, **given: Any) -> int:
    """Ends a notice that was never published: its time is over. Its originator alone hears."""
    announcement = Announcement(_CHANGES[EXPIRED], _EVENTS[EXPIRED], only(standing.originator))
    entry = writes.announce(standing, announcement, acts_entry=standing.version_entry, **given)
    after = replace(
        standing,
        state=EXPIRED,
        decision_entry=entry,
        submitted_audience=None,
        submitted_addressing_entry=None,
    )
    writes.set_standing(after)
    writes.end_reviews(after)
    return entry


def end_notice(
    writes: NoticeWrites,
    standing: NoticeStanding,
    state: events_pb2.NoticeState.ValueType,
    *,
    audience: Audience,
    holders: Collection[AgencyId],
    **given: Any,
) -> int:
    """Ends a notice that was published; gives the hub's entry of it.

    1. Addressees and originator hear of it.
    2. From there on addressees owe an answer about their copies.
    3. Who holds somebody on it is told at once.
    """
    assert standing.published_entry is not None
    told = audience_of(audience.members | {standing.originator})
    announcement = Announcement(_CHANGES[state], _EVENTS[state], told)
    entry = writes.announce(standing, announcement, acts_entry=standing.published_entry, **given)
    after = replace(
        standing,
        state=state,
        decision_entry=entry,
        submitted_audience=None,
        submitted_addressing_entry=None,
    )
    writes.set_standing(after)
    writes.end_reviews(after)
    gone = audience_of(audience.members)
    writes.begin_recall(_RECALLS[state], after, gone, recall_entry=entry)
    for holder in sorted(holders):
        writes.announce(after, custody_announcement(holder), acts_entry=entry)
    return entry
