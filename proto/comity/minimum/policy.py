"""The policy of a hub: its rules and how it reviews. The interface of the legal minimum.

Client and hub judge by the same files; a folder of a hub's own replaces some of them, by name.
Pure: a notice is judged as of its time of issue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from comity.errors import LegalMinimumMissing, PolicyInvalid, Violation
from comity.minimum.bounds import MAX_FILE_BYTES
from comity.minimum.evaluation import Finding, Rule, rule_findings
from comity.minimum.review import Question, ReviewTerms, parse_review
from comity.minimum.rules import (
    KIND_FILES,
    SHARED_FILES,
    parse_document,
    parse_rules,
    vocabulary_of,
)
from comity.v1 import notices_pb2 as pb

REVIEW_FILE = "review.toml"
RULE_FILES = (*SHARED_FILES, *KIND_FILES)  # in the order in which their findings are listed
FILE_NAMES = (*RULE_FILES, REVIEW_FILE)

__all__ = [
    "Finding",
    "Policy",
    "Question",
    "ReviewTerms",
    "builtin_policy",
    "load_policy",
    "policy_from_files",
]


class Policy:
    """Rules of every kind, and the terms of review."""

    def __init__(self, files: Mapping[str, str]) -> None:
        violations = _name_violations(files)
        documents = {
            name: parse_document(name, files[name], violations)
            for name in FILE_NAMES
            if name in files
        }
        review = documents.pop(REVIEW_FILE, {})
        known = vocabulary_of(documents, violations)
        rules = [
            rule
            for name, document in documents.items()
            for rule in parse_rules(name, document, known, violations)
        ]
        self._terms, self._questions = parse_review(REVIEW_FILE, review, known, violations)
        violations += _repeated(rules)
        if violations:
            raise PolicyInvalid(violations=violations)
        self.files = dict(files)
        self.rules = tuple(rules)
        self.digest = _digest(files)
        self._by_kind = {
            kind: tuple(rule for rule in rules if kind in rule.kinds)
            for kind in pb.NoticeKind.values()
        }

    def findings(self, notice: pb.Notice) -> list[Finding]:
        """Everything that the rules find, in the order of the rules."""
        return list(rule_findings(self._by_kind.get(notice.kind, ()), notice))

    def require_minimum(self, notice: pb.Notice) -> None:
        """Requires that no rule finds an error.

        Raises: LegalMinimumMissing with a violation for every error.
        """
        errors = [finding for finding in self.findings(notice) if finding.is_error]
        if errors:
            violations = [Violation(finding.field, finding.text) for finding in errors]
            raise LegalMinimumMissing(violations=violations)

    def review(self, notice: pb.Notice) -> ReviewTerms:
        """How a notice is reviewed: the first terms that hold for it."""
        for terms in self._terms:
            if terms.holds_for(notice) and isinstance(terms.what, ReviewTerms):
                return terms.what
        raise AssertionError("the last terms hold for every notice")

    def questions(self, notice: pb.Notice) -> list[Question]:
        """What a reviewer has to ask of a notice."""
        found = [question.what for question in self._questions if question.holds_for(notice)]
        return [question for question in found if isinstance(question, Question)]


@cache
def builtin_policy() -> Policy:
    """The policy that this version ships."""
    return Policy(_builtin_files())


def load_policy(folder: Path) -> Policy:
    """The policy that this version ships, with every file of a folder in place of its namesake.

    Raises: PolicyInvalid with everything at fault.
    """
    files, violations = _builtin_files(), []
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise PolicyInvalid(f"{folder} cannot be read: {error.strerror}.") from error
    for path in paths:
        try:
            files[path.name] = _text(path)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            violations.append(Violation(path.name, f"cannot be read: {why}"))
    if violations:
        raise PolicyInvalid(violations=violations)
    return Policy(files)


def policy_from_files(files: Mapping[str, str]) -> Policy:
    """The policy of a whole set of files, such as a hub shows: names and texts.

    Raises: PolicyInvalid with everything at fault.
    """
    return Policy(files)


def _builtin_files() -> dict[str, str]:
    here = resources.files(__package__)
    files = {name: (here / "kinds" / name).read_text(encoding="utf-8") for name in RULE_FILES}
    return {**files, REVIEW_FILE: (here / REVIEW_FILE).read_text(encoding="utf-8")}


def _text(path: Path) -> str:
    content = path.read_bytes()
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"is larger than {MAX_FILE_BYTES:,} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None


def _name_violations(files: Mapping[str, str]) -> list[Violation]:
    known = ", ".join(FILE_NAMES)
    unknown = [name for name in files if name not in FILE_NAMES]
    violations = [Violation(name, f"is no file of a policy: {known}") for name in unknown]
    violations += [Violation(name, "is missing") for name in FILE_NAMES if name not in files]
    return violations


def _repeated(rules: list[Rule]) -> list[Violation]:
    ids = [rule.rule_id for rule in rules]
    return [
        Violation(rule_id, "is the id of more than one rule")
        for rule_id in sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
    ]


def _digest(files: Mapping[str, str]) -> bytes:
    """SHA-256 over names and texts, each behind its length, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name].encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
