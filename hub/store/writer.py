"""The ledger writer: many use cases in one transaction, with one sync to disk.

A use case that writes hands its prepared items here. The writer takes what is waiting, locks the
ledger's head, lets each use case decide over its items in order, appends the entries, commits,
signs the new checkpoint and only then answers. Entry order is commit order. Never answers before
COMMIT has returned, and never lets one bad item fail the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comity.errors import (
    ComityError,
    InternalError,
    QuotaExceeded,
    ShuttingDown,
    StoreUnavailable,
)
from hub.store.database import Database
from hub.store.ledger import lock_head
from hub.store.transaction import CommittedBatch, LedgerTransaction

MAX_BATCH_ITEMS = 256  # keeps a transaction in the milliseconds; more waits for the next one
GATHER_SECONDS = 0.003  # a batch costs some milliseconds, however few are in it
MAX_WAITING_ITEMS = 20_000  # some seconds of work; past it callers are told to come back
RETRY_SECONDS = 2.0  # by then much of a full queue has been written

# Decides over its items inside the transaction, in order: a result or an error for each.
UseCase = Callable[[LedgerTransaction, Sequence[Any]], Awaitable[Sequence[Any]]]

_log = logging.getLogger("hub.writer")


@dataclass(frozen=True, slots=True)
class Committed:
    """What a use case decided for one item, and the batch that it was committed in."""

    result: Any
    batch: CommittedBatch


@dataclass(frozen=True, slots=True)
class _Waiting:
    use_case: UseCase
    item: Any
    answer: asyncio.Future[Committed]


class LedgerWriter:
    """Runs the commit halves of use cases. One per process; `run` it as a task."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime],
        token_bytes: Callable[[int], bytes],
        on_commit: Callable[[CommittedBatch], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._token_bytes = token_bytes
        self._on_commit = on_commit
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(MAX_WAITING_ITEMS)
        self._is_stopped = False
        self._last_count = 1
        self._batch: list[_Waiting] = []

    async def commit(self, use_case: UseCase, item: Any) -> Committed:
        """Commits one item with whatever else is waiting.

        Raises: what the use case decided against the item; StoreUnavailable; ShuttingDown;
        QuotaExceeded where more is waiting than is soon written.
        """
        if self._is_stopped:
            raise ShuttingDown()
        answer: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait(_Waiting(use_case, item, answer))
        except asyncio.QueueFull:
            raise QuotaExceeded(
                "More is waiting to be written than the hub can take.",
                retry_after_seconds=RETRY_SECONDS,
            ) from None
        return await answer

    async def commit_result(self, use_case: UseCase, item: Any) -> Any:
        """The same for who asks only what was decided."""
        return (await self.commit(use_case, item)).result

    async def run(self) -> None:
        """Commits batch after batch until cancelled; what is unanswered then is refused."""
        try:
            while True:
                self._batch.append(await self._waiting.get())
                await self._gather()
                await self._commit_batch(self._batch)
                self._batch.clear()
        finally:
            self._is_stopped = True
            while not self._waiting.empty():
                self._batch.append(self._waiting.get_nowait())
            _refuse(self._batch, ShuttingDown())

    async def _gather(self) -> None:
        """Takes what waits; where several came last time, gives others a moment to come too."""
        self._take_waiting()
        if self._last_count > 1:
            await asyncio.sleep(GATHER_SECONDS)
            self._take_waiting()
        self._last_count = len(self._batch)

    def _take_waiting(self) -> None:
        while len(self._batch) < MAX_BATCH_ITEMS and not self._waiting.empty():
            self._batch.append(self._waiting.get_nowait())

    async def _commit_batch(self, batch: Sequence[_Waiting]) -> None:
        try:
            decided, committed = await self._run_transaction(batch)
        except StoreUnavailable as error:
            _log.error("the database did not take a batch: %s", type(error.__cause__).__name__)
            _refuse(batch, error)
        except Exception:
            await self._commit_one_by_one(batch)
        else:
            self._tell(committed)
            _answer(decided, committed)

    def _tell(self, committed: CommittedBatch) -> None:
        """Lets followers know. Whatever becomes of that, callers are answered: it is on disk."""
        try:
            self._on_commit(committed)
        except Exception:
            _log.exception("followers were not told of a committed batch")

    async def _commit_one_by_one(self, batch: Sequence[_Waiting]) -> None:
        """After an unforeseen error: the item that causes it fails alone."""
        if len(batch) == 1:
            _log.exception("a use case failed in its transaction")
            _refuse(batch, InternalError())
            return
        for waiting in batch:
            await self._commit_batch([waiting])

    async def _run_transaction(
        self, batch: Sequence[_Waiting]
    ) -> tuple[list[tuple[_Waiting, Any]], CommittedBatch]:
        decided: list[tuple[_Waiting, Any]] = []
        async with locked_transaction(
            self._database, clock=self._clock, token_bytes=self._token_bytes
        ) as transaction:
            for use_case, group in _by_use_case(batch):
                results = await use_case(transaction, [waiting.item for waiting in group])
                decided += zip(group, results, strict=True)
            committed = await transaction.write_entries()
        return decided, committed


@asynccontextmanager
async def locked_transaction(
    database: Database,
    *,
    clock: Callable[[], datetime],
    token_bytes: Callable[[int], bytes],
) -> AsyncIterator[LedgerTransaction]:
    """A transaction that holds the lock on the ledger's head, committed on leaving.

    Raises: StoreUnavailable.
    """
    async with database.write() as connection:
        head = await lock_head(connection)
        yield LedgerTransaction(connection, head=head, now=clock(), token_bytes=token_bytes)


async def commit_alone(
    database: Database,
    use_case: UseCase,
    item: Any,
    *,
    clock: Callable[[], datetime],
    token_bytes: Callable[[int], bytes],
) -> Any:
    """Commits one item by itself: for the command line, beside a hub that serves.

    Raises: what the use case decided; StoreUnavailable.
    """
    async with locked_transaction(database, clock=clock, token_bytes=token_bytes) as transaction:
        [result] = await use_case(transaction, [item])
        await transaction.write_entries()
    if isinstance(result, ComityError):
        raise result
    return result


def _by_use_case(batch: Sequence[_Waiting]) -> list[tuple[UseCase, list[_Waiting]]]:
    groups: dict[UseCase, list[_Waiting]] = {}
    for waiting in batch:
        groups.setdefault(waiting.use_case, []).append(waiting)
    return list(groups.items())


def _answer(decided: Sequence[tuple[_Waiting, Any]], batch: CommittedBatch) -> None:
    for waiting, result in decided:
        if waiting.answer.done():
            continue  # The caller has gone; what it sent is in the ledger all the same.
        if isinstance(result, ComityError):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(Committed(result, batch))


def _refuse(batch: Sequence[_Waiting], error: ComityError) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
