"""The channel to the hub: mutual TLS, calls with deadlines, and the hub's own errors.

Follows the certificate on disk: the next call after a change uses a new connection. What gRPC shows
only as UNAVAILABLE is explained by `diagnosis.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import grpc
from cryptography.hazmat.primitives import serialization

from agency_client.diagnosis import explain_unreachable, is_over
from agency_client.keycloak_login import KeycloakLogIn, tokens_message
from agency_client.profile import CERTIFICATE, HUB_CA, TLS_KEY, Profile
from agency_client.session import Session
from agency_client.session_store import KeptSession
from agency_client.tls_pair import load_tls_pair
from comity.errors import (
    ComityError,
    HubUnavailable,
    HubUnreachable,
    LogInDelayed,
    MalformedInput,
    QuotaExceeded,
    TokenRefused,
)
from comity.statuses import error_from_rpc
from comity.v1.sessions_pb2 import RefreshSessionRequest, Tokens
from comity.v1.sessions_pb2_grpc import SessionServiceStub

MAX_MESSAGE_BYTES = 8_388_608  # a window of notices at their limit, with room
CALL_SECONDS = 30.0  # the hub's own limit for a call
PARTS_SECONDS = 120.0  # a file is made first, and then comes over a slow line
MAX_TRIES = 4  # some seconds of trying; who runs unattended tries again by itself
RECONNECT_SECONDS = 5  # at most this long gRPC leaves an address alone that did not answer
FIRST_DELAY_SECONDS = 0.25
MAX_DELAY_SECONDS = 30.0

_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),  # finds a line that has silently gone within a minute
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),  # on a quiet watch too, as long as it is quiet
    # A hub that is back is found within seconds; how often calls are tried is decided here.
    ("grpc.max_reconnect_backoff_ms", RECONNECT_SECONDS * 1_000),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.enable_retries", 0),  # what may be tried again is decided here
]

AUTHORIZATION = "authorization"

Request = TypeVar("Request")
Response = TypeVar("Response")
if TYPE_CHECKING:
    ResponseCall: TypeAlias = (
        grpc.aio.UnaryStreamCall[Any, Response] | grpc.aio.StreamStreamCall[Any, Response]
    )
    UnaryMethod: TypeAlias = Callable[
        [grpc.aio.Channel], grpc.aio.UnaryUnaryMultiCallable[Request, Response]
    ]
    StreamMethod: TypeAlias = Callable[
        [grpc.aio.Channel], grpc.aio.StreamStreamMultiCallable[Request, Response]
    ]
    PartsMethod: TypeAlias = Callable[
        [grpc.aio.Channel], grpc.aio.UnaryStreamMultiCallable[Request, Response]
    ]


class HubChannel:
    """A channel that follows the profile's certificate, and shows an officer's log-in."""

    _session: Session | None = None

    def __init__(
        self,
        profile: Profile,
        *,
        passphrase: Callable[[], bytes | None] = lambda: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
        session: Session | None = None,
    ) -> None:
        self._profile = profile
        self._passphrase = passphrase
        self._sleep = sleep
        self._uniform = uniform
        self._channel: grpc.aio.Channel | None = None
        self._built_from: tuple[int, ...] = ()
        self._session = session
        self._retired: list[grpc.aio.Channel] = []

    async def close(self) -> None:
        """Ends every call and closes."""
        channels = self._retired if self._channel is None else [*self._retired, self._channel]
        self._channel, self._retired = None, []
        for channel in channels:
            await channel.close()

    async def call(self, method: UnaryMethod[Request, Response], request: Request) -> Response:
        """Calls, and again where the hub could not answer.

        For calls that may be made twice: reads change nothing, and the hub knows submitted acts
        again by their ids.

        Raises: the error that the hub refused the call with; HubUnavailable, CertificateRefused.
        """
        delay = FIRST_DELAY_SECONDS
        tries_left = MAX_TRIES
        while True:
            try:
                return await self._call_as_officer(method, request)
            except ComityError as error:
                failure = error
            tries_left -= 1
            if not tries_left or not _may_try_again(failure):
                raise await self._explained(failure)
            await self.pause(delay, failure)
            delay = min(delay * 2, MAX_DELAY_SECONDS)

    async def call_once(self, method: UnaryMethod[Request, Response], request: Request) -> Response:
        """Calls, for what must not be done twice. Whether it was done is open where this fails.

        Raises: the error that the hub refused the call with; HubUnavailable, CertificateRefused.
        """
        try:
            return await self._call_as_officer(method, request)
        except ComityError as error:
            raise await self._explained(error) from None

    async def call_as_agency(
        self, method: UnaryMethod[Request, Response], request: Request
    ) -> Response:
        """Calls once by the certificate alone, whoever is logged in.

        Raises: the error that the hub refused the call with; HubUnavailable, CertificateRefused.
        """
        try:
            return await self._attempt(method, request, None)
        except ComityError as error:
            raise await self._explained(error) from None

    @property
    def kept_session(self) -> KeptSession | None:
        """The log-in that goes with calls."""
        return None if self._session is None else self._session.kept

    def keycloak(self, *, issuer: str, client_id: str) -> KeycloakLogIn:
        """Where officers log in whose tokens a Keycloak hands out, with the same certificate.

        Raises: MalformedInput where the issuer is no https address.
        """
        return KeycloakLogIn(
            self._profile, issuer=issuer, client_id=client_id, passphrase=self._passphrase
        )

    def keep_tokens(self, tokens: Tokens, *, issuer: str = "", client_id: str = "") -> None:
        """Shows these with every call from now on; issuer and client where a Keycloak's.

        Raises: MalformedInput where they cannot be written, or this channel is for no officer.
        """
        if self._session is None:
            raise MalformedInput("This channel is for the agency's system and keeps no log-in.")
        self._session.keep(
            tokens,
            certificate_digest=self._certificate_digest(),
            issuer=issuer,
            client_id=client_id,
        )

    def forget_tokens(self) -> None:
        """Shows none from now on."""
        if self._session is not None:
            self._session.forget()

    async def _call_as_officer(
        self, method: UnaryMethod[Request, Response], request: Request
    ) -> Response:
        """One try, with the log-in if there is one; one that was refused is refreshed."""
        token = await self._token()
        try:
            return await self._attempt(method, request, token)
        except TokenRefused:
            if token is None or self._session is None:
                raise
            another = await self._session.renew_refused(
                token, self._refresh, certificate_digest=self._certificate_digest()
            )
        return await self._attempt(method, request, another)

    async def _attempt(
        self, method: UnaryMethod[Request, Response], request: Request, token: str | None
    ) -> Response:
        try:
            return await method(self._current())(
                request, timeout=CALL_SECONDS, metadata=_metadata(token)
            )
        except grpc.RpcError as error:
            raise error_from_rpc(error) from error

    async def _token(self) -> str | None:
        if self._session is None:
            return None
        return await self._session.token(
            self._refresh, certificate_digest=self._certificate_digest()
        )

    async def _refresh(self, kept: KeptSession) -> Tokens:
        if kept.issuer:
            keycloak = self.keycloak(issuer=kept.issuer, client_id=kept.client_id)
            return tokens_message(await keycloak.refresh(kept.refresh_token))
        request = RefreshSessionRequest(refresh_token=kept.refresh_token)
        response = await self._attempt(
            lambda c: SessionServiceStub(c).RefreshSession, request, None
        )
        return response.tokens

    def _certificate_digest(self) -> str:
        self._profile.require_joined()
        return hashlib.sha256(self._profile.path(CERTIFICATE).read_bytes()).hexdigest()

    async def stream(
        self, method: StreamMethod[Request, Response], requests: AsyncIterator[Request]
    ) -> AsyncGenerator[Response, None]:
        """What the hub answers on one stream. Not tried again: only the caller knows what is left.

        Raises: the error that the hub ended the stream with; HubUnavailable, CertificateRefused.
        """
        call = method(self._current())(requests, metadata=_metadata(await self._token()))
        async with aclosing(self._responses(call)) as responses:
            async for response in responses:
                yield response

    async def receive(
        self, method: PartsMethod[Request, Response], request: Request
    ) -> AsyncGenerator[Response, None]:
        """The parts of one answer, within the time of some calls. Not tried again.

        Raises: the error that the hub ended the stream with; HubUnavailable, CertificateRefused.
        """
        metadata = _metadata(await self._token())
        call = method(self._current())(request, timeout=PARTS_SECONDS, metadata=metadata)
        async with aclosing(self._responses(call)) as responses:
            async for response in responses:
                yield response

    async def _responses(self, call: ResponseCall[Response]) -> AsyncGenerator[Response, None]:
        try:
            async for response in call:
                yield response
        except grpc.RpcError as error:
            _require_not_cancelled()
            failure = error_from_rpc(error)
        else:
            return
        finally:
            call.cancel()
        raise await self._explained(failure)

    async def pause(self, delay: float, failure: ComityError | None = None) -> None:
        """Waits up to a delay, so that clients do not come back as one, and as long as was asked.

        A hub may ask for less than nothing, and gets no call sooner for it. One that answers again
        is waited for only until gRPC is connected with it.
        """
        if is_over(failure):
            with suppress(TimeoutError):
                async with asyncio.timeout(RECONNECT_SECONDS):
                    await self._current().channel_ready()
        asked = None if failure is None else failure.retry_after_seconds
        least = 0.0 if asked is None else max(0.0, min(asked, MAX_DELAY_SECONDS))
        await self._sleep(least + self._uniform(0.0, delay))

    def _current(self) -> grpc.aio.Channel:
        """The channel; a new one where key, certificate or authority have changed on disk.

        Raises: MalformedInput where one of them cannot be read.
        """
        stamp = self._stamp()
        if self._channel is None or stamp != self._built_from:
            if self._channel is not None:
                # Streams on it go on; they change over when they are opened the next time.
                self._retired.append(self._channel)
            self._channel = self._build()
            self._built_from = stamp
        return self._channel

    def _stamp(self) -> tuple[int, ...]:
        self._profile.require_joined()
        stats = [self._profile.path(name).stat() for name in (TLS_KEY, CERTIFICATE, HUB_CA)]
        return tuple(n for stat in stats for n in (stat.st_mtime_ns, stat.st_size, stat.st_ino))

    def _build(self) -> grpc.aio.Channel:
        pair = load_tls_pair(self._profile, self._passphrase())
        key = pair.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        credentials = grpc.ssl_channel_credentials(
            root_certificates=self._profile.path(HUB_CA).read_bytes(),
            private_key=key,
            certificate_chain=pair.certificate_pem,
        )
        # The hub is known by its domain, whatever address it is reached at.
        name = ("grpc.ssl_target_name_override", self._profile.hub_domain)
        return grpc.aio.secure_channel(
            self._profile.hub_address, credentials, options=[*_OPTIONS, name]
        )

    async def _explained(self, failure: ComityError) -> ComityError:
        if isinstance(failure, HubUnreachable):
            return await explain_unreachable(self._profile, passphrase=self._passphrase())
        return failure


def _metadata(token: str | None) -> tuple[tuple[str, str], ...]:
    return () if token is None else ((AUTHORIZATION, f"Bearer {token}"),)


def _require_not_cancelled() -> None:
    """gRPC loses the cancellation of a task whose stream fails while it is being opened."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _may_try_again(failure: ComityError) -> bool:
    if isinstance(failure, QuotaExceeded):
        return failure.retry_after_seconds is not None
    # A delay is for a person to wait out, who may have mistyped.
    return isinstance(failure, HubUnavailable) and not isinstance(failure, LogInDelayed)
