"""SessionService of a hub whose officers log in at a Keycloak: it names the place, and no more.

Takes no password and hands out no token.
"""

from __future__ import annotations

from typing import Any, NoReturn

import grpc

from comity.errors import NotPermitted
from comity.v1 import sessions_pb2, sessions_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.accounts.sessions import SessionService

_ELSEWHERE = "Officers of this hub log in at Keycloak, and change there how they log in."
_ONE_LOG_IN = "One log-in is ended at Keycloak; the hub ends every log-in of an officer at once."


class KeycloakSessionServicer(sessions_pb2_grpc.SessionServiceServicer):
    """Log-in elsewhere; who one is, and logging out everywhere, here."""

    def __init__(self, sessions: SessionService, *, issuer: str, client_id: str) -> None:
        self._sessions = sessions
        self._issuer = issuer
        self._client_id = client_id

    async def DescribeLogIn(
        self,
        request: sessions_pb2.DescribeLogInRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> sessions_pb2.DescribeLogInResponse:
        return sessions_pb2.DescribeLogInResponse(
            provider=sessions_pb2.IDENTITY_PROVIDER_KEYCLOAK,
            issuer=self._issuer,
            client_id=self._client_id,
        )

    async def WhoAmI(
        self, request: sessions_pb2.WhoAmIRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> sessions_pb2.WhoAmIResponse:
        return await self._sessions.who_am_i(current_caller())

    async def LogOut(
        self, request: sessions_pb2.LogOutRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> sessions_pb2.LogOutResponse:
        if not request.everywhere:
            raise NotPermitted(_ONE_LOG_IN)
        await self._sessions.log_out(current_caller(), request)
        return sessions_pb2.LogOutResponse()

    async def LogIn(self, request: Any, context: Any) -> NoReturn:
        raise NotPermitted(_ELSEWHERE)

    async def RefreshSession(self, request: Any, context: Any) -> NoReturn:
        raise NotPermitted(_ELSEWHERE)

    async def ChangePassword(self, request: Any, context: Any) -> NoReturn:
        raise NotPermitted(_ELSEWHERE)

    async def BeginSecondFactor(self, request: Any, context: Any) -> NoReturn:
        raise NotPermitted(_ELSEWHERE)

    async def ConfirmSecondFactor(self, request: Any, context: Any) -> NoReturn:
        raise NotPermitted(_ELSEWHERE)
