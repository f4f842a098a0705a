"""Preparing submissions: in verifier processes where there is much to do, else at once.

Signatures are what a submission costs most. Under load what waits is handed over in batches, so
that verifying runs on another core than everything else; a single submission is quicker here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from comity.errors import ComityError, InternalError, ShuttingDown
from comity.identity import AgencyId
from comity.minimum.policy import Policy
from comity.roster import Roster
from hub.services.membership import Membership
from hub.services.submissions import (
    Submission,
    parse_submission,
    prepare_submission,
    read_submission,
    require_submission_size,
)
from hub.services.verifiers import VerifierPool

INLINE_BELOW = 4  # submissions; handing fewer over takes longer than verifying them here
MAX_BATCH_SUBMISSIONS = (
    32  # so that of 64 callers one half is verified while the other is committed
)
MAX_HANDS = 1  # the fuller the batches, the less each costs; bulk streams use every verifier
GATHER_TURNS = 3  # of the event loop, before a batch is handed over

Prepared = Submission | ComityError

_log = logging.getLogger("hub.preparing")


@dataclass(frozen=True, slots=True)
class _Waiting:
    agency: AgencyId
    request: bytes
    answer: asyncio.Future[Prepared]


class Preparing:
    """The prepare half of every submission."""

    def __init__(
        self, *, hub_domain: str, membership: Membership, pool: VerifierPool, policy: Policy
    ) -> None:
        self._hub_domain = hub_domain
        self._policy = policy
        self._membership = membership
        self._pool = pool
        self._waiting: deque[_Waiting] = deque()
        self._handing_over = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def prepare(self, agency: AgencyId, request: bytes) -> Submission:
        """Prepares one serialized submission among several that are on their way.

        Raises: what `prepare_submission` raises; ShuttingDown.
        """
        if not self._pool.size:
            return self.prepare_here(agency, request)
        require_submission_size(request)  # before it waits and takes up room
        answer: asyncio.Future[Prepared] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(agency, request, answer))
        if self._handing_over < MAX_HANDS:
            # Counted here and where the task ends, in the same step as it finds nothing waiting:
            # what comes in after that starts another.
            self._handing_over += 1
            task = asyncio.create_task(self._hand_over())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        prepared = await answer
        if isinstance(prepared, ComityError):
            raise prepared
        return prepared

    async def prepare_each(self, agency: AgencyId, requests: Sequence[bytes]) -> list[Prepared]:
        """Prepares serialized submissions of an agency, each with an outcome of its own."""
        if not self._pool.size or len(requests) < INLINE_BELOW:
            return [self._prepared_here(agency, request) for request in requests]
        return await self._prepare_elsewhere(agency, requests)

    async def _prepare_elsewhere(
        self, agency: AgencyId, requests: Sequence[bytes]
    ) -> list[Prepared]:
        keys = self._membership.roster.signing_keys(agency)
        version = self._membership.version
        refusals = await self._pool.verify(
            requests, originator=agency, hub_domain=self._hub_domain, keys=keys
        )
        return [
            _read_or_error(request, originator=agency, roster_entry=version)
            if refusal is None
            else refusal
            for request, refusal in zip(requests, refusals, strict=True)
        ]

    def prepare_here(self, agency: AgencyId, request: bytes) -> Submission:
        """Prepares one submission at once.

        Raises: what `prepare_submission` raises.
        """
        return self.prepare_by(self._membership.roster, agency, request)

    def prepare_by(self, roster: Roster, agency: AgencyId, request: bytes) -> Submission:
        """The same by a roster of choice.

        Raises: what `prepare_submission` raises.
        """
        return prepare_submission(
            parse_submission(request),
            originator=agency,
            hub_domain=self._hub_domain,
            keys=roster.signing_keys(agency),
            roster_entry=roster.last_entry,
            policy=self._policy,
        )

    def _prepared_here(self, agency: AgencyId, request: bytes) -> Prepared:
        try:
            return self.prepare_here(agency, request)
        except ComityError as error:
            return error

    async def _hand_over(self) -> None:
        """Hands over what waits, batch after batch, until nothing does."""
        try:
            while self._waiting:
                for _ in range(GATHER_TURNS):
                    await asyncio.sleep(0)
                if not self._waiting:
                    break  # Another hand took it.
                agency = self._waiting[0].agency
                batch: list[_Waiting] = []
                while (
                    self._waiting
                    and self._waiting[0].agency == agency
                    and len(batch) < MAX_BATCH_SUBMISSIONS
                ):
                    batch.append(self._waiting.popleft())
                await self._prepare_batch(agency, batch)
        finally:
            self._handing_over -= 1

    async def _prepare_batch(self, agency: AgencyId, batch: Sequence[_Waiting]) -> None:
        outcomes: Sequence[Prepared]
        try:
            # However few: while they are away, more come in, and the next batch is larger.
            outcomes = await self._prepare_elsewhere(agency, [one.request for one in batch])
        except ComityError as error:
            outcomes = [error] * len(batch)
        except asyncio.CancelledError:
            outcomes = [ShuttingDown()] * len(batch)
        except Exception:
            _log.exception("preparing failed unforeseen")
            outcomes = [InternalError()] * len(batch)
        for one, outcome in zip(batch, outcomes, strict=True):
            _settle(one, outcome)


def _read_or_error(request: bytes, *, originator: AgencyId, roster_entry: int | None) -> Prepared:
    try:
        return read_submission(request, originator=originator, roster_entry=roster_entry)
    except ComityError as error:
        return error


def _settle(waiting: _Waiting, outcome: Prepared) -> None:
    if not waiting.answer.done():
        waiting.answer.set_result(outcome)
