"""The guard: every call passes here. Identity, table, deadline, parsing, errors, one log line.

Default-deny: an RPC without a rule is refused. Never logs a body, a token or a key.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from comity.errors import (
    ComityError,
    DeadlineExceeded,
    InternalError,
    LogInRequired,
    MalformedInput,
    NotPermitted,
    QuotaExceeded,
    StepRequired,
    TokenRefused,
)
from comity.identity import AgencyId
from comity.statuses import status_for
from hub.rpc.peer import Peer, read_peer, read_token
from hub.rpc.table import Admission, Rule
from hub.services.calls import Caller, Officer, Officers
from hub.services.membership import Membership

# Their services parse by themselves, so that an item at fault is refused by itself.
TAKES_BYTES = frozenset({"/comity.v1.ActService/SubmitActs"})

# 64 at once from each of two systems, its watches and bulk streams, and room. Each may hold a
# request of some megabytes.
MAX_CALLS_PER_AGENCY = 192
RETRY_SECONDS = 1.0

_CALLER: ContextVar[Caller] = ContextVar("caller")
_access_log = logging.getLogger("hub.calls")
_log = logging.getLogger("hub.guard")


def current_caller() -> Caller:
    """Who makes the call that is being handled."""
    return _CALLER.get()


class Guard(grpc.aio.ServerInterceptor):
    """Wraps every handler."""

    def __init__(
        self,
        *,
        hub_domain: str,
        rules: Mapping[str, Rule],
        membership: Membership,
        officers: Officers | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._hub_domain = hub_domain
        self._rules = rules
        self._membership = membership
        self._officers = officers
        self._clock = clock
        self._calls: Counter[AgencyId] = Counter()
        self._guarded: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(  # type: ignore[override]  # the stubs have it generic
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any]]
        ],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = await continuation(details)
        if handler is None:
            return None
        # A method's handler is always the same; wrapping it anew for each call is half of a guard.
        method = str(details.method)
        guarded = self._guarded.get(method)
        if guarded is None:
            guarded = self._guarded[method] = _Guarded(self, handler, method).wrapped()
        return guarded

    async def admit(
        self, context: grpc.aio.ServicerContext[Any, Any], method: str, request_id: str
    ) -> Caller:
        """Identifies the caller and judges whether it may call this RPC.

        1. The channel is strong enough and its certificate names an agency of this hub.
        2. The agency is a member now, and the certificate one of its own.
        3. The table has the RPC.
        4. Where a token came along, it is of an officer of this agency, on this certificate.
        5. The table lets the caller.

        Raises: TransportTooWeak, CertificateRefused, AgencyNotActive, MembershipUnconfirmed,
        NotPermitted, TokenRefused, LogInRequired, StepRequired.
        """
        peer = read_peer(context, hub_domain=self._hub_domain, now=self._clock())  # 1
        self._membership.require_active(peer.agency, certificate_id=peer.certificate_id)  # 2
        rule = self._rules.get(method)  # 3
        if rule is None:
            raise NotPermitted()
        officer = await self._identify(read_token(context), peer)  # 4
        _require_let(rule, officer)  # 5
        return Caller(peer.agency, peer.certificate_id, request_id, officer)

    async def _identify(self, token: str | None, peer: Peer) -> Officer | None:
        if token is None:
            return None
        if self._officers is None:
            raise TokenRefused()
        return await self._officers.identify(
            token, agency=peer.agency, certificate_id=peer.certificate_id
        )

    def require_current(self, caller: Caller) -> None:
        """Refuses an officer whose log-in has ended since the stream was opened.

        Raises: TokenRefused, HubUnavailable.
        """
        if caller.officer is not None and self._officers is not None:
            self._officers.require_current(caller.officer)

    @contextmanager
    def counted(self, agency: AgencyId) -> Iterator[None]:
        """Counts a call of an agency while it goes on.

        Raises: QuotaExceeded.
        """
        if self._calls[agency] >= MAX_CALLS_PER_AGENCY:
            raise QuotaExceeded(
                f"An agency has at most {MAX_CALLS_PER_AGENCY} calls at once.",
                retry_after_seconds=RETRY_SECONDS,
            )
        self._calls[agency] += 1
        try:
            yield
        finally:
            self._calls[agency] -= 1

    def timeout_seconds(self, method: str) -> float | None:
        """How long a call may take."""
        rule = self._rules.get(method)
        return None if rule is None else rule.timeout_seconds


def _require_let(rule: Rule, officer: Officer | None) -> None:
    if officer is not None and officer.step is not None and officer.step not in rule.during:
        raise StepRequired(f"Before anything else the {officer.step.value} has to be set.")
    if rule.admission is not Admission.OFFICER:
        return
    if officer is None:
        raise LogInRequired()
    if rule.roles is not None and not officer.roles & rule.roles:
        raise NotPermitted()


class _Guarded:
    """One handler behind the guard."""

    def __init__(self, guard: Guard, handler: Any, method: str) -> None:
        self._guard = guard
        self._handler = handler
        self._method = method

    def wrapped(self) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler, taking bytes, so that what does not parse is refused by us."""
        handler = self._handler
        serializer = _passing_bytes(handler.response_serializer)
        if handler.request_streaming and handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(self._stream_stream, None, serializer)
        if handler.request_streaming:
            raise TypeError(f"{self._method}: client-streaming calls are not used here")
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self._unary_stream, None, serializer)
        return grpc.unary_unary_rpc_method_handler(self._unary_unary, None, serializer)

    async def _unary_unary(
        self, request: bytes, context: grpc.aio.ServicerContext[Any, Any]
    ) -> Any:
        async with self._admitted(context):
            async with asyncio.timeout(self._guard.timeout_seconds(self._method)):
                return await self._handler.unary_unary(self._parse(request), context)

    async def _unary_stream(
        self, request: bytes, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        async with self._admitted(context):
            async for response in self._handler.unary_stream(self._parse(request), context):
                self._guard.require_current(current_caller())
                yield response

    async def _stream_stream(
        self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        async with self._admitted(context):
            parsed = self._parse_each(requests)
            async for response in self._handler.stream_stream(parsed, context):
                self._guard.require_current(current_caller())
                yield response

    def _parse(self, request: bytes) -> Any:
        if self._method in TAKES_BYTES:
            return request
        try:
            return self._handler.request_deserializer(request)
        except DecodeError as error:
            raise MalformedInput("The request does not parse.") from error

    async def _parse_each(self, requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for request in requests:
            self._guard.require_current(current_caller())
            yield self._parse(request)

    @asynccontextmanager
    async def _admitted(self, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
        """Admits the call, turns every error into a status, and writes the log line."""
        request_id = uuid.uuid4().hex
        started = time.perf_counter()
        agency, code = AgencyId("-"), "OK"
        try:
            caller = await self._guard.admit(context, self._method, request_id)
            agency = caller.agency
            _CALLER.set(caller)
            with self._guard.counted(agency):
                yield
        except (asyncio.CancelledError, GeneratorExit):
            code = "CANCELLED"
            raise
        except grpc.aio.AbortError:
            code = "ABORTED_BY_HANDLER"
            raise
        except Exception as error:
            refusal = refusal_from(error, request_id)
            code = refusal.code
            await context.abort_with_status(rpc_status.to_status(status_for(refusal)))
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            _access_log.info(
                "call",
                extra={
                    "request_id": request_id,
                    "agency": agency,
                    "rpc": self._method,
                    "code": code,
                    "milliseconds": round(milliseconds, 2),
                },
            )


def refusal_from(error: Exception, request_id: str) -> ComityError:
    """What a caller is told of an error; of an unforeseen one, nothing."""
    if isinstance(error, ComityError):
        return error
    if isinstance(error, TimeoutError):
        return DeadlineExceeded()
    _log.error("request %s failed unforeseen", request_id, exc_info=error)
    return InternalError(f"The hub failed on request {request_id}.")


def _passing_bytes(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """A serializer that lets pass what a service has serialized once for many."""

    def serializer(message: Any) -> bytes:
        return message if isinstance(message, bytes) else serialize(message)

    return serializer
