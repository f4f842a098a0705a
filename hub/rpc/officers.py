"""OfficerService: an agency's administrator manages its officers."""

from __future__ import annotations

from typing import Any

import grpc

from comity.v1 import officers_pb2, officers_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.accounts.management import OfficerService


class OfficerServicer(officers_pb2_grpc.OfficerServiceServicer):
    """AddOfficer, ListOfficers, ChangeOfficer, ResetOfficer."""

    def __init__(self, officers: OfficerService) -> None:
        self._officers = officers

    async def AddOfficer(
        self, request: officers_pb2.AddOfficerRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> officers_pb2.AddOfficerResponse:
        return await self._officers.add(current_caller(), request)

    async def ListOfficers(
        self, request: officers_pb2.ListOfficersRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> officers_pb2.ListOfficersResponse:
        return await self._officers.list_page(current_caller(), request)

    async def ChangeOfficer(
        self,
        request: officers_pb2.ChangeOfficerRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> officers_pb2.ChangeOfficerResponse:
        return await self._officers.change(current_caller(), request)

    async def ResetOfficer(
        self, request: officers_pb2.ResetOfficerRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> officers_pb2.ResetOfficerResponse:
        return await self._officers.reset(current_caller(), request)
