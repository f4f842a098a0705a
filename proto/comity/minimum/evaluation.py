"""Findings: what the rules say of a notice, all at once and in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from comity.minimum.conditions import Condition
from comity.minimum.paths import Path
from comity.v1 import notices_pb2 as pb


class Severity(StrEnum):
    """What a finding does."""

    ERROR = "error"
    """Blocks."""
    WARNING = "warning"
    """Informs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a notice lacks: where, by which rule, and what would satisfy it."""

    field: str
    rule_id: str
    severity: Severity
    description: str
    satisfied_by: str
    source: str

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    @property
    def text(self) -> str:
        """The whole finding in one text."""
        return f"{self.description}; {self.satisfied_by} ({self.rule_id}; {self.source})"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it holds for notices of some kinds."""

    rule_id: str
    severity: Severity
    kinds: frozenset[int]
    warning_for: frozenset[int]
    each: tuple[str, Path] | None
    when: Condition | None
    require: Condition
    field: str
    description: str
    satisfied_by: str
    source: str

    def severity_for(self, kind: int) -> Severity:
        """What its finding does to a notice of a kind."""
        return Severity.WARNING if kind in self.warning_for else self.severity


def rule_findings(rules: Sequence[Rule], notice: pb.Notice) -> Iterator[Finding]:
    """What rules for the notice's kind find, in their order."""
    items: dict[str, list[tuple[str, Any]]] = {}
    for rule in rules:
        for where, item in _looked_at(rule, notice, items):
            if rule.when is not None and not rule.when(notice, item):
                continue
            if not rule.require(notice, item):
                yield _finding(rule, notice.kind, where)


def _looked_at(
    rule: Rule, notice: pb.Notice, items: dict[str, list[tuple[str, Any]]]
) -> Sequence[tuple[str, Any]]:
    if rule.each is None:
        return (("", notice),)
    text, path = rule.each
    if text not in items:
        items[text] = list(path.items(notice))
    return items[text]


def _finding(rule: Rule, kind: int, where: str) -> Finding:
    return Finding(
        field=".".join(part for part in (where, rule.field) if part),
        rule_id=rule.rule_id,
        severity=rule.severity_for(kind),
        description=rule.description,
        satisfied_by=rule.satisfied_by,
        source=rule.source,
    )
