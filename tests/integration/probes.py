"""Calls in bytes: requests made from the contract's descriptors, and every byte that comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from agency_client.agency import Agency
from comity import v1
from comity.v1 import watches_pb2
from tests.integration.hidden_notices import Hidden

SECONDS = 30  # bounds a test that would never end; nothing here is timed
ENROLMENT = "comity.v1.EnrolmentService"  # on a port of its own, without a certificate

_INDICES = frozenset(
    {"first_index", "entry_index", "recall_entry", "from_size", "to_size", "known_size"}
)
_AGENCIES = frozenset({"originator", "notice_originator", "agency_id", "held_by", "originators"})


def methods() -> dict[str, MethodDescriptor]:
    """Every RPC of the contract, by its path."""
    found = {}
    for module in iter_modules(v1.__path__):
        if module.name.endswith("_pb2"):
            file = import_module(f"comity.v1.{module.name}").DESCRIPTOR
            for service in file.services_by_name.values():
                for method in service.methods:
                    found[f"/{service.full_name}/{method.name}"] = method
    return found


def names_something(descriptor: Descriptor) -> bool:
    """Whether a request can name a notice or a review."""
    return bool({"notice_id", "review_id"} & {field.name for field in descriptor.fields})


def naming(descriptor: Descriptor, hidden: Hidden, *, depth: int = 2) -> Any:
    """A request that names a notice in every field that can."""
    message = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if field.message_type is not None:
            if depth and not field.message_type.full_name.startswith("google."):
                _put(message, field, naming(field.message_type, hidden, depth=depth - 1))
        elif (value := _value(field, hidden)) is not None:
            _put(message, field, value)
    return message


def _put(message: Message, field: FieldDescriptor, value: Any) -> None:
    if field.is_repeated:
        if not (field.message_type and field.message_type.GetOptions().map_entry):
            getattr(message, field.name).append(value)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def _value(field: FieldDescriptor, hidden: Hidden) -> Any:
    if field.name in _INDICES:
        return hidden.recall_entry if field.name == "recall_entry" else hidden.entry
    if field.type == FieldDescriptor.TYPE_STRING:
        if field.name in _AGENCIES:
            return "FR-NCB"
        if "review_id" in field.name:
            return hidden.review_id
        if field.name.endswith("act_id"):
            return hidden.act_id
        return hidden.notice_id if field.name.endswith("_id") else None
    if field.type == FieldDescriptor.TYPE_BYTES and "digest" in field.name:
        return hidden.digest
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that came back of one call."""

    path: str
    role: str
    requests: tuple[bytes, ...]
    responses: tuple[bytes, ...]
    code: grpc.StatusCode
    said: bytes  # of status and metadata

    def tells(self, secret: bytes) -> bool:
        """Whether it says something that the call has not said itself."""
        is_asked = any(secret in request for request in self.requests)
        return not is_asked and any(secret in part for part in (*self.responses, self.said))


class Caller:
    """Somebody who calls; keeps what is answered."""

    def __init__(
        self, channel: grpc.aio.Channel, role: str, token: str | None, answers: list[Answer]
    ) -> None:
        self._channel = channel
        self._metadata = () if token is None else (("authorization", f"Bearer {token}"),)
        self.role = role
        self.answers = answers

    async def ask(self, path: str, method: MethodDescriptor, requests: Sequence[bytes]) -> Answer:
        """One call, in bytes."""
        if method.client_streaming:
            return await self._kept(path, requests, self._stream(path, _each(requests)))
        if method.server_streaming:
            call: Any = self._channel.unary_stream(path)
            stream = call(requests[0], metadata=self._metadata, timeout=SECONDS)
            return await self._kept(path, requests, stream)
        unary: Any = self._channel.unary_unary(path)
        single = unary(requests[0], metadata=self._metadata, timeout=SECONDS)
        return await self._kept(path, requests, single)

    async def watch(self, opening: watches_pb2.OpenWatch, *, last: str) -> Answer:
        """A watch from its opening until the event of a notice is sent."""
        path = "/comity.v1.WatchService/WatchEvents"
        commands = _Commands(opening)
        stream = self._stream(path, commands.sent())
        responses: list[bytes] = []
        async for response in stream:
            responses.append(response)
            message = watches_pb2.WatchEventsResponse.FromString(response)
            commands.confirm(message.window.next_index)
            if last.encode() in response:
                commands.end()
        return await self._finished(path, [opening.SerializeToString()], responses, stream)

    def _stream(self, path: str, requests: AsyncIterator[bytes]) -> Any:
        call: Any = self._channel.stream_stream(path)
        return call(requests, metadata=self._metadata, timeout=SECONDS)

    async def _kept(self, path: str, requests: Sequence[bytes], call: Any) -> Answer:
        responses: list[bytes] = []
        try:
            if isinstance(call, grpc.aio.UnaryUnaryCall):
                responses.append(await call)
            else:
                responses += [response async for response in call]
        except grpc.aio.AioRpcError:
            pass  # what it says is read from the call
        return await self._finished(path, requests, responses, call)

    async def _finished(
        self, path: str, requests: Sequence[bytes], responses: Sequence[bytes], call: Any
    ) -> Answer:
        parts = [str(await call.details()).encode()]
        for metadata in (await call.initial_metadata(), await call.trailing_metadata()):
            for name, value in metadata or ():
                parts += [name.encode(), value if isinstance(value, bytes) else value.encode()]
        code = await call.code()
        answer = Answer(path, self.role, tuple(requests), tuple(responses), code, b"\n".join(parts))
        self.answers.append(answer)
        return answer


class _Commands:
    """What is sent on a watch."""

    def __init__(self, opening: watches_pb2.OpenWatch) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._put(watches_pb2.WatchCommand(open=opening))

    def confirm(self, next_index: int) -> None:
        if next_index:
            confirm = watches_pb2.ConfirmEvents(next_index=next_index)
            self._put(watches_pb2.WatchCommand(confirm=confirm))

    def end(self) -> None:
        self._queue.put_nowait(None)

    async def sent(self) -> AsyncIterator[bytes]:
        while (command := await self._queue.get()) is not None:
            yield command

    def _put(self, command: watches_pb2.WatchCommand) -> None:
        request = watches_pb2.WatchEventsRequest(command=command.SerializeToString())
        self._queue.put_nowait(request.SerializeToString())


async def _each(requests: Sequence[bytes]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request


def caller_of(opened: Agency, role: str, token: str | None, answers: list[Answer]) -> Caller:
    """An agency's caller, on the channel of its client."""
    return Caller(opened.client.channel._current(), role, token, answers)


def told(answers: Sequence[Answer], secrets: Iterator[tuple[str, bytes]]) -> list[str]:
    """What is told by which call to whom."""
    found = set()
    for what, secret in secrets:
        assert secret, what
        found |= {f"{a.path} tells {a.role}: {what}" for a in answers if a.tells(secret)}
    return sorted(found)
