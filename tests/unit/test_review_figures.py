"""Figures of reviews: what is told of them, and what would tell of one agency alone is not."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from comity.identity import AgencyId
from comity.v1 import events_pb2, ledger_pb2, notices_pb2, reviews_pb2
from hub.services.reviews import MIN_CELL, counted
from hub.store.reviews import Tally

REFUSED, RETURNED = events_pb2.REVIEW_OUTCOME_REFUSE, events_pb2.REVIEW_OUTCOME_RETURN
DUPLICATE = ledger_pb2.REFUSAL_GROUND_DUPLICATE
FACTS = ledger_pb2.REFUSAL_GROUND_INSUFFICIENT_FACTS
RED, SILVER = notices_pb2.NOTICE_KIND_RED, notices_pb2.NOTICE_KIND_SILVER


def refusals(count: int, *, of: str = "FR-NCB", ground: int = DUPLICATE, kind: int = RED) -> Tally:
    return Tally(REFUSED, ground, kind, AgencyId(of), count)


def cells(rows: list[reviews_pb2.ReviewCount], name: str) -> dict[object, int]:
    """The rows of one table."""
    return {getattr(row, name): row.count for row in rows if getattr(row, name)}


def test_figures_are_told_in_all_and_by_ground_kind_and_agency() -> None:
    rows, merged = counted([refusals(9), refusals(7, of="BR-NCB", ground=FACTS, kind=SILVER)])

    assert [row.count for row in rows if not (row.ground or row.kind or row.originator)] == [16]
    assert cells(rows, "ground") == {DUPLICATE: 9, FACTS: 7}
    assert cells(rows, "kind") == {RED: 9, SILVER: 7}
    assert cells(rows, "originator") == {"FR-NCB": 9, "BR-NCB": 7}
    assert merged == 0


def test_fewer_than_five_in_all_are_not_told() -> None:
    assert counted([refusals(4)]) == ([], 0)


def test_cells_of_fewer_than_five_are_merged() -> None:
    small = [refusals(3, of=agency) for agency in ("BR-NCB", "KE-NCB", "UG-NCB")]

    rows, merged = counted([refusals(20), *small])

    assert cells(rows, "originator") == {"FR-NCB": 20}
    assert merged == 9


def test_one_small_cell_takes_the_next_smallest_with_it_as_the_sum_is_known() -> None:
    rows, merged = counted(
        [refusals(20), refusals(6, of="BR-NCB"), refusals(2, of="KE-NCB", ground=FACTS)]
    )

    assert cells(rows, "originator") == {"FR-NCB": 20}
    assert merged == 8
    assert cells(rows, "ground") == {}


def test_what_is_returned_and_what_is_refused_are_counted_apart() -> None:
    returned = Tally(RETURNED, 0, RED, AgencyId("FR-NCB"), 5)

    rows, _ = counted([refusals(5), returned])

    assert [row.count for row in rows if row.originator] == [5] * 2
    assert {row.outcome for row in rows} == {REFUSED, RETURNED}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([DUPLICATE, FACTS]),
            st.sampled_from([RED, SILVER]),
            st.sampled_from(["FR-NCB", "BR-NCB", "KE-NCB"]),
            st.integers(1, 12),
        ),
        max_size=12,
    )
)
def test_what_is_left_out_of_a_table_is_never_fewer_than_five(
    given_tallies: list[tuple[int, int, str, int]],
) -> None:
    tallies = [refusals(n, of=of, ground=g, kind=k) for g, k, of, n in given_tallies]

    rows, _ = counted(tallies)

    total = sum(tally.count for tally in tallies)
    for name in ("ground", "kind", "originator"):
        told = cells(rows, name)
        left_out = total - sum(told.values())
        assert all(count >= MIN_CELL for count in told.values())
        assert not rows or left_out == 0 or left_out >= MIN_CELL
    for one, other in itertools.pairwise(rows):
        assert one != other
