"""Officers at the hub: log-in and log-out, how one logs in, and managing the agency's officers.

Every change is asked for once: a log-in, a code and a refresh token are each good for once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from agency_client.channel import HubChannel
from agency_client.keycloak_login import DeviceLogIn, tokens_message
from comity.errors import LogInRefused, LogInRequired, TokenRefused
from comity.v1.officers_pb2 import (
    AddOfficerRequest,
    AddOfficerResponse,
    ChangeOfficerRequest,
    ListOfficersRequest,
    Officer,
    ResetOfficerRequest,
)
from comity.v1.officers_pb2_grpc import OfficerServiceStub
from comity.v1.sessions_pb2 import (
    BeginSecondFactorRequest,
    ChangePasswordRequest,
    ConfirmSecondFactorRequest,
    DescribeLogInRequest,
    DescribeLogInResponse,
    LogInRequest,
    LogInResponse,
    LogOutRequest,
    WhoAmIRequest,
    WhoAmIResponse,
)
from comity.v1.sessions_pb2_grpc import SessionServiceStub


class OfficerClient:
    """What an officer does at the hub, on the agency's channel."""

    def __init__(self, channel: HubChannel) -> None:
        self._channel = channel

    async def describe_log_in(self) -> DescribeLogInResponse:
        """How officers log in at this hub."""
        return await self._channel.call_as_agency(
            lambda c: SessionServiceStub(c).DescribeLogIn, DescribeLogInRequest()
        )

    async def log_in(self, user_name: str, password: str, second_factor: str = "") -> LogInResponse:
        """Logs in; the channel shows the log-in with every call from now on.

        Raises: LogInRefused, LogInDelayed.
        """
        request = LogInRequest(user_name=user_name, password=password, second_factor=second_factor)
        response = await self._channel.call_as_agency(
            lambda c: SessionServiceStub(c).LogIn, request
        )
        self._channel.keep_tokens(response.tokens)
        return response

    async def log_in_by_device(
        self, described: DescribeLogInResponse, show: Callable[[DeviceLogIn], None]
    ) -> Officer:
        """Logs in at the hub's Keycloak: shows page and code, and waits for the officer there.

        Raises: LogInRequired where that was denied or took too long; LogInRefused where the hub
        has no such officer; IdentityProviderAway.
        """
        where = {"issuer": described.issuer, "client_id": described.client_id}
        keycloak = self._channel.keycloak(**where)
        begun = await keycloak.begin_device()
        show(begun)
        tokens = await keycloak.finish_device(begun)
        self._channel.keep_tokens(tokens_message(tokens), **where)
        try:
            return (await self.who_am_i()).officer
        except TokenRefused as error:
            await self._end_log_in()
            raise LogInRefused(
                "Keycloak let the user in, but the hub has no such officer of this agency, or a "
                "locked one."
            ) from error

    async def log_out(self, *, everywhere: bool = False) -> None:
        """Ends the log-in here, or every one of the officer's. One that is over is forgotten."""
        kept = self._channel.kept_session
        if everywhere or kept is None or not kept.issuer:  # One at Keycloak is ended there.
            request = LogOutRequest(everywhere=everywhere)
            with suppress(TokenRefused, LogInRequired):
                await self._channel.call_once(lambda c: SessionServiceStub(c).LogOut, request)
        await self._end_log_in()

    async def _end_log_in(self) -> None:
        """Ends the log-in where it was begun at a Keycloak, and forgets it."""
        kept = self._channel.kept_session
        if kept is not None and kept.issuer:
            keycloak = self._channel.keycloak(issuer=kept.issuer, client_id=kept.client_id)
            await keycloak.log_out(kept.refresh_token)
        self._channel.forget_tokens()

    async def who_am_i(self) -> WhoAmIResponse:
        """Agency and officer as the hub sees them."""
        return await self._channel.call(lambda c: SessionServiceStub(c).WhoAmI, WhoAmIRequest())

    async def change_password(self, password: str, new_password: str) -> None:
        """Sets the officer's own password, which ends every other log-in.

        Raises: PasswordRefused with everything at fault; LogInRefused.
        """
        request = ChangePasswordRequest(password=password, new_password=new_password)
        await self._channel.call_once(lambda c: SessionServiceStub(c).ChangePassword, request)

    async def begin_second_factor(self) -> str:
        """The URI (otpauth) from which an app takes the new second factor. A secret."""
        response = await self._channel.call_once(
            lambda c: SessionServiceStub(c).BeginSecondFactor, BeginSecondFactorRequest()
        )
        return response.provisioning_uri

    async def confirm_second_factor(self, code: str) -> list[str]:
        """Puts the new second factor in effect, and gives the recovery codes. Secrets.

        Raises: LogInRefused.
        """
        response = await self._channel.call_once(
            lambda c: SessionServiceStub(c).ConfirmSecondFactor,
            ConfirmSecondFactorRequest(code=code),
        )
        return list(response.recovery_codes)

    async def add(self, request: AddOfficerRequest) -> AddOfficerResponse:
        """Adds an officer to the own agency.

        Raises: MalformedInput, OfficerExists, NotPermitted.
        """
        return await self._channel.call_once(lambda c: OfficerServiceStub(c).AddOfficer, request)

    async def list_all(self) -> list[Officer]:
        """The officers of the own agency."""
        found: list[Officer] = []
        more = True
        while more:
            after = found[-1].officer_id if found else ""
            response = await self._channel.call(
                lambda c: OfficerServiceStub(c).ListOfficers,
                ListOfficersRequest(after_officer_id=after),
            )
            found += response.officers
            more = response.more and bool(response.officers)
        return found

    async def change(self, request: ChangeOfficerRequest) -> Officer:
        """Changes an officer of the own agency; what is set is changed.

        Raises: MalformedInput, NotFound, LastAdministrator, NotPermitted.
        """
        response = await self._channel.call_once(
            lambda c: OfficerServiceStub(c).ChangeOfficer, request
        )
        return response.officer

    async def reset(self, officer_id: str) -> str:
        """A new one-time password for an officer; second factor and log-ins are gone.

        Raises: NotFound, NotPermitted.
        """
        response = await self._channel.call_once(
            lambda c: OfficerServiceStub(c).ResetOfficer, ResetOfficerRequest(officer_id=officer_id)
        )
        return response.one_time_password
