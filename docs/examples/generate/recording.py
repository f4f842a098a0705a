"""A real hub and real members in one process, with every message that passes between them kept.

Only TLS is left out, because certificates of the story's time are not valid for ever: who calls is
known by the channel instead. Never serves anybody but the story.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unittest.mock import patch

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from google.protobuf.message import Message

from agency_client.channel import HubChannel
from agency_client.profile import CERTIFICATE, Profile
from agency_client.session import Session
from agency_client.session_store import FileStore
from hub.app import running_hub
from hub.rpc import enrolment_guard, guard
from hub.rpc.peer import Peer
from hub.services import delivery
from hub.services.calls import Caller, Officer
from hub.settings import Settings
from hub.tls import TlsFiles
from hub.wiring import rounds

PROGRESS_SECONDS = 0.1  # the story need not wait for a message that a hub sends every 10 seconds


@dataclass(slots=True)
class Recording:
    """The messages in the order in which they passed, and who is calling now. `remind` is the hub's
    round of reminders, which comes when the story says so and not by a machine's clock."""

    messages: list[Message]
    peer: Peer | None = None
    officer: Officer | None = None
    remind: Callable[[], Awaitable[None]] | None = None

    def keep(self, message: Message) -> None:
        """Keeps a copy: the message may still be changed by whoever made it."""
        copy = type(message)()
        copy.CopyFrom(message)
        self.messages.append(copy)


class RecordingChannel(HubChannel):
    """A member's channel that keeps what passes."""

    # Who is logged in on it, where that is no part of the story.
    officer: Officer | None = None

    def __init__(
        self,
        profile: Profile,
        recording: Recording,
        *,
        address: str,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(profile, session=Session(profile, store=FileStore(profile), clock=clock))
        self._address = address  # the profile's own is the one that the examples show
        self._recording = recording
        certificate = x509.load_pem_x509_certificate(profile.path(CERTIFICATE).read_bytes())
        self._peer = Peer(
            profile.agency,
            certificate.fingerprint(SHA256()).hex(),
            certificate.not_valid_after_utc,
        )

    async def _attempt(self, method: Callable[..., Any], request: Any, token: str | None) -> Any:
        """Calls, and keeps request and response."""
        self._recording.peer, self._recording.officer = self._peer, self.officer
        self._recording.keep(request)
        response = await super()._attempt(method, request, token)
        self._recording.keep(response)
        return response

    async def stream(
        self, method: Callable[..., Any], requests: AsyncIterator[Any]
    ) -> AsyncGenerator[Any, None]:
        """Keeps what passes on one stream."""
        self._recording.peer, self._recording.officer = self._peer, self.officer
        async for response in super().stream(method, self._kept(requests)):
            self._recording.keep(response)
            yield response

    async def receive(self, method: Callable[..., Any], request: Any) -> AsyncGenerator[Any, None]:
        """Keeps a request and the parts of its answer."""
        self._recording.peer, self._recording.officer = self._peer, self.officer
        self._recording.keep(request)
        async for response in super().receive(method, request):
            self._recording.keep(response)
            yield response

    async def _kept(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            self._recording.keep(request)
            yield request

    def _stamp(self) -> tuple[int, ...]:
        return ()  # nothing changes on disk in the story

    def _build(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self._address)


@asynccontextmanager
async def recorded_hub(
    settings: Settings, *, clock: Callable[[], datetime]
) -> AsyncIterator[Recording]:
    """Serves for as long as the context is open."""
    recording = Recording([])
    with _without_tls(recording):
        # A clock that stands still, so that a slow machine gives the same examples.
        async with running_hub(settings, clock=clock, monotonic=lambda: 0.0):
            yield recording


@contextmanager
def _without_tls(recording: Recording) -> Iterator[None]:
    identified = guard.Guard._identify
    is_current = guard.Guard.require_current

    async def identify(self: guard.Guard, *calling: Any) -> Officer | None:
        return recording.officer or await identified(self, *calling)

    async def keep_job(job: Callable[[], Awaitable[None]], *, every_seconds: float) -> None:
        recording.remind = job

    def require_current(self: guard.Guard, caller: Caller) -> None:
        if recording.officer is None:
            is_current(self, caller)

    with (
        patch.object(TlsFiles, "credentials", lambda _: grpc.insecure_server_credentials()),
        patch.object(
            TlsFiles, "credentials_for_anyone", lambda _: grpc.insecure_server_credentials()
        ),
        patch.object(enrolment_guard, "require_strong_channel", lambda _: None),
        patch.object(guard.Guard, "_identify", identify),
        patch.object(guard.Guard, "require_current", require_current),
        patch.object(guard, "read_peer", lambda *_, **__: recording.peer),
        patch.object(rounds, "run_regularly", keep_job),
        patch.object(delivery, "PROGRESS_EVERY_SECONDS", PROGRESS_SECONDS),
    ):
        yield
