"""Explanations in a draft: dropped, and what was left empty beside them with them."""

from __future__ import annotations

import pytest

from agency_client.drafts import parse_draft
from agency_client.explained_json import parse_explained
from comity.errors import MalformedInput


def test_explanations_are_dropped_wherever_they_stand() -> None:
    text = '{"a": [{"//b": "why", "b": 1, "//": "again", "//": "twice"}], "c": ""}'

    assert parse_explained(text) == {"a": [{"b": 1}], "c": ""}


def test_what_is_empty_is_left_out_of_a_document_that_explains_itself() -> None:
    text = '{"//": "x", "a": null, "b": [{"c": "", "d": [{}]}], "e": {"f": 0, "g": false}, "h": {}}'

    assert parse_explained(text) == {"e": {"f": 0, "g": False}}


def test_what_is_empty_stays_in_a_document_that_does_not() -> None:
    assert parse_explained('{"a": {"//": "x", "b": []}, "c": {}}') == {"a": {"b": []}, "c": {}}


@pytest.mark.parametrize(
    "text", ['{"caseReference": "A", "caseReference": "B"}', '{"//": "x", "kind": 1, "kind": 1}']
)
def test_a_field_that_stands_twice_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="stands twice"):
        parse_draft(text)


def test_an_explanation_does_not_hide_a_name_that_no_field_has() -> None:
    with pytest.raises(MalformedInput) as refused:
        parse_draft('{"//": "x", "warnigns": [{"code": "WARNING_CODE_ARMED"}]}')

    assert [v.field for v in refused.value.violations] == ["warnigns"]
