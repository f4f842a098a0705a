"""Every reason has its class, and every class its reason, code and message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.rpc import code_pb2

from comity import errors
from comity.errors import ComityError, InternalError, Violation, error_class_for
from comity.v1.errors_pb2 import REASON_UNSPECIFIED, Reason

REASONS = [number for number in Reason.values() if number != REASON_UNSPECIFIED]


def leaves(root: type[ComityError] = ComityError) -> Iterator[type[ComityError]]:
    children = root.__subclasses__()
    if not children:
        yield root
    for child in children:
        yield from leaves(child)


@pytest.mark.parametrize("number", REASONS, ids=Reason.Name)
def test_every_reason_has_a_class_of_its_own(number: int) -> None:
    assert number == error_class_for(number).reason


def test_no_two_classes_share_a_reason() -> None:
    assert sorted(REASONS) == sorted(leaf.reason for leaf in leaves())


@pytest.mark.parametrize("number", [REASON_UNSPECIFIED, 49, 2**31 - 1])
def test_a_reason_of_a_later_version_becomes_an_internal_error(number: int) -> None:
    assert InternalError is error_class_for(number)


@pytest.mark.parametrize("leaf", list(leaves()), ids=lambda leaf: leaf.__name__)
def test_every_class_has_a_grpc_code_and_a_sentence_of_its_own(leaf: type[ComityError]) -> None:
    assert leaf.code in list(code_pb2.Code.keys())
    assert leaf.default_message.endswith(".")
    assert ComityError.default_message != leaf.default_message


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    drawn = re.findall(r"\b(?:[A-Z][a-z]+){2,}\b|\bSuperseded\b", errors.__doc__ or "")
    branches = {branch.__name__ for branch in ComityError.__subclasses__()}
    assert {"ComityError", *branches, *(leaf.__name__ for leaf in leaves())} == set(drawn)


@pytest.mark.parametrize(
    ("branch", "codes"),
    [
        (errors.AccessRefused, {"UNAUTHENTICATED", "PERMISSION_DENIED"}),
        (errors.InputRefused, {"INVALID_ARGUMENT"}),
        (
            errors.StateRefused,
            {"NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "ABORTED"},
        ),
        (
            errors.HubUnavailable,
            {"RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL"},
        ),
        (errors.VerificationFailed, {"DATA_LOSS"}),
    ],
)
def test_each_branch_keeps_to_its_codes(branch: type[ComityError], codes: set[str]) -> None:
    assert codes == {leaf.code for leaf in leaves(branch)}


def test_an_error_says_every_violation() -> None:
    error = errors.NoticeInvalid(violations=[Violation("a.b", "is missing"), Violation("c", "bad")])
    assert str(error) == "The notice is not well-formed.; a.b: is missing; c: bad"


def test_the_errors_know_nothing_of_grpc() -> None:
    source = Path(errors.__file__).read_text(encoding="utf-8")
    assert not re.search(r"^(import|from) grpc", source, re.MULTILINE)
