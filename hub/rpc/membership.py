"""MembershipService: letting agencies in, watching over them, what they change themselves."""

from __future__ import annotations

from typing import Any

import grpc

from comity.identity import AgencyId
from comity.v1 import membership_pb2 as pb
from comity.v1 import membership_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.applications import ApplicationsService, approver_from
from hub.services.members import MembersService
from hub.services.revocations import Revocations
from hub.store.enrolments import StoredApproval


class MembershipServicer(membership_pb2_grpc.MembershipServiceServicer):
    """Applications, members, keys, certificates."""

    def __init__(
        self,
        applications: ApplicationsService,
        members: MembersService,
        revocations: Revocations,
        *,
        hub_agency: AgencyId,
    ) -> None:
        self._applications = applications
        self._members = members
        self._revocations = revocations
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

    async def ChangeAgencyStatus(
        self, request: pb.ChangeAgencyStatusRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ChangeAgencyStatusResponse:
        return await self._members.change_status(self._approver(), request)

    async def DescribeAgency(
        self, request: pb.DescribeAgencyRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.DescribeAgencyResponse:
        return await self._members.describe(current_caller(), request)

    async def EndKeys(
        self, request: pb.EndKeysRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.EndKeysResponse:
        return await self._members.end_keys(current_caller(), request)

    async def LeaveHub(
        self, request: pb.LeaveHubRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.LeaveHubResponse:
        return await self._members.leave(current_caller(), request)

    async def RenewCertificate(
        self, request: pb.RenewCertificateRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.RenewCertificateResponse:
        return await self._members.renew(current_caller(), request)

    async def RotateKeys(
        self, request: pb.RotateKeysRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.RotateKeysResponse:
        return await self._members.rotate(current_caller(), request)

    async def GetRevocationList(
        self, request: pb.GetRevocationListRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.GetRevocationListResponse:
        return pb.GetRevocationListResponse(revocation_list=await self._revocations.get())

    def _approver(self) -> StoredApproval:
        return approver_from(current_caller(), hub_agency=self._hub_agency)
