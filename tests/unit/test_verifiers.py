"""Verifier processes: no verdict is ever taken for another's, and a dead one is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from comity.errors import ComityError, InternalError, MalformedInput, ShuttingDown, TooLarge
from comity.identity import AgencyId
from comity.minimum.policy import builtin_policy
from hub.services.submissions import MAX_SUBMISSION_BYTES
from hub.services.verifiers import VerifierPool

FRANCE = AgencyId("FR-NCB")
ROUNDS = 20
MALFORMED = b"\xff"
TOO_LARGE = bytes(MAX_SUBMISSION_BYTES + 1)


@pytest.fixture
async def pool() -> AsyncIterator[VerifierPool]:
    made = VerifierPool(1, policy=builtin_policy())
    await made.start()
    yield made
    await made.stop()


async def verdicts(pool: VerifierPool, *requests: bytes) -> list[type[ComityError] | None]:
    found = await pool.verify(requests, originator=FRANCE, hub_domain="hub.example", keys={})
    return [None if error is None else type(error) for error in found]


async def test_each_submission_has_its_own_verdict(pool: VerifierPool) -> None:
    assert await verdicts(pool, MALFORMED, TOO_LARGE) == [MalformedInput, TooLarge]


@pytest.mark.threat("T13")
async def test_an_exchange_given_up_on_leaves_nothing_to_the_next(pool: VerifierPool) -> None:
    """A caller that hangs up in the middle: the next would have read its answer."""
    for turns in range(ROUNDS):
        given_up = asyncio.create_task(verdicts(pool, TOO_LARGE, TOO_LARGE))
        for _ in range(turns):
            await asyncio.sleep(0)
        given_up.cancel()
        with suppress(asyncio.CancelledError):
            await given_up

        assert await verdicts(pool, MALFORMED, MALFORMED) == [MalformedInput, MalformedInput]


async def test_a_verifier_that_dies_is_replaced(pool: VerifierPool) -> None:
    for process in pool.processes:
        os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(InternalError):
        await verdicts(pool, MALFORMED)

    assert await verdicts(pool, MALFORMED) == [MalformedInput]


async def test_a_stopped_pool_refuses(pool: VerifierPool) -> None:
    await pool.stop()

    with pytest.raises(ShuttingDown):
        await verdicts(pool, MALFORMED)


async def test_nothing_is_imported_from_the_folder_that_the_hub_is_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the working folder')")
    monkeypatch.chdir(tmp_path)
    pool = VerifierPool(1, policy=builtin_policy())

    await pool.start()

    assert await verdicts(pool, MALFORMED) == [MalformedInput]
    await pool.stop()
