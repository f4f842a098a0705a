"""Which entries are reliable and which can be reached, kept up as time passes.

A search that asked each entry would look at all of a country whenever nobody there can be reached,
at night. Here an entry is looked at when it changes: when it falls due, and at the edges of its
office hours. The time that counts is the caller's; reads no clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from heapq import heapify, heappop, heappush

from comity.v1 import authorities_pb2 as pb
from directory.known import KnownAuthority

_AT_ONCE = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
_MAX_OUTDATED = 2  # times as many moments as entries; then those that count no longer are dropped


class Standings:
    """The ids of those that are reliable, and of those that can be reached, at a moment."""

    def __init__(self) -> None:
        self.reliable: set[str] = set()
        self.reachable: set[str] = set()
        self.reachable_urgently: set[str] = set()
        self._known: dict[str, KnownAuthority] = {}
        # When each is looked at next; among the moments in order are some that count no longer.
        self._next: dict[str, datetime] = {}
        self._changes: list[tuple[datetime, str]] = []
        self._moment = _AT_ONCE

    def put(self, known: KnownAuthority) -> None:
        """Takes an entry in, or its newer version; it counts from the next moment on."""
        authority_id = known.authority.authority_id
        self._known[authority_id] = known
        self._look_again(authority_id, _AT_ONCE)

    def take_out(self, authority_id: str) -> None:
        """Forgets an entry."""
        self._known.pop(authority_id, None)
        self._next.pop(authority_id, None)
        for ids in (self.reliable, self.reachable, self.reachable_urgently):
            ids.discard(authority_id)
        self._drop_outdated()

    def advance(self, now: datetime) -> None:
        """Makes the sets those of a moment. One before the last costs a look at every entry."""
        if now < self._moment:
            self._next = dict.fromkeys(self._known, _AT_ONCE)
            self._changes = [(_AT_ONCE, authority_id) for authority_id in self._known]
        self._moment = now
        while self._changes and self._changes[0][0] <= now:
            at, authority_id = heappop(self._changes)
            if self._next.get(authority_id) == at:
                again_at = self._look_at(authority_id, self._known[authority_id], now)
                self._look_again(authority_id, again_at)

    def _look_again(self, authority_id: str, at: datetime) -> None:
        if at == _NEVER:
            self._next.pop(authority_id, None)
        elif at > _AT_ONCE or self._next.get(authority_id) != at:  # else it is awaited already
            self._next[authority_id] = at
            heappush(self._changes, (at, authority_id))
            self._drop_outdated()

    def _drop_outdated(self) -> None:
        """Keeps the moments few: an entry that is changed often leaves one behind each time."""
        if len(self._changes) > _MAX_OUTDATED * len(self._next):
            self._changes = [(at, authority_id) for authority_id, at in self._next.items()]
            heapify(self._changes)

    def _look_at(self, authority_id: str, known: KnownAuthority, now: datetime) -> datetime:
        """Puts an entry into the sets that it belongs to, and says until when it does."""
        is_reliable = known.is_reliable(now)
        again_at = known.due if is_reliable and known.due is not None else _NEVER
        is_open = False
        if pb.CONTACT_USE_DUTY not in known.uses and pb.CONTACT_USE_OFFICE in known.uses:
            is_open, until = known.hours.open_until(now)
            again_at = min(again_at, until)
        at_any_hour = pb.CONTACT_USE_DUTY in known.uses
        can_be_reached = is_open or at_any_hour
        _include(self.reliable, authority_id, is_reliable)
        _include(self.reachable, authority_id, can_be_reached)
        urgently = can_be_reached or pb.CONTACT_USE_URGENT in known.uses
        _include(self.reachable_urgently, authority_id, urgently)
        return again_at


def _include(ids: set[str], authority_id: str, belongs: bool) -> None:  # noqa: FBT001 - what it is
    if belongs:
        ids.add(authority_id)
    else:
        ids.discard(authority_id)
