"""Is every threat of docs/threat-model.md proven by tests that carry its number, and no other?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
_ROW = re.compile(r"^\| \*\*(T\d+)\*\* .*$", re.MULTILINE)
_TEST = re.compile(r"`(test_[a-z0-9_]+)`")

Proofs = set[tuple[str, str]]


def promised() -> Proofs:
    """Each threat with each test that the document names for it."""
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    return {(row[1], test) for row in _ROW.finditer(text) for test in _TEST.findall(row[0])}


def marks_of(function: ast.AST) -> Iterator[str]:
    for decorator in getattr(function, "decorator_list", ()):
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.threat":
            yield from (ast.literal_eval(argument) for argument in decorator.args)


def carried() -> Proofs:
    """Each threat with each test that carries its number."""
    functions = (
        node
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return {(number, f.name) for f in functions for number in marks_of(f)}


def test_the_threats_and_the_tests_that_prove_them_agree() -> None:
    assert promised() == carried()


def test_every_threat_is_proven() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")

    assert {row[1] for row in _ROW.finditer(text)} == {number for number, _ in promised()}
