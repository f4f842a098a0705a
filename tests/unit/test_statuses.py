"""An error comes out of a status as the class that went in, and a hostile status harms nobody."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from comity.errors import (
    ComityError,
    DeadlineExceeded,
    HubUnreachable,
    InternalError,
    NotFound,
    NoticeInvalid,
    QuotaExceeded,
    Violation,
    error_class_for,
)
from comity.statuses import (
    ERROR_DOMAIN,
    MAX_STATUS_BYTES,
    MAX_VIOLATIONS,
    error_from_refusal,
    error_from_rpc,
    error_from_status,
    refusal_for,
    status_for,
)
from comity.v1.acts_pb2 import Refusal
from comity.v1.errors_pb2 import REASON_UNSPECIFIED, Reason

CLASSES = [error_class_for(number) for number in Reason.values() if number != REASON_UNSPECIFIED]
DETAILS = "grpc-status-details-bin"

violations = st.lists(
    st.builds(Violation, st.text(max_size=20), st.text(max_size=20)), max_size=MAX_VIOLATIONS
)
errors = st.builds(
    lambda leaf, message, found, delay: leaf(message, violations=found, retry_after_seconds=delay),
    st.sampled_from(CLASSES),
    st.text(min_size=1, max_size=100),
    violations,
    st.none() | st.integers(1, 86_400).map(float),
)


def rpc_error(
    code: grpc.StatusCode, text: str = "", details: bytes | None = None
) -> grpc.aio.AioRpcError:
    trailer = grpc.aio.Metadata() if details is None else grpc.aio.Metadata((DETAILS, details))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailer, text)


def assert_same(expected: ComityError, got: ComityError) -> None:
    assert type(expected) is type(got)
    assert expected.message == got.message
    assert expected.violations == got.violations
    assert expected.retry_after_seconds == got.retry_after_seconds


@given(errors)
def test_an_error_survives_its_status(error: ComityError) -> None:
    assert_same(error, error_from_status(status_for(error)))


@given(errors)
def test_an_error_survives_its_refusal(error: ComityError) -> None:
    assert_same(error, error_from_refusal(refusal_for(error)))


@pytest.mark.parametrize("leaf", CLASSES, ids=lambda leaf: leaf.__name__)
def test_every_class_survives_a_failed_call(leaf: type[ComityError]) -> None:
    status = status_for(leaf())
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    assert code.name == leaf.code
    assert_same(leaf(), error_from_rpc(rpc_error(code, status.message, status.SerializeToString())))


@pytest.mark.parametrize("description", ["d", "d" * 400, "d" * 9_000])
def test_a_status_fits_a_trailer_and_says_how_many_violations_it_leaves_out(
    description: str,
) -> None:
    count = MAX_VIOLATIONS + 10
    status = status_for(NoticeInvalid(violations=[Violation("f", description)] * count))
    *shown, rest = error_from_status(status).violations
    assert status.ByteSize() <= MAX_STATUS_BYTES
    assert Violation("", f"and {count - len(shown)} more") == rest


def test_a_refusal_says_how_many_violations_it_leaves_out() -> None:
    error = NoticeInvalid(violations=[Violation("f", "d")] * (MAX_VIOLATIONS + 10))
    assert Violation("", "and 10 more") == error_from_refusal(refusal_for(error)).violations[-1]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, HubUnreachable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineExceeded),
        (grpc.StatusCode.UNKNOWN, InternalError),
        (grpc.StatusCode.CANCELLED, InternalError),
    ],
)
def test_a_failure_of_grpc_itself_shows_none_of_its_text(
    code: grpc.StatusCode, expected: type[ComityError]
) -> None:
    error = error_from_rpc(rpc_error(code, "Unexpected <class 'ValueError'>: a secret"))
    assert expected is type(error)
    assert "secret" not in str(error)
    assert expected is not InternalError or code.name in str(error)


def test_a_failure_without_a_call_is_an_internal_error() -> None:
    assert InternalError is type(error_from_rpc(grpc.RpcError()))


def packed(message: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> Any:
    detail = Any()
    detail.Pack(message)
    return detail


def test_details_of_another_domain_are_not_read() -> None:
    info = error_details_pb2.ErrorInfo(reason="REASON_NOT_FOUND", domain="other.example")
    status = status_pb2.Status(code=code_pb2.NOT_FOUND, message="a secret", details=[packed(info)])
    error = error_from_status(status)
    assert InternalError is type(error)
    assert "secret" not in str(error)


def test_a_details_trailer_that_contradicts_the_call_is_not_believed() -> None:
    details = status_for(NotFound()).SerializeToString()
    error = error_from_rpc(rpc_error(grpc.StatusCode.PERMISSION_DENIED, "other", details))
    assert InternalError is type(error)


def test_a_delay_beyond_any_calendar_is_still_a_number() -> None:
    info = error_details_pb2.ErrorInfo(reason="REASON_QUOTA_EXCEEDED", domain=ERROR_DOMAIN)
    retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=2**62))
    status = status_pb2.Status(code=8, message="m", details=[packed(info), packed(retry)])
    error = error_from_status(status)
    assert isinstance(error, QuotaExceeded)
    assert error.retry_after_seconds == 2.0**62


@pytest.mark.parametrize("delay", [float("nan"), float("inf"), -1.0, 0.0])
def test_a_delay_that_is_none_is_left_out_of_a_refusal(delay: float) -> None:
    assert error_from_refusal(Refusal(retry_after_seconds=delay)).retry_after_seconds is None


@given(st.sampled_from(list(grpc.StatusCode)), st.binary(max_size=200))
def test_whatever_the_trailer_holds_only_our_errors_come_out(
    code: grpc.StatusCode, details: bytes
) -> None:
    assert isinstance(error_from_rpc(rpc_error(code, "", details)), ComityError)


@given(st.integers(-(2**31), 2**31 - 1), st.sampled_from(["ErrorInfo", "BadRequest"]), st.binary())
def test_whatever_a_detail_holds_only_our_errors_come_out(
    code: int, name: str, value: bytes
) -> None:
    detail = Any(type_url=f"type.googleapis.com/google.rpc.{name}", value=value)
    assert isinstance(
        error_from_status(status_pb2.Status(code=code, details=[detail])), ComityError
    )
