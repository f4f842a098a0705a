"""How often somebody unknown may ask: by the address it comes from, and all together.

Whoever guesses waits, twice as long each time. Never tells one address anything of another.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from comity.errors import QuotaExceeded

CALLS_AT_ONCE = 60  # an enrolment makes three calls; a ministry may be behind one address
CALLS_PER_SECOND = 5.0  # a tenth of what all have, and every client that waits asks less often
ALL_CALLS_AT_ONCE = 200
ALL_CALLS_PER_SECOND = 50.0  # one core verifies ten times as many applications
FIRST_DELAY_SECONDS = 1.0
MAX_DELAY_SECONDS = 900.0  # who comes from an address that others misused is not out for long
FORGET_SECONDS = 3_600.0
MAX_PEERS = 10_000  # a megabyte or two; past it those who were quiet longest are forgotten
IPV6_PREFIX = 64  # what one customer is given: addresses within it cost nothing


def peer_from(address: str) -> str:
    """Whom to count for, from gRPC's name of the other end: the IPv4 address or IPv6 network."""
    kind, _, rest = unquote(address).partition(":")
    host = rest.rpartition(":")[0].strip("[]").partition("%")[0]
    if kind not in ("ipv4", "ipv6"):
        return kind
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return kind
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))


@dataclass(slots=True)
class _Bucket:
    """So many at once, and so many a second after that."""

    room: float
    filled_at: float

    def seconds_until_room(self, now: float, *, most: float, per_second: float) -> float:
        self.room = min(most, self.room + (now - self.filled_at) * per_second)
        self.filled_at = now
        return max(0.0, (1.0 - self.room) / per_second)


@dataclass(slots=True)
class _Peer:
    bucket: _Bucket
    refusals: int = 0
    refused_at: float = 0.0
    waits_until: float = 0.0


class PeerLimits:
    """Counts calls and refusals. One per process."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._peers: OrderedDict[str, _Peer] = OrderedDict()
        self._all = _Bucket(ALL_CALLS_AT_ONCE, monotonic())

    def require_room(self, name: str) -> None:
        """Counts a call of a peer, if it may be made now. What is refused costs others nothing.

        Raises: QuotaExceeded with the time to wait.
        """
        now = self._monotonic()
        peer = self._peer(name, now)
        wait = max(
            peer.waits_until - now,
            peer.bucket.seconds_until_room(now, most=CALLS_AT_ONCE, per_second=CALLS_PER_SECOND),
        )
        if wait <= 0:
            wait = self._all.seconds_until_room(
                now, most=ALL_CALLS_AT_ONCE, per_second=ALL_CALLS_PER_SECOND
            )
        if wait > 0:
            raise QuotaExceeded("Too many calls from there.", retry_after_seconds=wait)
        peer.bucket.room -= 1
        self._all.room -= 1

    def count_refusal(self, name: str) -> None:
        """Lets a peer wait that came with a code, or a proof, that was none."""
        now = self._monotonic()
        peer = self._peer(name, now)
        if now - peer.refused_at > FORGET_SECONDS:
            peer.refusals = 0
        delay = min(FIRST_DELAY_SECONDS * 2**peer.refusals, MAX_DELAY_SECONDS)
        peer.refusals = min(peer.refusals + 1, 32)  # past which a power of two says nothing more
        peer.refused_at, peer.waits_until = now, now + delay

    def _peer(self, name: str, now: float) -> _Peer:
        peer = self._peers.setdefault(name, _Peer(_Bucket(CALLS_AT_ONCE, now)))
        self._peers.move_to_end(name)
        while len(self._peers) > MAX_PEERS:
            self._peers.popitem(last=False)
        return peer
