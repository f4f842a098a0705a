"""How often somebody unknown may ask, with a clock that is set by hand."""

from __future__ import annotations

import pytest

from comity.errors import QuotaExceeded
from hub.rpc import peer_limits
from hub.rpc.peer_limits import (
    ALL_CALLS_AT_ONCE,
    CALLS_AT_ONCE,
    CALLS_PER_SECOND,
    FORGET_SECONDS,
    MAX_DELAY_SECONDS,
    PeerLimits,
    peer_from,
)


class Limits(PeerLimits):
    def __init__(self) -> None:
        self.now = 1_000.0
        super().__init__(monotonic=lambda: self.now)

    def wait_of(self, peer: str) -> float:
        """How long a peer is told to wait; 0 where its call is let through."""
        try:
            self.require_room(peer)
        except QuotaExceeded as error:
            assert error.retry_after_seconds is not None
            return error.retry_after_seconds
        return 0.0


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("ipv4:192.0.2.7:40000", "192.0.2.7"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:40000", "2001:db8:1:2::/64"),
        ("ipv6:[2001:db8:1:2:ffff::1]:40000", "2001:db8:1:2::/64"),
        ("ipv6:[::ffff:192.0.2.7]:40000", "192.0.2.7"),
        ("ipv6:[fe80::1%25eth0]:40000", "fe80::/64"),
        ("unix:/run/socket", "unix"),
        ("ipv4:nonsense", "ipv4"),
    ],
)
def test_a_peer_is_an_address_or_a_network(address: str, peer: str) -> None:
    assert peer == peer_from(address)


def test_a_peer_has_so_many_calls_at_once_and_more_with_time() -> None:
    limits = Limits()

    assert {0.0} == {limits.wait_of("a") for _ in range(CALLS_AT_ONCE)}
    assert limits.wait_of("a") > 0
    assert limits.wait_of("b") == 0
    limits.now += 1.01
    assert [0.0] * int(CALLS_PER_SECOND) == [
        limits.wait_of("a") for _ in range(int(CALLS_PER_SECOND))
    ]
    assert limits.wait_of("a") > 0


def test_the_delay_doubles_with_every_refusal_up_to_a_limit() -> None:
    limits = Limits()
    waits = []

    for _ in range(12):
        limits.count_refusal("a")
        waits.append(limits.wait_of("a"))
        limits.now += waits[-1]

    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == MAX_DELAY_SECONDS
    assert limits.wait_of("a") == 0


def test_refusals_are_forgotten_after_a_time() -> None:
    limits = Limits()
    for _ in range(6):
        limits.count_refusal("a")
    limits.now += FORGET_SECONDS + 1
    limits.count_refusal("a")

    assert limits.wait_of("a") == 1


def test_calls_that_are_refused_to_one_peer_cost_others_nothing() -> None:
    limits = Limits()
    for _ in range(10 * ALL_CALLS_AT_ONCE):
        limits.wait_of("flooding")

    assert limits.wait_of("a") == 0


def test_all_together_have_a_limit_too() -> None:
    limits = Limits()
    for number in range(ALL_CALLS_AT_ONCE):
        assert limits.wait_of(f"peer {number}") == 0

    assert 0 < limits.wait_of("a") < 1


def test_the_memory_of_peers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_limits, "MAX_PEERS", 3)
    limits = Limits()
    for number in range(10):
        limits.wait_of(f"peer {number}")

    assert list(limits._peers) == ["peer 7", "peer 8", "peer 9"]
