"""DirectoryService: finding an authority, and keeping its entry true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc

from comity.v1 import directory_pb2 as pb
from comity.v1 import directory_pb2_grpc
from directory.services.changes import ChangesService
from directory.services.contact_tests import ContactTestService
from directory.services.exports import ExportService
from directory.services.imports import ImportService
from directory.services.keeping import KeepingService
from directory.services.look_ups import LookUpService
from directory.services.waiting import WaitingService
from hub.rpc.guard import current_caller


class DirectoryServicer(directory_pb2_grpc.DirectoryServiceServicer):
    """Look-ups, changes, confirmations, reports, contact tests, files."""

    def __init__(
        self,
        look_ups: LookUpService,
        changes: ChangesService,
        keeping: KeepingService,
        *,
        waiting: WaitingService,
        contact_tests: ContactTestService,
        exports: ExportService,
        imports: ImportService,
    ) -> None:
        self._look_ups = look_ups
        self._changes = changes
        self._keeping = keeping
        self._waiting = waiting
        self._contact_tests = contact_tests
        self._exports = exports
        self._imports = imports

    async def FindAuthorities(
        self, request: pb.FindAuthoritiesRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.FindAuthoritiesResponse:
        return await self._look_ups.find(current_caller(), request)

    async def ResolveAuthority(
        self, request: pb.ResolveAuthorityRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ResolveAuthorityResponse:
        return await self._look_ups.resolve(current_caller(), request)

    async def GetAuthority(
        self, request: pb.GetAuthorityRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.GetAuthorityResponse:
        return await self._look_ups.get(current_caller(), request)

    async def ListAuthorityVersions(
        self, request: pb.ListAuthorityVersionsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListAuthorityVersionsResponse:
        return await self._look_ups.list_versions(current_caller(), request)

    async def CompareVersions(
        self, request: pb.CompareVersionsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.CompareVersionsResponse:
        return await self._look_ups.compare(current_caller(), request)

    async def ProposeChange(
        self, request: pb.ProposeChangeRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ProposeChangeResponse:
        return await self._changes.propose(current_caller(), request)

    async def ListProposals(
        self, request: pb.ListProposalsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListProposalsResponse:
        return await self._waiting.list_proposals(current_caller(), request)

    async def ApproveChange(
        self, request: pb.ApproveChangeRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ApproveChangeResponse:
        return await self._changes.approve(current_caller(), request)

    async def RefuseChange(
        self, request: pb.RefuseChangeRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.RefuseChangeResponse:
        return await self._changes.refuse(current_caller(), request)

    async def ConfirmAuthority(
        self, request: pb.ConfirmAuthorityRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ConfirmAuthorityResponse:
        return await self._keeping.confirm(current_caller(), request)

    async def ReportAuthority(
        self, request: pb.ReportAuthorityRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ReportAuthorityResponse:
        return await self._keeping.report(current_caller(), request)

    async def ListReports(
        self, request: pb.ListReportsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListReportsResponse:
        return await self._waiting.list_reports(current_caller(), request)

    async def CloseReport(
        self, request: pb.CloseReportRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.CloseReportResponse:
        return await self._keeping.close_report(current_caller(), request)

    async def ListDueAuthorities(
        self, request: pb.ListDueAuthoritiesRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListDueAuthoritiesResponse:
        return await self._waiting.list_due(current_caller(), request)

    async def TestContact(
        self, request: pb.TestContactRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.TestContactResponse:
        return await self._contact_tests.ask(current_caller(), request)

    async def AnswerContactTest(
        self, request: pb.AnswerContactTestRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.AnswerContactTestResponse:
        return await self._contact_tests.answer(current_caller(), request)

    async def RecordContactCall(
        self, request: pb.RecordContactCallRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.RecordContactCallResponse:
        return await self._contact_tests.record_call(current_caller(), request)

    async def ListContactTests(
        self, request: pb.ListContactTestsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListContactTestsResponse:
        return await self._waiting.list_contact_tests(current_caller(), request)

    async def ExportAuthorities(
        self, request: pb.ExportAuthoritiesRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.ExportAuthoritiesResponse]:
        async for response in self._exports.export(current_caller(), request):
            yield response

    async def ImportAuthorities(
        self,
        request_iterator: AsyncIterator[pb.ImportAuthoritiesRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[pb.ImportAuthoritiesResponse]:
        yield await self._imports.take(current_caller(), request_iterator)
