"""WatchService: live delivery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from comity.errors import ComityError, MalformedInput
from comity.v1 import watches_pb2, watches_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.delivery import Delivery
from hub.services.open_watches import OpenWatches

OPEN_SECONDS = 10.0  # a stream that opens nothing is not kept


class WatchServicer(watches_pb2_grpc.WatchServiceServicer):
    """WatchEvents."""

    def __init__(self, open_watches: OpenWatches) -> None:
        self._open_watches = open_watches

    # Gives serialized responses: one live event is encoded once for all who watch.
    async def WatchEvents(  # type: ignore[override]
        self,
        request_iterator: AsyncIterator[watches_pb2.WatchEventsRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[bytes]:
        """The first command opens, the others confirm."""
        commands = aiter(request_iterator)
        async with asyncio.timeout(OPEN_SECONDS):
            first = _parse_command(await anext(commands, None))
        if first.WhichOneof("command") != "open":
            raise MalformedInput("The first command of a watch opens it.")
        async with self._open_watches.opened(current_caller(), first.open) as delivery:
            confirming = asyncio.create_task(_confirm_each(commands, delivery))
            try:
                async for message in delivery.windows():
                    yield message
            finally:
                confirming.cancel()


async def _confirm_each(
    commands: AsyncIterator[watches_pb2.WatchEventsRequest], delivery: Delivery
) -> None:
    try:
        async for request in commands:
            command = _parse_command(request)
            if command.WhichOneof("command") != "confirm":
                raise MalformedInput("Every command after the first confirms.")
            delivery.confirm(command.confirm.next_index)
    except ComityError as error:
        delivery.end(error)
    else:
        delivery.finish()


def _parse_command(request: watches_pb2.WatchEventsRequest | None) -> watches_pb2.WatchCommand:
    if request is None:
        raise MalformedInput("The watch was not opened.")
    try:
        return watches_pb2.WatchCommand.FromString(request.command)
    except DecodeError as error:
        raise MalformedInput("The command of the watch does not parse.") from error
