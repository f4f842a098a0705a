"""Publishing: signed before the clock starts; then one by one, 64 at once, and in bulk."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence

from google.protobuf.json_format import Parse

from agency_client.agency import Agency
from agency_client.signing import ActSigner
from benchmarks.pace import per_second_at_once, per_second_serial
from comity.v1 import acts_pb2, notices_pb2
from deploy.stage import EXAMPLES

PER_MESSAGE = 64


class Publisher:
    """An agency with a draft that it publishes again and again, to one addressee.

    The small notice is the yellow one of the examples: nobody reviews it before it goes out.
    """

    def __init__(self, agency: Agency, addressee: str, *, example: str = "notice-yellow") -> None:
        self._agency = agency
        self._signer: ActSigner = agency.signer()
        self._rule = acts_pb2.AddressingRule(agencies=[addressee])
        text = (EXAMPLES / f"{example}.json").read_text(encoding="utf-8")
        self._draft = Parse(text, notices_pb2.Notice())
        self._draft.traffic = notices_pb2.TRAFFIC_LIVE

    def signed(
        self, count: int, rule: acts_pb2.AddressingRule | None = None
    ) -> list[acts_pb2.SubmitActsRequest]:
        """So many submissions, each a notice of its own with its addressing: two signatures."""
        return [
            self._signer.first_version(self._signer.completed(self._draft), rule or self._rule)
            for _ in range(count)
        ]

    async def submit(self, request: acts_pb2.SubmitActsRequest) -> None:
        """One call, answered when it is on disk and in the tree."""
        await self._agency.client.submit_acts(request.acts)

    async def serial(self, count: int) -> float:
        """Notices a second, one at a time."""
        return await per_second_serial(self.signed(count), self.submit)

    async def at_once(self, count: int) -> float:
        """Notices a second, with 64 in flight."""
        return await per_second_at_once(self.signed(count), self.submit)

    async def bulk(self, count: int) -> float:
        """Notices a second on one stream; every answer is awaited and has to be a receipt."""
        messages = bulk_messages(self.signed(count))
        started = time.perf_counter()
        accepted = 0
        async for answer in self._agency.client.submit_bulk(_each(messages)):
            accepted += answer.HasField("accepted")
        seconds = time.perf_counter() - started
        if accepted != count:
            raise RuntimeError(f"{count - accepted} of {count} were refused")
        return count / seconds


def bulk_messages(
    requests: Sequence[acts_pb2.SubmitActsRequest],
) -> list[acts_pb2.SubmitBulkRequest]:
    """Submissions, 64 to a message."""
    numbered = [
        acts_pb2.BulkSubmission(number=number, request=request.SerializeToString())
        for number, request in enumerate(requests)
    ]
    return [
        acts_pb2.SubmitBulkRequest(submissions=numbered[first : first + PER_MESSAGE])
        for first in range(0, len(numbered), PER_MESSAGE)
    ]


async def _each(
    messages: Sequence[acts_pb2.SubmitBulkRequest],
) -> AsyncIterator[acts_pb2.SubmitBulkRequest]:
    for message in messages:
        yield message
