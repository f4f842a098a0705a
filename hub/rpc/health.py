"""Health: whether the database answers and the ledger's key signs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


class HealthServicer(health_pb2_grpc.HealthServicer):
    """grpc.health.v1, Check only."""

    def __init__(self, is_healthy: Callable[[], Awaitable[bool]]) -> None:
        self._is_healthy = is_healthy

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> health_pb2.HealthCheckResponse:
        healthy = await self._is_healthy()
        status = health_pb2.HealthCheckResponse
        return status(status=status.SERVING if healthy else status.NOT_SERVING)
