"""Verifier processes: they say of serialized submissions whether each is well-formed and signed.

A verifier is this package's `hub.verifier` in an interpreter of its own, spoken to over its pipes;
it ends when the pipe does, so none outlives its hub. It is told everything and keeps nothing.

A verdict decides what enters the ledger, so that none may ever be taken for another's: every
submission is numbered, an exchange once begun is read to its end whoever gives up on it, and a
verifier with which one failed is ended and replaced.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from comity.errors import ComityError, InternalError, ShuttingDown
from comity.identity import AgencyId
from comity.keys import PublicKey
from comity.minimum.policy import Policy
from comity.statuses import error_from_refusal
from comity.v1 import acts_pb2

FRAME_LENGTH_BYTES = 4
MAX_FRAME_BYTES = 64 * 1_048_576  # a bulk message's worth of the largest submissions
RESTART_SECONDS = 1.0  # between tries to replace a verifier

T = TypeVar("T")
Verdicts = list[ComityError | None]

_log = logging.getLogger("hub.verifiers")


class VerifierPool:
    """As many verifiers as there are cores to spare; none is allowed too.

    Each reads the policy by itself, from `policy_folder` (None: what is built in), and judges only
    where that is the policy of its hub, by its digest.
    """

    def __init__(
        self, count_of_processes: int, *, policy: Policy, policy_folder: Path | None = None
    ) -> None:
        self._count = count_of_processes
        self._policy_digest = policy.digest.hex()
        self._policy_folder = policy_folder
        self._idle: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
        self.processes: set[asyncio.subprocess.Process] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._numbers = count(1)
        self._is_stopped = False

    @property
    def size(self) -> int:
        """How many verifiers there are meant to be."""
        return 0 if self._is_stopped else self._count

    async def start(self) -> None:
        """Starts the verifiers and waits until each answers."""
        await asyncio.gather(*(self._start_one() for _ in range(self._count)))

    async def stop(self) -> None:
        """Ends the verifiers."""
        self._is_stopped = True
        for task in self._tasks:
            task.cancel()
        for process in list(self.processes):
            await self._end(process)

    async def verify(
        self,
        requests: Sequence[bytes],
        *,
        originator: AgencyId,
        hub_domain: str,
        keys: Mapping[str, PublicKey],
    ) -> Verdicts:
        """What is wrong with each serialized submission; None where nothing is.

        Raises: InternalError where the verifier failed, and then nothing is known of any of them;
        ShuttingDown.
        """
        header = {
            "originator": originator,
            "hub_domain": hub_domain,
            "keys": [key.spki.hex() for key in keys.values()],
            "policy": self._policy_digest,
        }
        batch = acts_pb2.SubmitBulkRequest(
            submissions=[
                acts_pb2.BulkSubmission(number=next(self._numbers), request=request)
                for request in requests
            ]
        )
        # Shielded: were an answer left in the pipe, the next batch would take it for its own.
        return await asyncio.shield(self._kept(self._verify(json.dumps(header).encode(), batch)))

    async def _verify(self, header: bytes, batch: acts_pb2.SubmitBulkRequest) -> Verdicts:
        if self._is_stopped:
            raise ShuttingDown()
        process = await self._idle.get()
        try:
            verdicts = await _exchange(process, header, batch)
        except BaseException as error:
            await self._end(process)
            if self._is_stopped:
                raise ShuttingDown() from error
            _log.error("a verifier failed and is replaced: %s", type(error).__name__)
            self._kept(self._replace())
            raise InternalError("A verifier of the hub failed. Send it again.") from error
        self._idle.put_nowait(process)
        return verdicts

    async def _replace(self) -> None:
        while not self._is_stopped:
            try:
                await self._start_one()
            except (OSError, EOFError) as error:
                _log.error("no verifier can be started: %s", type(error).__name__)
                await asyncio.sleep(RESTART_SECONDS)
            else:
                return

    async def _start_one(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # nothing is imported from the folder that the hub happens to be started in
            "-m",
            "hub.verifier",
            *([] if self._policy_folder is None else [str(self._policy_folder)]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_FRAME_BYTES,
        )
        self.processes.add(process)
        try:
            header = json.dumps({"policy": self._policy_digest}).encode()
            await _exchange(process, header, acts_pb2.SubmitBulkRequest())
        except BaseException:
            await self._end(process)
            raise
        self._idle.put_nowait(process)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        self.processes.discard(process)
        if process.stdin is not None:
            process.stdin.close()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    def _kept(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _exchange(
    process: asyncio.subprocess.Process, header: bytes, batch: acts_pb2.SubmitBulkRequest
) -> Verdicts:
    """Hands a batch over and reads what is said of it.

    Raises: EOFError, OSError where the verifier is gone or answers something else.
    """
    if process.stdin is None or process.stdout is None:
        raise OSError("the verifier has no pipes")
    process.stdin.write(framed(header) + framed(batch.SerializeToString()))
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(FRAME_LENGTH_BYTES), "big")
    response = acts_pb2.SubmitBulkResponse.FromString(await process.stdout.readexactly(length))
    if [a.number for a in response.answers] != [s.number for s in batch.submissions]:
        raise OSError("the verifier answers another batch")
    return [
        error_from_refusal(answer.refused) if answer.HasField("refused") else None
        for answer in response.answers
    ]


def framed(content: bytes) -> bytes:
    """Bytes behind their length."""
    return len(content).to_bytes(FRAME_LENGTH_BYTES, "big") + content
