"""SubmitBulk: many submissions on one stream, each answered by itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from comity.errors import ComityError, QuotaExceeded, TooLarge
from comity.identity import AgencyId
from comity.statuses import refusal_for
from comity.v1 import acts_pb2
from comity.v1.officers_pb2 import Role
from hub.services.acts import ActsService
from hub.services.calls import Caller
from hub.services.confirmation import CONFIRM_EVERY_SECONDS
from hub.services.membership import Membership
from hub.services.preparing import Prepared, Preparing

MAX_CHUNK_SUBMISSIONS = 256  # one batch of the ledger writer
MAX_CHUNKS_IN_FLIGHT = 4  # one is sent, one is prepared, one is committed, one is answered
MAX_STREAMS_PER_AGENCY = 4  # an import, an outbox, and one of each that broke off unnoticed
MAX_BYTES_IN_FLIGHT = 33_554_432  # of all streams; each byte is there some five times meanwhile

Answers = asyncio.Task[acts_pb2.SubmitBulkResponse]


class BulkService:
    """Answers the chunks of streams in order, several in flight."""

    def __init__(self, acts: ActsService, *, preparing: Preparing, membership: Membership) -> None:
        self._acts = acts
        self._preparing = preparing
        self._membership = membership
        self._streams: Counter[AgencyId] = Counter()
        self._room = _Room(MAX_BYTES_IN_FLIGHT)

    async def answers(
        self, caller: Caller, chunks: AsyncIterator[acts_pb2.SubmitBulkRequest]
    ) -> AsyncIterator[acts_pb2.SubmitBulkResponse]:
        """An answer for every submission of every chunk.

        Raises: TooLarge where a chunk holds too many submissions; QuotaExceeded; AgencyNotActive
        and CertificateRefused as soon as the caller is no member any longer.
        """
        waiting: asyncio.Queue[Answers | None] = asyncio.Queue(MAX_CHUNKS_IN_FLIGHT)
        with self._counted(caller.agency):
            reading = asyncio.create_task(self._read(caller, chunks, waiting))
            try:
                while (task := await self._next(caller, waiting)) is not None:
                    response = await task
                    self._require_active(caller)  # nothing is written to who is out
                    yield response
                await reading
            finally:
                reading.cancel()
                while not waiting.empty():
                    if (task := waiting.get_nowait()) is not None:
                        task.cancel()

    async def _next(self, caller: Caller, waiting: asyncio.Queue[Answers | None]) -> Answers | None:
        """The next answers; ends a stream that is idle as well, once its caller is out."""
        while True:
            try:
                async with asyncio.timeout(CONFIRM_EVERY_SECONDS):
                    return await waiting.get()
            except TimeoutError:
                self._require_active(caller)

    def _require_active(self, caller: Caller) -> None:
        """Membership may have ended since the guard admitted the stream.

        Raises: AgencyNotActive, CertificateRefused, MembershipUnconfirmed.
        """
        self._membership.require_active(caller.agency, certificate_id=caller.certificate_id)

    @contextmanager
    def _counted(self, agency: AgencyId) -> Iterator[None]:
        if self._streams[agency] >= MAX_STREAMS_PER_AGENCY:
            raise QuotaExceeded(
                f"An agency has at most {MAX_STREAMS_PER_AGENCY} bulk streams at once."
            )
        self._streams[agency] += 1
        try:
            yield
        finally:
            self._streams[agency] -= 1

    async def _read(
        self,
        caller: Caller,
        chunks: AsyncIterator[acts_pb2.SubmitBulkRequest],
        waiting: asyncio.Queue[Answers | None],
    ) -> None:
        previous: asyncio.Task[list[Prepared]] | None = None
        try:
            async for chunk in chunks:
                if len(chunk.submissions) > MAX_CHUNK_SUBMISSIONS:
                    raise TooLarge(f"A message holds at most {MAX_CHUNK_SUBMISSIONS} submissions.")
                self._require_active(caller)
                size_bytes = await self._room.take(chunk.ByteSize())
                prepared = asyncio.create_task(self._prepare(caller, chunk, after=previous))
                answers = asyncio.create_task(self._answer(chunk, prepared))
                answers.add_done_callback(partial(self._give_back, size_bytes))
                await waiting.put(answers)
                previous = prepared
        finally:
            await waiting.put(None)

    def _give_back(self, size_bytes: int, _answers: Answers) -> None:
        self._room.give_back(size_bytes)

    async def _prepare(
        self,
        caller: Caller,
        chunk: acts_pb2.SubmitBulkRequest,
        *,
        after: asyncio.Task[list[Prepared]] | None,
    ) -> list[Prepared]:
        """Prepares a chunk; is done only after the chunk before, so that order is kept."""
        requests = [submission.request for submission in chunk.submissions]
        prepared = await self._preparing.prepare_each(caller.agency, requests)
        if caller.officer is not None:
            prepared = [_by_officer(one, caller.officer.roles) for one in prepared]
        if after is not None:
            await after
        return prepared

    async def _answer(
        self,
        chunk: acts_pb2.SubmitBulkRequest,
        preparing: asyncio.Task[list[Prepared]],
    ) -> acts_pb2.SubmitBulkResponse:
        prepared = await preparing
        outcomes = await self._acts.commit_each(prepared)
        response = acts_pb2.SubmitBulkResponse()
        for submission, outcome in zip(chunk.submissions, outcomes, strict=True):
            answer = response.answers.add(number=submission.number)
            if isinstance(outcome, ComityError):
                answer.refused.CopyFrom(refusal_for(outcome))
            else:
                answer.accepted.CopyFrom(outcome)
        return response


def _by_officer(prepared: Prepared, roles: frozenset[Role.ValueType]) -> Prepared:
    return prepared if isinstance(prepared, ComityError) else replace(prepared, roles=roles)


class _Room:
    """How many bytes may be in flight; whoever comes while it is full waits for its turn."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._free_bytes = size_bytes
        self._turn = asyncio.Lock()
        self._given_back = asyncio.Event()

    async def take(self, size_bytes: int) -> int:
        """Waits for room and takes it; gives what has to be given back."""
        wanted = min(size_bytes, self._size_bytes)
        async with self._turn:
            while self._free_bytes < wanted:
                self._given_back.clear()
                await self._given_back.wait()
            self._free_bytes -= wanted
        return wanted

    def give_back(self, size_bytes: int) -> None:
        """Gives back what was taken."""
        self._free_bytes += size_bytes
        self._given_back.set()
