"""Reads rule files: TOML to compiled rules. Refuses what it does not know, all of it at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor

from comity.errors import Violation
from comity.minimum.bounds import (
    MAX_DOTS,
    MAX_FILE_BYTES,
    MAX_RULES,
    MAX_WORDS,
    has_endless_line,
    is_word,
)
from comity.minimum.conditions import (
    NOTICE,
    Vocabulary,
    code_number,
    compile_condition,
    uses_words,
)
from comity.minimum.evaluation import Rule, Severity
from comity.minimum.paths import Path, parse_path
from comity.v1 import notices_pb2 as pb

KINDS = tuple(name.removeprefix("NOTICE_KIND_") for name, number in pb.NoticeKind.items() if number)
SHARED_FILES = ("common.toml", "arrest.toml", "words.toml")
KIND_FILES = {f"{kind.lower()}.toml": kind for kind in KINDS}

_KIND = NOTICE.fields_by_name["kind"]
_TEXTS = ("id", "field", "missing", "satisfied_by", "source")
_RULE_KEYS = {*_TEXTS, "severity", "kinds", "warning_for", "each", "when", "require"}


def parse_document(name: str, text: str, violations: list[Violation]) -> Mapping[str, Any]:
    """The tables of a file; empty where it is no TOML, and then that is said."""
    if len(text.encode(errors="replace")) > MAX_FILE_BYTES:
        violations.append(Violation(name, f"is larger than {MAX_FILE_BYTES:,} bytes"))
        return {}
    if has_endless_line(text):
        violations.append(Violation(name, f"has a line with more than {MAX_DOTS} dots"))
        return {}
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        violations.append(Violation(name, f"is no TOML: {error}"))
        return {}


def vocabulary_of(
    documents: Mapping[str, Mapping[str, Any]], violations: list[Violation]
) -> Vocabulary:
    """What the files define, for all of them."""
    definitions: dict[str, Any] = {}
    words: dict[str, Sequence[str]] = {}
    for name, document in documents.items():
        definitions |= _table(name, document, "definitions", violations)
        for key, value in _table(name, document, "words", violations).items():
            if isinstance(value, list) and 0 < len(value) <= MAX_WORDS and all(map(is_word, value)):
                words[key] = value
            else:
                violations.append(
                    Violation(f"{name}: words.{key}", f"is no list of 1 to {MAX_WORDS} words")
                )
    return Vocabulary(definitions, words)


def _table(
    name: str, document: Mapping[str, Any], key: str, violations: list[Violation]
) -> Mapping[str, Any]:
    table = document.get(key, {})
    if isinstance(table, Mapping):
        return table
    violations.append(Violation(f"{name}: {key}", "is no table"))
    return {}


def parse_rules(
    name: str, document: Mapping[str, Any], known: Vocabulary, violations: list[Violation]
) -> Iterator[Rule]:
    """The rules of a file."""
    for key in sorted(set(document) - {"rule", "definitions", "words"}):
        violations.append(Violation(f"{name}: {key}", "is not known"))
    tables = document.get("rule", [])
    if not isinstance(tables, list):
        violations.append(Violation(f"{name}: rule", "is no list of rules: [[rule]]"))
        return
    if len(tables) > MAX_RULES:
        violations.append(Violation(f"{name}: rule", f"has more than {MAX_RULES} rules"))
        return
    for number, data in enumerate(tables):
        where = f"{name}: rule[{number}]"
        faults = _RuleFaults(where)
        rule = _rule(data, KIND_FILES.get(name), known, faults)
        violations += faults.found
        if rule is not None and not faults.found:
            yield rule


class _RuleFaults:
    """What is wrong with one rule, by its key."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.found: list[Violation] = []

    def say(self, key: str, description: str) -> None:
        self.found.append(Violation(f"{self._where}.{key}", description))


def _rule(data: Any, own_kind: str | None, known: Vocabulary, faults: _RuleFaults) -> Rule | None:
    if not isinstance(data, Mapping):
        faults.say("id", "is no rule")
        return None
    _look_at_keys(data, own_kind, faults)
    each, item = _each(data, faults)
    when = _compiled(data, "when", item, known, faults)
    require = _compiled(data, "require", item, known, faults)
    _look_at_field(data, item, faults)
    if data.get("severity") != Severity.WARNING:
        _refuse_words(data, known, faults)
    kinds = [own_kind] if own_kind else data.get("kinds", [])
    numbers, warned = (
        _codes(kinds, "kinds", faults),
        _codes(data.get("warning_for", []), "warning_for", faults),
    )
    if require is None or faults.found:
        return None
    return Rule(
        rule_id=data["id"],
        severity=Severity(data["severity"]),
        kinds=numbers,
        warning_for=warned,
        each=None if each is None else (data["each"], each),
        when=when,
        require=require,
        field=data.get("field", ""),
        description=data["missing"],
        satisfied_by=data["satisfied_by"],
        source=data["source"],
    )


def _refuse_words(data: Mapping[str, Any], known: Vocabulary, faults: _RuleFaults) -> None:
    conditions = [data[key] for key in ("when", "require") if key in data]
    if not faults.found and any(uses_words(condition, known) for condition in conditions):
        faults.say("severity", "a list of words may only warn")


def _look_at_keys(data: Mapping[str, Any], own_kind: str | None, faults: _RuleFaults) -> None:
    for key in sorted(set(data) - _RULE_KEYS):
        faults.say(key, "is not known")
    for key in _TEXTS:
        is_needed = key != "field" or "each" not in data
        value = data.get(key, None if is_needed else "")
        if not isinstance(value, str) or (is_needed and not value.strip()):
            faults.say(key, "is missing")
    if data.get("severity") not in tuple(Severity):
        faults.say("severity", "is neither error nor warning")
    if "require" not in data:
        faults.say("require", "is missing")
    if own_kind and "kinds" in data:
        faults.say("kinds", "a file of one kind has rules for that kind")
    if not own_kind and not data.get("kinds"):
        faults.say("kinds", "is missing: the kinds that it holds for")


def _each(data: Mapping[str, Any], faults: _RuleFaults) -> tuple[Path | None, Descriptor | None]:
    if "each" not in data:
        return None, NOTICE
    try:
        path = parse_path(str(data["each"]), NOTICE, NOTICE)
    except ValueError as error:
        faults.say("each", str(error))
        return None, None
    if path.field.message_type is None:
        faults.say("each", "holds no messages")
    return path, path.field.message_type


def _compiled(
    data: Mapping[str, Any],
    key: str,
    item: Descriptor | None,
    known: Vocabulary,
    faults: _RuleFaults,
) -> Any:
    if key not in data or item is None:
        return None
    try:
        return compile_condition(data[key], item, known)
    except (ValueError, RecursionError) as error:
        faults.say(key, str(error))
        return None


def _look_at_field(data: Mapping[str, Any], item: Descriptor | None, faults: _RuleFaults) -> None:
    if item is None or not isinstance(data.get("field", ""), str) or not data.get("field"):
        return
    try:
        parse_path(data["field"], NOTICE, item)
    except ValueError as error:
        faults.say("field", str(error))


def _codes(names: Any, key: str, faults: _RuleFaults) -> frozenset[int]:
    if not isinstance(names, list):
        faults.say(key, "is no list")
        return frozenset()
    found = set()
    for name in names:
        try:
            found.add(code_number(_KIND, str(name)))
        except ValueError as error:
            faults.say(key, str(error))
    return frozenset(found)
