"""How long a process may answer by what it knows, and how soon it makes sure again."""

from __future__ import annotations

import asyncio

import pytest

from comity.errors import MembershipUnconfirmed, StoreUnavailable
from hub.services.confirmation import (
    CONFIRM_EVERY_SECONDS,
    CONFIRM_WITHIN_SECONDS,
    Confirmation,
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each pause between rounds was; the third ends the run."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", pause)
    return pauses


def test_nothing_is_answered_before_it_was_confirmed(clock: Clock) -> None:
    with pytest.raises(MembershipUnconfirmed):
        Confirmation(monotonic=clock).require()


def test_an_answer_is_as_old_as_its_question(clock: Clock) -> None:
    known = Confirmation(monotonic=clock)
    asked_at = known.now()
    clock.now += CONFIRM_WITHIN_SECONDS + 0.01
    known.take(asked_at)

    with pytest.raises(MembershipUnconfirmed):
        known.require()


def test_an_older_question_does_not_take_a_newer_confirmation_back(clock: Clock) -> None:
    known = Confirmation(monotonic=clock)
    asked_at = known.now()
    clock.now += CONFIRM_WITHIN_SECONDS + 0.01
    known.take(known.now())
    known.take(asked_at)

    known.require()
    clock.now += CONFIRM_WITHIN_SECONDS + 0.01
    with pytest.raises(MembershipUnconfirmed):  # it counts from the newer one on
        known.require()


async def test_a_round_that_took_long_is_followed_at_once(clock: Clock, slept: list[float]) -> None:
    async def refresh() -> None:
        clock.now += 3.0

    with pytest.raises(asyncio.CancelledError):
        await Confirmation(monotonic=clock).run(refresh)
    assert slept == [0.0, 0.0, 0.0]


async def test_rounds_go_on_while_the_store_is_away(clock: Clock, slept: list[float]) -> None:
    async def refresh() -> None:
        raise StoreUnavailable

    with pytest.raises(asyncio.CancelledError):
        await Confirmation(monotonic=clock).run(refresh)
    assert slept == [CONFIRM_EVERY_SECONDS] * 3
