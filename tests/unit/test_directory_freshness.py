"""When an entry falls due, which reminders have come, and how many days are left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from directory.freshness import days_left, days_of, is_escalated, stages_at

DUE = datetime(2026, 9, 1, 12, tzinfo=UTC)
LONG_AGO = DUE - timedelta(days=180)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (timedelta(days=30) + SECOND, []),
        (timedelta(days=30), [30]),
        (timedelta(days=7) + SECOND, [30]),
        (timedelta(days=7), [30, 7]),
        (timedelta(), [30, 7, 0]),
        (-timedelta(days=14) + SECOND, [30, 7, 0]),
        (-timedelta(days=14), [30, 7, 0, -14]),
        (-timedelta(days=900), [30, 7, 0, -14]),
    ],
)
def test_the_stages_come_in_order(before: timedelta, expected: list[int]) -> None:
    assert expected == [days_of(s) for s in stages_at(DUE - before, DUE, verified_at=LONG_AGO)]


def test_a_stage_from_before_the_verification_is_none() -> None:
    verified = DUE - timedelta(days=7)

    assert stages_at(verified, DUE, verified_at=verified) == []
    assert [days_of(stage) for stage in stages_at(DUE, DUE, verified_at=verified)] == [0]
    assert [days_of(stage) for stage in stages_at(DUE, DUE, verified_at=None)] == [30, 7, 0]


@pytest.mark.parametrize(
    ("before", "days"),
    [
        (timedelta(days=7), 7),
        (timedelta(days=6, seconds=1), 7),
        (SECOND, 1),
        (timedelta(), 0),
        (-SECOND, 0),
        (-timedelta(days=14, hours=3), -14),
    ],
)
def test_days_that_are_left_are_rounded_up(before: timedelta, days: int) -> None:
    assert days == days_left(DUE - before, DUE)


def test_an_entry_is_escalated_a_fortnight_after_the_day() -> None:
    assert not is_escalated(DUE + timedelta(days=14) - SECOND, DUE)
    assert is_escalated(DUE + timedelta(days=14), DUE)
