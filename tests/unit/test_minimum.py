"""The policy as data: what its files may say, what is refused, and how it reviews."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from agency_client.un_list import IssueTerms, first_version, load_list, parse_list
from comity.errors import LegalMinimumMissing, PolicyInvalid
from comity.minimum.policy import (
    FILE_NAMES,
    Policy,
    builtin_policy,
    load_policy,
    policy_from_files,
)
from comity.v1 import notices_pb2 as pb
from deploy.stage import EXAMPLES, ROOT
from tests.vectors import load_vectors

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LIST = ROOT.parent / "shared" / "data" / "un-consolidated-2018-10-29.xml"
GUIDE = ROOT / "docs" / "legal-minimum.md"
RULE = """
[[rule]]
id = "red.only"
severity = "error"
require = {require}
field = "case_reference"
missing = "is missing"
satisfied_by = "give it"
source = "Sample Act"
"""


def complete(kind: str, name: str) -> pb.Notice:
    return ParseDict(load_vectors(f"notices/{kind}")["complete"][name], pb.Notice())


def with_red(text: str) -> Policy:
    return policy_from_files({**builtin_policy().files, "red.toml": text})


def faults(text: str) -> list[str]:
    with pytest.raises(PolicyInvalid) as refused:
        with_red(text)
    return [violation.field for violation in refused.value.violations]


def test_every_error_is_named_at_once_with_rule_remedy_and_source() -> None:
    notice = complete("red", "prosecution")
    notice.ClearField("warrants")
    notice.ClearField("declaration")

    with pytest.raises(LegalMinimumMissing) as refused:
        builtin_policy().require_minimum(notice)

    said = {violation.field: violation.description for violation in refused.value.violations}
    assert set(said) == {
        "warrants",
        "declaration.not_of_excluded_character",
        "declaration.no_known_refugee_status",
        "declaration.not_compelled_as_victim",
    }
    assert "give the warrant" in said["warrants"]
    assert "arrest.basis" in said["warrants"]
    assert "article 83" in said["warrants"]


def test_warnings_do_not_block() -> None:
    notice = complete("red", "prosecution")
    notice.ClearField("precautions")

    builtin_policy().require_minimum(notice)

    assert [str(f.severity) for f in builtin_policy().findings(notice)] == ["warning"]


def test_a_threshold_is_replaced_by_a_file_of_the_hubs_own(tmp_path: Path) -> None:
    text = builtin_policy().files["red.toml"].replace("years = 2", "years = 6")
    (tmp_path / "red.toml").write_text(text, encoding="utf-8")
    policy = load_policy(tmp_path)

    found = [finding.rule_id for finding in policy.findings(complete("red", "prosecution"))]

    assert found == ["red.penalty_threshold"]
    assert policy.digest != builtin_policy().digest
    assert policy_from_files(policy.files).digest == policy.digest


def test_a_file_of_an_unknown_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pink.toml").write_text("")
    (tmp_path / "red.toml").write_bytes(b"\xff")

    with pytest.raises(PolicyInvalid) as refused:
        load_policy(tmp_path)
    assert [violation.field for violation in refused.value.violations] == ["red.toml"]

    (tmp_path / "red.toml").unlink()
    with pytest.raises(PolicyInvalid) as refused:
        load_policy(tmp_path)
    assert [violation.field for violation in refused.value.violations] == ["pink.toml"]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid):
        load_policy(tmp_path / "missing")


@pytest.mark.parametrize(
    "require",
    [
        '{ path = "nowhere", present = true }',
        '{ path = "subjects[].person.nmes", present = true }',
        '{ path = "kind[]", present = true }',
        '{ path = "kind", in = ["PINK"] }',
        '{ path = "kind", in = ["UNSPECIFIED"] }',
        '{ path = "case_reference", in = ["RED"] }',
        '{ path = "case_reference", before = "issued_at" }',
        '{ path = "issued_at", before = "case_reference" }',
        '{ path = "case_reference", at_least = 2 }',
        '{ path = "version", at_least = -1 }',
        '{ path = "subjects", count_at_most = "1" }',
        '{ path = "subjects", count_at_most = -1 }',
        '{ path = "case_reference", present = "yes" }',
        '{ path = "case_reference" }',
        '{ path = "case_reference", present = true, in = [] }',
        '{ path = "case_reference", words = "nothing" }',
        '{ path = "offences[].maximum_penalty", penalty_at_least = { weeks = 2 } }',
        '{ path = "offences[].maximum_penalty", penalty_at_least = { years = 1.5 } }',
        '{ path = "expires_at", years_after = { of = "issued_at" } }',
        '{ is = "nowhere" }',
        "{ all = [] }",
        "{ any = 1 }",
        '{ some = "case_reference", meets = { path = "kind", present = true } }',
        "7",
    ],
)
def test_a_condition_that_is_not_known_is_refused(require: str) -> None:
    assert faults(RULE.format(require=require)) == ["red.toml: rule[0].require"]


def test_a_definition_of_itself_is_refused() -> None:
    text = '[definitions]\nround = { not = { is = "round" } }\n'
    assert "red.toml: rule[0].require" in faults(text + RULE.format(require='{ is = "round" }'))


def test_everything_at_fault_in_a_file_is_named_at_once() -> None:
    good = RULE.format(require='{ path = "kind", present = true }')
    text = good.replace('"error"', '"fatal"') + good.replace("source", "sauce")
    text += good.replace("case_reference", "nowhere") + good + good + "\n[nonsense]\n"

    assert faults(text) == [
        "red.toml: nonsense",
        "red.toml: rule[0].severity",
        "red.toml: rule[1].sauce",
        "red.toml: rule[1].source",
        "red.toml: rule[2].field",
        "red.only",
    ]


def test_a_list_of_words_never_blocks() -> None:
    require = '{ path = "case_reference", words = "character" }'
    assert faults(RULE.format(require=require)) == ["red.toml: rule[0].severity"]
    with_red(RULE.format(require=require).replace('"error"', '"warning"'))
    hidden = f"[definitions]\nhidden = {require}\n"
    assert faults(hidden + RULE.format(require='{ not = { is = "hidden" } }')) == [
        "red.toml: rule[0].severity"
    ]


@pytest.mark.threat("T159")
def test_words_that_would_match_everything_are_refused() -> None:
    assert faults('[words]\nall = [""]\nnone = []\n') == [
        "red.toml: words.all",
        "red.toml: words.none",
    ]


@pytest.mark.threat("T159")
def test_a_condition_of_endless_depth_is_refused() -> None:
    deep = "{ not = " * 5_000 + '{ path = "kind", present = true }' + " }" * 5_000
    assert faults(RULE.format(require=deep))


@given(st.binary(max_size=400))
@pytest.mark.threat("T159")
def test_only_our_errors_come_out_whatever_a_file_holds(content: bytes) -> None:
    try:
        with_red(content.decode(errors="replace"))
    except PolicyInvalid as error:
        assert error.violations


@given(st.binary(max_size=300))
def test_findings_come_out_of_whatever_a_notice_holds(content: bytes) -> None:
    notice = pb.Notice()
    try:
        notice.ParseFromString(content)
    except Exception:
        notice.case_reference = "EXAMPLE"
    for kind in pb.NoticeKind.values():
        notice.kind = kind
        first, second = builtin_policy().findings(notice), builtin_policy().findings(notice)
        assert first == second
        assert bool(first) == bool(kind)


def test_a_warrant_of_the_same_day_is_none_after_the_notice_wherever_it_was_issued() -> None:
    notice = complete("red", "prosecution")
    notice.warrants[0].issued_on.CopyFrom(pb.CalendarDate(year=2026, month=11, day=25))

    assert builtin_policy().findings(notice) == []  # in Auckland it is the 25th already


def test_a_date_that_may_be_either_way_contradicts_nothing() -> None:
    notice = complete("red", "prosecution")
    person = notice.subjects[0].person
    del person.dates_of_birth[:]
    person.dates_of_birth.add(date=pb.CalendarDate(year=2008))  # 17 or 18

    assert builtin_policy().findings(notice) == []


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("red", "prosecution", (2, True, 100.0)),
        ("silver", "account", (1, True, 100.0)),
        ("diffusion", "arrest", (1, True, 100.0)),
        ("diffusion", "information", (1, False, 10.0)),
        ("yellow", "missing_child", (1, False, 10.0)),
        ("un_sanctions", "person", (1, False, 0.0)),
        ("object", "vehicle", (1, False, 0.0)),
    ],
)
def test_who_reviews_and_when_is_of_the_policy(
    kind: str, name: str, expected: tuple[int, bool, float]
) -> None:
    terms = builtin_policy().review(complete(kind, name))

    assert expected == (terms.reviewers, terms.is_before_publication, terms.sample_percent)
    assert terms.due > timedelta(0)


def test_a_reviewer_is_asked_what_no_program_can_judge() -> None:
    fields = [q.field for q in builtin_policy().questions(complete("red", "trafficking"))]

    assert "declaration.no_known_refugee_status" in fields
    assert "declaration.not_compelled_as_victim" in fields
    assert builtin_policy().questions(complete("object", "vehicle")) == []


def test_terms_of_review_have_to_hold_for_every_notice() -> None:
    text = (
        '[[terms]]\nkinds = ["RED"]\nreviewers = 9\n[[question]]\nfield = "nowhere"\ntext = "?"\n'
    )
    with pytest.raises(PolicyInvalid) as refused:
        policy_from_files({**builtin_policy().files, "review.toml": text})

    assert [v.field for v in refused.value.violations] == [
        "review.toml: terms[0]",
        "review.toml: question[0]",
        "review.toml: terms",
    ]


def listed(content: bytes | Path) -> list[pb.Notice]:
    edition = load_list(content) if isinstance(content, Path) else parse_list(content)
    terms = IssueTerms.live(NOW)
    return [first_version(subject, notice_id="", terms=terms) for subject in edition.subjects]


def test_whatever_an_import_of_the_list_makes_has_its_minimum() -> None:
    notices = listed((EXAMPLES / "un-list-sample.xml").read_bytes())
    assert notices
    for notice in notices:
        builtin_policy().require_minimum(notice)


@pytest.mark.skipif(not LIST.exists(), reason="the list is not part of the repository")
def test_whatever_the_list_itself_says_has_its_minimum() -> None:
    notices = listed(LIST)
    assert len(notices) > 600
    for notice in notices:
        builtin_policy().require_minimum(notice)


def test_the_guide_lists_every_rule_as_its_file_has_it() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| (error|warning)[^|]* \|", GUIDE.read_text(), re.M)

    assert [(rule.rule_id, str(rule.severity)) for rule in builtin_policy().rules] == rows


def test_every_file_of_the_policy_says_what_it_is_for() -> None:
    assert set(builtin_policy().files) == set(FILE_NAMES)
    assert all(text.startswith("# ") for text in builtin_policy().files.values())
