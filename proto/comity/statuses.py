"""Errors over the wire: the one place that turns them into statuses and back.

On calls as google.rpc.Status with ErrorInfo, BadRequest and RetryInfo; inside streams as the
contract's Refusal. Shows nothing but the error's own message.
"""

from __future__ import annotations

import math
from typing import cast

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from comity.errors import (
    ComityError,
    DeadlineExceeded,
    HubUnreachable,
    InternalError,
    TooLarge,
    Violation,
    error_class_for,
)
from comity.v1 import acts_pb2, errors_pb2

ERROR_DOMAIN = "comity"
MAX_VIOLATIONS = 50  # a status travels in HTTP/2 trailers, of which a peer takes 8 KiB
MAX_STATUS_BYTES = 6_000  # what is left of those for the status


def status_for(error: ComityError) -> status_pb2.Status:
    """The status of an error, with as many of its violations as a trailer holds."""
    count = min(len(error.violations), MAX_VIOLATIONS)
    status = _status(error, _first_violations(error, count))
    while count and status.ByteSize() > MAX_STATUS_BYTES:
        count = count * 3 // 4
        status = _status(error, _first_violations(error, count))
    return status


def _first_violations(error: ComityError, count: int) -> tuple[Violation, ...]:
    """The first violations, and how many more there are."""
    left_out = len(error.violations) - count
    rest = [Violation("", f"and {left_out} more")] if left_out > 0 else []
    return (*error.violations[:count], *rest)


def _status(error: ComityError, violations: tuple[Violation, ...]) -> status_pb2.Status:
    info = error_details_pb2.ErrorInfo(
        reason=errors_pb2.Reason.Name(error.reason), domain=ERROR_DOMAIN
    )
    details = [info]
    if violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=v.field, description=v.description
                    )
                    for v in violations
                ]
            )
        )
    if error.retry_after_seconds is not None:
        delay = Duration()
        delay.FromMicroseconds(int(error.retry_after_seconds * 1e6))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return status_pb2.Status(
        code=code_pb2.Code.Value(error.code),
        message=error.message,
        details=[_packed(detail) for detail in details],
    )


def _packed(message: object) -> Any:
    packed = Any()
    packed.Pack(message)  # type: ignore[arg-type]
    return packed


def error_from_status(status: status_pb2.Status) -> ComityError:
    """The error that a status carries; InternalError where it carries none of ours."""
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    try:
        for detail in status.details:
            for message in (info, bad_request, retry):
                if detail.Is(message.DESCRIPTOR):
                    detail.Unpack(message)
    except DecodeError:
        return _error_without_reason(status.code)
    if info.domain != ERROR_DOMAIN:
        return _error_without_reason(status.code)
    reason = errors_pb2.Reason.DESCRIPTOR.values_by_name.get(info.reason)
    error = error_class_for(reason.number if reason else 0)(
        status.message,
        violations=[Violation(v.field, v.description) for v in bad_request.field_violations],
        retry_after_seconds=(
            # Not a timedelta, which overflows where a peer names a delay beyond its range.
            max(0.0, retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9)
            if retry.HasField("retry_delay")
            else None
        ),
    )
    error.is_from_hub = True
    return error


def _error_without_reason(code: int) -> ComityError:
    """A status that gRPC itself made: its text is not ours and is not shown."""
    if code == code_pb2.UNAVAILABLE:
        return HubUnreachable()
    if code == code_pb2.DEADLINE_EXCEEDED:
        return DeadlineExceeded()
    if code == code_pb2.RESOURCE_EXHAUSTED:  # Quotas of ours say so; this is a message's size.
        return TooLarge("The message is larger than gRPC was set to take.")
    name = code_pb2.Code.Name(code) if code in code_pb2.Code.values() else str(code)
    return InternalError(f"The call failed with {name}.")


def error_from_rpc(error: grpc.RpcError) -> ComityError:
    """The error behind a failed call, of the same class as the hub raised."""
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        return InternalError("The call failed.")
    call = cast("grpc.Call", error)  # AioRpcError has the methods of a Call, and not its type
    try:
        status = rpc_status.from_call(call)
    except (DecodeError, ValueError):  # The trailer does not parse, or says other than the call.
        status = None
    if status is not None:
        return error_from_status(status)
    return _error_without_reason(call.code().value[0])


def refusal_for(error: ComityError) -> acts_pb2.Refusal:
    """The refusal of one item of a stream."""
    return acts_pb2.Refusal(
        reason=error.reason,
        message=error.message,
        violations=[
            acts_pb2.FieldViolation(field=v.field, description=v.description)
            for v in _first_violations(error, MAX_VIOLATIONS)
        ],
        retry_after_seconds=error.retry_after_seconds or 0.0,
    )


def error_from_refusal(refusal: acts_pb2.Refusal) -> ComityError:
    """The error behind a refused item."""
    delay = refusal.retry_after_seconds
    error = error_class_for(refusal.reason)(
        refusal.message,
        violations=[Violation(v.field, v.description) for v in refusal.violations],
        retry_after_seconds=delay if 0 < delay < math.inf else None,  # neither NaN nor infinity
    )
    error.is_from_hub = True
    return error
