"""How notices are reviewed, from `review.toml`: by how many, until when, before or after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from comity.errors import Violation
from comity.minimum.bounds import MAX_RULES
from comity.minimum.conditions import NOTICE, Condition, Vocabulary, code_number, compile_condition
from comity.minimum.paths import parse_path

_KIND = NOTICE.fields_by_name["kind"]
_TERMS = {"kinds", "when", "reviewers", "due_hours", "before_publication", "sample_percent"}
_QUESTION = {"kinds", "when", "field", "text"}


@dataclass(frozen=True, slots=True)
class ReviewTerms:
    """What the policy says of the review of a notice."""

    reviewers: int
    due: timedelta
    is_before_publication: bool
    sample_percent: float
    """Of those that are not reviewed before: how many of a hundred are looked at after."""


@dataclass(frozen=True, slots=True)
class Question:
    """What no program can judge and a reviewer asks."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class Applying:
    """Terms or a question, and for which notices; no kinds are all."""

    kinds: frozenset[int]
    when: Condition | None
    what: ReviewTerms | Question

    def holds_for(self, notice: Any) -> bool:
        """Whether it holds for a notice."""
        if self.kinds and notice.kind not in self.kinds:
            return False
        return self.when is None or self.when(notice, notice)


def parse_review(
    name: str, document: Mapping[str, Any], known: Vocabulary, violations: list[Violation]
) -> tuple[list[Applying], list[Applying]]:
    """The terms in their order, the last of which holds for every notice; and the questions."""
    for key in sorted(set(document) - {"terms", "question"}):
        violations.append(Violation(f"{name}: {key}", "is not known"))
    terms = list(_applying(name, "terms", document, known, violations))
    questions = list(_applying(name, "question", document, known, violations))
    if not terms or terms[-1].kinds or terms[-1].when is not None:
        violations.append(
            Violation(f"{name}: terms", "the last ones have to hold for every notice")
        )
    return terms, questions


def _applying(
    name: str,
    key: str,
    document: Mapping[str, Any],
    known: Vocabulary,
    violations: list[Violation],
) -> Iterator[Applying]:
    tables = document.get(key, [])
    if not isinstance(tables, list):
        violations.append(Violation(f"{name}: {key}", f"is no list: [[{key}]]"))
        return
    if len(tables) > MAX_RULES:
        violations.append(Violation(f"{name}: {key}", f"are more than {MAX_RULES}"))
        return
    for number, data in enumerate(tables):
        try:
            yield _one(data, known, of_terms=key == "terms")
        except (ValueError, RecursionError) as error:
            violations.append(Violation(f"{name}: {key}[{number}]", str(error)))


def _one(data: Any, known: Vocabulary, *, of_terms: bool) -> Applying:
    keys = _TERMS if of_terms else _QUESTION
    if not isinstance(data, Mapping) or not set(data) <= keys:
        unknown = sorted(set(data) - keys) if isinstance(data, Mapping) else data
        raise ValueError(f"{unknown} is not known")
    names = data.get("kinds", [])
    if not isinstance(names, list):
        raise ValueError("kinds is no list")
    kinds = frozenset(code_number(_KIND, str(kind)) for kind in names)
    when = compile_condition(data["when"], NOTICE, known) if "when" in data else None
    return Applying(kinds, when, _terms(data) if of_terms else _question(data))


def _terms(data: Mapping[str, Any]) -> ReviewTerms:
    reviewers, hours = data.get("reviewers"), data.get("due_hours")
    percent, before = data.get("sample_percent"), data.get("before_publication")
    if not isinstance(reviewers, int) or isinstance(reviewers, bool) or not 1 <= reviewers <= 5:
        raise ValueError("reviewers is a number from 1 to 5")
    if not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= 24 * 90:
        raise ValueError("due_hours is a number of hours, at most 90 days")
    if not isinstance(percent, int | float) or isinstance(percent, bool) or not 0 <= percent <= 100:
        raise ValueError("sample_percent is a number from 0 to 100")
    if not isinstance(before, bool):
        raise ValueError("before_publication is true or false")
    return ReviewTerms(reviewers, timedelta(hours=hours), before, float(percent))


def _question(data: Mapping[str, Any]) -> Question:
    field, text = data.get("field"), data.get("text")
    if not isinstance(field, str) or not isinstance(text, str) or not text.strip():
        raise ValueError("field and text are texts")
    parse_path(field, NOTICE, NOTICE)
    return Question(field, text)
