"""ActService: submissions in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc

from comity.v1 import acts_pb2, acts_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.acts import ActsService
from hub.services.bulk import BulkService


class ActServicer(acts_pb2_grpc.ActServiceServicer):
    """SubmitActs and SubmitBulk."""

    def __init__(self, acts: ActsService, bulk: BulkService) -> None:
        self._acts = acts
        self._bulk = bulk

    # Takes the request as bytes: verified in another process, and parsed once.
    async def SubmitActs(  # type: ignore[override]
        self, request: bytes, context: grpc.aio.ServicerContext[Any, Any]
    ) -> acts_pb2.SubmitActsResponse:
        return await self._acts.submit(current_caller(), request)

    async def SubmitBulk(
        self,
        request_iterator: AsyncIterator[acts_pb2.SubmitBulkRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[acts_pb2.SubmitBulkResponse]:
        async for response in self._bulk.answers(current_caller(), request_iterator):
            yield response
