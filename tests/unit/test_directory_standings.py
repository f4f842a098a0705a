"""Who is reliable and who can be reached, as time passes and entries change, and at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.v1 import authorities_pb2 as pb
from directory.known import KnownAuthority, known_from
from directory.standings import Standings
from tests.unit.authorities import AUTHORITY_ID, sample_authority

START = datetime(2026, 11, 24, 10, tzinfo=UTC)
COUNT = 4

moments = st.integers(0, 14 * 24 * 4).map(lambda each: START + each * timedelta(minutes=15))


def known(
    number: int, *, verified_at: datetime | None = START, at_any_hour: bool
) -> KnownAuthority:
    authority = sample_authority()
    authority.authority_id = AUTHORITY_ID[:-1] + str(number)
    if not at_any_hour:
        del authority.contacts[1]  # the duty line
    keeper = pb.Keeper(kind=pb.KEEPER_KIND_HUB, note_verbale="Specimen 1/2026")
    return known_from(authority, version=1, keeper=keeper, verified_at=verified_at)


def size(standings: Standings) -> int:
    """How many moments it keeps."""
    return len(standings._changes)


@pytest.mark.parametrize("at_any_hour", [True, False])
@pytest.mark.parametrize("advances", [True, False])
def test_it_grows_with_the_entries_and_not_with_their_changes(
    *, at_any_hour: bool, advances: bool
) -> None:
    standings = Standings()
    for change in range(500):
        for number in range(COUNT):
            standings.put(known(number, at_any_hour=at_any_hour))
        if advances:
            standings.advance(START + timedelta(seconds=change))

    assert COUNT <= size(standings) <= 2 * COUNT


def test_nothing_is_kept_of_entries_that_were_taken_out() -> None:
    standings = Standings()
    entries = [known(number, at_any_hour=number % 2 == 0) for number in range(COUNT)]
    for each in entries:
        standings.put(each)
    standings.advance(START)
    assert standings.reliable
    assert standings.reachable

    for each in entries:
        standings.take_out(each.authority.authority_id)
    standings.advance(START + timedelta(days=400))

    assert size(standings) == 0
    assert not standings.reliable | standings.reachable | standings.reachable_urgently


steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "take out", "advance"]),
        st.integers(0, COUNT - 1),
        moments,
        st.booleans(),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(steps=steps, now=moments)
def test_after_any_changes_each_stands_as_it_says_itself(
    steps: Sequence[tuple[str, int, datetime, bool]], now: datetime
) -> None:
    standings, entries = Standings(), dict[str, KnownAuthority]()
    for step, number, moment, at_any_hour in steps:
        each = known(number, verified_at=moment - timedelta(days=90), at_any_hour=at_any_hour)
        if step == "put":
            standings.put(each)
            entries[each.authority.authority_id] = each
        elif step == "take out":
            standings.take_out(each.authority.authority_id)
            entries.pop(each.authority.authority_id, None)
        else:
            standings.advance(moment)
    standings.advance(now)

    assert {name for name, each in entries.items() if each.is_reliable(now)} == standings.reliable
    assert {
        name for name, each in entries.items() if each.is_reachable(now, urgent=False)
    } == standings.reachable
    assert size(standings) <= 2 * len(entries)
