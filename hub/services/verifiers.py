"""Verifier processes: they say of serialized submissions whether each is well-formed and signed.

A verifier is this package's `hub.verifier` in an interpreter of its own, spoken to over its pipes;
it ends when the pipe does, so none outlives its hub. It is told everything and keeps nothing.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from comity.errors import ComityError, ShuttingDown
from comity.identity import AgencyId
from comity.keys import PublicKey
from comity.statuses import error_from_refusal
from comity.v1 import acts_pb2

FRAME_LENGTH_BYTES = 4
MAX_FRAME_BYTES = 64 * 1_048_576  # a bulk message's worth of the largest submissions


class VerifierPool:
    """As many verifiers as there are cores to spare; none is allowed too."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._idle: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
        self._processes: list[asyncio.subprocess.Process] = []

    @property
    def size(self) -> int:
        """How many verifiers there are."""
        return len(self._processes)

    async def start(self) -> None:
        """Starts the verifiers and waits until each answers."""
        for _ in range(self._count):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "hub.verifier",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=MAX_FRAME_BYTES,
            )
            self._processes.append(process)
            await _exchange(process, b"{}", acts_pb2.SubmitBulkRequest())
            self._idle.put_nowait(process)

    async def stop(self) -> None:
        """Ends the verifiers."""
        processes, self._processes = self._processes, []
        for process in processes:
            if process.stdin is not None:
                process.stdin.close()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def verify(
        self,
        requests: Sequence[bytes],
        *,
        originator: AgencyId,
        hub_domain: str,
        keys: Mapping[str, PublicKey],
    ) -> list[ComityError | None]:
        """What is wrong with each serialized submission; None where nothing is.

        Raises: ShuttingDown where the verifiers have been stopped.
        """
        header = {
            "originator": originator,
            "hub_domain": hub_domain,
            "keys": [key.spki.hex() for key in keys.values()],
        }
        submissions = [acts_pb2.BulkSubmission(request=request) for request in requests]
        process = await self._idle.get()
        try:
            response = await _exchange(
                process,
                json.dumps(header).encode(),
                acts_pb2.SubmitBulkRequest(submissions=submissions),
            )
        except (OSError, EOFError) as error:
            raise ShuttingDown() from error
        finally:
            self._idle.put_nowait(process)
        return [
            error_from_refusal(answer.refused) if answer.HasField("refused") else None
            for answer in response.answers
        ]


async def _exchange(
    process: asyncio.subprocess.Process, header: bytes, request: acts_pb2.SubmitBulkRequest
) -> acts_pb2.SubmitBulkResponse:
    if process.stdin is None or process.stdout is None:
        raise OSError("the verifier has no pipes")
    body = request.SerializeToString()
    process.stdin.write(framed(header) + framed(body))
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(FRAME_LENGTH_BYTES), "big")
    return acts_pb2.SubmitBulkResponse.FromString(await process.stdout.readexactly(length))


def framed(content: bytes) -> bytes:
    """Bytes behind their length."""
    return len(content).to_bytes(FRAME_LENGTH_BYTES, "big") + content
