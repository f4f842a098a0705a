"""Files of a policy come from a hub: only our errors come out of what they hold, and soon."""

from __future__ import annotations

import time
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import example, given
from hypothesis import strategies as st

from comity.errors import PolicyInvalid
from comity.minimum.bounds import MAX_DEPTH, MAX_DOTS, MAX_LISTS, MAX_RULES, MAX_WORDS
from comity.minimum.conditions import NOTICE, Vocabulary, compile_condition, uses_words
from comity.minimum.policy import builtin_policy, policy_from_files
from comity.v1 import notices_pb2 as pb
from tests.vectors import load_vectors

KEYS = ["all", "any", "not", "is", "some", "meets", "path", "present", "in", "at_least", "before"]
KEYS += ["after", "age_below", "years_after", "penalty_at_least", "penalty_longer_than", "words"]
KEYS += ["years", "on", "of", "more_than", "count_at_most"]
TEXTS = ["kind", "RED", "subjects[].person", "subjects[]", "/issued_at", "expires_at", "version"]
TEXTS += ["offences[].maximum_penalty", "narratives[]", "offences", "word", "known", "", "x"]
PRESENT = {"path": "kind", "present": True}
KNOWN = '{ path = "kind", present = true }'
RULE = """
[[rule]]
id = "red.{number}"
severity = "error"
require = {require}
field = "kind"
missing = "is missing"
satisfied_by = "give it"
source = "Sample Act"
"""

_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**30),
    st.floats(),
    st.dates(),
    st.sampled_from(TEXTS),
)
_conditions = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(condition=_conditions)
@example({"is": {"path": "kind"}})
@example({"is": ["known"]})
@example({"path": "narratives[]", "words": ["word"]})
@example({"path": "narratives[]", "words": {"word": True}})
@example({"path": "offences[].maximum_penalty", "penalty_at_least": {"years": 10**30}})
@example({"path": ["kind"], "present": True})
def test_a_condition_is_compiled_or_refused_whatever_it_says(condition: Any) -> None:
    known = Vocabulary({"known": PRESENT, "x": condition}, {"word": ["Invented"]})
    try:
        holds = compile_condition(condition, NOTICE, known)
    except ValueError as error:
        assert str(error)
        return
    uses_words(condition, known)
    for kind in ("red", "yellow"):
        for document in load_vectors(f"notices/{kind}")["complete"].values():
            notice = ParseDict(document, pb.Notice())
            assert holds(notice, notice) in (True, False)


def said_of(text: str, name: str = "red.toml") -> list[str]:
    """What is said of a file, within a time that nobody notices."""
    started = time.monotonic()
    with pytest.raises(PolicyInvalid) as refused:
        policy_from_files({**builtin_policy().files, name: text})
    assert time.monotonic() - started < 5
    return [f"{v.field}: {v.description}" for v in refused.value.violations]


def rule(require: str, number: int = 0) -> str:
    return RULE.format(require=require, number=number)


@pytest.mark.parametrize(
    "require",
    ["{ is = { path = 'kind' } }", "{ is = ['a'] }", "{ path = 'kind', words = ['a'] }"],
)
def test_a_name_that_is_no_text_is_refused(require: str) -> None:
    [said] = said_of(rule(require))
    assert said.startswith("red.toml: rule[0].require")


@pytest.mark.parametrize("depth", [MAX_DEPTH, 60, 5_000])
def test_a_file_is_refused_when_its_conditions_are_too_deep(depth: int) -> None:
    assert said_of(rule("{ not = " * depth + KNOWN + " }" * depth))


def test_definitions_count_as_depth() -> None:
    chain = [f'd{n} = {{ is = "d{n + 1}" }}' for n in range(MAX_DEPTH)]
    text = "[definitions]\n" + "\n".join([*chain, f"d{MAX_DEPTH} = {KNOWN}"])
    assert f"deeper than {MAX_DEPTH}" in said_of(text + rule('{ is = "d0" }'))[0]


def test_a_file_is_refused_when_its_definitions_fan_out() -> None:
    levels = [f"d{n} = {{ all = [" + f'{{ is = "d{n + 1}" }},' * 9 + "] }" for n in range(8)]
    text = "[definitions]\n" + "\n".join([*levels, f"d8 = {KNOWN}"])
    assert any("conditions in all" in said for said in said_of(text + rule('{ is = "d0" }')))


def test_a_file_is_refused_when_it_looks_for_many_words_in_many_rules() -> None:
    words = [f"word{number}" for number in range(MAX_WORDS)]
    require = '{ not = { path = "narratives[]", words = "many" } }'
    rules = [rule(require, number).replace('"error"', '"warning"') for number in range(20)]
    said = said_of(f"[words]\nmany = {words}\n" + "".join(rules))
    assert any("conditions in all" in one for one in said)


def test_conditions_of_lists_within_lists_count_for_more() -> None:
    known = KNOWN.replace("kind", "/kind")
    some = '{ some = "/subjects[]", meets = ' * MAX_LISTS
    require = some + f"{{ all = [{', '.join([known] * 100)}] }}" + " }" * MAX_LISTS
    assert any("conditions in all" in one for one in said_of(rule(require)))


def test_a_file_is_refused_when_lists_lie_within_lists() -> None:
    lists = MAX_LISTS + 1
    some = '{ some = "/subjects[]", meets = ' * lists + '{ path = "/kind", present = true }'
    assert f"deeper than {MAX_LISTS}" in said_of(rule(some + " }" * lists))[0]


def test_a_file_is_refused_when_it_has_too_many_rules() -> None:
    text = "".join(rule(KNOWN, number) for number in range(MAX_RULES + 1))
    assert said_of(text) == [f"red.toml: rule: has more than {MAX_RULES} rules"]
    question = '[[question]]\nfield = "kind"\ntext = "?"\n' * (MAX_RULES + 1)
    review = builtin_policy().files["review.toml"]
    assert said_of(review + question, "review.toml") == [
        f"review.toml: question: are more than {MAX_RULES}"
    ]


@pytest.mark.parametrize("words", [["word"] * (MAX_WORDS + 1), ["w" * 101], [], [" "]])
def test_a_file_is_refused_when_a_list_of_words_is_too_long_or_empty(words: list[str]) -> None:
    [said] = said_of(f"[words]\nmany = {words}\n")
    assert said.startswith("red.toml: words.many")


@pytest.mark.parametrize(
    "text",
    [
        "a." * 100_000 + "a = 1",
        "[" + "a." * 100_000 + "a]",
        "a = " + "9" * 5_000,
        "a = " + "[" * 9_000,
        "# long\n" * 40_000,
    ],
    ids=["key", "table", "number", "list", "file"],
)
def test_a_file_is_refused_when_reading_it_would_cost_too_much(text: str) -> None:
    assert said_of(text)[0].startswith("red.toml")


def test_a_line_may_have_as_many_dots_as_a_rule_needs() -> None:
    text = rule(KNOWN) + "# " + "." * MAX_DOTS
    assert policy_from_files({**builtin_policy().files, "red.toml": text}).rules
