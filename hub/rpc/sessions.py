"""SessionService: officers log in and out."""

from __future__ import annotations

from typing import Any

import grpc

from comity.v1 import sessions_pb2, sessions_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.accounts.factors import FactorService
from hub.services.accounts.log_in import LogInService
from hub.services.accounts.password_change import PasswordChangeService
from hub.services.accounts.sessions import SessionService


class SessionServicer(sessions_pb2_grpc.SessionServiceServicer):
    """Log-in with built-in accounts."""

    def __init__(
        self,
        log_in: LogInService,
        sessions: SessionService,
        *,
        passwords: PasswordChangeService,
        factors: FactorService,
    ) -> None:
        self._log_in = log_in
        self._sessions = sessions
        self._passwords = passwords
        self._factors = factors

    async def DescribeLogIn(
        self,
        request: sessions_pb2.DescribeLogInRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> sessions_pb2.DescribeLogInResponse:
        return sessions_pb2.DescribeLogInResponse(provider=sessions_pb2.IDENTITY_PROVIDER_BUILT_IN)

    async def LogIn(
        self, request: sessions_pb2.LogInRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> sessions_pb2.LogInResponse:
        return await self._log_in.log_in(current_caller(), request)

    async def RefreshSession(
        self,
        request: sessions_pb2.RefreshSessionRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> sessions_pb2.RefreshSessionResponse:
        return await self._sessions.refresh(current_caller(), request)

    async def LogOut(
        self, request: sessions_pb2.LogOutRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> sessions_pb2.LogOutResponse:
        await self._sessions.log_out(current_caller(), request)
        return sessions_pb2.LogOutResponse()

    async def WhoAmI(
        self, request: sessions_pb2.WhoAmIRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> sessions_pb2.WhoAmIResponse:
        return await self._sessions.who_am_i(current_caller())

    async def ChangePassword(
        self,
        request: sessions_pb2.ChangePasswordRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> sessions_pb2.ChangePasswordResponse:
        await self._passwords.change(current_caller(), request)
        return sessions_pb2.ChangePasswordResponse()

    async def BeginSecondFactor(
        self,
        request: sessions_pb2.BeginSecondFactorRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> sessions_pb2.BeginSecondFactorResponse:
        return await self._factors.begin(current_caller())

    async def ConfirmSecondFactor(
        self,
        request: sessions_pb2.ConfirmSecondFactorRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> sessions_pb2.ConfirmSecondFactorResponse:
        return await self._factors.confirm(current_caller(), request)
