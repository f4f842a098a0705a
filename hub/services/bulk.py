"""SubmitBulk: many submissions on one stream, each answered by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from comity.errors import ComityError, TooLarge
from comity.statuses import refusal_for
from comity.v1 import acts_pb2
from hub.services.acts import ActsService
from hub.services.calls import Caller
from hub.services.preparing import Prepared, Preparing

MAX_CHUNK_SUBMISSIONS = 256  # one batch of the ledger writer
MAX_CHUNKS_IN_FLIGHT = 4  # one is sent, one is prepared, one is committed, one is answered


class BulkService:
    """Answers the chunks of a stream in order, several in flight."""

    def __init__(self, acts: ActsService, *, preparing: Preparing) -> None:
        self._acts = acts
        self._preparing = preparing

    async def answers(
        self, caller: Caller, chunks: AsyncIterator[acts_pb2.SubmitBulkRequest]
    ) -> AsyncIterator[acts_pb2.SubmitBulkResponse]:
        """An answer for every submission of every chunk.

        Raises: TooLarge where a chunk holds too many submissions.
        """
        waiting: asyncio.Queue[asyncio.Task[acts_pb2.SubmitBulkResponse] | None]
        waiting = asyncio.Queue(MAX_CHUNKS_IN_FLIGHT)
        reading = asyncio.create_task(self._read(caller, chunks, waiting))
        try:
            while (task := await waiting.get()) is not None:
                yield await task
            await reading
        finally:
            reading.cancel()
            while not waiting.empty():
                if (task := waiting.get_nowait()) is not None:
                    task.cancel()

    async def _read(
        self,
        caller: Caller,
        chunks: AsyncIterator[acts_pb2.SubmitBulkRequest],
        waiting: asyncio.Queue[asyncio.Task[acts_pb2.SubmitBulkResponse] | None],
    ) -> None:
        previous: asyncio.Task[list[Prepared]] | None = None
        try:
            async for chunk in chunks:
                if len(chunk.submissions) > MAX_CHUNK_SUBMISSIONS:
                    raise TooLarge(f"A message holds at most {MAX_CHUNK_SUBMISSIONS} submissions.")
                prepared = asyncio.create_task(self._prepare(caller, chunk, after=previous))
                await waiting.put(asyncio.create_task(self._answer(chunk, prepared)))
                previous = prepared
        finally:
            await waiting.put(None)

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
