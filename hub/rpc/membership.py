"""MembershipService: letting agencies in."""

from __future__ import annotations

from typing import Any

import grpc

from comity.identity import AgencyId
from comity.v1 import membership_pb2 as pb
from comity.v1 import membership_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.applications import ApplicationsService, approver_from
from hub.store.enrolments import StoredApproval


class MembershipServicer(membership_pb2_grpc.MembershipServiceServicer):
    """InviteAgency, ListApplications, ApproveApplication, RefuseApplication, ConsentToAgency."""

    def __init__(self, applications: ApplicationsService, *, hub_agency: AgencyId) -> None:
        self._applications = applications
        self._hub_agency = hub_agency

    async def InviteAgency(
        self, request: pb.InviteAgencyRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.InviteAgencyResponse:
        return await self._applications.invite(self._approver(), request)

    async def ListApplications(
        self, request: pb.ListApplicationsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListApplicationsResponse:
        self._approver()
        return await self._applications.list_applications()

    async def ApproveApplication(
        self, request: pb.ApproveApplicationRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ApproveApplicationResponse:
        return await self._applications.approve(self._approver(), request)

    async def RefuseApplication(
        self, request: pb.RefuseApplicationRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.RefuseApplicationResponse:
        return await self._applications.refuse(self._approver(), request)

    async def ConsentToAgency(
        self, request: pb.ConsentToAgencyRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ConsentToAgencyResponse:
        return await self._applications.consent(current_caller().agency, request)

    def _approver(self) -> StoredApproval:
        return approver_from(current_caller(), hub_agency=self._hub_agency)
