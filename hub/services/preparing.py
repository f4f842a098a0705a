"""Preparing submissions: in verifier processes where there is much to do, else at once.

Signatures are what a submission costs most. Under load what waits is handed over in batches, so
that verifying runs on another core than everything else; a single submission is quicker here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from comity.errors import ComityError, InternalError, ShuttingDown
from comity.identity import AgencyId
from hub.services.membership import Membership
from hub.services.submissions import (
    Submission,
    parse_submission,
    prepare_submission,
    read_submission,
)
from hub.services.verifiers import VerifierPool

INLINE_BELOW = 4  # waiting submissions; handing fewer over takes longer than verifying them
MAX_BATCH_SUBMISSIONS = 32  # so that two batches of 64 callers overlap

Prepared = Submission | ComityError


@dataclass(frozen=True, slots=True)
class _Waiting:
    agency: AgencyId
    request: bytes
    answer: asyncio.Future[Prepared]


class Preparing:
    """The prepare half of every submission."""

    def __init__(self, *, hub_domain: str, membership: Membership, pool: VerifierPool) -> None:
        self._hub_domain = hub_domain
        self._membership = membership
        self._pool = pool
        self._waiting: list[_Waiting] = []
        self._turn: asyncio.Handle | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def prepare(self, agency: AgencyId, request: bytes) -> Submission:
        """Prepares one serialized submission of an agency.

        Raises: what `prepare_submission` raises.
        """
        if not self._pool.is_ready:
            return self.prepare_here(agency, request)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Prepared] = loop.create_future()
        self._waiting.append(_Waiting(agency, request, answer))
        if self._turn is None:
            self._turn = loop.call_soon(self._take_turn)
        prepared = await answer
        if isinstance(prepared, ComityError):
            raise prepared
        return prepared

    async def prepare_each(self, agency: AgencyId, requests: Sequence[bytes]) -> list[Prepared]:
        """Prepares serialized submissions of an agency, each with an outcome of its own."""
        if not self._pool.is_ready or len(requests) < INLINE_BELOW:
            return [self._prepared_here(agency, request) for request in requests]
        keys = self._membership.roster.signing_keys(agency)
        version = self._membership.version
        refusals = await self._pool.verify(
            requests, originator=agency, hub_domain=self._hub_domain, keys=keys
        )
        return [
            read_submission(request, originator=agency, roster_entry=version)
            if refusal is None
            else refusal
            for request, refusal in zip(requests, refusals, strict=True)
        ]

    def prepare_here(self, agency: AgencyId, request: bytes) -> Submission:
        """Prepares one submission at once.

        Raises: what `prepare_submission` raises.
        """
        return prepare_submission(
            parse_submission(request),
            originator=agency,
            hub_domain=self._hub_domain,
            keys=self._membership.roster.signing_keys(agency),
            roster_entry=self._membership.version,
        )

    def _prepared_here(self, agency: AgencyId, request: bytes) -> Prepared:
        try:
            return self.prepare_here(agency, request)
        except ComityError as error:
            return error

    def _take_turn(self) -> None:
        """Takes what has come in during one turn of the event loop."""
        self._turn = None
        waiting, self._waiting = self._waiting, []
        if len(waiting) < INLINE_BELOW:
            for one in waiting:
                _settle(one, self._prepared_here(one.agency, one.request))
            return
        for agency in {one.agency for one in waiting}:
            of_agency = [one for one in waiting if one.agency == agency]
            for first in range(0, len(of_agency), MAX_BATCH_SUBMISSIONS):
                batch = of_agency[first : first + MAX_BATCH_SUBMISSIONS]
                task = asyncio.ensure_future(self._prepare_batch(agency, batch))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _prepare_batch(self, agency: AgencyId, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self.prepare_each(agency, [one.request for one in batch])
        except asyncio.CancelledError:
            outcomes = [ShuttingDown()] * len(batch)
        except Exception:
            outcomes = [InternalError()] * len(batch)
        for one, outcome in zip(batch, outcomes, strict=True):
            _settle(one, outcome)


def _settle(waiting: _Waiting, outcome: Prepared) -> None:
    if not waiting.answer.done():
        waiting.answer.set_result(outcome)
