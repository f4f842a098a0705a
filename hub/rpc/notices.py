"""NoticeService: notices looked up."""

from __future__ import annotations

from typing import Any

import grpc

from comity.errors import NotPermitted
from comity.v1 import events_pb2, events_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.notices import NoticesService


class NoticeServicer(events_pb2_grpc.NoticeServiceServicer):
    """GetNotice and ListNotices."""

    def __init__(self, notices: NoticesService) -> None:
        self._notices = notices

    async def GetNotice(
        self, request: events_pb2.GetNoticeRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> events_pb2.GetNoticeResponse:
        return await self._notices.get(current_caller(), request)

    async def ListNotices(
        self, request: events_pb2.ListNoticesRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> events_pb2.ListNoticesResponse:
        return await self._notices.list_page(current_caller(), request)

    async def ListNoticeActs(
        self,
        request: events_pb2.ListNoticeActsRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> events_pb2.ListNoticeActsResponse:
        raise NotPermitted()

    async def ListRecalls(
        self, request: events_pb2.ListRecallsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> events_pb2.ListRecallsResponse:
        raise NotPermitted()

    async def GetNoticePolicy(
        self,
        request: events_pb2.GetNoticePolicyRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> events_pb2.GetNoticePolicyResponse:
        raise NotPermitted()
