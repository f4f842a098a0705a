"""The guard of the port that agencies enrol at: callers are unknown, and little is served.

Default-deny, like the other guard: a table of its own, a deadline, limits by address, one log line.
Never logs a body, a code or a key.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from comity.errors import CodeRefused, MalformedInput, NotFound, NotPermitted
from comity.statuses import status_for
from hub.rpc.guard import refusal_from
from hub.rpc.peer import require_strong_channel
from hub.rpc.peer_limits import PeerLimits, peer_from

CALL_SECONDS = 10.0  # each is one or two statements; whoever is unknown holds nothing for longer
MAX_REQUEST_BYTES = 65_536  # twice the largest application

# What is served to somebody unknown, and for how many seconds at most.
ENROLMENT_RULES: Mapping[str, float] = {
    "/comity.v1.EnrolmentService/DescribeHub": CALL_SECONDS,
    "/comity.v1.EnrolmentService/Apply": CALL_SECONDS,
    "/comity.v1.EnrolmentService/FetchAdmission": CALL_SECONDS,
}

_access_log = logging.getLogger("hub.calls")


class EnrolmentGuard(grpc.aio.ServerInterceptor):
    """Wraps every handler of that port."""

    def __init__(self, limits: PeerLimits, *, rules: Mapping[str, float]) -> None:
        self._limits = limits
        self._rules = rules

    async def intercept_service(  # type: ignore[override]  # the stubs have it generic
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any]]
        ],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = await continuation(details)
        if handler is None:
            return None
        call = partial(self._call, handler, str(details.method))
        return grpc.unary_unary_rpc_method_handler(call, None, handler.response_serializer)

    async def _call(
        self,
        handler: Any,
        method: str,
        request: bytes,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> Any:
        async with self._admitted(context, method) as seconds, asyncio.timeout(seconds):
            try:
                message = handler.request_deserializer(request)
            except DecodeError as error:
                raise MalformedInput("The request does not parse.") from error
            return await handler.unary_unary(message, context)

    @asynccontextmanager
    async def _admitted(
        self, context: grpc.aio.ServicerContext[Any, Any], method: str
    ) -> AsyncIterator[float]:
        """Lets a call through where its peer may call now; turns errors into statuses; logs.

        1. The peer has not used up what it may ask.
        2. The channel is strong enough.
        3. The table has the RPC.
        """
        request_id, started, code = uuid.uuid4().hex, time.perf_counter(), "OK"
        peer = peer_from(context.peer())
        try:
            self._limits.require_room(peer)  # 1
            require_strong_channel(context)  # 2
            seconds = self._rules.get(method)  # 3
            if seconds is None:
                raise NotPermitted()
            yield seconds
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except Exception as error:
            if isinstance(error, CodeRefused | NotFound):
                self._limits.count_refusal(peer)
            refusal = refusal_from(error, request_id)
            code = refusal.code
            await context.abort_with_status(rpc_status.to_status(status_for(refusal)))
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            _access_log.info(
                "call",
                extra={
                    "request_id": request_id,
                    "agency": f"unknown at {peer}",
                    "rpc": method,
                    "code": code,
                    "milliseconds": round(milliseconds, 2),
                },
            )
