"""NoticeService: notices looked up."""

from __future__ import annotations

from typing import Any

import grpc

from comity.minimum.policy import Policy
from comity.v1 import events_pb2, events_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.notice_acts import NoticeActsService
from hub.services.notices import NoticesService


class NoticeServicer(events_pb2_grpc.NoticeServiceServicer):
    """GetNotice, ListNotices, ListNoticeActs, ListRecalls, GetNoticePolicy."""

    def __init__(self, notices: NoticesService, acts: NoticeActsService, *, policy: Policy) -> None:
        self._notices = notices
        self._acts = acts
        files = policy.files.items()
        self._policy = events_pb2.GetNoticePolicyResponse(
            files=[events_pb2.PolicyFile(name=name, text=text) for name, text in files],
            digest=policy.digest,
        )

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
        return await self._acts.list_acts(current_caller(), request)

    async def ListRecalls(
        self, request: events_pb2.ListRecallsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> events_pb2.ListRecallsResponse:
        return await self._acts.list_recalls(current_caller(), request)

    async def GetNoticePolicy(
        self,
        request: events_pb2.GetNoticePolicyRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> events_pb2.GetNoticePolicyResponse:
        return self._policy
