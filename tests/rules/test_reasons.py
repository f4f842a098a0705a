"""Is every reason that a call can be refused with provoked by some test?"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from comity.errors import error_class_for
from comity.v1.errors_pb2 import REASON_UNSPECIFIED, Reason

TESTS = Path(__file__).parents[1]
CLASSES = [
    error_class_for(number).__name__ for number in Reason.values() if number != REASON_UNSPECIFIED
]


def names_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def expected_in(path: Path) -> set[str]:
    """The names that a test file uses in its code, imports left out."""
    return set(names_in(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.fixture(scope="module")
def expected() -> set[str]:
    # Those of the errors themselves enumerate the classes and provoke none.
    own = {"test_errors.py", "test_statuses.py", "test_reasons.py"}
    files = [path for path in TESTS.rglob("test_*.py") if path.name not in own]
    return set().union(*map(expected_in, files))


@pytest.mark.parametrize("name", CLASSES)
def test_a_reason_is_provoked_by_a_test(name: str, expected: set[str]) -> None:
    assert name in expected
